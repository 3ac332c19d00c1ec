"""The integrity rules as nullable conditions on rows of bronze, and their counters.

A condition is null where it is not evaluable: the field it looks at is absent. A rule whose condition is null on every
record of a run has no count.
"""

from collections.abc import Iterable, Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from soundalike.contracts.mpd import (
    ENTRY_FIELDS,
    LATEST_MODIFIED_AT,
    PLAYLIST_FIELDS,
    REQUIRED_OF_ENTRIES,
    REQUIRED_OF_PLAYLISTS,
)

Counts = dict[str, int | None]
# (rule, field or None) -> count, None = not evaluable
FieldCounts = dict[tuple[str, str | None], int | None]

_MOST_EXTRA_FIELDS = 1_000


def is_uri(column: str, kind: str) -> Column:
    """Whether it is `spotify:<kind>:` and 22 base-62 characters; null = absent."""
    return F.col(column).rlike(rf"\Aspotify:{kind}:[0-9A-Za-z]{{22}}\z")


def id_of(column: str, kind: str) -> Column:
    """The last part of a well-formed URI; null otherwise."""
    return F.when(is_uri(column, kind), F.substring(column, -22, 22))


def is_blank(column: str) -> Column:
    """Nothing but white space, as Python has it; null = absent."""
    return F.col(column).rlike(r"(?U)\A[\s\x1c-\x1f]*\z")


def playlist_conditions() -> dict[str, Column]:
    """Rules that count kept playlists. Claims are compared with all entries as present in the file."""

    def where_all_carry(given: str, condition: Column) -> Column:
        return F.when(F.col(given) == F.col("entries"), condition)

    pid, modified_at = F.col("pid"), F.col("modified_at")
    return {
        "pid_range": (pid < F.col("slice_first")) | (pid > F.col("slice_last")),
        "name_blank": is_blank("name"),
        "tracks_few": F.col("entries") < 5,
        "tracks_many": F.col("entries") > 250,
        "artists_few": where_all_carry("artist_uris_given", F.col("artist_uris") < 3),
        "albums_few": where_all_carry("album_uris_given", F.col("album_uris") < 2),
        "num_tracks_mismatch": F.col("num_tracks") != F.col("entries"),
        "num_artists_mismatch": where_all_carry("artist_uris_given", F.col("num_artists") != F.col("artist_uris")),
        "num_albums_mismatch": where_all_carry("album_uris_given", F.col("num_albums") != F.col("album_uris")),
        "duration_mismatch": where_all_carry("durations_given", F.col("duration_ms") != F.col("duration_sum_ms")),
        "followers_low": F.col("num_followers") < 1,
        "edits_low": F.col("num_edits") < 1,
        "modified_late": modified_at > LATEST_MODIFIED_AT,
        "modified_not_midnight": modified_at % 86_400 != 0,
        "collaborative_value": ~F.col("collaborative").isin("true", "false"),
    }


def entry_conditions() -> dict[str, Column]:
    """Rules that count kept entries of kept playlists."""
    names = [is_blank(name) for name in ("track_name", "artist_name", "album_name")]
    return {
        "pos_gap": F.col("pos_given") != F.col("pos"),
        "artist_uri_bad": ~is_uri("artist_uri", "artist"),
        "album_uri_bad": ~is_uri("album_uri", "album"),
        "entry_duration": F.col("duration_ms") <= 0,
        # One blank name fires; names that are absent say nothing.
        "entry_name_blank": F.greatest(*[name.cast("int") for name in names]) == 1,
    }


def column_of(level: str, field: str) -> str:
    """The bronze column of a field: the index of an entry stands beside its field `pos`."""
    return "pos_given" if (level, field) == ("entry", "pos") else field


def first_missing(level: str, profile: str) -> Column:
    """The first field that the profile requires and the record lacks; null = none."""
    required = {"playlist": REQUIRED_OF_PLAYLISTS, "entry": REQUIRED_OF_ENTRIES}[level][profile]
    return F.coalesce(*[F.when(F.col(column_of(level, field)).isNull(), F.lit(field)) for field in required])


def counted(records: DataFrame, conditions: Mapping[str, Column]) -> Counts:
    """How often each condition is true; None = there are records and it is null on all of them."""
    fired = [F.count_if(condition).alias(f"fired_{rule}") for rule, condition in conditions.items()]
    known = [F.count(condition).alias(f"known_{rule}") for rule, condition in conditions.items()]
    row = records.agg(F.count(F.lit(1)).alias("records"), *fired, *known).collect()[0]
    return {rule: None if row["records"] and not row[f"known_{rule}"] else row[f"fired_{rule}"] for rule in conditions}


def counted_missing(records: DataFrame, level: str) -> tuple[FieldCounts, int]:
    """Per field of the schema the records without it; and the records that lack any."""
    fields = {"playlist": PLAYLIST_FIELDS, "entry": ENTRY_FIELDS}[level]
    lacking = {field: F.col(column_of(level, field)).isNull() for field in fields}
    any_lacking = F.greatest(*[condition.cast("int") for condition in lacking.values()]) == 1
    counts = [F.count_if(condition).alias(field) for field, condition in lacking.items()]
    row = records.agg(*counts, F.count_if(any_lacking).alias("any_field")).collect()[0]
    return {(f"{level}_field_missing", field): row[field] for field in fields}, row["any_field"]


def counted_extra(records: DataFrame, level: str) -> tuple[FieldCounts, int]:
    """Per field beyond the schema the records with it (one zero without a field if there is none); records with any."""
    with_extra = records.where(F.size("fields_extra") > 0)
    fields = with_extra.select(F.explode("fields_extra").alias("field")).groupBy("field").count()
    found = fields.orderBy(F.desc("count"), "field").limit(_MOST_EXTRA_FIELDS).collect()
    rule = f"{level}_field_extra"
    if not found:
        return {(rule, None): 0}, 0
    return {(rule, row["field"]): row["count"] for row in found}, with_extra.count()


def several_names(records: DataFrame, key: str, name: str) -> int | None:
    """Ids that stand with several names; None = there are records and none has an id."""
    names = records.where(F.col(key).isNotNull()).groupBy(key).agg(F.count_distinct(name).alias("names"))
    row = names.agg(F.count(F.lit(1)).alias("ids"), F.count_if(F.col("names") > 1).alias("several")).collect()[0]
    return None if not row["ids"] and not records.isEmpty() else row["several"]


def without_field(counts: Counts, rules: Iterable[str]) -> FieldCounts:
    return {(rule, None): counts[rule] for rule in rules if rule in counts}
