"""Submissions -> recordings: the merge of each group of one MBID, and the duplicate groups between recordings.

Every aggregate is exact and independent of the order of rows; ties go to the smallest text by code point.
"""

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from soundalike.contracts.acousticbrainz import ELEVEN, MODELS, model_offsets
from soundalike.contracts.table import Column
from soundalike.contracts.tables import RECORDINGS
from soundalike.numeric.merging import Floats, Integers, group_starts, grouped_means, grouped_medians
from soundalike.numeric.simplex import shares
from soundalike.stages.arrays import from_matrix, single, to_matrix
from soundalike.stages.schemas import arrow_schema, ddl
from soundalike.texts.identifiers import MD5_OF_NOTHING
from soundalike.texts.tags import is_placeholder_title, near_duplicate_key

# Rows sorted by duration belong together while the gap to the one before is at most this many seconds.
NEAR_DUPLICATE_GAP_S = 1.0

_MERGED = (
    *[column for column in RECORDINGS.columns if column.name not in ("near_dup_group", "audio_dup_group")],
    Column("credit_key", "string", True, "artist credit without marks and case"),
    Column("title_key", "string", True, "title without marks and case"),
)
_PRECISIONS = ("day", "month", "year")
_SOURCES = ("originaldate", "date")


def merged_submissions(submissions: DataFrame, placeholder_titles: tuple[str, ...]) -> DataFrame:
    """One row per MBID: silver/recordings without the duplicate groups, plus `credit_key` and `title_key`."""
    grouped = submissions.repartition("mbid").sortWithinPartitions("mbid", "archive_no", "archive", "member_pos")
    return grouped.mapInArrow(partial(_merge_batches, placeholder_titles=placeholder_titles), ddl(_MERGED))


def near_duplicates(merged: DataFrame) -> DataFrame:
    """(mbid, near_dup_group) of the recordings that share credit and title keys and have close durations."""
    whole = merged.where("credit_key is not null and title_key is not null and duration_s is not null")
    by_duration = Window.partitionBy("credit_key", "title_key").orderBy("duration_s", "mbid")
    gap = F.col("duration_s") - F.lag("duration_s").over(by_duration)
    stepped = whole.select(
        "mbid",
        "credit_key",
        "title_key",
        "duration_s",
        F.coalesce(gap > NEAR_DUPLICATE_GAP_S, F.lit(False)).cast("int").alias("step"),
    )
    chained = stepped.withColumn("chain", F.sum("step").over(by_duration))
    return _groups(chained, "near_dup_group", "credit_key", "title_key", "chain")


def audio_duplicates(submissions: DataFrame) -> DataFrame:
    """(mbid, audio_dup_group): per hash the smallest MBID, per recording the smallest over its shared hashes."""
    hashes = submissions.where(_is_audio_hash()).select("mbid", F.lower("md5_encoded").alias("md5")).distinct()
    return (
        _groups(hashes, "audio_dup_group", "md5").groupBy("mbid").agg(F.min("audio_dup_group").alias("audio_dup_group"))
    )


def same_audio(submissions: DataFrame) -> DataFrame:
    """One row `same_audio`: submissions beyond the first with one hash in one recording."""
    copies = (
        submissions.where(_is_audio_hash())
        .groupBy("mbid", F.lower("md5_encoded"))
        .agg((F.count(F.lit(1)) - 1).alias("beyond"))
    )
    return copies.agg(F.coalesce(F.sum("beyond"), F.lit(0)).alias("same_audio"))


def recordings_of(merged: DataFrame, near: DataFrame, audio: DataFrame) -> DataFrame:
    """The rows of silver/recordings."""
    rows = merged.join(near, "mbid", "left").join(audio, "mbid", "left")
    return rows.select(*RECORDINGS.column_names)


def recording_counters(merged: DataFrame) -> DataFrame:
    """One row, one bigint column per counter."""
    lacking = F.col("credit_key").isNull() | F.col("title_key").isNull() | F.col("duration_s").isNull()
    return merged.agg(
        F.count(F.lit(1)).alias("recordings"),
        F.count_if(F.col("artist_status") == "unresolved").alias("unresolved_artist"),
        F.count_if(F.col("release_date").isNull()).alias("kept_undated"),
        F.count_if(lacking).alias("near_dup_lacking_part"),
    )


def _groups(rows: DataFrame, name: str, *key: str) -> DataFrame:
    """(mbid, `name`): the smallest MBID of each group of two or more."""
    group = Window.partitionBy(*key)
    counted = rows.select("mbid", F.min("mbid").over(group).alias(name), F.count(F.lit(1)).over(group).alias("members"))
    return counted.where("members > 1").select("mbid", name)


def _is_audio_hash() -> Any:
    hash_ = F.lower("md5_encoded")
    return hash_.rlike("^[0-9a-f]{32}\\z") & (hash_ != MD5_OF_NOTHING)


# --- on the executors ------------------------------------------------------------------------------------------------


def _merge_batches(batches: Iterator[pa.RecordBatch], placeholder_titles: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
    """Whole groups of rows sorted by MBID; a group may span batches."""
    schema, held = arrow_schema(_MERGED), None
    for batch in batches:
        if not batch.num_rows:
            continue
        rows = pa.Table.from_batches([batch] if held is None else [*held.to_batches(), batch]).combine_chunks()
        last = int(_starts(rows)[-1])
        if last:
            yield _merge(rows.slice(0, last), placeholder_titles, schema)
        held = rows.slice(last)
    if held is not None:
        yield _merge(held, placeholder_titles, schema)


def _starts(rows: pa.Table) -> Integers:
    codes = single(rows.column("mbid")).dictionary_encode().indices.to_numpy()
    return group_starts(codes.astype(np.int64))


def _merge(rows: pa.Table, placeholder_titles: tuple[str, ...], schema: pa.Schema) -> pa.RecordBatch:
    starts = _starts(rows)
    sizes = np.diff(np.append(starts, rows.num_rows))
    trusted = single(rows.column("trust")).to_numpy(zero_copy_only=False) == "trusted"
    trusted_counts = np.add.reduceat(trusted, starts, dtype=np.int64)
    # Untrusted submissions speak only where no trusted one does.
    speaks = trusted | np.repeat(trusted_counts == 0, sizes)
    texts = _merged_texts(rows, starts, speaks, placeholder_titles)
    spoken_starts = np.concatenate([[0], np.cumsum(np.add.reduceat(speaks, starts, dtype=np.int64))[:-1]]).astype(
        np.int64
    )
    eleven = grouped_medians(_matrix(rows, "eleven", len(ELEVEN))[speaks], spoken_starts)
    columns: dict[str, pa.Array] = {
        "probabilities": _with_nulls(merged_probabilities(_matrix(rows, "probabilities", 71)[speaks], spoken_starts)),
        "duration_s": _nullable(grouped_medians(_column(rows, "duration_s"), starts)[:, 0]),
        "submissions": pa.array(sizes.astype(np.int64)),
        "submissions_trusted": pa.array(trusted_counts),
        "is_trusted": pa.array(trusted_counts > 0),
        **{name: _nullable(eleven[:, i]) for i, name in enumerate(ELEVEN)},
    }
    arrays = [columns[f.name] if f.name in columns else pa.array([t[f.name] for t in texts], f.type) for f in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def merged_probabilities(values: Floats, starts: Integers) -> Floats:
    """Medians of two-class models; means of larger ones, divided by their sum. (n, 71) -> (g, 71), NaN = no value."""
    merged = grouped_medians(values, starts)
    for model, offset in model_offsets().items():
        size = len(MODELS[model])
        if size > 2:
            merged[:, offset : offset + size] = shares(grouped_means(values[:, offset : offset + size], starts), [size])
    return merged


def _matrix(rows: pa.Table, name: str, width: int) -> Floats:
    return to_matrix(single(rows.column(name)), width)


def _column(rows: pa.Table, name: str) -> Floats:
    values: Floats = single(rows.column(name)).to_numpy(zero_copy_only=False).astype(np.float64)
    return values[:, None]


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, from_pandas=True)


def _with_nulls(matrix: Floats) -> pa.Array:
    lists = from_matrix(matrix)
    return pa.ListArray.from_arrays(lists.offsets, pa.array(matrix.ravel(), from_pandas=True))


class _Dated(NamedTuple):
    """A submission's date, ordered: date, then day < month < year, then originaldate < date, then flags."""

    date: datetime.date
    precision: int
    source: int
    flags: tuple[str, ...]


def most_frequent(values: Iterable[Any]) -> Any:
    """The most frequent value, the smallest of equals; None does not vote, and no vote at all is None."""
    counts = Counter(value for value in values if value is not None)
    return min(counts, key=lambda value: (-counts[value], value)) if counts else None


def lower_median(dates: Iterable[_Dated | None]) -> _Dated | None:
    ordered = sorted(date for date in dates if date is not None)
    return ordered[(len(ordered) - 1) // 2] if ordered else None


def _merged_texts(
    rows: pa.Table, starts: Integers, speaks: np.ndarray[Any, Any], placeholder_titles: tuple[str, ...]
) -> list[dict[str, Any]]:
    given = {
        name: rows.column(name).to_pylist()
        for name in (
            "mbid",
            "title",
            "artist_credit",
            "artists",
            "artist_ids",
            "album_id",
            "album_name",
            "date_status",
            "labels",
        )
    }
    artists = [
        sorted((p["artist_id"], p["artist_name"]) for p in pairs) if pairs else None for pairs in given["artists"]
    ]
    dates = _dates(rows)
    merged = []
    for start, stop in pairwise([*starts.tolist(), rows.num_rows]):
        group = range(start, stop)
        title = most_frequent(given["title"][start:stop])
        credit = most_frequent(given["artist_credit"][start:stop])
        pairs = most_frequent(tuple(pairs) if (pairs := artists[i]) else None for i in group)
        ids = most_frequent(tuple(given["artist_ids"][i]) if given["artist_ids"][i] else None for i in group)
        album_id = most_frequent(given["album_id"][start:stop])
        on_album = [i for i in group if album_id is not None and given["album_id"][i] == album_id]
        labels = _merged_labels([given["labels"][i] for i in group if speaks[i]])
        merged.append({
            "mbid": given["mbid"][start], "title": title, "artist_credit": credit,
            "artist_status": "resolved" if pairs else "unresolved",
            "artists": [{"artist_id": i, "artist_name": name} for i, name in pairs] if pairs else None,
            "artist_ids": list(ids) if ids else None,
            "album_id": album_id, "album_name": most_frequent(given["album_name"][i] for i in on_album),
            "genre_rosamerica": labels.get("genre_rosamerica"), "genre_dortmund": labels.get("genre_dortmund"),
            "labels": list(labels.items()),
            "is_placeholder_title": is_placeholder_title(title, placeholder_titles),
            "credit_key": near_duplicate_key(credit or "") or None, "title_key": near_duplicate_key(title) or None,
            **_merged_date([dates[i] for i in on_album], dates[start:stop], given["date_status"][start:stop]),
        })  # fmt: skip
    return merged


def _merged_labels(labels: Sequence[list[tuple[str, str]]]) -> dict[str, str]:
    if len(labels) == 1:
        return dict(labels[0])
    votes = [dict(pairs) for pairs in labels]
    merged = {model: most_frequent(vote.get(model) for vote in votes) for model in MODELS}
    return {model: label for model, label in merged.items() if label is not None}


def _dates(rows: pa.Table) -> list[_Dated | None]:
    columns = [
        rows.column(f"{name}").to_pylist() for name in ("release_date", "date_precision", "date_source", "date_flags")
    ]
    return [
        _Dated(date, _PRECISIONS.index(precision), _SOURCES.index(source), tuple(flags)) if date else None
        for date, precision, source, flags in zip(*columns, strict=True)
    ]


def _merged_date(on_album: list[_Dated | None], dates: list[_Dated | None], statuses: list[str]) -> dict[str, Any]:
    chosen, scope = lower_median(on_album), "album"
    if chosen is None:
        chosen, scope = lower_median(dates), "recording"
    if chosen is None:
        status = "unparseable" if "unparseable" in statuses else "absent"
        return {
            "release_date": None, "release_year": None, "release_decade": None, "date_precision": "none",
            "date_source": None, "date_status": status, "date_flags": [], "date_scope": None,
        }  # fmt: skip
    return {
        "release_date": chosen.date, "release_year": chosen.date.year, "release_decade": chosen.date.year // 10 * 10,
        "date_precision": _PRECISIONS[chosen.precision], "date_source": _SOURCES[chosen.source], "date_status": "ok",
        "date_flags": list(chosen.flags), "date_scope": scope,
    }  # fmt: skip
