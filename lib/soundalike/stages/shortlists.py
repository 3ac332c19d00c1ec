"""What the judge has to see of blocks that no task can hold: found by brute force, one partial list per partition.

queries of the block -> nearest rows of each partition -> nearest rows of the block -> those rows, queries and stored
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from soundalike.numeric.lattice import Lattice, decode
from soundalike.numeric.scaling import normalize
from soundalike.numeric.shortlist import NOTHING, Floats, Kept, Shortlist, smallest
from soundalike.stages import arrays
from soundalike.stages.certificates import queries_of, with_hash
from soundalike.stages.eligibility import BLOCK

# Blocks of more rows are judged by what this module finds of them.
WHOLE_ROWS = 16_384

# Base rows of one matrix product.
_CHUNK = 4096
_LISTS = "scope string, block string, query int, kind string, ids binary, id_sizes binary, keys binary"
_FOUND = "scope string, block string, track_id string"


@dataclass(frozen=True)
class Questions:
    """The queries of one block, in id order."""

    ids: list[str]
    lattice: Lattice
    units: Floats


def large(blocks: DataFrame, top_n: int, whole_rows: int = WHOLE_ROWS) -> DataFrame:
    """The blocks that are judged in parts: scope, block. Each has more rows than a list is long."""
    return blocks.where(F.col("rows") > max(whole_rows, top_n)).select(*BLOCK)


def asked_of(representatives: DataFrame, large: DataFrame, cert_queries: int, cert_seed: int) -> DataFrame:
    """The queries of the `large` blocks: scope, block, track_id, lattice, vector; at most `cert_queries` of each."""
    inside = representatives.join(F.broadcast(large), on=list(BLOCK), how="left_semi")
    return queries_of(with_hash(inside, cert_seed), cert_queries).select(*BLOCK, "track_id", "lattice", "vector")


def questions_of(asked: Sequence[Any]) -> dict[tuple[str, str], Questions]:
    """The rows of `asked_of` by scope and block."""
    grouped: dict[tuple[str, str], list[Any]] = {}
    for row in sorted(asked, key=lambda row: (row["scope"], row["block"], row["track_id"])):
        grouped.setdefault((row["scope"], row["block"]), []).append(row)
    return {
        key: Questions(
            [row["track_id"] for row in rows],
            decode(b"".join(row["lattice"] for row in rows), len(rows[0]["lattice"]) // 2),
            normalize(np.array([row["vector"] for row in rows], dtype=np.float64))[0],
        )
        for key, rows in grouped.items()
    }


def judged_rows(
    representatives: DataFrame, large: DataFrame, asked: DataFrame, questions: Mapping[tuple[str, str], Questions],
    lists: DataFrame, top_n: int, parallelism: int,
) -> DataFrame:  # fmt: skip
    """The representatives without those of the `large` blocks that the judge need not see.

    Args:
        representatives: of `eligibility.representatives`.
        large: of the function of this name.
        asked: of `asked_of`.
        questions: of `questions_of`, from the same rows.
        lists: rows of `gold/track_neighbors` as they were stored.
        top_n: longest list.
        parallelism: tasks that run at a time, about.
    """
    inside = representatives.join(F.broadcast(large), on=list(BLOCK), how="left_semi")
    others = representatives.join(F.broadcast(large), on=list(BLOCK), how="left_anti")
    nearest = (
        inside.select(*BLOCK, "track_id", "lattice", "vector")
        .sortWithinPartitions(*BLOCK, "track_id")
        .mapInArrow(partial(_nearest_of_partition, questions=questions, top_n=top_n), _LISTS)
        .repartition(4 * parallelism, *BLOCK, "query", "kind")
        .sortWithinPartitions(*BLOCK, "query", "kind")
        .mapInArrow(partial(_nearest_of_block, top_n=top_n), _FOUND)
    )
    queries = asked.select(*BLOCK, "track_id")
    stored = lists.where(~F.col("inherited")).join(queries, on=[*BLOCK, "track_id"], how="inner")
    neighbors = stored.select(*BLOCK, F.explode("neighbors.neighbor_id").alias("track_id"))
    wanted = nearest.unionByName(queries).unionByName(neighbors).withColumnRenamed("track_id", "member").distinct()
    # A stored neighbor may be another track of a recording than its representative: that is for the judge to say.
    seen = (
        inside.withColumn("member", F.explode("members"))
        .join(wanted, on=[*BLOCK, "member"], how="left_semi")
        .drop("member")
        .dropDuplicates([*BLOCK, "track_id"])
    )
    return others.unionByName(seen)


def _nearest_of_partition(
    batches: Iterable[pa.RecordBatch], questions: Mapping[tuple[str, str], Questions], top_n: int
) -> Iterator[pa.RecordBatch]:
    """For each query of each block two lists of the rows of this partition, which come sorted by block and id."""
    held: tuple[tuple[str, str], list[pa.Array], Shortlist] | None = None
    for batch in batches:
        for rows in arrays.runs(batch, BLOCK, _CHUNK):
            key = rows.column("scope")[0].as_py(), rows.column("block")[0].as_py()
            asked = questions[key]
            if held is None or held[0] != key:
                if held:
                    yield from _lists(*held)
                held = key, [], Shortlist(asked.lattice, asked.units, top_n)
            _, ids, shortlist = held
            ids.append(rows.column("track_id"))
            place = pc.index_in(pa.array(asked.ids), value_set=ids[-1])
            itself = np.flatnonzero(place.is_valid().to_numpy(zero_copy_only=False)), place.drop_null().to_numpy()
            units, _ = normalize(arrays.to_matrix(rows.column("vector")))
            shortlist.add(arrays.to_lattice_rows(rows.column("lattice")), units, itself)
    if held:
        yield from _lists(*held)


def _lists(block: tuple[str, str], ids: list[pa.Array], shortlist: Shortlist) -> Iterator[pa.RecordBatch]:
    every = pa.concat_arrays(ids)
    for kind, kept in (("distance", shortlist.by_distance), ("cosine", shortlist.by_cosine)):
        queries = np.unique(kept.query)
        counts = np.bincount(kept.query)[queries]
        texts, sizes = arrays.from_text_lists(every.take(pa.array(kept.row)), counts)
        yield pa.RecordBatch.from_arrays(
            [
                *(pa.array([name] * len(queries)) for name in block),
                pa.array(queries, type=pa.int32()),
                pa.array([kind] * len(queries)),
                texts,
                sizes,
                arrays.from_int_lists(kept.key, counts),
            ],
            names=[*BLOCK, "query", "kind", "ids", "id_sizes", "keys"],
        )


def _nearest_of_block(batches: Iterable[pa.RecordBatch], top_n: int) -> Iterator[pa.RecordBatch]:
    """The tracks that are among the nearest of a query, each once, from the lists of all partitions."""
    for lists in arrays.block_runs(batches, BLOCK):
        starts = arrays.changes(lists, ("query", "kind"))
        keys, lengths = arrays.to_int_lists(arrays.single(lists["keys"]))
        texts = arrays.to_texts(arrays.single(lists["ids"]), arrays.single(lists["id_sizes"]))
        known = pc.unique(texts)
        known = known.take(pc.sort_indices(known))
        rank = pc.index_in(texts, value_set=known).to_numpy().astype(np.int64)
        asked = np.repeat(np.arange(len(starts)), np.diff([*starts, lists.num_rows]))
        kept = smallest(NOTHING, Kept(np.repeat(asked, lengths), keys, rank), top_n)
        tracks = known.take(pa.array(np.unique(kept.row)))
        columns = [*(pa.array([lists[name][0].as_py()] * len(tracks)) for name in BLOCK), tracks]
        yield pa.RecordBatch.from_arrays(columns, names=[*BLOCK, "track_id"])
