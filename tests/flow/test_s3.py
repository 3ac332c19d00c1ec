"""Archives and tables on an S3-compatible server: S3A with Delta writes, deltalake reads, the rows are those on files."""

import os
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

pytestmark = pytest.mark.spark


def test_pipeline_on_s3_equals_the_run_on_files(
    submit: Any, endpoint: str, sample: Any, playlists: Any, reference: Path, tmp_path: Path, content: Any, aws: None
) -> None:
    s3 = boto3.client("s3", endpoint_url=endpoint)
    s3.create_bucket(Bucket="dumps")
    s3.create_bucket(Bucket="tables")
    for path in sorted(sample[0].iterdir()):
        s3.upload_file(str(path), "dumps", f"highlevel/{path.name}")
    with zipfile.ZipFile(tmp_path / "mpd", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(playlists[0].rglob("*.*"), reverse=True):
            archive.write(path, path.relative_to(playlists[0]))
        archive.write(playlists[0] / "md5sums", "md5sums")
    s3.upload_file(str(tmp_path / "mpd"), "dumps", "mpd")  # the name of the folder: rejects name their source
    done = submit(
        "pipeline", "--set", "storage.root=s3://tables/soundalike", "--set", "sources.acousticbrainz.uris=s3://dumps/highlevel/",
        "--set", "sources.mpd.uri=s3://dumps/mpd",
        "--set", f"storage.s3.endpoint={endpoint}", "--set", "storage.s3.path_style=true", env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    options = {
        "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true", "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": "us-east-1",
    }  # fmt: skip
    expected = {name: value for name, value in content(reference).items() if name != "operations/runs"}
    assert content("s3://tables/soundalike", options, sorted(expected)) == expected
    left = [key["Key"] for key in s3.list_objects_v2(Bucket="tables").get("Contents", []) if "_staging" in key["Key"]]
    assert [key for key in left if not key.endswith("/")] == []
