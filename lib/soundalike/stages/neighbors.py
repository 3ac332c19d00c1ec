"""The search: neighbor lists within blocks, and what the ledger and the models say about it.

    eligibility.representatives -> all_answers -> neighbor_lists

A pair of tracks never becomes a row. No result depends on partitions, batches, tasks or the order of the input.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from soundalike.errors import SoundalikeError
from soundalike.numeric.families import Exact
from soundalike.numeric.kernel import check_arithmetic, nearest
from soundalike.numeric.lattice import similarity
from soundalike.stages import arrays
from soundalike.stages.eligibility import BLOCK, as_counters
from soundalike.stages.models import of_method
from soundalike.stages.pieces import ANSWERS, ROWS_OUT, Routes, answers_across_pieces


def all_answers(
    representatives: DataFrame, blocks: DataFrame, routes: Routes, top_n: int, tasks: int, parallelism: int
) -> DataFrame:
    """The answers of all blocks: of those in `routes` across pieces, of the others within the block.

    Args:
        representatives: of `eligibility.representatives`.
        blocks: of `models.with_methods`.
        routes: of `pieces.routes_of`, for each block that is not searched exactly.
        top_n: longest list.
        tasks: partitions that share the blocks which are not cut.
        parallelism: tasks that run at a time, about.
    """
    if not routes:
        return answers_within_blocks(representatives, top_n, tasks)
    whole, cut = (of_method(representatives, blocks, exact) for exact in (True, False))
    return answers_within_blocks(whole, top_n, tasks).unionByName(
        answers_across_pieces(cut, routes, top_n, parallelism)
    )


def answers_within_blocks(representatives: DataFrame, top_n: int, tasks: int) -> DataFrame:
    """The `top_n` nearest representatives of each representative in its block, all pairs compared.

    Columns scope, block, track_id, members, neighbors (nearest first; ties by id; never padded), compared (other rows
    of the block). `tasks` partitions share the work and a block is never cut: adaptive execution leaves an explicit
    number alone.
    """
    return (
        representatives.select(*BLOCK, "track_id", "members", "lattice")
        .repartition(tasks, *BLOCK)
        .sortWithinPartitions(*BLOCK, "track_id")
        .mapInArrow(partial(_answer_blocks, top_n=top_n), ANSWERS)
    )


def _answer_blocks(batches: Iterable[pa.RecordBatch], top_n: int) -> Iterator[pa.RecordBatch]:
    check_arithmetic()
    for block in arrays.block_runs(batches, BLOCK):
        ids = arrays.single(block["track_id"])
        _refuse_repeats(block)
        lattice = arrays.to_lattice_rows(arrays.single(block["lattice"]))
        rows, distance, counts = nearest(lattice, Exact({}, lattice[:0]).assign(lattice), top_n)
        for start in range(0, len(ids), ROWS_OUT):
            part = slice(start, start + ROWS_OUT)
            neighbors = arrays.to_neighbors(ids, rows[part], similarity(distance[part]), counts[part])
            given = block.select([*BLOCK, "track_id", "members"]).slice(start, ROWS_OUT)
            met = pa.array(np.full(given.num_rows, len(ids) - 1))
            columns = [*map(arrays.single, given.columns), neighbors, met]
            yield pa.RecordBatch.from_arrays(columns, names=[*given.schema.names, "neighbors", "compared"])


def _refuse_repeats(block: pa.Table) -> None:
    """A track_id may stand once among all members of a block, representatives and those that inherit."""
    members = arrays.single(block["members"]).flatten()
    ids = members.take(pc.sort_indices(members))
    repeated = np.flatnonzero(pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False))
    if len(repeated):
        raise repeats(block["scope"][0], block["block"][0], ids[int(repeated[0])])


def repeats(scope: object, block: object, track_id: object) -> SoundalikeError:
    return SoundalikeError(
        f"track {track_id} stands twice in block {block} of scope {scope}; "
        "a table of vectors has one row per track: remove the others"
    )


def repeated_tracks(representatives: DataFrame) -> DataFrame:
    """What `_refuse_repeats` looks for, where no task sees a whole block: scope, block, track_id."""
    members = representatives.select(*BLOCK, F.explode("members").alias("track_id"))
    return members.groupBy(*BLOCK, "track_id").count().where(F.col("count") > 1).drop("count")


def neighbor_lists(answers: DataFrame, models: DataFrame, run_id: str) -> DataFrame:
    """Rows of `gold/track_neighbors`: each answer for the representative, and inherited for each other member.

    Behind them `compared`, 0 for an inherited list. `models`: of `models.neighbor_models`.
    """
    inherited = F.col("member") != F.col("track_id")
    versions = models.select(*BLOCK, F.col("family").alias("method"), "model_version")
    return (
        answers.join(F.broadcast(versions), on=list(BLOCK), how="inner")
        .withColumn("member", F.explode("members"))
        .select(
            *BLOCK,
            F.col("member").alias("track_id"),
            "neighbors",
            inherited.alias("inherited"),
            "method",
            F.lit(run_id).alias("run_id"),
            "model_version",
            F.when(inherited, F.lit(0).cast("bigint")).otherwise(F.col("compared")).alias("compared"),
        )
    )


def block_counts(blocks: DataFrame, lists: DataFrame, top_n: int) -> DataFrame:
    """`models.with_methods` with what was stored: listed, inherited, short_lists, pairs (bigint).

    listed = lists of representatives; short_lists = those of them that are shorter than the block allows; pairs =
    ordered (query, base) pairs that share a bucket, each once. `lists`: of `neighbor_lists`.
    """
    owed = F.least(F.lit(top_n).cast("bigint"), F.col("rows") - 1)
    stored = (
        lists.select(*BLOCK, "inherited", "compared", F.size("neighbors").alias("length"))
        .join(blocks.select(*BLOCK, "rows"), on=list(BLOCK), how="inner")
        .groupBy(*BLOCK)
        .agg(
            F.count_if(~F.col("inherited")).alias("listed"),
            F.count_if(F.col("inherited")).alias("inherited"),
            F.count_if(~F.col("inherited") & (F.col("length") < owed)).alias("short_lists"),
            F.sum("compared").alias("pairs"),
        )
    )
    filled = ["listed", "inherited", "short_lists", "pairs"]
    return blocks.join(stored, on=list(BLOCK), how="left").na.fill(0, filled)


def list_counters(counts: DataFrame, scopes: Sequence[str]) -> DataFrame:
    """Rows (counter, value) for the ledger from `block_counts`, per scope: inherited, short_lists, pairs; zero too."""
    names = ("inherited", "short_lists", "pairs")
    counters = {
        f"{scope}.{name}": F.sum(F.when(F.col("scope") == scope, F.col(name))) for scope in scopes for name in names
    }
    return as_counters(counts, counters)
