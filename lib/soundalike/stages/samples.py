"""The rows of each block that something is asked or fitted on: one pass over all rows, and never more than a sample.

Every sample is a share of the ids by a hash of them: the same rows whatever the partitions.
"""

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from soundalike.numeric.cells import SAMPLE_PER_CELL, KmeansOverlap
from soundalike.stages.eligibility import BLOCK

# Rows of a block that a mean is taken of, or that are held out of a fit, about.
SAMPLE_ROWS = 16_384


def sampled_rows(
    representatives: DataFrame, blocks: DataFrame, leaf: int, judging: int, cert_seed: int, tuning: int, seed: int
) -> DataFrame:
    """Columns scope, block, rows, family, track_id, lattice, units, and what each row is sampled for.

    `is_fitted`: of blocks searched by cells 64 rows for each cell of `leaf` rows, of others SAMPLE_ROWS. `is_held_out`:
    of blocks searched by cells SAMPLE_ROWS more, which sizes are estimated from, and nothing else. `is_asked`: one of
    those among which `truth.questions` finds its own; `judging` and `tuning` bigint are what it orders them by:
    xxhash64(cert_seed, track_id) and xxhash64(seed, track_id). Tuning questions are asked of blocks searched by cells.
    `units` is null where nothing is asked.

    Args:
        representatives: of `eligibility.representatives`.
        blocks: of `models.with_families`.
        leaf: smallest rows of a cell.
        judging, tuning: questions of a block, at most.
        cert_seed, seed: see above.
    """
    in_cells = F.col("family") == KmeansOverlap.family
    fitted = F.when(in_cells, F.lit(SAMPLE_PER_CELL / leaf)).otherwise(SAMPLE_ROWS / F.col("rows"))
    # Small blocks have no rows to spare: half of their rows are held out.
    fitted = F.when(in_cells & (F.col("rows") < 2 * SAMPLE_ROWS), F.lit(0.5)).otherwise(fitted)
    held_out = F.when(in_cells, fitted + SAMPLE_ROWS / F.col("rows")).otherwise(fitted)
    bounds = blocks.select(
        *BLOCK, "rows", "family", fitted.alias("fitted"), held_out.alias("held_out"),
        _smallest(judging).alias("judged"), F.when(in_cells, _smallest(tuning)).otherwise(-1.0).alias("tuned"),
    )  # fmt: skip

    def near(hash_: str, share: str) -> Column:
        return _part(F.col(hash_)) <= F.col(share)

    asked = near("judging", "judged") | near("tuning", "tuned")
    share = _part(F.xxhash64("track_id"))
    own = F.xxhash64(F.lit(cert_seed).cast("bigint"), "track_id"), F.xxhash64(F.lit(seed).cast("bigint"), "track_id")
    return (
        representatives.select(*BLOCK, "track_id", "lattice", "units", share.alias("share"), own[0].alias("judging"),
                               own[1].alias("tuning"))
        .join(F.broadcast(bounds), on=list(BLOCK), how="inner")
        .select(
            *BLOCK, "rows", "family", "track_id", "lattice", F.when(asked, F.col("units")).alias("units"), "judging",
            "tuning",
            F.expr("share < fitted").alias("is_fitted"),
            F.expr("share >= fitted and share < held_out").alias("is_held_out"),
            asked.alias("is_asked"),
        )
        .where("is_fitted or is_held_out or is_asked")
    )  # fmt: skip


def _part(hash_: Column) -> Column:
    """A hash as a number between 0 and 1."""
    return hash_ / F.lit(2.0**64) + F.lit(0.5)


def _smallest(count: int) -> Column:
    """The share of a block's rows that holds the `count` smallest hashes of them, but for a chance below 1e-15."""
    return F.lit(count + 9 * float(np.sqrt(count)) + 40 if count else -1.0) / F.col("rows")
