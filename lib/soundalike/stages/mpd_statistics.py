"""Exact statistics and histograms of what is published, and how they differ from the published ones."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from soundalike.contracts.mpd import HISTOGRAMS, PUBLISHED_STATISTICS

# (label, count)
Labels = Sequence[tuple[str, int]]

_TOP = 20


def statistics(playlists: DataFrame, records: DataFrame) -> dict[str, float]:
    """The values of operations/mpd_stats; 0 where nothing carries a field. All counts are exact."""
    counted = playlists.agg(
        F.count(F.lit(1)).alias("playlists"),
        F.coalesce(F.sum("n_entries"), F.lit(0)).alias("entries"),
        F.count("description").alias("playlists_with_description"),
        F.count_if(F.col("n_entries") > F.col("n_tracks")).alias("playlists_with_a_repeated_track"),
    ).collect()[0].asDict()  # fmt: skip
    distinct = {
        "unique_tracks": (records, "track_id"), "unique_albums": (records, "album_id"),
        "unique_artists": (records, "artist_id"), "unique_titles": (playlists, "name"),
        "unique_normalized_titles": (playlists, "name_norm"),
    }  # fmt: skip
    for name, (rows, column) in distinct.items():
        counted[name] = rows.where(F.col(column).isNotNull()).select(column).distinct().count()
    counted["mean_length"] = counted["entries"] / counted["playlists"] if counted["playlists"] else 0.0
    return {name: float(value) for name, value in counted.items()}


def histograms(playlists: DataFrame, records: DataFrame, run_id: str) -> DataFrame:
    """The rows of operations/mpd_histograms. Lengths are the claims; tracks and artists count names, not URIs."""
    one, name_by_artist = F.lit(1), F.concat_ws(" by ", "track_name", "artist_name")
    parts = [
        _ranked("top_titles", playlists, F.col("name_norm"), one, _TOP),
        _ranked("top_tracks", records, name_by_artist, F.col("n"), _TOP),
        _ranked("top_artists", records, F.col("artist_name"), F.col("n"), _TOP),
        _ranked("lengths", playlists, F.col("num_tracks"), one),
        _ranked("edits", playlists, F.col("num_edits"), one),
        _ranked("followers", playlists, F.col("num_followers"), one),
        _ranked("modified_day", playlists, F.col("modified_day"), one),
    ]
    rows = parts[0]
    for part in parts[1:]:
        rows = rows.unionByName(part)
    return rows.withColumn("run_id", F.lit(run_id)).select(*HISTOGRAMS.column_names)


def _ranked(statistic: str, rows: DataFrame, value: Column, weight: Column, top: int | None = None) -> DataFrame:
    """Values by count, ties by value ascending (numbers as numbers); absent values are left out."""
    counted = rows.select(value.alias("value"), weight.alias("n")).where("value is not null")
    counts = counted.groupBy("value").agg(F.sum("n").cast("bigint").alias("count"))
    if top:
        counts = counts.orderBy(F.desc("count"), "value").limit(top)
    rank = F.row_number().over(Window.partitionBy(F.lit(0)).orderBy(F.desc("count"), "value"))
    label = F.col("value").cast("string").alias("label")
    return counts.select(F.lit(statistic).alias("statistic"), label, rank.alias("rank"), "count")


def differences(found: Mapping[str, float]) -> list[str]:
    """How the statistics differ from those published with the full dataset; empty = they do not."""
    return [
        f"{name} {found.get(name, 0.0):,.10g} (published {published:,.10g})"
        for name, published in PUBLISHED_STATISTICS.items()
        if found.get(name) != published
    ]


def list_differences(found: Mapping[str, Mapping[str, int]], published: Mapping[str, Labels]) -> list[str]:
    """The same for the lists of stats.txt: every label must be there with its count. Ties may stand in any order."""
    return [
        f"{statistic} {label} {found.get(statistic, {}).get(label, 0):,} (published {count:,})"
        for statistic, labels in published.items()
        for label, count in labels
        if found.get(statistic, {}).get(label) != count
    ]


def compared(
    values: Mapping[str, float], lists: Mapping[str, Mapping[str, int]], published: Mapping[str, Labels]
) -> tuple[list[str], str]:
    """(differences, a remark on how the lists were compared); `published` are those of stats.txt, empty without it.

    The published day histogram was made in local time: its labels are the days in UTC, or the days before them.
    """
    wrong = differences(values)
    if not published:
        return wrong, "stats.txt is not beside the slices: the lists in it were not compared"
    wrong += list_differences(lists, {name: labels for name, labels in published.items() if name != "modified_day"})
    days = published.get("modified_day", [])
    readings = {"as it stands": days, "one day later": next_days(days)}
    unlike = {how: list_differences(lists, {"modified_day": labels}) for how, labels in readings.items()}
    matched = [how for how, differing in unlike.items() if not differing]
    if matched:
        return wrong, f"modified_day agrees with the published histogram, {matched[0]}"
    return wrong + unlike["one day later"], "modified_day agrees with the published histogram in neither reading"


def next_days(days: Labels) -> list[tuple[str, int]]:
    """The labels of a day histogram one day later: the published one was made west of Greenwich, in local time."""
    return [((date.fromisoformat(label) + timedelta(days=1)).isoformat(), count) for label, count in days]
