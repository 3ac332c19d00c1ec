"""Recordings -> artists, albums and the bridges between the three.

Only the merged recordings speak: one artist list and one release each. Every key of a bridge is in its dimension.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from soundalike.contracts.entities import ALBUMS, ARTISTS


def recording_artists(recordings: DataFrame) -> DataFrame:
    """The rows of silver/recording_artists. An unresolved recording has none: its ids are not paired with names."""
    return recordings.select("mbid", F.explode(_artist_ids()).alias("artist_id"))


def recording_albums(recordings: DataFrame) -> DataFrame:
    """The rows of silver/recording_albums. The id is enough: a release may have no name."""
    return recordings.where("album_id is not null").select("mbid", "album_id")


def album_artists(recordings: DataFrame) -> DataFrame:
    """The rows of silver/album_artists."""
    on_albums = recordings.where("album_id is not null")
    return on_albums.select("album_id", F.explode(_artist_ids()).alias("artist_id")).distinct()


def artists(recordings: DataFrame) -> DataFrame:
    """The rows of silver/artists."""
    names = recordings.select(F.inline(F.array_distinct("artists")))
    return _named(recording_artists(recordings), names, "artist_id", "artist_name").select(*ARTISTS.column_names)


def albums(recordings: DataFrame) -> DataFrame:
    """The rows of silver/albums."""
    names = recordings.select("album_id", "album_name")
    return _named(recording_albums(recordings), names, "album_id", "album_name").select(*ALBUMS.column_names)


def _artist_ids() -> Column:
    return F.array_distinct(F.transform("artists", lambda artist: artist["artist_id"]))


def _named(bridge: DataFrame, names: DataFrame, key: str, name: str) -> DataFrame:
    """Columns `key`, `name`, alias_count, recordings: one row per key of `bridge`.

    `names` has a row per recording and name that it gives; the most frequent one stands, the smallest of equals.
    A null name has no vote.
    """
    votes = names.where(F.col(name).isNotNull()).groupBy(key, name).agg(F.count(F.lit(1)).alias("votes"))
    chosen = votes.groupBy(key).agg(
        F.min(F.struct((-F.col("votes")).alias("order"), name)).alias("chosen"), F.count(F.lit(1)).alias("names")
    )
    held = bridge.groupBy(key).agg(F.count(F.lit(1)).alias("recordings"))
    return held.join(chosen, key, "left").select(
        key,
        f"chosen.{name}",
        F.coalesce(F.col("names") - 1, F.lit(0)).alias("alias_count"),
        "recordings",
    )
