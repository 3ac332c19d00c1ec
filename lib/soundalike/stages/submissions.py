"""Documents -> valid submissions, rejects and the counters of both."""

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from soundalike.contracts.acousticbrainz import RULES
from soundalike.contracts.table import Column
from soundalike.contracts.tables import BRONZE_SUBMISSIONS, REJECTS, SUBMISSIONS
from soundalike.sources.acousticbrainz.documents import Reading, read_document
from soundalike.stages.schemas import arrow_schema, ddl

# Counted inside a document, over valid submissions.
COUNTED = (
    "label_mismatch", "tag_variants_differ", "length_not_positive", "bpm_garbage", "lossless_other", "unknown_class",
    "model_absent", "model_invalid", "further_dates", "md5_reserved", "md5_malformed", "version_missing",
)  # fmt: skip
TRUST = ("trusted", "undecided", "collapsed")

_GIVEN = ("archive_no", "archive", "member", "member_pos", "mbid_member", "submission_no")
_READ = (
    *SUBMISSIONS.columns,
    Column("rule", "string", True, "first failing rule"),
    Column("detail", "string", True, "what was found"),
    Column("counts", "map<string,bigint>", False, "counter -> occurrences"),
    Column("digest", "bigint", False, "hash of the document"),
)


def documents_read(documents: DataFrame, reading: Reading) -> DataFrame:
    """One row per document of bronze: the columns of a submission, null from the failing rule on, and that rule."""
    return documents.select(*BRONZE_SUBMISSIONS.column_names).mapInArrow(
        partial(_read_batches, reading=reading), ddl(_READ)
    )


def _read_batches(batches: Iterator[pa.RecordBatch], reading: Reading) -> Iterator[pa.RecordBatch]:
    schema = arrow_schema(_READ)
    for batch in batches:
        given = batch.to_pydict()
        rows = []
        for position, text in enumerate(given["json"]):
            row: dict[str, Any] = {name: given[name][position] for name in _GIVEN}
            row |= read_document(text, given["raw_size"][position], given["utf8_valid"][position], reading)
            row["mbid_differs"] = row["mbid_member"] is not None and row.get("mbid") not in (None, row["mbid_member"])
            stated = f"{given['raw_size'][position]} {given['utf8_valid'][position]} {text}".encode()
            row["digest"] = int.from_bytes(hashlib.blake2b(stated, digest_size=8).digest(), "little", signed=True)
            rows.append(row)
        yield pa.RecordBatch.from_pylist(rows, schema)


def copies_numbered(read: DataFrame) -> DataFrame:
    """Adds `copy_no` (1 = the copy that stays: first by archive number, archive, position) and `is_conflict`.

    Copies are documents of one (MBID, number) in the member name; an odd name has no copies.
    """
    whole_key = F.col("mbid_member").isNotNull()
    copies = Window.partitionBy(
        F.coalesce("mbid_member", "archive"), F.when(whole_key, F.col("submission_no")).otherwise(F.col("member_pos"))
    ).orderBy(F.col("archive_no").asc_nulls_last(), "archive", "member_pos")
    return read.withColumns(
        {
            "copy_no": F.row_number().over(copies),
            "is_conflict": F.first("digest").over(copies) != F.col("digest"),
        }
    )


def valid_submissions(copies: DataFrame) -> DataFrame:
    return copies.where("copy_no = 1 and rule is null").select(*SUBMISSIONS.column_names)


def rejected_submissions(copies: DataFrame, run_id: str, profile: str) -> DataFrame:
    """Rows of silver/rejects: refused first copies under their rule, later copies as `duplicate_member`."""
    later = F.col("copy_no") > 1
    conflict = F.when(F.col("is_conflict"), F.lit("other bytes than the first copy")).otherwise(F.lit("same bytes"))
    given = {
        "run_id": F.lit(run_id), "source": F.lit("acousticbrainz"), "profile": F.lit(profile),
        "pid": F.lit(None).cast("bigint"), "pos": F.lit(None).cast("int"),
        "rule": F.when(later, F.lit("duplicate_member")).otherwise(F.col("rule")),
        "detail": F.when(later, conflict).otherwise(F.col("detail")),
    }  # fmt: skip
    refused = copies.where(later | F.col("rule").isNotNull())
    return refused.select(*[given.get(name, F.col(name)).alias(name) for name in REJECTS.column_names])


def submission_counters(copies: DataFrame) -> DataFrame:
    """One row, one bigint column per counter, zero included."""
    first = F.col("copy_no") == 1
    valid = first & F.col("rule").isNull()
    undated = F.col("date_status").isin("absent", "unparseable")
    conditions = {
        "input": first,
        "valid": valid,
        "submissions_without_date": first & undated,
        **{f"{trust}": valid & (F.col("trust") == trust) for trust in TRUST},
        **{rule: first & (F.col("rule") == rule) for rule in RULES},
        "member_name_odd": F.col("mbid_member").isNull(),
        "duplicate_member": ~first,
        "duplicate_member_conflict": ~first & F.col("is_conflict"),
        "mbid_differs": valid & F.col("mbid_differs"),
    }
    counted = [F.count_if(condition).alias(name) for name, condition in conditions.items()]
    inside = [F.sum(F.when(valid, F.coalesce(F.col("counts")[name], F.lit(0))).otherwise(0)) for name in COUNTED]
    return copies.agg(
        *counted, *[F.coalesce(column, F.lit(0)).alias(n) for column, n in zip(inside, COUNTED, strict=True)]
    )
