"""Recordings -> the genres each is in, and the groups that are too small to be kept."""

from collections.abc import Collection
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from soundalike.contracts.acousticbrainz import MODELS, model_offsets
from soundalike.contracts.tables import GENRE_MEMBERSHIPS

# Exclusive: the genre of a track that is in no other.
OTHER = "other"
UNCERTAIN = "uncertain"

_MODEL = "genre_rosamerica"
_PLACED = "array<struct<genre:string,weight:double>>"


@dataclass(frozen=True)
class GenreRule:
    """How a recording gets its genres from the probabilities of one model.

    `label`: the label. `threshold`: every class with at least that probability, else the label. A label below
    `confidence_floor` (0 = none) becomes the genre `uncertain`.
    """

    mode: str
    threshold: float
    confidence_floor: float

    @property
    def map_version(self) -> str:
        """Names everything that decides the genres: the classes of the model are the map."""
        threshold = f",t={self.threshold!r}" if self.mode == "threshold" else ""
        floor = f",floor={self.confidence_floor!r}" if self.confidence_floor else ""
        return f"rosamerica-{self.mode}-1{threshold}{floor}"


def with_genres(recordings: DataFrame, rule: GenreRule) -> DataFrame:
    """Adds `placed` array<struct<genre,weight>>, by genre: the genres of each recording before any is dropped.

    The weight is the probability, 0 for a label that the model has no probability for. Empty = no label, and no class
    at the threshold.
    """
    placed = _of_label(rule.confidence_floor)
    if rule.mode == "threshold":
        certain = F.filter(_classes(), lambda place: place["weight"] >= rule.threshold)
        placed = F.when(F.size(certain) > 0, certain).otherwise(placed)
    return recordings.withColumn("placed", placed.cast(_PLACED))


def genres_of(placed: str) -> Column:
    """The names in a column of the shape of `placed`, sorted as it is."""
    return F.transform(placed, lambda place: place["genre"])


def genre_groups(features: DataFrame) -> DataFrame:
    """One row per genre: genre, tracks, complete (those with all features); `features` as for silver/track_vectors."""
    grouped = features.select(F.explode("genres").alias("genre"), "features").groupBy("genre")
    return grouped.agg(F.count(F.lit(1)).alias("tracks"), F.count_if(F.col("features").isNotNull()).alias("complete"))


def with_groups_kept(placed: DataFrame, dropped: Collection[str]) -> DataFrame:
    """Adds `kept`, shaped like `placed`, without the genres `dropped`; a recording left with none is in `other` alone.

    Its weight is 0: no class of the model.
    """
    left = F.filter("placed", lambda place: ~place["genre"].isin(list(dropped)))
    other = F.array(F.struct(F.lit(OTHER).alias("genre"), F.lit(0.0).alias("weight")))
    return placed.withColumn("kept", F.when(F.size(left) > 0, left).otherwise(other).cast(_PLACED))


def memberships(kept: DataFrame, source: str, map_version: str) -> DataFrame:
    """The rows of silver/genre_memberships."""
    rows = kept.select(F.col("mbid").alias("track_id"), F.inline("kept"))
    return rows.select(
        "track_id", F.lit(source).alias("source"), "genre", F.lit(map_version).alias("map_version"), "weight"
    ).select(*GENRE_MEMBERSHIPS.column_names)


def membership_counters(kept: DataFrame) -> DataFrame:
    """One row, one bigint column per counter. The mean of memberships per track with a genre follows from them."""
    is_other = F.element_at("kept", 1)["genre"] == OTHER
    return kept.agg(
        F.count(F.lit(1)).alias("tracks"),
        F.count_if(~is_other).alias("tracks_with_genre"),
        F.coalesce(F.sum(F.size("kept")), F.lit(0)).alias("memberships"),
    )


def _classes() -> Column:
    """Every class of the model that has a probability; the model's classes stand by code point."""
    first = model_offsets()[_MODEL]
    every = [
        F.struct(F.lit(label).alias("genre"), F.col("probabilities")[first + place].alias("weight"))
        for place, label in enumerate(MODELS[_MODEL])
    ]
    return F.filter(F.array(*every), lambda place: place["weight"].isNotNull())


def _of_label(confidence_floor: float) -> Column:
    given = F.filter(_classes(), lambda place: place["genre"] == F.col(_MODEL))
    weight = F.coalesce(F.get(given, 0)["weight"], F.lit(0.0))
    genre = F.when(weight < confidence_floor, F.lit(UNCERTAIN)).otherwise(F.col(_MODEL))
    place = F.struct(genre.alias("genre"), weight.alias("weight"))
    return F.when(F.col(_MODEL).isNotNull(), F.array(place)).otherwise(F.array())
