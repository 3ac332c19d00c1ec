"""The rows of each genre, and the scaler that its models live with."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from soundalike.contracts.features import FeatureSet
from soundalike.numeric.moments import mean, population_sd
from soundalike.numeric.scaling import SMALLEST_SD


@dataclass(frozen=True)
class GenreScaler:
    """Mean and population standard deviation (d,) of `n` rows of a genre.

    `is_untrusted`: the genre has no trusted row, so these are all its rows.
    """

    genre: str
    map_version: str
    n: int
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    is_untrusted: bool

    def flat_columns(self, feature_set: FeatureSet) -> list[str]:
        """Columns that become 0."""
        return [name for name, sd in zip(feature_set.columns, self.sd, strict=True) if sd < SMALLEST_SD]


def placed_tracks(memberships: DataFrame, vectors: DataFrame, feature_set: str) -> DataFrame:
    """One row per membership: genre, map_version, track_id, source, is_trusted, features.

    features are null when the track has none in `feature_set`.
    """
    features = vectors.where(F.col("feature_set") == feature_set).select("track_id", "source", "is_trusted", "features")
    return memberships.join(features, on=["track_id", "source"], how="left").select(
        "genre", "map_version", "track_id", "source", "is_trusted", "features"
    )


def genre_scalers(placed: DataFrame, feature_set: FeatureSet) -> list[GenreScaler]:
    """By genre, one for each genre that has a track with features. `placed` as from `placed_tracks`.

    The sums are decimal, so that no order of rows can change a bit of them.
    """
    genres = (
        placed.where(F.col("features").isNotNull())
        .groupBy("genre")
        .agg(
            F.array_join(F.array_sort(F.collect_set("map_version")), "|").alias("map_version"),
            F.count_if("is_trusted").alias("trusted"),
        )
        .collect()
    )
    map_versions = {row["genre"]: row["map_version"] for row in genres}
    untrusted = sorted(row["genre"] for row in genres if not row["trusted"])
    rows = rows_to_fit(placed, untrusted)
    value = [F.col("features")[place] for place in range(len(feature_set.columns))]
    sums = rows.groupBy("genre").agg(F.count(F.lit(1)), *[F.sum(v.cast("decimal(38,18)")) for v in value]).collect()
    if not sums:
        return []
    counts = {genre: count for genre, count, *_ in sums}
    means = {genre: tuple(mean(total, count) for total in totals) for genre, count, *totals in sums}
    literals = [part for genre in sorted(means) for part in (F.lit(genre), F.array(*map(F.lit, means[genre])))]
    mean_of = F.create_map(*literals)[F.col("genre")]
    deviations = [v - mean_of[place] for place, v in enumerate(value)]
    squares = rows.groupBy("genre").agg(*[F.sum((d * d).cast("decimal(38,24)")) for d in deviations]).collect()
    deviation = {genre: tuple(population_sd(s, counts[genre]) for s in totals) for genre, *totals in squares}
    return [
        GenreScaler(
            genre, map_versions[genre], counts[genre], means[genre], deviation[genre], is_untrusted=genre in untrusted
        )
        for genre in sorted(means)
    ]


def rows_to_fit(placed: DataFrame, untrusted: Sequence[str]) -> DataFrame:
    """Rows with features that are trusted, or of a genre of `untrusted`."""
    fitting = F.col("is_trusted") | F.col("genre").isin(list(untrusted))
    return placed.where(F.col("features").isNotNull() & fitting)
