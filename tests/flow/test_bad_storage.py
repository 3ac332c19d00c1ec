"""Storage that cannot be used: one line, before any work is done."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from jobs.ingest_acousticbrainz import ingest_acousticbrainz, required_inputs
from moto.core import set_initial_no_auth_action_count

from soundalike.run import main


@pytest.fixture
def ingest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """`ingest(*settings)`: (exit code, last line it said)."""
    (tmp_path / "one.tar.zst").write_bytes(b"")

    def run(*settings: str) -> tuple[int, str]:
        given = [f"sources.acousticbrainz.uris={tmp_path}/one.tar.zst", *settings]
        code = main("ingest", ingest_acousticbrainz, required_inputs, [w for one in given for w in ("--set", one)])
        return code, capsys.readouterr().err.strip().splitlines()[-1]

    return run


def test_source_that_the_credentials_do_not_open(ingest: Any, endpoint: str, aws: None) -> None:
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="closed")

    @set_initial_no_auth_action_count(0)  # the server looks at signatures, and knows no user
    def said() -> tuple[int, str]:
        found: tuple[int, str] = ingest(
            "sources.acousticbrainz.uris=s3://closed/dumps", f"storage.s3.endpoint={endpoint}"
        )
        return found

    assert said() == (
        1,
        "ingest: s3://closed/dumps cannot be read: access denied, for want of S3 credentials or of the right to read it; "
        "give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role of the machine",
    )


def test_source_in_a_bucket_that_does_not_exist(ingest: Any, endpoint: str, aws: None) -> None:
    assert ingest("sources.acousticbrainz.uris=s3://never-made/dumps", f"storage.s3.endpoint={endpoint}") == (
        1,
        "ingest: s3://never-made/dumps: bucket never-made does not exist; "
        "check the name and setting 'storage.s3.endpoint'",
    )


@pytest.mark.spark
def test_root_that_cannot_be_written(spark: Any, ingest: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert ingest(f"storage.root={tmp_path}/file/tables") == (
        1,
        f"ingest: storage.root file:{tmp_path}/file/tables: it cannot be written (Parent path is not a directory: "
        f"file:{tmp_path}/file); check the path and your rights",
    )


@pytest.mark.spark
def test_root_without_credentials_and_in_no_bucket(spark: Any, ingest: Any, endpoint: str) -> None:
    s3 = (f"storage.s3.endpoint={endpoint}", "storage.s3.path_style=true")
    assert ingest("storage.root=s3://not-made/tables", *s3) == (
        1,
        "ingest: storage.root s3a://not-made/tables: no S3 credentials were found; give AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, or the machine a role",
    )
    # A JVM keeps the environment it was started with; Hadoop's own settings stand in for it.
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    keys = ("fs.s3a.access.key", "fs.s3a.secret.key")
    try:
        for key in keys:
            hadoop.set(key, "testing")
        # A client that was refused once is kept; another bucket gets its own.
        assert ingest("storage.root=s3://never-made/tables", *s3) == (
            1,
            "ingest: storage.root s3a://never-made/tables: bucket never-made does not exist; make it, "
            "or check the name and storage.s3.endpoint",
        )
    finally:
        for key in keys:
            hadoop.unset(key)


@pytest.mark.spark
def test_tables_of_a_foreign_contract(spark: Any, ingest: Any, tmp_path: Path) -> None:
    table = f"{tmp_path}/delta/bronze/acousticbrainz_submissions"
    rows = spark.sql("SELECT 0 AS archive_no, 'a' AS archive, 'm' AS member, 1 AS member_pos")
    rows.write.format("delta").save(table)
    code, said = ingest(f"storage.root={tmp_path}/delta")
    assert code == 1
    assert said == (
        f"ingest: table bronze/acousticbrainz_submissions at file:{table} is not of this version's contract: "
        "column 4 is member_pos int, expected member_pos bigint; column mbid_member string is missing; "
        "column submission_no int is missing; column raw_size bigint is missing; column utf8_valid boolean is missing; "
        "column json string is missing; use another storage.root or rebuild the table"
    )
    rows.write.parquet(f"{tmp_path}/parquet/bronze/acousticbrainz_submissions")
    assert ingest(f"storage.root={tmp_path}/parquet") == (
        1,
        f"ingest: table bronze/acousticbrainz_submissions: file:{tmp_path}/parquet/bronze/acousticbrainz_submissions holds "
        "files that are no Delta table; use another storage.root or clear the folder",
    )
