"""Which rows of a table something is fitted on, and that nothing fitted depends on where they lie."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from soundalike.numeric.families import Hyperplane
from soundalike.numeric.lattice import Lattice, encode, to_lattice
from soundalike.stages import samples
from soundalike.stages.models import Cells, fitted, tunings, with_families
from soundalike.stages.samples import sampled_rows
from soundalike.stages.truth import Nearest, Questions

pytestmark = pytest.mark.spark

A, B = ("genre", "a"), ("genre", "b")
ONE = Cells(leaf=(50,), e=(28,), most=(8,), least=2, iterations=8, floor=0.98, or_exact=True)


def clustered(rows: int) -> Lattice:
    random = np.random.default_rng([4, rows])
    points = random.normal(size=(20, 6))[random.integers(0, 20, rows)] + 0.1 * random.normal(size=(rows, 6))
    return to_lattice(points)[0]


@pytest.fixture(scope="module")
def frame(spark: Any) -> Any:
    """Representatives of a block a of 700 rows, b of 300 and c of 50."""
    data = [
        ("genre", block, f"{block}{i:03}", i % 2 == 0, encode(row), b"") for block, count in (("a", 700), ("b", 300),
        ("c", 50)) for i, row in enumerate(clustered(count))
    ]  # fmt: skip
    schema = "scope string, block string, track_id string, listed boolean, lattice binary, units binary"
    return spark.createDataFrame(data, schema)


BLOCKS = "scope string, block string, rows bigint, listed bigint"


def test_families_by_the_pairs_of_a_block(spark: Any) -> None:
    sizes = [("genre", "large", 101, 100), ("genre", "at", 100, 100), ("genre", "catalog", 1000, 10),
             ("genre", "more", 1000, 11)]  # fmt: skip
    blocks = spark.createDataFrame(sizes, BLOCKS)

    assert {row.block: row.family for row in with_families(blocks, "auto", 100).collect()} == {
        "large": "kmeans_overlap", "at": "exact", "catalog": "exact", "more": "kmeans_overlap",
    }  # fmt: skip
    assert {row.family for row in with_families(blocks, "hyperplane", 100).collect()} == {"hyperplane"}


def test_samples_are_shares_of_the_hashes(spark: Any, frame: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SAMPLE_ROWS", 100)
    families = [
        (*A, 700, 350, "kmeans_overlap"),
        (*B, 300, 150, "hyperplane"),
        ("genre", "c", 50, 25, "kmeans_overlap"),
    ]
    blocks = spark.createDataFrame(families, BLOCKS + ", family string")
    hashed = frame.selectExpr("block", "track_id", "xxhash64(track_id) number").collect()
    share = {row.track_id: (row.block, row.number / 2**64 + 0.5) for row in hashed}

    taken = sampled_rows(frame, blocks, 200, 0, 1, 0, 2022).collect()

    # a: 64 of 200 rows are fitted on, 100 of 700 held out. b: 100 of 300 fitted on. c: half of its rows each.
    bounds = {"a": (0.32, 0.32 + 100 / 700), "b": (1 / 3, 1 / 3), "c": (0.5, 3.0)}
    assert not any(row.is_asked or (row.is_fitted and row.is_held_out) for row in taken)
    assert {row.track_id: row.is_held_out for row in taken} == {
        track: part >= bounds[block][0] for track, (block, part) in share.items() if part < bounds[block][1]
    }
    assert {(row.block, row.rows, row.family) for row in taken} == {(f[1], f[2], f[4]) for f in families}


def test_partitions_and_tasks_change_no_model(spark: Any, frame: Any) -> None:
    families = [(*A, 700, 350, "kmeans_overlap"), (*B, 300, 150, "hyperplane"), ("genre", "c", 50, 25, "exact")]
    blocks = spark.createDataFrame(families, BLOCKS + ", family string")

    def found(parts: int, tasks: int) -> list:
        taken = sampled_rows(frame.repartition(parts, "lattice"), blocks, 50, 30, 1, 20, 2022)
        return sorted(fitted(taken, {}, {}, ONE, 2022, tasks).collect(), key=lambda row: row.block)

    expected = found(1, 1)
    assert [(row.block, row.family) for row in expected] == [("a", "kmeans_overlap"), ("b", "hyperplane")]
    assert expected[1].parameters == Hyperplane.fit(clustered(300), 300, 2022).parameters
    assert [bytes(c) for c in expected[1].centers] == [encode(Hyperplane.fit(clustered(300), 300, 2022).centers[0])]
    assert found(3, 2) == expected


def test_tunings_hold_the_rows_that_truth_names() -> None:
    lattice = clustered(700)

    def asked(at: list[int], judging: list[bool]) -> Questions:
        ids = pa.array([f"{i:03}" for i in at])
        return Questions(ids, lattice[at], np.empty((len(at), 6)), np.array(judging))

    def nearest(rows: list[int]) -> Nearest:
        none = np.zeros(0, dtype=np.int64)
        return Nearest(none, pa.array([], pa.string()), none, np.zeros(0), lattice[rows])

    questions = {A: asked([4, 7, 9], [False, True, False]), B: asked([1, 2], [True, False]),
                 ("genre", "c"): asked([3], [True])}  # fmt: skip
    # The question of b has one neighbor too few.
    truth = {
        (A, "distance"): nearest([699, 4, 0, 699]),
        (B, "distance"): nearest([3]),
        (("genre", "c"), "distance"): nearest([]),
    }

    found = tunings(questions, truth, 2)

    assert list(found) == [A]
    np.testing.assert_array_equal(found[A].questions, lattice[[4, 9]])
    np.testing.assert_array_equal(found[A].neighbors, lattice[[699, 4, 0, 699]])
    assert tunings(questions, {}, 2) == {}
