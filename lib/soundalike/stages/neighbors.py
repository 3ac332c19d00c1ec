"""The search: neighbor lists within blocks, and what the ledger and the models say about it.

    eligibility.representatives -> answers_within_blocks -> neighbor_lists

A pair of tracks never becomes a row. No result depends on partitions, batches, tasks or the order of the input.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from soundalike.errors import SoundalikeError
from soundalike.numeric.families import Model, fit, model_version
from soundalike.numeric.kernel import check_arithmetic, nearest
from soundalike.numeric.lattice import SCALE, similarity
from soundalike.stages import arrays
from soundalike.stages.eligibility import BLOCK, as_counters

FAMILY = "exact"

_ANSWERS = (
    "scope string, block string, track_id string, members array<string>, "
    "neighbors array<struct<neighbor_id:string,similarity:double>>"
)

# Rows of one Arrow batch that leaves the search: their neighbor ids stay far below Arrow's 2 GB of text per column.
_ROWS_OUT = 4096


def answers_within_blocks(representatives: DataFrame, top_n: int, tasks: int) -> DataFrame:
    """The `top_n` nearest representatives of each representative in its block.

    Columns scope, block, track_id, members, neighbors (nearest first; ties by id; never padded). `tasks` partitions
    share the work and a block is never cut: adaptive execution leaves an explicit number alone.
    """
    return (
        representatives.select(*BLOCK, "track_id", "members", "lattice")
        .repartition(tasks, *BLOCK)
        .sortWithinPartitions(*BLOCK, "track_id")
        .mapInArrow(partial(_answer_blocks, top_n=top_n), _ANSWERS)
    )


def _answer_blocks(batches: Iterable[pa.RecordBatch], top_n: int) -> Iterator[pa.RecordBatch]:
    check_arithmetic()
    for block in arrays.block_runs(batches, BLOCK):
        ids = arrays.single(block["track_id"])
        _refuse_repeats(block)
        lattice = arrays.to_lattice_rows(arrays.single(block["lattice"]))
        rows, distance, counts = nearest(lattice, fit(FAMILY, lattice).assign(lattice), top_n)
        for start in range(0, len(ids), _ROWS_OUT):
            part = slice(start, start + _ROWS_OUT)
            neighbors = arrays.to_neighbors(ids, rows[part], similarity(distance[part]), counts[part])
            given = block.select([*BLOCK, "track_id", "members"]).slice(start, _ROWS_OUT)
            columns = [*map(arrays.single, given.columns), neighbors]
            yield pa.RecordBatch.from_arrays(columns, names=[*given.schema.names, "neighbors"])


def _refuse_repeats(block: pa.Table) -> None:
    """A track_id may stand once among all members of a block, representatives and those that inherit."""
    members = arrays.single(block["members"]).flatten()
    ids = members.take(pc.sort_indices(members))
    repeated = np.flatnonzero(pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False))
    if len(repeated):
        raise SoundalikeError(
            f"track {ids[int(repeated[0])]} stands twice in block {block['block'][0]} of scope {block['scope'][0]}; "
            "a table of vectors has one row per track: remove the others"
        )


def neighbor_lists(answers: DataFrame, dimensions: int, settings: Mapping[str, str], run_id: str) -> DataFrame:
    """Rows of `gold/track_neighbors`: each answer for the representative, and inherited for each other member.

    `dimensions` and `settings` as for `neighbor_models`.
    """
    return answers.withColumn("member", F.explode("members")).select(
        *BLOCK,
        F.col("member").alias("track_id"),
        "neighbors",
        (F.col("member") != F.col("track_id")).alias("inherited"),
        F.lit(FAMILY).alias("method"),
        F.lit(run_id).alias("run_id"),
        F.lit(_version(dimensions, settings)).alias("model_version"),
    )


def neighbor_models(blocks: DataFrame, name: str, dimensions: int, settings: Mapping[str, str]) -> DataFrame:
    """Rows of `gold/neighbor_models`, one for each of `blocks` (`eligibility.blocks_of`).

    Args:
        blocks: scope, block.
        name: of the neighbor table.
        dimensions: width of the vectors.
        settings: what else decides the lists, such as `top_n`; becomes part of the parameters and of the version.
    """
    parameters = _model(dimensions).parameters | dict(settings)
    texts = [F.lit(text) for key in sorted(parameters) for text in (key, parameters[key])]
    return blocks.select(
        F.lit(name).alias("name"),
        *BLOCK,
        F.lit(_version(dimensions, settings)).alias("model_version"),
        F.lit(FAMILY).alias("family"),
        F.lit(SCALE).alias("lattice_scale"),
        F.lit(dimensions).alias("dimensions"),
        F.create_map(*texts).cast("map<string,string>").alias("parameters"),
        F.array().cast("array<binary>").alias("centers"),
    )


def _model(dimensions: int) -> Model:
    """The model of any block: under `exact` all are alike."""
    return fit(FAMILY, np.empty((0, dimensions + 1), dtype=np.int16))


def _version(dimensions: int, settings: Mapping[str, str]) -> str:
    return model_version(_model(dimensions), SCALE, dimensions, settings)


def block_counts(blocks: DataFrame, lists: DataFrame, top_n: int) -> DataFrame:
    """`eligibility.blocks_of` with what was stored: listed, inherited, short_lists, pairs (bigint).

    listed = lists of representatives; short_lists = those of them that are shorter than the block allows; pairs =
    ordered (query, base) pairs that were compared, each once.
    """
    owed = F.least(F.lit(top_n).cast("bigint"), F.col("rows") - 1)
    stored = (
        lists.select(*BLOCK, "inherited", F.size("neighbors").alias("length"))
        .join(blocks.select(*BLOCK, "rows"), on=list(BLOCK), how="inner")
        .groupBy(*BLOCK)
        .agg(
            F.count_if(~F.col("inherited")).alias("listed"),
            F.count_if(F.col("inherited")).alias("inherited"),
            F.count_if(~F.col("inherited") & (F.col("length") < owed)).alias("short_lists"),
        )
    )
    return (
        blocks.join(stored, on=list(BLOCK), how="left")
        .na.fill(0, ["listed", "inherited", "short_lists"])
        .withColumn("pairs", F.col("rows") * (F.col("rows") - 1))
    )


def list_counters(counts: DataFrame, scopes: Sequence[str]) -> DataFrame:
    """Rows (counter, value) for the ledger from `block_counts`, per scope: inherited, short_lists, pairs; zero too."""
    names = ("inherited", "short_lists", "pairs")
    counters = {
        f"{scope}.{name}": F.sum(F.when(F.col("scope") == scope, F.col(name))) for scope in scopes for name in names
    }
    return as_counters(counts, counters)
