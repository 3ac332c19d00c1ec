"""Recordings and playlist tracks -> feature vectors and the tracks that a reader joins neighbors to."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from soundalike.contracts.acousticbrainz import ELEVEN, MODELS, model_offsets
from soundalike.contracts.features import FeatureSet
from soundalike.contracts.tables import TRACK_VECTORS, TRACKS
from soundalike.numeric.moments import mean, population_sd
from soundalike.numeric.scaling import standardize, unit_rows
from soundalike.numeric.simplex import shares
from soundalike.stages.arrays import from_matrix, to_matrix
from soundalike.stages.genres import genres_of
from soundalike.stages.schemas import arrow_schema, ddl

SOURCE = "acousticbrainz"
PLAYLISTS = "spotify"


@dataclass(frozen=True)
class Scaler:
    """Mean and population standard deviation (d,) of a feature set over `n` rows; 0 and 1 where it is not scaled."""

    feature_set: FeatureSet
    n: int
    mean: tuple[float, ...]
    sd: tuple[float, ...]

    @property
    def model_version(self) -> str:
        stated = [self.feature_set.name, self.feature_set.columns, self.n, [v.hex() for v in (*self.mean, *self.sd)]]
        return hashlib.sha256(json.dumps(stated).encode()).hexdigest()[:16]

    def row(self) -> tuple[object, ...]:
        """Of gold/feature_scalers, for the whole corpus."""
        names = list(self.feature_set.columns)
        return (self.feature_set.name, "*", self.model_version, self.n, names, list(self.mean), list(self.sd))


def features_of_recordings(recordings: DataFrame, feature_set: FeatureSet) -> DataFrame:
    """Rows of silver/track_vectors without `vector`: features are null as a whole when one is missing.

    `recordings` as from `genres.with_genres`. The genres are those before any is dropped for its size: they are the
    blocks of the neighbor lists, which no smallest size may change.
    """
    values = [_feature(name) for name in feature_set.columns]
    complete = F.lit(True)
    for value in values:
        complete = complete & value.isNotNull()
    return recordings.select(
        F.col("mbid").alias("track_id"),
        F.lit(SOURCE).alias("source"),
        F.lit(feature_set.name).alias("feature_set"),
        _recording_key().alias("recording_key"),
        genres_of("placed").alias("genres"),
        F.col("release_decade").alias("decade"),
        "is_trusted",
        F.when(complete, F.array(*values)).alias("features"),
    )


def fitted_scaler(features: DataFrame, feature_set: FeatureSet) -> Scaler | None:
    """Fitted on the trusted rows that have features; None without any, unless the set is not scaled.

    The sums are decimal, so that no order of rows can change a bit of them.
    """
    width = len(feature_set.columns)
    rows = features.where(F.col("is_trusted") & F.col("features").isNotNull())
    if feature_set.scaling == "none":
        return Scaler(feature_set, rows.count(), (0.0,) * width, (1.0,) * width)
    value = [F.col("features")[place] for place in range(width)]
    sums = rows.agg(F.count(F.lit(1)), *[F.sum(v.cast("decimal(38,18)")) for v in value]).collect()[0]
    count = sums[0]
    if not count:
        return None
    means = [mean(total, count) for total in sums[1:]]
    deviations = [v - F.lit(m) for v, m in zip(value, means, strict=True)]
    squares = rows.agg(*[F.sum((d * d).cast("decimal(38,24)")) for d in deviations]).collect()[0]
    return Scaler(feature_set, count, tuple(means), tuple(population_sd(s, count) for s in squares))


def scaled_vectors(features: DataFrame, scaler: Scaler | None) -> DataFrame:
    """Rows of silver/track_vectors: features scaled, brought to unit length, rounded to float.

    No vector (null) without features, without a scaler, when the scaled row has no length, or when the probabilities of
    a model sum to 0.
    """
    if scaler is None:
        return features.withColumn("vector", F.lit(None).cast("array<float>"))
    return features.mapInArrow(partial(_scale_batches, scaler=scaler), ddl(TRACK_VECTORS.columns))


def tracks_of_recordings(recordings: DataFrame) -> DataFrame:
    """Rows of gold/tracks; `recordings` as from `genres.with_groups_kept`."""
    given = {
        "track_id": F.col("mbid"), "source": F.lit(SOURCE), "artist": F.col("artist_credit"),
        "album": F.col("album_name"), "genres": genres_of("kept"), "popularity": F.col("submissions"),
        "recording_key": _recording_key(),
    }  # fmt: skip
    return recordings.select(*[given.get(name, F.col(name)).alias(name) for name in TRACKS.column_names])


def tracks_of_playlists(tracks: DataFrame) -> DataFrame:
    """Rows of gold/tracks from those of silver/mpd_tracks: nothing dates them, and nothing speaks against them."""
    given = {
        "source": F.lit(PLAYLISTS), "title": F.col("track_name"), "artist": F.col("artist_name"),
        "album": F.col("album_name"), "release_year": F.lit(None), "release_decade": F.lit(None), "genres": F.array(),
        "duration_s": F.col("duration_ms") / 1000, "is_trusted": F.lit(True), "popularity": F.col("n_playlists"),
        "recording_key": F.col("track_id"),
    }  # fmt: skip
    return tracks.select(*[given.get(c.name, F.col(c.name)).cast(c.type).alias(c.name) for c in TRACKS.columns])


def _feature(name: str) -> Column:
    if name in ELEVEN:
        return F.col(name)
    model, output = name.split(".")
    # Merged probabilities of a model of more than two classes are divided by their sum already.
    return F.col("probabilities")[model_offsets()[model] + MODELS[model].index(output)]


def _recording_key() -> Column:
    """Near-duplicates never stand in one list; a placeholder title says nothing about that."""
    return F.when(~F.col("is_placeholder_title"), F.coalesce("near_dup_group", "mbid")).otherwise(F.col("mbid"))


def _scale_batches(batches: Iterator[pa.RecordBatch], scaler: Scaler) -> Iterator[pa.RecordBatch]:
    schema = arrow_schema(TRACK_VECTORS.columns)
    for batch in batches:
        features = to_matrix(batch.column("features"), len(scaler.mean))
        if scaler.feature_set.groups:
            features = shares(features, scaler.feature_set.groups)
        vectors, is_vector = unit_rows(standardize(features, scaler.mean, scaler.sd))
        columns = [*batch.columns, from_matrix(vectors, is_vector)]
        yield pa.RecordBatch.from_arrays([c.cast(f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
