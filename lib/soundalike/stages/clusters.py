"""Per-genre models: one worker fits the clusters of one genre in the space of the genre's own scaler."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from soundalike.contracts.features import FeatureSet
from soundalike.contracts.table import columns
from soundalike.numeric.kmeans import INIT, CountRule, fit_clusters, starts
from soundalike.numeric.scaling import standardize
from soundalike.stages import arrays
from soundalike.stages.scalers import GenreScaler, rows_to_fit
from soundalike.stages.schemas import arrow_schema, ddl

_ROWS_PER_TASK = 5_000

# What a worker says about one genre.
_FITS = columns("""
    genre string!                  genre
    n bigint!                      rows fitted
    k int!                         clusters asked for
    k_eff int!                     clusters fitted
    iterations int!                iterations
    sse double!                    sum of squared distances
    centers array<array<double>>!  canonical order
""")


@dataclass(frozen=True)
class FitRule:
    """How many clusters a genre gets (`count`), and from how many rows and which seed they are fitted."""

    policy: str
    k: int
    k_min: int
    k_max: int
    fit_rows: int
    seed: int

    @property
    def count(self) -> CountRule:
        return CountRule(self.policy, self.k, self.k_min, self.k_max)


@dataclass(frozen=True)
class GenreModel:
    """A scaler and the clusters fitted in its space."""

    scaler: GenreScaler
    feature_set: FeatureSet
    rule: FitRule
    n: int
    k: int
    k_eff: int
    iterations: int
    sse: float
    centers: list[list[float]]

    @property
    def model_version(self) -> str:
        scaler, rule = self.scaler, self.rule
        stated = {
            "genre": scaler.genre,
            "feature_set": [self.feature_set.name, self.feature_set.columns, self.feature_set.scaling],
            "map_version": scaler.map_version,
            "scaler": [scaler.n, *(v.hex() for v in (*scaler.mean, *scaler.sd))],
            "rule": asdict(rule),
            "fit": [INIT, starts(self.n), self.n, self.k, self.k_eff],
            "centers": [[value.hex() for value in center] for center in self.centers],
        }
        return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()[:16]

    def scaler_row(self) -> tuple[object, ...]:
        """Of gold/feature_scalers."""
        scaler = self.scaler
        return (self.feature_set.name, scaler.genre, self.model_version, scaler.n, list(self.feature_set.columns),
                list(scaler.mean), list(scaler.sd))  # fmt: skip

    def row(self, run_id: str) -> tuple[object, ...]:
        """Of gold/genre_clusters."""
        return (self.scaler.genre, self.model_version, self.feature_set.name, self.scaler.map_version, self.n, self.k,
                self.k_eff, len(self.centers), INIT, self.rule.seed, self.iterations, self.sse, self.sse / self.n,
                self.centers, run_id, self.k_eff < self.k, self.scaler.is_untrusted)  # fmt: skip


def genre_models(
    placed: DataFrame, scalers: Sequence[GenreScaler], feature_set: FeatureSet, rule: FitRule
) -> list[GenreModel]:
    """One model for each of `scalers`, by genre. `placed` as from `scalers.placed_tracks`."""
    scaler_of = {scaler.genre: scaler for scaler in scalers}
    rows = rows_to_fit(placed, [scaler.genre for scaler in scalers if scaler.is_untrusted])
    # A worker takes seconds to import scikit-learn: small genres share a task. 4: so that large ones rarely do.
    tasks = min(4 * len(scalers), sum(scaler.n for scaler in scalers) // _ROWS_PER_TASK + 1)
    fits = fitted_genres(rows, scaler_of, rule, tasks).collect()
    return [
        GenreModel(
            scaler_of[fit["genre"]], feature_set, rule, fit["n"], fit["k"], fit["k_eff"], fit["iterations"],
            fit["sse"], [list(center) for center in fit["centers"]],
        )
        for fit in sorted(fits, key=lambda fit: str(fit["genre"]))
    ]  # fmt: skip


def fitted_genres(rows: DataFrame, scalers: Mapping[str, GenreScaler], rule: FitRule, tasks: int) -> DataFrame:
    """One row per genre of `rows` (genre, track_id, source, features), with the columns of _FITS.

    A genre is fitted by one task, on rows in key order: neither tasks nor batches nor the order given change a bit.
    """
    # An explicit number of partitions is left alone by adaptive execution, and the window needs no other.
    rows = rows.repartition(tasks, "genre")
    if any(scaler.n > rule.fit_rows for scaler in scalers.values()):
        by_hash = Window.partitionBy("genre").orderBy(F.xxhash64("track_id", "source"), "track_id", "source")
        rows = rows.withColumn("place", F.row_number().over(by_hash)).where(F.col("place") <= rule.fit_rows)
    return (
        rows.sortWithinPartitions("genre", "track_id", "source")
        .select("genre", "features")
        .mapInArrow(partial(_fit_genres, scalers=scalers, rule=rule), ddl(_FITS))
    )


def _fit_genres(
    batches: Iterable[pa.RecordBatch], scalers: Mapping[str, GenreScaler], rule: FitRule
) -> Iterator[pa.RecordBatch]:
    for block in arrays.block_runs(batches, ("genre",)):
        scaler = scalers[block["genre"][0].as_py()]
        features = arrays.to_matrix(arrays.single(block["features"]), len(scaler.mean))
        fit = fit_clusters(standardize(features, scaler.mean, scaler.sd), rule.count.clusters(len(features)), rule.seed)
        row: dict[str, Any] = {
            "genre": scaler.genre, "n": fit.n, "k": fit.k, "k_eff": fit.k_eff, "iterations": fit.iterations,
            "sse": fit.sse, "centers": fit.centers.tolist(),
        }  # fmt: skip
        yield pa.RecordBatch.from_pylist([row], schema=arrow_schema(_FITS))
