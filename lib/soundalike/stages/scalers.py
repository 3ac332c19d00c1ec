"""The rows of each genre, and the scaler that its models live with."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from soundalike.contracts.features import FeatureSet
from soundalike.numeric.moments import mean, population_sd
from soundalike.numeric.scaling import SMALLEST_SD


@dataclass(frozen=True)
class GenreScaler:
    """Mean and population standard deviation (d,) of `n` rows of a genre; 0 and 1 where the set is not scaled.

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


@dataclass(frozen=True)
class GenreSums:
    """All memberships of a genre, and of the `n` rows that it is fitted on (0: none has features) the sums (d,)."""

    genre: str
    map_version: str
    memberships: int
    n: int
    is_untrusted: bool
    totals: tuple[Decimal, ...]


def genre_sums(placed: DataFrame, feature_set: FeatureSet) -> list[GenreSums]:
    """By genre, one for each genre of `placed` (as from `placed_tracks`).

    The sums are decimal, so that no order of rows can change a bit of them. There are none if the set is not scaled.
    """
    scaled = range(len(feature_set.columns)) if feature_set.scaling == "zscore" else ()
    value = [F.col("features")[place] for place in scaled]
    parts = (
        placed.groupBy("genre", (F.col("features").isNotNull() & F.col("is_trusted")).alias("trusted"))
        .agg(
            F.array_sort(F.collect_set(F.when(F.col("features").isNotNull(), F.col("map_version")))),
            F.count(F.lit(1)),
            F.count("features"),
            *[F.sum(v.cast("decimal(38,18)")) for v in value],
        )
        .collect()
    )
    found = []
    for genre in sorted({part["genre"] for part in parts}):
        of_genre = {bool(part["trusted"]): part for part in parts if part["genre"] == genre}
        _, is_trusted, _, _, n, *totals = of_genre.get(True) or of_genre[False]
        versions = {version for _, _, versions, *_ in of_genre.values() for version in versions}
        memberships = sum(count for _, _, _, count, *_ in of_genre.values())
        found.append(GenreSums(genre, "|".join(sorted(versions)), memberships, n, not is_trusted, tuple(totals)))
    return found


def genre_scalers(placed: DataFrame, genres: Sequence[GenreSums], feature_set: FeatureSet) -> list[GenreScaler]:
    """One for each of `genres` (`genre_sums` of `placed`) that has rows to fit."""
    fitted = [sums for sums in genres if sums.n]
    if not fitted:
        return []
    if feature_set.scaling == "none":
        zeros, ones = ((number,) * len(feature_set.columns) for number in (0.0, 1.0))
        return [GenreScaler(s.genre, s.map_version, s.n, zeros, ones, s.is_untrusted) for s in fitted]
    rows = rows_to_fit(placed, [sums.genre for sums in fitted if sums.is_untrusted])
    value = [F.col("features")[place] for place in range(len(feature_set.columns))]
    means = {sums.genre: tuple(mean(total, sums.n) for total in sums.totals) for sums in fitted}
    literals = [part for genre in sorted(means) for part in (F.lit(genre), F.array(*map(F.lit, means[genre])))]
    mean_of = F.create_map(*literals)[F.col("genre")]
    deviations = [v - mean_of[place] for place, v in enumerate(value)]
    squares = rows.groupBy("genre").agg(*[F.sum((d * d).cast("decimal(38,24)")) for d in deviations]).collect()
    total = {genre: totals for genre, *totals in squares}
    return [
        GenreScaler(
            sums.genre, sums.map_version, sums.n, means[sums.genre],
            tuple(population_sd(square, sums.n) for square in total[sums.genre]), sums.is_untrusted,
        )
        for sums in fitted
    ]  # fmt: skip


def rows_to_fit(placed: DataFrame, untrusted: Sequence[str]) -> DataFrame:
    """Rows with features that are trusted, or of a genre of `untrusted`."""
    fitting = F.col("is_trusted") | F.col("genre").isin(list(untrusted))
    return placed.where(F.col("features").isNotNull() & fitting)
