"""Which family searches a block, and what was fitted for it: the rows of `gold/neighbor_models`."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from soundalike.numeric.families import family_of, model_version
from soundalike.numeric.lattice import SCALE, encode
from soundalike.stages import arrays
from soundalike.stages.eligibility import BLOCK

EXACT = "exact"
# What `auto` takes above `exact_max`.
ABOVE = "hyperplane"

# Rows of a block that its model is fitted on, about; a block of fewer is fitted on all of them.
SAMPLE_ROWS = 65_536

_FITTED = pa.schema(
    {
        "scope": pa.string(),
        "block": pa.string(),
        "rows": pa.int64(),
        "family": pa.string(),
        "parameters": pa.map_(pa.string(), pa.string()),
        "centers": pa.list_(pa.binary()),
        "model_version": pa.string(),
    }
)
_FITTED_IN_SPARK = (
    "scope string, block string, rows bigint, family string, parameters map<string,string>, centers array<binary>, "
    "model_version string"
)


def with_methods(blocks: DataFrame, family: str, exact_max: int) -> DataFrame:
    """`eligibility.blocks_of` with `method`: the named family, or under `auto` by the rows of the block."""
    by_size = F.when(F.col("rows") <= exact_max, EXACT).otherwise(ABOVE)
    return blocks.withColumn("method", by_size if family == "auto" else F.lit(family))


def of_method(representatives: DataFrame, blocks: DataFrame, exact: bool) -> DataFrame:
    """The representatives of the blocks that are searched exactly, or of the others."""
    wanted = blocks.where((F.col("method") == EXACT) == F.lit(exact)).select(*BLOCK)
    return representatives.join(F.broadcast(wanted), on=list(BLOCK), how="left_semi")


def fitted_models(
    representatives: DataFrame, blocks: DataFrame, seed: int, settings: Mapping[str, str], tasks: int
) -> DataFrame:
    """One row for each block that is not searched exactly: scope, block, rows, family and what was fitted.

    Args:
        representatives: of `eligibility.representatives`.
        blocks: of `with_methods`.
        seed: of what a family draws.
        settings: what else decides the lists; part of `model_version`, and recorded with the parameters.
        tasks: partitions of the work; no result depends on it.
    """
    # The sample is a share of the ids by their hash, as large as SAMPLE_ROWS whatever the block.
    share = F.xxhash64("track_id") / F.lit(2.0**64) + F.lit(0.5)
    fitted = blocks.where(F.col("method") != EXACT).select(*BLOCK, "rows", "method")
    return (
        representatives.join(F.broadcast(fitted), on=list(BLOCK), how="inner")
        .where((F.col("rows") <= SAMPLE_ROWS) | (share * F.col("rows") < SAMPLE_ROWS))
        .select(*BLOCK, "rows", "method", "track_id", "lattice")
        .repartition(tasks, *BLOCK)
        .sortWithinPartitions(*BLOCK, "track_id")
        .mapInArrow(partial(_fit_blocks, seed=seed, settings=settings), _FITTED_IN_SPARK)
    )


def _fit_blocks(batches: Iterable[pa.RecordBatch], seed: int, settings: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    for sample in arrays.block_runs(batches, BLOCK):
        lattice = arrays.to_lattice_rows(arrays.single(sample["lattice"]))
        rows, family = sample["rows"][0].as_py(), sample["method"][0].as_py()
        model = family_of(family).fit(lattice, rows, seed)
        row = {
            "scope": sample["scope"][0].as_py(),
            "block": sample["block"][0].as_py(),
            "rows": rows,
            "family": family,
            "parameters": list((model.parameters | dict(settings)).items()),
            "centers": [encode(center) for center in model.centers],
            "model_version": model_version(model, SCALE, lattice.shape[1] - 1, settings),
        }
        yield pa.RecordBatch.from_pylist([row], schema=_FITTED)


def neighbor_models(
    blocks: DataFrame, fitted: DataFrame, name: str, dimensions: int, settings: Mapping[str, str]
) -> DataFrame:
    """Rows of `gold/neighbor_models`, one for each of `blocks`.

    Args:
        blocks: of `with_methods`.
        fitted: of `fitted_models`.
        name: of the neighbor table.
        dimensions: width of the vectors.
        settings: as for `fitted_models`.
    """
    # Under exact the models of all blocks are alike.
    model = family_of(EXACT).fit(np.empty((0, dimensions + 1), dtype=np.int16), 0, 0)
    texts = [F.lit(text) for pair in sorted(settings.items()) for text in pair]
    exact = blocks.where(F.col("method") == EXACT).select(
        *BLOCK,
        F.lit(model_version(model, SCALE, dimensions, settings)).alias("model_version"),
        F.lit(EXACT).alias("family"),
        F.create_map(*texts).cast("map<string,string>").alias("parameters"),
        F.array().cast("array<binary>").alias("centers"),
    )
    return exact.unionByName(fitted.drop("rows")).select(
        F.lit(name).alias("name"),
        *BLOCK,
        "model_version",
        "family",
        F.lit(SCALE).alias("lattice_scale"),
        F.lit(dimensions).alias("dimensions"),
        "parameters",
        "centers",
    )
