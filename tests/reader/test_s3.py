"""The same tables on an S3 server (moto, in this process)."""

from pathlib import Path

import pytest

from soundalike.errors import SoundalikeError
from soundalike.reader import Reader

SANDMAN = "62c2e20a-559e-422f-a44c-9afa7882f0c4"


@pytest.fixture(scope="module")
def endpoint(endpoint):
    import boto3

    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys).create_bucket(Bucket="music")
    return endpoint


@pytest.fixture
def on_s3(at, endpoint, no_aws):
    """The root of everything on S3, written with keys in the options; the environment has none."""
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_region": "us-east-1"}
    return at("s3://music/tables", {"aws_endpoint": endpoint, "aws_allow_http": "true"} | keys).publish()


def test_credentials_from_the_environment(on_s3, endpoint, no_aws, command):
    no_aws.setenv("AWS_ACCESS_KEY_ID", "a")
    no_aws.setenv("AWS_SECRET_ACCESS_KEY", "b")
    for root in ("s3://music/tables", "s3a://music/tables/"):
        assert len(Reader(root, endpoint=endpoint, region="us-east-1").neighbors(SANDMAN)) == 4
    no_aws.setenv("AWS_ENDPOINT_URL", endpoint)
    assert Reader("s3://music/tables", region="us-east-1").ledger().run_id == "run-2"
    no_aws.delenv("AWS_ENDPOINT_URL")
    s3 = ("--root", "s3a://music/tables", "--endpoint", endpoint, "--region", "us-east-1")
    code, out, err = command("neighbors", SANDMAN, *s3)
    assert (code, err) == (0, "")
    assert out.startswith(f"Metallica – Enter Sandman, 1991, met/roc, {SANDMAN}\n")


def test_credentials_from_a_profile(on_s3, endpoint, no_aws):
    file = Path.home() / ".aws" / "credentials"
    file.parent.mkdir()
    file.write_text("[music]\naws_access_key_id = a\naws_secret_access_key = b\n")
    no_aws.setenv("AWS_PROFILE", "music")
    assert len(Reader("s3://music/tables", endpoint=endpoint, region="us-east-1").neighbors(SANDMAN)) == 4


def test_no_credentials(endpoint, no_aws, python):
    words = ("neighbors", SANDMAN, "--root", "s3a://music/tables", "--endpoint", endpoint, "--region", "us-east-1")
    code, out, err = python("-m", "soundalike.reader.command", *words)
    assert (code, out) == (1, "")
    assert err == (
        "soundalike: no S3 credentials for s3://music/tables: none in the environment, a profile, a container or an "
        "instance role; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE\n"
    )


def test_no_tables_and_no_bucket(endpoint, no_aws):
    no_aws.setenv("AWS_ACCESS_KEY_ID", "a")
    no_aws.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with pytest.raises(SoundalikeError, match=r"^no tables under s3://music/nothing: expected Delta tables such as"):
        Reader("s3://music/nothing", endpoint=endpoint, region="us-east-1").neighbors(SANDMAN)
    with pytest.raises(SoundalikeError) as caught:
        Reader("s3://silence/x", endpoint=endpoint, region="us-east-1").neighbors(SANDMAN)
    assert str(caught.value) == (
        "table gold/track_neighbors under s3://silence/x cannot be read: "
        "NoSuchBucket: The specified bucket does not exist"
    )
