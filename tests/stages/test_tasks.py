"""The large stage: wherever buckets are, and in whatever order rows come, the lists are those of a double loop."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from soundalike.numeric.cells import KmeansOverlap
from soundalike.numeric.families import Exact, Hyperplane
from soundalike.numeric.lattice import PRECISIONS, Lattice, encode, to_lattice
from soundalike.numeric.plan import CellTasks, Plan
from soundalike.numeric.routing_keys import keys
from soundalike.stages import tasks
from soundalike.stages.ids import Ids
from soundalike.stages.models import Block
from soundalike.stages.tasks import Search, _answer, _merge, _to_tasks, merged_lists, partial_lists, search_of

TOP_N = 7
SCHEMA = "scope string, block string, track_id string, listed boolean, lattice binary"


class Data:
    """Rows of five blocks and how they are searched: planes, cells, two exact ones, and one of a single row."""

    def __init__(self, precision: str, packed: bool, catalog: float | None) -> None:
        random = np.random.default_rng(9)
        points = random.normal(size=(6, 5))[random.integers(0, 6, 300)] + 0.4 * random.normal(size=(300, 5))
        # Atoms: 50 equal rows, all in one bucket of every table, and 8 more.
        points[:50], points[100:108] = points[0], points[100]
        scale, dtype = PRECISIONS[precision]
        whole = to_lattice(points, scale, dtype)[0]
        self.precision, self.ids = precision, Ids(packed)
        parts = {
            ("genre", "cells"): whole[:240], ("genre", "planes"): whole, ("genre", "rest"): whole[200:290],
            ("global", "one"): whole[:1], ("global", "rest"): whole[40:95],
        }  # fmt: skip
        models: dict[str, Any] = {
            "cells": KmeansOverlap.fit(whole[:240], leaf=8, e=20, least=1, most=4),
            "planes": Hyperplane.fit(whole, 32_768, 2022),
        }
        self.rows: list[dict[str, Any]] = []
        self.blocks: list[Block] = []
        for key, lattice in parts.items():
            names = [str(uuid.UUID(bytes=random.bytes(16))) if packed else text(random) for _ in lattice]
            listed = np.ones(len(lattice), dtype=bool) if catalog is None else random.random(len(lattice)) < catalog
            hashes = random.integers(-(2**63), 2**63, len(lattice))
            self.rows += [
                {"scope": key[0], "block": key[1], "track_id": name, "hash": number, "listed": one,
                 "lattice": encode(row)}
                for name, number, one, row in zip(names, hashes.tolist(), listed.tolist(), lattice, strict=True)
            ]  # fmt: skip
            model = models.get(key[1], Exact({}, lattice[:0]))
            sizes = np.maximum(np.bincount(model.assign(lattice)[1], minlength=model.buckets), 1)
            self.blocks.append(Block(*key, len(lattice), int(listed.sum()), model, sizes, 0.0))

    def search(self, factor: int = 1, parallelism: int = 1, name: str | None = None) -> Search:
        """As if the blocks, or those of this name, had `factor` times the rows."""
        inflated = []
        for block in self.blocks:
            times = factor if name in (None, block.name) else 1
            sizes, rows, listed = block.sizes * times, block.rows * times, block.listed * times
            inflated.append(replace(block, rows=rows, listed=listed, sizes=sizes, predicted=float(sizes.sum()) ** 2))
        made = search_of(inflated, self.ids, TOP_N, self.precision, parallelism)
        return replace(made, blocks=tuple(self.blocks))

    def dealt(self, count: int, most_parts: int, seed: int) -> Search:
        """Each bucket in parts that are in tasks of a draw."""
        random = np.random.default_rng(seed)
        where = []
        for block in self.blocks:
            parts = [random.integers(0, count, random.integers(1, most_parts + 1)) for _ in range(block.model.buckets)]
            held = [np.unique(part) for part in parts]
            ends = [np.cumsum([0, *map(len, each)]) for each in (parts, held)]
            where.append(CellTasks(ends[0], np.concatenate(parts), ends[1], np.concatenate(held)))
        plan = Plan(np.ones(count, dtype=np.int64), tuple(where))
        return Search(tuple(self.blocks), plan, keys(count), self.ids, TOP_N, self.precision)

    def expected(self) -> dict[tuple[int, str], tuple]:
        """Per position of the block and track: neighbors and their D, how many it is owed, how many were compared."""
        found = {}
        for number, block in enumerate(self.blocks):
            rows = [row for row in self.rows if (row["scope"], row["block"]) == block.key]
            lattice = np.array([np.frombuffer(row["lattice"], dtype="<i2") for row in rows]).astype(np.int64)
            is_in = np.zeros((len(rows), block.model.buckets), dtype=np.int64)
            is_in[block.model.assign(lattice.astype(np.int16))] = 1
            meets = is_in @ is_in.T > 0
            distance = ((lattice[:, np.newaxis] - lattice) ** 2).sum(axis=2) // 2
            for i, row in enumerate(rows):
                met = [j for j in np.flatnonzero(meets[i]) if j != i and rows[j]["listed"]]
                near = sorted((int(distance[i, j]), rows[j]["track_id"].encode()) for j in met)[:TOP_N]
                owed = min(TOP_N, sum(other["listed"] for other in rows) - row["listed"])
                listed = [(name.decode(), far) for far, name in near]
                found[number, row["track_id"]] = listed, owed, len(met)
        return found


def text(random: np.random.Generator) -> str:
    letters = list("ABab~éß�\U0001d11e")
    return "".join(random.choice(letters, random.integers(5, 30)).tolist())


def partials_of(data: Data, search: Search, batch: int, seed: int) -> pa.Table:
    order = np.random.default_rng(seed).permutation(len(data.rows))
    given = pa.Table.from_pylist([data.rows[i] for i in order]).to_batches(batch)
    copies = pa.Table.from_batches(_to_tasks(given, search))
    assert set(copies["key"].to_pylist()) <= set(search.keys.tolist())
    found = []
    for key in search.keys.tolist():
        mine = copies.filter(pa.compute.equal(copies["key"], key))
        found += _answer(exchanged(mine, batch, "block", "id"), search)
    return pa.Table.from_batches(found)


def exchanged(rows: pa.Table, size: int, *by: str) -> list[pa.RecordBatch]:
    """What a shuffle to one partition, sorted, hands on."""
    return rows.sort_by([(key, "ascending") for key in by]).combine_chunks().to_batches(size)


def final(partials: pa.Table, search: Search, batch: int, partitions: int) -> list[dict[str, Any]]:
    """All final lists, merged in so many partitions."""
    single = pa.compute.equal(partials["copies"], 1)
    rows = partials.filter(single).to_pylist()
    several = partials.filter(pa.compute.invert(single))
    lands = pa.array([len(one) + one[-1] for one in several["id"].to_pylist()], pa.int64())
    for number in range(partitions):
        mine = several.filter(pa.compute.equal(pa.array(lands.to_numpy() % partitions), number))
        for merged in _merge(exchanged(mine, batch, "block", "id"), search):
            rows += merged.to_pylist()
    return rows


def as_found(rows: list[Any], ids: Ids) -> dict[tuple[int, str], tuple]:
    found = {}
    for row in rows:
        columns = [pa.array([bytes(row[name])], pa.binary()) for name in ("id", "ids", "sizes")]
        neighbors = ids.decode(ids.from_lists(*columns[1:])).to_pylist()
        far = np.frombuffer(row["distances"], dtype="<i4").tolist()
        key = row["block"], ids.decode(columns[0])[0].as_py()
        assert key not in found
        found[key] = list(zip(neighbors, far, strict=True)), row["owed"], row["compared"]
    return found


CASES = [("coarse", False, None), ("coarse", True, 0.3), ("fine", True, None), ("fine", False, 0.05)]


@pytest.fixture(
    scope="module", params=CASES, ids=["texts", "uuids in a catalog", "fine uuids", "fine texts in a catalog"]
)
def data(request: pytest.FixtureRequest) -> tuple[Data, Mapping]:
    made = Data(*request.param)
    return made, made.expected()


def searches(data: Data) -> Iterator[tuple[Search, int]]:
    """Searches with many ways to cut the blocks, and rows of a batch."""
    yield data.search(), 10_000
    yield data.search(2000, 1), 64
    # Two exact blocks make up nearly all of the cost: their queries are split.
    yield data.search(3000, 3, "rest"), 333
    yield data.dealt(2, 1, 5), 7
    yield data.dealt(11, 4, 6), 1000


def test_tasks_batches_and_order_change_nothing(data: tuple[Data, Mapping]) -> None:
    made, expected = data
    cut, several, split = [], [], []
    for seed, (search, batch) in enumerate(searches(made)):
        partials = partials_of(made, search, batch, seed)
        assert as_found(final(partials, search, batch, 1 + seed), made.ids) == expected
        cut.append(search.tasks)
        several.append(max(partials["copies"].to_pylist()))
        split.append(any((np.diff(where.task_offsets) > 1).any() for where in search.plan.blocks))
    # One task; one for 250,000 rows sent: 2,000 times 1.5 of 300, 1 to 1.2 of 240, 1 of 146; as many as are dealt to.
    assert (cut[:2], cut[2] > 8, cut[3:]) == ([1, 6], True, [2, 11])
    # Rows that several tasks answer; buckets that several tasks hold.
    assert [most > 1 for most in several] == [False, True, False, True, True]
    assert (split[0], split[2], split[4]) == (False, True, True)


def test_lists_that_are_short_stay_short(data: tuple[Data, Mapping]) -> None:
    _, expected = data
    # Cells do not find all that an exact search would: the count of lists owed does not follow what was found.
    assert any(len(listed) < owed for listed, owed, _ in expected.values())
    assert expected[3, next(track for block, track in expected if block == 3)] == ([], 0, 0)


def test_merging_keeps_each_neighbor_once_by_distance_then_id() -> None:
    ids = Ids(False)
    search = Search((), Plan(np.ones(2, dtype=np.int64), ()), keys(2), ids, 3, "coarse")
    lists = [("p", [("b", 1), ("d", 4)], 5), ("p", [("a", 4), ("c", 4), ("d", 4)], 6), ("p", [("b", 1)], 1),
             ("q", [], 0), ("q", [], 0)]  # fmt: skip
    rows = pa.table(
        {
            "block": pa.array([2] * 5, pa.int32()),
            "id": [track.encode() for track, _, _ in lists],
            "copies": pa.array([3, 3, 3, 2, 2], pa.int32()),
            "ids": ["".join(name for name, _ in near).encode() for _, near, _ in lists],
            "sizes": [np.ones(len(near), dtype="<i4").tobytes() for _, near, _ in lists],
            "distances": [np.array([far for _, far in near], dtype="<i4").tobytes() for _, near, _ in lists],
            "owed": pa.array([3, 3, 3, 2, 2], pa.int32()),
            "compared": [compared for _, _, compared in lists],
        }
    )
    for batch in (1, 2, 5):
        merged = [row for one in _merge(rows.to_batches(batch), search) for row in one.to_pylist()]
        assert [(row["id"], row["block"], row["copies"]) for row in merged] == [(b"p", 2, 3), (b"q", 2, 2)]
        assert as_found(merged, ids) == {(2, "p"): ([("b", 1), ("a", 4), ("c", 4)], 3, 12), (2, "q"): ([], 2, 0)}
    assert list(_merge([], search)) == []


def test_a_plan_grows_with_cost_and_cores() -> None:
    def tasks_of(rows: int, listed: int, parallelism: int) -> int:
        block = Block("global", "*", rows, listed, Exact({}, NOTHING), np.array([rows]), float(rows) * listed)
        return search_of([block], Ids(True), TOP_N, "coarse", parallelism).tasks

    # 4 per core; one for each 1e8 pairs if these are fewer; one for each 250,000 rows if these are more.
    assert tasks_of(1_000_000, 1_000_000, 2) == 8
    assert tasks_of(15_000, 15_000, 2) == 2
    assert tasks_of(15_000, 5_000, 2) == 1
    assert tasks_of(5_000_000, 5_000_000, 2) == 20
    assert tasks_of(1, 1, 2) == 1


NOTHING: Lattice = np.empty((0, 4), dtype=np.int16)


def test_positions_of_blocks_are_those_of_the_search() -> None:
    search = Data("coarse", False, None).search()
    found = search.position_of(pa.array(["global", "genre", "genre"]), pa.array(["rest", "rest", "cells"]))
    assert found.tolist() == [4, 2, 0]


def test_rows_that_land_in_another_partition_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = Data("coarse", False, None)
    monkeypatch.setattr(tasks, "TaskContext", SimpleNamespace(get=lambda: SimpleNamespace(partitionId=lambda: 1)))
    with pytest.raises(RuntimeError, match="rows of task 0 came to partition 1: Spark places keys in another way"):
        partials_of(data, data.search(), 100, 1)


@pytest.mark.spark
def test_partitions_and_cores_change_nothing(spark: Any) -> None:
    data = Data("coarse", True, 0.3)
    expected = data.expected()
    frame = spark.createDataFrame([tuple(row[name.split()[0]] for name in SCHEMA.split(", ")) for row in data.rows],
                                  SCHEMA)  # fmt: skip
    # (search, partitions of the input, rows of an Arrow batch, entries of the merge)
    for search, parts, batch, entries in [(data.dealt(5, 3, 2), 3, 10_000, 1), (data.search(), 1, 64, 6_000_000)]:
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", batch)
        try:
            partials = partial_lists(frame.repartition(parts, "lattice"), search).persist()
            rows = partials.where("copies = 1").collect() + merged_lists(partials, search, entries).collect()
        finally:
            spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
        assert as_found(rows, data.ids) == expected
        partials.unpersist()

    turned = replace(data.dealt(5, 3, 2), keys=keys(5)[::-1].copy())
    with pytest.raises(Exception, match="Spark places keys in another way"):
        partial_lists(frame, turned).collect()
