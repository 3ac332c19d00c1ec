"""Certificates: stored lists, read back, against brute force over their block."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from soundalike.numeric.certificate import OUTSIDE, PAD, StoredLists, judge
from soundalike.numeric.scaling import normalize
from soundalike.stages import arrays
from soundalike.stages.eligibility import BLOCK
from soundalike.stages.models import EXACT

_FIGURES = (
    "recall",
    "recall_sd",
    "n_effective",
    "ci_low",
    "ci_high",
    "lattice_recall",
    "mean_similarity_loss",
    "share_nth_above_0999",
)
_VERDICTS = pa.schema(
    {"scope": pa.string(), "block": pa.string(), "rows": pa.int64(), "queries": pa.int64()}
    | dict.fromkeys(_FIGURES, pa.float64())
    | {"worst_query": pa.string(), "defect": pa.string()}
)
_VERDICTS_IN_SPARK = (
    f"scope string, block string, rows bigint, queries bigint, {' double, '.join(_FIGURES)} double, "
    "worst_query string, defect string"
)


def certificates(
    representatives: DataFrame,
    lists: DataFrame,
    counts: DataFrame,
    *,
    run_id: str,
    name: str,
    top_n: int,
    cert_queries: int,
    cert_seed: int,
    exact_max: int,
    recall_floor: float,
    tasks: int,
) -> DataFrame:
    """Rows of `operations/neighbor_certificates`, one per block, and last a column `defect`: one line, null = none.

    Args:
        representatives: of `eligibility.representatives`, or at least what `numeric.certificate.judge` needs of them.
        lists: rows of `gold/track_neighbors`, as they were stored.
        counts: of `neighbors.block_counts` for the same lists.
        run_id: of the certifying run.
        name: of the neighbor table.
        top_n: longest list.
        cert_queries: queries per block: the representatives with the smallest hash of (cert_seed, track_id).
        cert_seed: key of that hash.
        exact_max: `recall_floor` counts in blocks of more rows, and in all that are not searched exactly.
        recall_floor: lowest accepted `ci_low`. A defect fails any block.
        tasks: partitions of the work; no result depends on it.
    """
    hashed = with_hash(representatives, cert_seed)
    stored = lists.where(~F.col("inherited")).select(*BLOCK, "track_id", "neighbors")
    asked = stored.join(queries_of(hashed, cert_queries).select(*BLOCK, "track_id"), [*BLOCK, "track_id"], "inner")
    verdicts = (
        hashed.select(*BLOCK, "track_id", "members", "lattice", "vector", "hash")
        .join(asked, on=[*BLOCK, "track_id"], how="left")
        .join(F.broadcast(counts.select(*BLOCK, "rows", "method")), on=list(BLOCK), how="inner")
        .repartition(tasks, *BLOCK)
        .sortWithinPartitions(*BLOCK, "track_id")
        .mapInArrow(partial(_judge_blocks, top_n=top_n, cert_queries=cert_queries), _VERDICTS_IN_SPARK)
    )
    miscounted = F.when(
        (F.col("listed") != F.col("rows")) | (F.col("inherited") != F.col("members") - F.col("rows")),
        F.format_string(
            "%d own and %d inherited lists are stored, expected %d and %d",
            "listed", "inherited", "rows", F.col("members") - F.col("rows"),
        ),
    )  # fmt: skip
    counted = verdicts.join(counts.drop("rows"), on=list(BLOCK), how="inner")
    # A block of one has no recall: nothing is missing there.
    spared = (F.col("method") == EXACT) & (F.col("rows") <= exact_max) | F.col("ci_low").isNull()
    reached = spared | (F.col("ci_low") >= recall_floor)
    absent = F.lit(None).cast("bigint")
    return counted.withColumn("defect", F.coalesce("defect", miscounted)).select(
        F.lit(run_id).alias("run_id"),
        F.lit(name).alias("name"),
        *BLOCK,
        "rows",
        "queries",
        F.col("method").alias("family"),
        *(absent.alias(parameter) for parameter in ("leaf", "e", "min", "max")),
        (F.col("pairs") / F.col("rows")).alias("pairs_per_row"),
        *("recall", "recall_sd", "n_effective", "ci_low", "ci_high"),
        F.lit(float(recall_floor)).alias("floor"),
        (F.col("defect").isNull() & reached).alias("passed"),
        *("worst_query", "lattice_recall", "mean_similarity_loss", "short_lists", "share_nth_above_0999", "defect"),
    )


def with_hash(representatives: DataFrame, cert_seed: int) -> DataFrame:
    return representatives.withColumn("hash", F.xxhash64(F.lit(cert_seed).cast("bigint"), "track_id"))


def queries_of(hashed: DataFrame, cert_queries: int) -> DataFrame:
    """The rows of `with_hash` that are asked: the `cert_queries` smallest (hash, track_id) of each block."""
    order = Window.partitionBy(*BLOCK).orderBy("hash", "track_id")
    position = F.row_number().over(order)
    return hashed.withColumn("position", position).where(F.col("position") <= cert_queries).drop("position")


def _judge_blocks(batches: Iterable[pa.RecordBatch], top_n: int, cert_queries: int) -> Iterator[pa.RecordBatch]:
    for block in arrays.block_runs(batches, BLOCK):
        yield pa.RecordBatch.from_pylist([_verdict(block, top_n, cert_queries)], schema=_VERDICTS)


def _verdict(block: pa.Table, top_n: int, cert_queries: int) -> dict[str, Any]:
    """One row of `_VERDICTS` for the rows of one block in id order."""
    ids = arrays.single(block["track_id"])
    # The Q smallest (hash, row), by the same rule as queries_of: rows stand in id order.
    by_hash = np.argsort(arrays.single(block["hash"]).to_numpy(), kind="stable")
    queries = np.sort(by_hash[:cert_queries])
    units, _ = normalize(arrays.to_matrix(arrays.single(block["vector"])))
    neighbors = arrays.single(block["neighbors"]).take(pa.array(queries))
    found = judge(
        arrays.to_lattice_rows(arrays.single(block["lattice"])),
        units,
        queries,
        _stored(neighbors, ids, arrays.single(block["members"])),
        top_n,
        exact=block["method"][0].as_py() == EXACT,
        rows=block["rows"][0].as_py(),
    )
    worst = None if found.worst_row is None else ids[found.worst_row].as_py()
    # Only a defect has a row to name.
    defect = found.defect and f"{found.defect}, first for track {ids[found.defect_row].as_py()}"
    return {
        "scope": block["scope"][0].as_py(),
        "block": block["block"][0].as_py(),
        "rows": block["rows"][0].as_py(),
        "queries": len(queries),
        "worst_query": worst,
        "defect": defect,
        **{figure: getattr(found, figure) for figure in _FIGURES},
    }


def _stored(neighbors: pa.ListArray, ids: pa.Array, members: pa.ListArray) -> StoredLists:
    """Lists of ids as rows of the block: an id is looked up among all members of all recordings."""
    lengths, neighbor_ids, similarity = arrays.from_neighbors(neighbors)
    tracks, recordings = members.flatten(), members.value_parent_indices().to_numpy()
    place = pc.fill_null(pc.index_in(neighbor_ids, value_set=tracks), -1).to_numpy()
    rows = np.where(place >= 0, recordings[place], OUTSIDE).astype(np.int64)
    by_itself = pc.equal(neighbor_ids, ids.take(pa.array(np.maximum(rows, 0))))
    own = pc.fill_null(by_itself, False).to_numpy(zero_copy_only=False)
    return StoredLists(
        rows=arrays.padded(rows, lengths, PAD),
        aliases=arrays.padded((rows >= 0) & ~own, lengths, False),
        similarity=arrays.padded(similarity, lengths, np.nan),
        missing=neighbors.is_null().to_numpy(zero_copy_only=False),
    )
