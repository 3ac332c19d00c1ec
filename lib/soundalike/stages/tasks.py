"""The large stage: rows go to the tasks that hold their buckets, are answered there, and lists of tasks are merged.

    representatives -> a copy of the row per task -> partial lists -> final lists

A pair of tracks never becomes a row. Two rows that share buckets in several tasks meet in each of them; their distance
is the same everywhere, so the merge keeps the neighbor once. No result depends on tasks, batches or the order of rows.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from soundalike.contracts.staging import PARTIAL_LISTS
from soundalike.numeric import atoms
from soundalike.numeric.kernel import check_arithmetic
from soundalike.numeric.lattice import PRECISIONS, Lattice
from soundalike.numeric.plan import BlockCells, Plan, plan
from soundalike.numeric.routing_keys import keys
from soundalike.stages import arrays
from soundalike.stages.eligibility import BLOCK
from soundalike.stages.ids import Ids
from soundalike.stages.models import Block

Ints = npt.NDArray[np.int64]

_COPIES = "key int, block int, id binary, hash bigint, listed boolean, lattice binary, buckets binary, copies int"
_PARTIALS = ", ".join(f"{column.name} {column.type}" for column in PARTIAL_LISTS.columns)

# Rows that a task holds, about, of which each is sent to so many tasks, about, however many of its buckets these hold;
# and the cost below which another task is not worth its start.
_TASK_ROWS = 250_000
_SENT = 1.5
_TASK_COST = 100_000_000
# Entries of partial lists that one partition of the merge reads, about.
_MERGED_ENTRIES = 2_000_000
# Rows of one Arrow batch that leaves a task; rows that are assigned at a time, each of which leaves up to 32 copies.
_ROWS_OUT = 16_384
_ROWS_ASSIGNED = 1024


@dataclass(frozen=True)
class Search:
    """What every task has to know."""

    blocks: tuple[Block, ...]
    plan: Plan
    keys: npt.NDArray[np.int32]
    ids: Ids
    top_n: int
    precision: str

    @property
    def tasks(self) -> int:
        return len(self.keys)

    @property
    def names(self) -> tuple[pa.Array, pa.Array]:
        """Scope and name of each block."""
        scopes, names = zip(*(block.key for block in self.blocks), strict=True)
        return pa.array(scopes), pa.array(names)

    def position_of(self, scopes: pa.Array, names: pa.Array) -> Ints:
        """(n,): where the blocks of these names stand."""
        known = pc.binary_join_element_wise(*self.names, "\x1f")
        return pc.index_in(pc.binary_join_element_wise(scopes, names, "\x1f"), value_set=known).to_numpy()


def search_of(blocks: Sequence[Block], ids: Ids, top_n: int, precision: str, parallelism: int) -> Search:
    """The plan of all blocks, for `parallelism` tasks at a time."""
    cells = [BlockCells(b.sizes, np.maximum(b.sizes * b.listed // b.rows, 1), _places(b)) for b in blocks]
    cost = sum(block.predicted for block in blocks)
    sent = sum(min(block.sizes.sum(), _SENT * block.rows) for block in blocks)
    tasks = max(1, min(4 * parallelism, int(cost / _TASK_COST)), int(sent) // _TASK_ROWS)
    made = plan(cells, tasks)
    return Search(tuple(blocks), made, keys(len(made.costs)), ids, top_n, precision)


def _places(block: Block) -> Lattice:
    """Where the buckets are; those of planes are nowhere."""
    centers = block.model.centers
    return centers if len(centers) == len(block.sizes) else np.zeros((len(block.sizes), 1), dtype=np.int16)


def partial_lists(representatives: DataFrame, search: Search) -> DataFrame:
    """Rows of `contracts.staging.PARTIAL_LISTS`: what each task finds for each row that it answers."""
    return (
        representatives.select(*BLOCK, "track_id", F.xxhash64("track_id").alias("hash"), "listed", "lattice")
        .mapInArrow(partial(_to_tasks, search=search), _COPIES)
        .repartition(search.tasks, "key")
        .sortWithinPartitions("block", "id")
        .mapInArrow(partial(_answer, search=search), _PARTIALS)
    )


def _to_tasks(batches: Iterable[pa.RecordBatch], search: Search) -> Iterator[pa.RecordBatch]:
    """One copy of a row for each task that holds a bucket of it."""
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS_ASSIGNED):
            rows = batch.slice(start, _ROWS_ASSIGNED)
            if rows.num_rows:
                yield _copies(rows, search)


def _copies(rows: pa.RecordBatch, search: Search) -> pa.RecordBatch:
    position = search.position_of(rows.column("scope"), rows.column("block"))
    lattice = arrays.to_rows(rows.column("lattice"))
    hashes = rows.column("hash").to_numpy().view(np.uint64)
    found = []
    for block in np.unique(position):
        inside = np.flatnonzero(position == block)
        row, bucket = search.blocks[block].model.assign(lattice[inside])
        copies = search.plan.blocks[block].route(row, bucket, hashes[inside])
        counts = np.bincount(row, minlength=len(inside))
        ends = np.cumsum(counts)
        lengths = counts[copies.row]
        entry = np.repeat(ends[copies.row] - np.cumsum(lengths), lengths) + np.arange(int(lengths.sum()))
        found.append((inside[copies.row], copies.task, copies.answers, lengths, bucket[entry]))
    row, task, answers, lengths, buckets = (np.concatenate(parts) for parts in zip(*found, strict=True))
    taken = pa.array(row)
    columns = [
        pa.array(search.keys[task]),
        pa.array(position[row], type=pa.int32()),
        search.ids.encode(rows.column("track_id")).take(taken),
        rows.column("hash").take(taken),
        rows.column("listed").take(taken),
        rows.column("lattice").take(taken),
        arrays.from_int_lists(buckets, lengths),
        pa.array(answers, type=pa.int32()),
    ]
    return pa.RecordBatch.from_arrays(
        columns, names=["key", "block", "id", "hash", "listed", "lattice", "buckets", "copies"]
    )


def _answer(batches: Iterable[pa.RecordBatch], search: Search) -> Iterator[pa.RecordBatch]:
    check_arithmetic(search.precision)
    context = TaskContext.get()
    for rows in arrays.block_runs(batches, ("block",)):
        task = int(np.flatnonzero(search.keys == rows["key"][0].as_py())[0])
        landed = context.partitionId() if context else task
        if landed != task:
            raise RuntimeError(
                f"rows of task {task} came to partition {landed}: Spark places keys in another way than by murmur3 of "
                "an int; run the version that pyproject.toml names"
            )
        yield from _answers(rows, task, search)


def _answers(rows: pa.Table, task: int, search: Search) -> Iterator[pa.RecordBatch]:
    """The lists of the rows of one block that are answered in this task."""
    number = rows["block"][0].as_py()
    block, where = search.blocks[number], search.plan.blocks[number]
    values, lengths = arrays.to_int_lists(arrays.single(rows["buckets"]))
    buckets = arrays.padded(values.astype(np.int64), lengths, -1)
    here, asked = where.held(task, buckets, rows["hash"].to_numpy().view(np.uint64))
    lattice = arrays.to_rows(arrays.single(rows["lattice"]))
    listed = rows["listed"].to_numpy(zero_copy_only=False)
    ids = arrays.single(rows["id"])
    scale, dtype = PRECISIONS[search.precision]
    membership = np.nonzero(here)[0], buckets[here]
    neighbors, distance, counts = atoms.nearest(
        lattice, membership, search.top_n, scale=scale, dtype=dtype, asked=asked[here],
        listed=None if listed.all() else listed,
    )  # fmt: skip
    compared = block.model.compared(buckets, here, asked, listed)
    answered = np.flatnonzero(asked.any(axis=1))
    for start in range(0, len(answered), _ROWS_OUT):
        part = answered[start : start + _ROWS_OUT]
        filled = neighbors[part] >= 0
        texts, sizes = search.ids.to_lists(ids.take(pa.array(neighbors[part][filled])), counts[part])
        columns = [
            pa.array(np.full(len(part), number, dtype=np.int32)),
            ids.take(pa.array(part)),
            arrays.single(rows["copies"]).take(pa.array(part)),
            texts,
            sizes,
            arrays.from_int_lists(distance[part][filled], counts[part]),
            pa.array(np.minimum(search.top_n, block.listed - listed[part]), type=pa.int32()),
            pa.array(compared[part]),
        ]
        yield pa.RecordBatch.from_arrays(columns, names=PARTIAL_LISTS.column_names)


def merged_lists(partials: DataFrame, search: Search, entries: int) -> DataFrame:
    """Rows of `contracts.staging.MERGED_LISTS`: the final lists of tracks that more than one task answered.

    `entries`: of all lists that are merged, about.
    """
    return (
        partials.where("copies > 1")
        .repartition(max(1, entries // _MERGED_ENTRIES), "block", "id")
        .sortWithinPartitions("block", "id")
        .mapInArrow(partial(_merge, search=search), _PARTIALS)
    )


def _merge(batches: Iterable[pa.RecordBatch], search: Search) -> Iterator[pa.RecordBatch]:
    """One row per track from its partial lists: the `top_n` smallest distinct (D, id)."""
    keys_ = ("block", "id")
    for partials in arrays.whole_runs(batches, keys_):
        starts = np.array(arrays.changes(partials, keys_))
        track = np.repeat(np.arange(len(starts)), np.diff([*starts, partials.num_rows]))
        distance, lengths = arrays.to_int_lists(arrays.single(partials["distances"]))
        ids = search.ids.from_lists(arrays.single(partials["ids"]), arrays.single(partials["sizes"]))
        known = pc.unique(ids)
        known = known.take(pc.sort_indices(known))
        entry, rank = np.repeat(track, lengths), pc.index_in(ids, value_set=known).to_numpy()
        order = np.lexsort((rank, distance, entry))
        entry, distance, rank = entry[order], distance[order], rank[order]
        fresh = np.ones(len(entry), dtype=bool)
        fresh[1:] = (entry[1:] != entry[:-1]) | (rank[1:] != rank[:-1])
        entry, distance, rank = entry[fresh], distance[fresh], rank[fresh]
        kept = np.arange(len(entry)) - np.searchsorted(entry, entry) < search.top_n
        counts = np.bincount(entry[kept], minlength=len(starts))
        given = partials.select(["block", "id", "copies", "owed"]).take(pa.array(starts))
        block, own, copies, owed = map(arrays.single, given.columns)
        columns = [
            block,
            own,
            copies,
            *search.ids.to_lists(known.take(pa.array(rank[kept])), counts),
            arrays.from_int_lists(distance[kept], counts),
            owed,
            pa.array(np.add.reduceat(arrays.single(partials["compared"]).to_numpy(), starts)),
        ]
        yield pa.RecordBatch.from_arrays(columns, names=PARTIAL_LISTS.column_names)
