"""Blocks that are cut: wherever the cuts are, and in whatever order rows come, the answers are the same."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from soundalike.numeric.compared import compared
from soundalike.numeric.families import Hyperplane
from soundalike.numeric.kernel import nearest
from soundalike.numeric.lattice import encode, similarity, to_lattice
from soundalike.stages.eligibility import blocks_of
from soundalike.stages.models import fitted_models, with_methods
from soundalike.stages.neighbors import repeated_tracks
from soundalike.stages.pieces import Route, _answer_pieces, _merge, _to_pieces, answers_across_pieces, routes_of

TOP_N = 7
COLUMNS = ("scope", "block", "track_id", "recording_key", "members", "lattice")
SCHEMA = "scope string, block string, track_id string, recording_key string, members array<string>, lattice binary"


@pytest.fixture(scope="module")
def lattice() -> np.ndarray:
    """300 rows, the first 50 of them equal."""
    random = np.random.default_rng(9)
    points = random.normal(size=(6, 5))[random.integers(0, 6, 300)] + 0.4 * random.normal(size=(300, 5))
    points[:50] = points[0]
    return to_lattice(points)[0]


def rows_of(block: str, lattice: np.ndarray) -> list[tuple]:
    """Rows of `eligibility.representatives`; ids in the order of the rows."""
    return [
        ("global", block, f"{block}{i:03}", f"{block}{i:03}", [f"{block}{i:03}", f"{block}{i:03}+"], encode(row))
        for i, row in enumerate(lattice)
    ]


def test_cuts_batches_and_order_change_nothing(lattice: np.ndarray) -> None:
    # Block a of 300 rows with six bits to a table, b of 90 rows, c of one.
    data = [*rows_of("a", lattice), *rows_of("b", lattice[30:120]), *rows_of("c", lattice[:1])]
    blocks = {"a": (lattice, 32_768), "b": (lattice[30:120], 90), "c": (lattice[:1], 1)}
    fitted = {block: Hyperplane.fit(rows, stated, 2022) for block, (rows, stated) in blocks.items()}
    expected = []
    for block, (rows, _) in blocks.items():
        found, distance, counts = nearest(rows, fitted[block].assign(rows), TOP_N)
        buckets = fitted[block].assign(rows)[1].reshape(-1, 32)
        met = compared(buckets, np.ones(buckets.shape, dtype=bool))
        for i in range(len(rows)):
            listed = [(f"{block}{j:03}", s) for j, s in zip(found[i], similarity(distance[i]), strict=True)][
                : counts[i]
            ]
            name = f"{block}{i:03}"
            expected.append(("global", block, name, [name, f"{name}+"], listed, int(met[i])))

    random = np.random.default_rng(1)
    # (pieces of each block, rows of a batch)
    for cut, batch in [((1, 1, 1), 10_000), ((5, 2, 1), 7), ((77, 32, 3), 64)]:
        first = np.cumsum([0, *cut])
        routes = {
            ("global", block): Route(fitted[block], len(blocks[block][0]), int(first[i]), cut[i])
            for i, block in enumerate(blocks)
        }
        shuffled = [dict(zip(COLUMNS, data[i], strict=True)) for i in random.permutation(len(data))]
        copies = _to_pieces(pa.Table.from_pylist(shuffled).to_batches(batch), routes)
        partials = _answer_pieces(exchanged(copies, batch, "piece", "track_id"), routes, TOP_N)
        answers = _merge(exchanged(partials, batch, "scope", "block", "track_id"), TOP_N)
        found = [row for one in answers for row in one.to_pylist()]
        for row in found:
            row["neighbors"] = [tuple(neighbor.values()) for neighbor in row["neighbors"]]
        assert sorted(tuple(row.values()) for row in found) == expected


def exchanged(batches: Iterable[pa.RecordBatch], size: int, *keys: str) -> list[pa.RecordBatch]:
    """What a shuffle to one partition, sorted by `keys`, hands on."""
    rows = pa.Table.from_batches(list(batches)).sort_by([(key, "ascending") for key in keys])
    return rows.combine_chunks().to_batches(size)


@pytest.mark.spark
def test_partitions_and_cores_change_nothing(spark: Any, lattice: np.ndarray) -> None:
    frame = spark.createDataFrame(rows_of("a", lattice), SCHEMA)
    model = Hyperplane.fit(lattice, 4096, 2022)

    def answers(pieces: int, parts: int, parallelism: int) -> list:
        routes = {("global", "a"): Route(model, 300, 0, pieces)}
        found = answers_across_pieces(frame.repartition(parts, "track_id"), routes, TOP_N, parallelism)
        return sorted(found.collect(), key=lambda row: row.track_id)

    expected = answers(1, 1, 1)
    assert len(expected) == 300
    assert answers(13, 3, 2) == expected


@pytest.mark.spark
def test_models_are_fitted_per_block_and_routed(spark: Any, lattice: np.ndarray) -> None:
    frame = spark.createDataFrame([*rows_of("a", lattice), *rows_of("b", lattice[30:120])], SCHEMA)
    blocks = with_methods(blocks_of(frame), "auto", 100)
    assert {row.block: row.method for row in blocks.collect()} == {"a": "hyperplane", "b": "exact"}
    assert {row.method for row in with_methods(blocks_of(frame), "exact", 100).collect()} == {"exact"}

    def fitted(parts: int, tasks: int, method: str = "hyperplane") -> list:
        given = with_methods(blocks_of(frame), method, 100)
        models = fitted_models(frame.repartition(parts, "lattice"), given, 2022, {"top_n": "7"}, tasks)
        return sorted(models.collect(), key=lambda row: row.block)

    models = fitted(1, 1)
    assert fitted(3, 2) == models
    alone = Hyperplane.fit(lattice, 300, 2022)
    assert [(row.block, row.rows, row.family) for row in models] == [("a", 300, "hyperplane"), ("b", 90, "hyperplane")]
    assert [bytes(center) for center in models[0].centers] == [encode(alone.centers[0])]
    assert models[0].parameters == alone.parameters | {"top_n": "7"}
    assert fitted(2, 2, "auto") == models[:1]

    # 300 rows in 32 tables are 9,600 copies; 90 rows 2,880; a block of more rows than a piece may hold is cut in each table.
    cut = {block: (route.first, route.pieces) for (_, block), route in routes_of(models, 1000, 1000).items()}
    assert cut == {"a": (0, 10), "b": (10, 3)}
    finer = {block: (route.first, route.pieces) for (_, block), route in routes_of(models, 200, 10_000).items()}
    assert finer == {"a": (0, 64), "b": (64, 1)}


@pytest.mark.spark
def test_a_track_that_stands_twice_is_found(spark: Any, lattice: np.ndarray) -> None:
    data = rows_of("a", lattice[:3])
    assert repeated_tracks(spark.createDataFrame(data, SCHEMA)).collect() == []
    other = ("global", "a", "x", "x", ["x", "a001+"], encode(lattice[4]))
    assert [tuple(row) for row in repeated_tracks(spark.createDataFrame([*data, other], SCHEMA)).collect()] == [
        ("global", "a", "a001+")
    ]
