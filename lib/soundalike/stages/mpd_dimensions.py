"""Published entries -> tracks, artists and albums, each with its representative record.

The attributes of a key are taken together: the record with the most entries, ties to the smallest (fields in column
order, texts by code point, numbers by value, nulls last).
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from soundalike.contracts.mpd import ALBUMS, ARTISTS, TRACKS

_RECORD = ("track_id", "track_name", "artist_id", "artist_name", "album_id", "album_name", "duration_ms")


def entry_records(entries: DataFrame) -> DataFrame:
    """Distinct records of entries with ids, and how many entries (`n`) have each."""
    return entries.groupBy(*_RECORD).agg(F.count(F.lit(1)).alias("n"))


def tracks(records: DataFrame, entries: DataFrame) -> DataFrame:
    """The rows of silver/mpd_tracks; `entries` are those of silver/mpd_entries."""
    rows = representatives(records, "track_id", ("track_name", "artist_id", "album_id", "duration_ms"))
    playlists = (
        entries.select("track_id", "pid").distinct().groupBy("track_id").agg(F.count("pid").alias("n_playlists"))
    )
    rows = rows.join(playlists, "track_id")
    for name in ("artist_name", "album_name"):
        named = representatives(records.where(F.col(name).isNotNull()), "track_id", (name,)).select("track_id", name)
        rows = rows.join(named, "track_id", "left")
    return rows.select(*TRACKS.column_names)


def artists(records: DataFrame) -> DataFrame:
    """The rows of silver/mpd_artists: one per artist URI."""
    return _named(records, "artist_id", "artist_name").select(*ARTISTS.column_names)


def albums(records: DataFrame) -> DataFrame:
    """The rows of silver/mpd_albums: one per album URI."""
    return _named(records, "album_id", "album_name").select(*ALBUMS.column_names)


def _named(records: DataFrame, key: str, name: str) -> DataFrame:
    keyed = records.where(F.col(key).isNotNull())
    counts = keyed.groupBy(key).agg(F.count_distinct("track_id").alias("n_tracks"))
    return representatives(keyed, key, (name,)).join(counts, key)


def representatives(records: DataFrame, key: str, fields: Sequence[str]) -> DataFrame:
    """Per key the fields of its representative, n_entries and n_variants (distinct records of those fields)."""
    counted = records.groupBy(key, *fields).agg(F.sum("n").alias("n"))
    chosen = counted.groupBy(key).agg(
        F.min(_order(fields)).alias("chosen"), F.sum("n").alias("n_entries"), F.count(F.lit(1)).alias("n_variants")
    )
    return chosen.select(key, *[f"chosen.{field}" for field in fields], "n_entries", "n_variants")


def _order(fields: Sequence[str]) -> Column:
    """A struct whose minimum is the representative; structs compare field by field, nulls first."""
    parts = [(-F.col("n")).alias("order")]
    for field in fields:
        parts += [F.col(field).isNull().alias(f"{field}_is_null"), F.col(field)]
    return F.struct(*parts)
