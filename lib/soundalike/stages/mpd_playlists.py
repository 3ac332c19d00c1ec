"""Bronze -> published playlists and entries, and what was refused."""

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from soundalike.contracts.mpd import BRONZE_PLAYLISTS, ENTRIES, PLAYLISTS
from soundalike.contracts.tables import REJECTS
from soundalike.stages.mpd_rules import first_missing, id_of, is_uri
from soundalike.stages.schemas import arrow_schema, ddl
from soundalike.texts.titles import decoded_entities, normalized_title

_KINDS = ("track", "artist", "album")
_GIVEN = tuple(
    column
    for column in BRONZE_PLAYLISTS.columns
    if column.name in PLAYLISTS.column_names and column.name != "duration_sum_ms"
)
_TEXTED = (*_GIVEN, *[column for column in PLAYLISTS.columns if column.name in ("name_norm", "description_text")])
# modified_at within the years 1 to 9999: what a date can hold.
_FIRST_DAY_S, _LAST_DAY_S = -62_135_596_800, 253_402_300_799


def judged_playlists(playlists: DataFrame, profile: str) -> DataFrame:
    """Adds `rule` and `detail`: why a playlist of bronze is refused, null = kept.

    Of several with one pid the first by (slice, index) stays, whatever else is wrong with it.
    """
    unkeyed = F.col("pid").isNull() | F.col("entries").isNull()
    seen = Window.partitionBy("pid").orderBy(unkeyed, "slice_first", "slice_index")
    missing = first_missing("playlist", profile)
    numbered = playlists.withColumns({"copy_no": F.row_number().over(seen), "missing": missing, "unkeyed": unkeyed})
    rules = {
        "playlist_unkeyed": "unkeyed",
        "pid_duplicate": "copy_no > 1",
        "playlist_field_missing": "missing is not null",
    }
    rule = F.coalesce(*[F.when(F.expr(condition), F.lit(name)) for name, condition in rules.items()])
    details = {
        "playlist_unkeyed": F.when(F.col("pid").isNull(), F.lit("pid")).otherwise(F.lit("tracks")),
        "playlist_field_missing": F.col("missing"),
    }
    detail = F.coalesce(*[F.when(F.col("rule") == name, value) for name, value in details.items()])
    return numbered.withColumn("rule", rule).withColumn("detail", detail).drop("copy_no", "missing", "unkeyed")


def judged_entries(entries: DataFrame, judged: DataFrame, profile: str) -> DataFrame:
    """Entries of the kept playlists with `rule` and `detail`: why an entry is refused, null = kept."""
    refused = judged.where("rule is not null").select("slice_first", "slice_index")
    missing, bad = first_missing("entry", profile), ~is_uri("track_uri", "track")
    return entries.join(refused, ["slice_first", "slice_index"], "left_anti").withColumns({
        "rule": F.when(missing.isNotNull(), F.lit("entry_field_missing")).when(bad, F.lit("track_uri_bad")),
        "detail": F.coalesce(missing, F.when(bad, F.col("track_uri"))),
    })  # fmt: skip


def kept(judged: DataFrame) -> DataFrame:
    return judged.where("rule is null")


def with_ids(entries: DataFrame) -> DataFrame:
    """Entries with ids for URIs; malformed ids and durations that are not positive as null."""
    return entries.withColumns({
        **{f"{kind}_id": id_of(f"{kind}_uri", kind) for kind in _KINDS},
        "duration_ms": F.when(F.col("duration_ms") > 0, F.col("duration_ms")),
    })  # fmt: skip


def published_entries(entries: DataFrame) -> DataFrame:
    return entries.select(*ENTRIES.column_names)


def published_playlists(kept_playlists: DataFrame, entries: DataFrame) -> DataFrame:
    """The rows of silver/mpd_playlists; `entries` are those of silver/mpd_entries."""
    facts = entries.groupBy("pid").agg(
        F.count(F.lit(1)).alias("n_entries"),
        *[F.size(F.collect_set(f"{kind}_id")).cast("bigint").alias(f"n_{kind}s") for kind in _KINDS],
        F.sum("duration_ms").alias("duration_sum_ms"),
    )
    modified = F.col("modified_at")
    in_a_date = F.when(modified.between(_FIRST_DAY_S, _LAST_DAY_S), modified)
    values = {name: F.coalesce(name, F.lit(0).cast("bigint")) for name in facts.columns if name != "pid"} | {
        "collaborative": F.when(F.col("collaborative").isin("true", "false"), F.col("collaborative") == "true"),
        "modified_day": F.date_from_unix_date(F.floor(in_a_date / 86_400).cast("int")),
    }
    given = kept_playlists.select(*[c.name for c in _GIVEN]).mapInArrow(_with_texts, ddl(_TEXTED))
    rows = given.join(facts, "pid", "left")
    return rows.select(*[values.get(name, F.col(name)).alias(name) for name in PLAYLISTS.column_names])


def rejects(playlists: DataFrame, entries: DataFrame, slices: DataFrame, run_id: str, profile: str) -> DataFrame:
    """Rows of silver/rejects for judged playlists and entries; `slices` = (slice_first, archive, member)."""
    nothing = F.lit(None).cast("int").alias("pos")
    columns = ("slice_first", "pid", "pos", "rule", "detail")
    refused = playlists.where("rule is not null").withColumn("pos", nothing).select(*columns)
    refused = refused.unionByName(entries.where("rule is not null").select(*columns))
    given = {
        "run_id": F.lit(run_id), "source": F.lit("mpd"), "profile": F.lit(profile),
        "member_pos": F.lit(None).cast("bigint"), "mbid_member": F.lit(None).cast("string"),
        "submission_no": F.lit(None).cast("int"),
    }  # fmt: skip
    placed = refused.join(F.broadcast(slices), "slice_first", "left")
    return placed.select(*[given.get(name, F.col(name)).alias(name) for name in REJECTS.column_names])


# --- on the executors ------------------------------------------------------------------------------------------------


def _with_texts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    schema = arrow_schema(_TEXTED)
    for batch in batches:
        made = [_of_distinct(batch.column("name"), normalized_title)]
        made.append(_of_distinct(batch.column("description"), decoded_entities))
        yield pa.RecordBatch.from_arrays([*batch.columns, *made], schema=schema)


def _of_distinct(texts: pa.Array, rule: Callable[[str], str]) -> pa.Array:
    """`rule` of every text, worked out once per distinct one; null stays null."""
    coded = texts.dictionary_encode()
    return pa.array([rule(text) for text in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)
