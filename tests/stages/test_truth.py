"""The truth about a few tracks: a brute force over all rows, against one that is written here."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from soundalike.numeric.lattice import PRECISIONS, encode, quantize
from soundalike.numeric.scaling import normalize
from soundalike.stages import truth
from soundalike.stages.samples import sampled_rows
from soundalike.stages.truth import (
    Key,
    Nearest,
    Questions,
    _by_kind,
    _of_block,
    _of_partition,
    answered,
    kept_by_lattice,
    questions,
)

A, B, C = ("genre", "a"), ("genre", "b"), ("global", "*")
TOP_N = 9
ASKED = [0, 5, 110, 111, 399]
# A number that decides between tracks that tie, in another order than the ids.
NUMBERS = np.random.default_rng(7).permutation(400) - 200
SCHEMA = "scope string, block string, track_id string, listed boolean, lattice binary, units binary"


class Data:
    """Block a of 400 rows, 30 of them equal; b of the same rows, and every third is listed; c of one row."""

    def __init__(self, precision: str = "coarse") -> None:
        points = np.random.default_rng(2).normal(size=(400, 6))
        points[100:130] = points[5]
        self.precision = precision
        self.units, is_vector = normalize(points)
        self.lattice = quantize(self.units, is_vector, *PRECISIONS[precision])
        listed = {A: np.ones(400, dtype=bool), B: np.arange(400) % 3 == 0, C: np.ones(1, dtype=bool)}
        self.listed = listed
        self.rows = [
            {"scope": key[0], "block": key[1], "track_id": f"{key[1]}{i:03}", "lattice": encode(self.lattice[i]),
             "units": self.units[i].tobytes(), "listed": bool(one), "number": int(NUMBERS[i])}
            for key, flags in listed.items() for i, one in enumerate(flags)
        ]  # fmt: skip

    def asked(self, judging: int = 5) -> dict[Key, Questions]:
        found = {}
        for key in (A, B, C):
            at = [i for i in ASKED if i < len(self.listed[key])]
            ids = pa.array([f"{key[1]}{i:03}" for i in at])
            found[key] = Questions(ids, self.lattice[at], self.units[at], np.arange(len(at)) < judging)
        return found

    def expected(self, key: Key, kind: str, tie: np.ndarray) -> dict[int, list[tuple]]:
        """Per question its (id, D or 0, cosine), nearest first."""
        wide, found = self.lattice.astype(np.int64), {}
        rows = np.flatnonzero(self.listed[key])
        for number, i in enumerate(i for i in ASKED if i < len(self.listed[key])):
            others = rows[rows != i]
            distance = ((wide[i] - wide[others]) ** 2).sum(axis=1) // 2
            cosine = self.units[others] @ self.units[i]
            # Equal points have equal cosines; rounded, so that these sums tie too.
            by = distance if kind == "distance" else -np.round(cosine, 12)
            near = np.lexsort((tie[others], by))[:TOP_N]
            far = distance[near] if kind == "distance" else np.zeros(len(near), dtype=np.int64)
            names = [f"{key[1]}{j:03}" for j in others[near]]
            if names:
                found[number] = [*zip(names, far.tolist(), np.round(cosine[near], 12).tolist(), strict=True)]
        return found


def as_lists(nearest: Nearest) -> dict[int, list[tuple]]:
    found: dict[int, list[tuple]] = {}
    columns = nearest.ids.to_pylist(), nearest.distance.tolist(), np.round(nearest.cosine, 12).tolist()
    for number, *entry in zip(nearest.query.tolist(), *columns, strict=True):
        found.setdefault(number, []).append(tuple(entry))
    return found


def in_parts(data: Data, asked: dict[Key, Questions], parts: int, batch: int) -> dict[tuple[Key, str], dict]:
    return {key: as_lists(rows) for key, rows in nearest_in_parts(data, asked, parts, batch).items()}


def nearest_in_parts(data: Data, asked: dict[Key, Questions], parts: int, batch: int) -> dict[tuple[Key, str], Nearest]:
    random = np.random.default_rng(parts)
    rows = [data.rows[i] for i in random.permutation(len(data.rows)) if data.rows[i]["listed"]]
    part, lists = random.integers(0, parts, len(rows)), []
    for number in range(parts):
        mine = pa.Table.from_pylist([row for row, its in zip(rows, part, strict=True) if its == number])
        lists += _of_partition(mine.to_batches(batch), asked, TOP_N, data.precision)
    order = [(name, "ascending") for name in ("scope", "block", "kind", "query")]
    exchanged = pa.Table.from_batches(lists).sort_by(order).combine_chunks().to_batches(batch)
    merged = pa.Table.from_batches(_of_block(exchanged, TOP_N))
    return {(key, kind): rows for key, kind, rows in _by_kind(merged)}


@pytest.mark.parametrize("precision", ["coarse", "fine"])
@pytest.mark.parametrize(("parts", "batch", "chunk"), [(1, 10_000, 4096), (3, 37, 100), (7, 5, 1)])
def test_partitions_batches_and_order_change_nothing(
    monkeypatch: pytest.MonkeyPatch, precision: str, parts: int, batch: int, chunk: int
) -> None:
    monkeypatch.setattr(truth, "_CHUNK", chunk)
    data = Data(precision)
    expected = {
        (key, kind): data.expected(key, kind, NUMBERS) for key in (A, B) for kind in ("distance", "cosine")
    }  # fmt: skip

    # C has one row, so its question has no neighbor.
    assert in_parts(data, data.asked(), parts, batch) == expected


def test_cosines_are_of_the_judging_questions_alone() -> None:
    data = Data()
    found = in_parts(data, data.asked(judging=2), 2, 100)

    whole = data.expected(A, "cosine", NUMBERS)
    assert found[A, "cosine"] == {number: whole[number] for number in (0, 1)}
    assert found[A, "distance"] == data.expected(A, "distance", NUMBERS)
    assert (A, "cosine") not in in_parts(data, data.asked(judging=0), 2, 100)


@pytest.mark.parametrize(("parts", "batch"), [(1, 10_000), (3, 37)])
def test_of_the_tuning_questions_neighbors_the_rows_are_brought_too(parts: int, batch: int) -> None:
    data = Data()
    found = nearest_in_parts(data, data.asked(judging=2), parts, batch)
    for key in (A, B):
        near = found[key, "distance"]
        at = [int(name[1:]) for name, query in zip(near.ids.to_pylist(), near.query, strict=True) if query >= 2]
        assert len(at) == 3 * TOP_N
        np.testing.assert_array_equal(near.lattice, data.lattice[at])
        assert len(found[key, "cosine"].lattice) == 0
    assert len(nearest_in_parts(data, data.asked(judging=5), parts, batch)[A, "distance"].lattice) == 0


def test_the_share_of_neighbors_that_the_lattice_keeps() -> None:
    none = np.empty((0, 0), dtype=np.int16)

    def nearest(query: list[int], ids: str) -> Nearest:
        far = np.zeros(len(query), dtype=np.int64)
        return Nearest(np.array(query), pa.array(list(ids)), far, far.astype(float), none)

    # Of question 0 one of two, of question 1 two of two: p is near the other question only. Question 2 is not judged.
    found = {
        (A, "distance"): nearest([0, 0, 1, 1, 2, 2], "qrpstu"),
        (A, "cosine"): nearest([0, 0, 1, 1], "qpsp"),
        (B, "distance"): nearest([0], "x"),
        (C, "distance"): nearest([0], "y"),
        (C, "cosine"): nearest([0], "z"),
    }
    assert kept_by_lattice(found) == {A: 0.75, C: 0.0}


def test_questions_of_several_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Data().asked()
    assert [list(part) for part in truth._passes(asked)] == [[A, B, C]]
    # 5 questions of 6 values, twice, and one.
    monkeypatch.setattr(truth, "_VALUES", 36)
    assert [list(part) for part in truth._passes(asked)] == [[A], [B, C]]
    monkeypatch.setattr(truth, "_VALUES", 1)
    assert [list(part) for part in truth._passes(asked)] == [[A], [B], [C]]
    assert list(truth._passes({})) == []


@pytest.fixture(scope="module")
def frame(spark: Any) -> Any:
    names = [name.split()[0] for name in SCHEMA.split(", ")]
    return spark.createDataFrame([tuple(row[name] for name in names) for row in Data().rows], SCHEMA)


@pytest.mark.spark
def test_the_truth_of_a_table(frame: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Data()
    hashes = {row.track_id: row.number for row in frame.selectExpr("track_id", "xxhash64(track_id) number").collect()}
    expected = {}
    for key in (A, B):
        tie = np.array([hashes[f"{key[1]}{i:03}"] for i in range(400)])
        expected |= {(key, kind): data.expected(key, kind, tie) for kind in ("distance", "cosine")}

    def found(rows: Any, tasks: int) -> dict:
        nearest = answered(rows, data.asked(), TOP_N, "coarse", tasks)
        return {key: as_lists(lists) for key, lists in nearest.items()}

    assert found(frame, 1) == expected
    monkeypatch.setattr(truth, "_VALUES", 36)
    assert found(frame.repartition(3, "units"), 4) == expected


def asked_of(frame: Any, blocks: Any, judging: int, tuning: int) -> dict:
    return questions(sampled_rows(frame, blocks, 50, judging, 3, tuning, 4), judging, tuning)


@pytest.mark.spark
def test_questions_are_those_of_the_smallest_keyed_hashes(spark: Any, frame: Any) -> None:
    families = [(*A, 400, "kmeans_overlap"), (*B, 400, "hyperplane"), (*C, 1, "exact")]
    blocks = spark.createDataFrame(families, "scope string, block string, rows bigint, family string")
    hashed = frame.selectExpr("block", "track_id", "xxhash64(3L, track_id) judging", "xxhash64(4L, track_id) tuning")
    rows = [row for row in hashed.collect() if row.block == "a"]
    judging = sorted(row.track_id for row in sorted(rows, key=lambda row: row.judging)[:30])
    others = sorted((row for row in rows if row.track_id not in judging), key=lambda row: row.tuning)
    tuning = [row.track_id for row in others[:20]]
    # What matters: some of the smallest by the other seed are judged, so the tuning goes on to others.
    assert len({row.track_id for row in sorted(rows, key=lambda row: row.tuning)[:20]} & set(judging)) > 0

    found = asked_of(frame.repartition(3, "units"), blocks, 30, 20)

    mine = found[A]
    assert mine.ids.to_pylist() == sorted([*judging, *tuning])
    assert mine.ids.filter(pa.array(mine.judging)).to_pylist() == judging
    at, data = [int(name[1:]) for name in mine.ids.to_pylist()], Data()
    np.testing.assert_array_equal(mine.lattice, data.lattice[at])
    np.testing.assert_array_equal(mine.units, data.units[at])
    # Only cells are tuned; of a block of few rows all are asked.
    assert (len(found[B].ids), found[B].judging.all()) == (30, True)
    assert (found[C].ids.to_pylist(), found[C].judging.tolist()) == (["*000"], [True])


@pytest.mark.spark
def test_where_all_rows_are_judged_none_is_left_to_tune_by(spark: Any, frame: Any) -> None:
    blocks = spark.createDataFrame(
        [(*A, 400, "kmeans_overlap")], "scope string, block string, rows bigint, family string"
    )

    found = asked_of(frame, blocks, 1000, 20)

    assert list(found) == [A]
    assert (len(found[A].ids), found[A].judging.all()) == (400, True)
    most = asked_of(frame, blocks, 390, 20)[A]
    assert (len(most.ids), int(most.judging.sum())) == (400, 390)
    assert asked_of(frame, blocks, 390, 0)[A].judging.all()
