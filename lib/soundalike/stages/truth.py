"""What the lists of a few tracks of each block should be, by brute force: questions go to all rows, never the reverse.

    questions -> nearest rows of each partition -> nearest rows of the block

The questions are two samples of each block that have no track in common: one to tune the search by, one to judge it by.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from soundalike.numeric.cells import KmeansOverlap
from soundalike.numeric.lattice import Lattice
from soundalike.numeric.shortlist import Floats, Ints, Kept, Shortlist, smallest
from soundalike.stages import arrays
from soundalike.stages.eligibility import BLOCK

Key = tuple[str, str]

# Rows of a block that are compared at a time; fewer are kept until there are as many.
_CHUNK = 4096
# Questions of one pass over the rows, in values of their vectors: 8 bytes each, in every task.
_VALUES = 2**23

_LISTS = (
    "scope string, block string, query int, kind string, ids array<string>, keys binary, numbers binary, "
    "cosines binary, lattices binary"
)


@dataclass(frozen=True)
class Questions:
    """The questions of one block, in id order."""

    ids: pa.StringArray
    lattice: Lattice
    units: Floats
    judging: npt.NDArray[np.bool_]  # those of the certificate; the others are of the tuning


@dataclass(frozen=True)
class Nearest:
    """The nearest tracks of the questions of one block, by D or by cosine: entries sorted by question, key, id.

    `distance`: of lists by D, else 0. `lattice` (n, d + 1): of the entries by D of tuning questions, one after another.
    """

    query: Ints
    ids: pa.StringArray
    distance: Ints
    cosine: Floats
    lattice: Lattice


def questions(sampled: DataFrame, judging: int, tuning: int) -> dict[Key, Questions]:
    """The questions of each block, from `samples.sampled_rows` of the same numbers: brought to the driver.

    The `judging` tracks of the certificate have the smallest hashes of that name in their block; the `tuning` ones the
    smallest of theirs among the others, in blocks that are searched by cells. All if there are fewer.
    """
    found = sampled.where("is_asked").select(
        *BLOCK,
        "track_id",
        "lattice",
        "units",
        "judging",
        "tuning",
        (F.col("family") == KmeansOverlap.family).alias("tuned"),
    )
    result = {}
    for key, rows in by_block(found.toArrow()).items():
        order = {name: np.argsort(rows[name].to_numpy(), kind="stable") for name in ("judging", "tuning")}
        judged = np.zeros(len(rows), dtype=bool)
        judged[order["judging"][:judging]] = True
        others = order["tuning"][~judged[order["tuning"]]]
        chosen = judged.copy()
        chosen[others[: tuning if rows["tuned"][0].as_py() else 0]] = True
        kept = rows.filter(pa.array(chosen)).combine_chunks()
        result[key] = Questions(
            arrays.single(kept["track_id"]), arrays.to_rows(arrays.single(kept["lattice"])),
            arrays.to_rows(arrays.single(kept["units"]), "<f8"), judged[chosen],
        )  # fmt: skip
    return result


def by_block(rows: pa.Table) -> dict[Key, pa.Table]:
    """A small table by scope and block, each part in id order."""
    rows = rows.sort_by([(name, "ascending") for name in (*BLOCK, "track_id")]).combine_chunks()
    bounds = [*arrays.changes(rows, BLOCK), len(rows)] if len(rows) else []
    parts = [rows.slice(start, stop - start) for start, stop in pairwise(bounds)]
    return {(part["scope"][0].as_py(), part["block"][0].as_py()): part for part in parts}


def answered(
    representatives: DataFrame, asked: Mapping[Key, Questions], top_n: int, precision: str, tasks: int
) -> dict[tuple[Key, str], Nearest]:
    """The `top_n` nearest of all rows that may be listed, for each question itself left out.

    By (scope, block) and kind: `distance`, and of the judging questions `cosine` too. `tasks`: of the merge; no result
    depends on it.
    """
    found: dict[tuple[Key, str], Nearest] = {}
    # A hash decides between tracks that tie: it is the same in every partition, and costs less to order than ids.
    number = F.xxhash64("track_id").alias("number")
    listed = representatives.where("listed").select(*BLOCK, "track_id", "lattice", "units", number)
    for part in _passes(asked):
        lists = (
            listed.mapInArrow(partial(_of_partition, asked=part, top_n=top_n, precision=precision), _LISTS)
            .repartition(tasks, *BLOCK, "query", "kind")
            .sortWithinPartitions(*BLOCK, "kind", "query")
            .mapInArrow(partial(_of_block, top_n=top_n), _LISTS)
        )
        for key, kind, rows in _by_kind(lists.toArrow()):
            found[key, kind] = rows
    return found


def kept_by_lattice(truth: Mapping[tuple[Key, str], Nearest]) -> dict[Key, float]:
    """Of each block the share of its judging questions' nearest by cosine that are among their nearest by D too.

    `truth`: of `answered`. A block without neighbors is left out.
    """
    result = {}
    for (key, kind), high in truth.items():
        if kind == "cosine":
            near = truth[key, "distance"]
            known = pc.unique(pa.concat_arrays([near.ids, high.ids]))
            by_distance, by_cosine = (
                nearest.query * len(known) + pc.index_in(nearest.ids, value_set=known).to_numpy()
                for nearest in (near, high)
            )
            result[key] = float(np.isin(by_cosine, by_distance).mean())
    return result


def _passes(asked: Mapping[Key, Questions]) -> Iterator[dict[Key, Questions]]:
    part: dict[Key, Questions] = {}
    values = 0
    for key, questions in asked.items():
        if part and values + questions.units.size > _VALUES:
            yield part
            part, values = {}, 0
        part[key] = questions
        values += questions.units.size
    if part:
        yield part


def _by_kind(lists: pa.Table) -> Iterator[tuple[Key, str, Nearest]]:
    keys = (*BLOCK, "kind")
    lists = lists.sort_by([(name, "ascending") for name in (*keys, "query")]).combine_chunks()
    bounds = [*arrays.changes(lists, keys), len(lists)] if len(lists) else []
    for start, stop in pairwise(bounds):
        rows = lists.slice(start, stop - start).combine_chunks()
        ids, cosine = _entries(rows)
        keys_, lengths = _numbers(rows, "keys", "<i8")
        query = np.repeat(rows["query"].to_numpy(), lengths)
        kind = rows["kind"][0].as_py()
        distance = keys_ if kind == "distance" else np.zeros_like(keys_)
        key = rows["scope"][0].as_py(), rows["block"][0].as_py()
        lattice, _ = _lattices(rows, lengths)
        yield key, kind, Nearest(query, ids, distance, cosine, lattice)


def _entries(rows: pa.Table) -> tuple[pa.StringArray, Floats]:
    return arrays.single(rows["ids"]).flatten(), _numbers(rows, "cosines", "<f8")[0]


def _lattices(rows: pa.Table, lengths: Ints) -> tuple[Lattice, npt.NDArray[np.bool_]]:
    """The lattice rows of the lists that have them, and of which entries they are."""
    column = arrays.single(rows["lattices"])
    given = pc.binary_length(column).to_numpy() > 0
    entries = int(lengths[given].sum())
    lattice = np.frombuffer(arrays.bytes_of(column), "<i2")
    return lattice.reshape(entries, -1 if entries else 0), np.repeat(given, lengths)


def _numbers(rows: pa.Table, name: str, kind: str) -> tuple[npt.NDArray[Any], Ints]:
    column = arrays.single(rows[name])
    return np.frombuffer(arrays.bytes_of(column), dtype=kind), pc.binary_length(column).to_numpy() // 8


def _of_partition(
    batches: Iterable[pa.RecordBatch], asked: Mapping[Key, Questions], top_n: int, precision: str
) -> Iterator[pa.RecordBatch]:
    """For each question two lists of the rows of this partition, which come in any order."""
    waiting: dict[Key, list[pa.RecordBatch]] = {}
    lists: dict[Key, _Lists] = {}

    def look(key: Key) -> None:
        rows = pa.Table.from_batches(waiting.pop(key)).combine_chunks()
        lists.setdefault(key, _Lists(asked[key], top_n, precision)).add(rows)

    for batch in batches:
        for key, rows in arrays.parted(batch, BLOCK):
            if key not in asked:
                continue
            waiting.setdefault(key, []).append(rows)
            if sum(len(one) for one in waiting[key]) >= _CHUNK:
                look(key)
    for key in list(waiting):
        look(key)
    for key, found in lists.items():
        yield from found.batches(key)


class _Lists:
    """The lists of one block's questions in one partition."""

    def __init__(self, asked: Questions, top_n: int, precision: str) -> None:
        self._asked, self._ids, self._lattice = asked, list[pa.Array](), list[Lattice]()
        self._shortlist = Shortlist(asked.lattice, asked.units, asked.judging, top_n, precision)

    def add(self, rows: pa.Table) -> None:
        ids = arrays.single(rows["track_id"])
        self._ids.append(ids)
        place = pc.index_in(self._asked.ids, value_set=ids)
        itself = np.flatnonzero(place.is_valid().to_numpy(zero_copy_only=False)), place.drop_null().to_numpy()
        units = arrays.to_rows(arrays.single(rows["units"]), "<f8")
        lattice = arrays.to_rows(arrays.single(rows["lattice"]))
        self._lattice.append(lattice)
        self._shortlist.add(lattice, units, rows["number"].to_numpy(), itself)

    def batches(self, key: Key) -> Iterator[pa.RecordBatch]:
        every, tuning = pa.concat_arrays(self._ids), ~self._asked.judging
        for kind, kept in (("distance", self._shortlist.by_distance), ("cosine", self._shortlist.by_cosine)):
            if len(kept.query):
                told = tuning[kept.query] & (kind == "distance")
                yield _batch(key, kind, kept, every, np.concatenate(self._lattice)[kept.place[told]], told)


def _batch(
    key: Key, kind: str, kept: Kept, ids: pa.StringArray, lattice: Lattice, told: npt.NDArray[np.bool_]
) -> pa.RecordBatch:
    """One row per question. `told` (entries,): those whose `lattice` rows these are; all of a question or none."""
    queries = np.unique(kept.query)
    counts = np.bincount(kept.query)[queries]
    offsets, before = arrays.offsets_of(counts), arrays.offsets_of(told.astype(np.int64))
    return pa.RecordBatch.from_arrays(
        [
            *(pa.array([name] * len(queries)) for name in key),
            pa.array(queries, type=pa.int32()),
            pa.array([kind] * len(queries)),
            pa.ListArray.from_arrays(pa.array(offsets), ids.take(pa.array(kept.place))),
            arrays.binary(kept.key.astype("<i8").tobytes(), 8 * offsets),
            arrays.binary(kept.number.astype("<i8").tobytes(), 8 * offsets),
            arrays.binary(kept.cosine.astype("<f8").tobytes(), 8 * offsets),
            arrays.binary(lattice.astype("<i2").tobytes(), 2 * lattice.shape[1] * before[offsets]),
        ],
        names=[*BLOCK, "query", "kind", "ids", "keys", "numbers", "cosines", "lattices"],
    )


def _of_block(batches: Iterable[pa.RecordBatch], top_n: int) -> Iterator[pa.RecordBatch]:
    """One list per question and kind from the lists of all partitions."""
    for lists in arrays.block_runs(batches, (*BLOCK, "kind")):
        ids, cosine = _entries(lists)
        keys, lengths = _numbers(lists, "keys", "<i8")
        query = np.repeat(lists["query"].to_numpy().astype(np.int64), lengths)
        found = Kept(query, keys, _numbers(lists, "numbers", "<i8")[0], np.arange(len(ids)), cosine)
        key = lists["scope"][0].as_py(), lists["block"][0].as_py()
        kept = smallest([found], top_n)
        lattice, given = _lattices(lists, lengths)
        told = given[kept.place]
        rows = lattice[np.cumsum(given)[kept.place[told]] - 1]
        yield _batch(key, lists["kind"][0].as_py(), kept, ids, rows, told)
