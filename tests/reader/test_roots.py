"""Roots, the options they need, and what errors become."""

from pathlib import Path

import pytest

from soundalike.errors import UsageError
from soundalike.reader import Reader
from soundalike.reader.roots import location, plainly, storage_options


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ("build/tables", "build/tables"),
        ("build/tables/", "build/tables"),
        (" /data/a b ", "/data/a b"),
        ("/", "/"),
        (Path("/data"), "/data"),
        ("file:///data/a%20b/", "/data/a b"),
        ("s3://bucket/prefix/", "s3://bucket/prefix"),
        ("s3a://bucket/prefix", "s3://bucket/prefix"),
        ("S3A://bucket", "s3://bucket"),
    ],
)
def test_location(root, expected):
    assert location(root) == expected


@pytest.mark.parametrize(
    ("root", "message"),
    [
        ("gs://bucket/x", "root gs://bucket/x: expected a path, file://, s3:// or s3a://, found gs://"),
        ("", "root '' names no path: expected a path, file://, s3:// or s3a://"),
        ("file://", "root 'file://' names no path: expected a path, file://, s3:// or s3a://"),
        ("s3://", "root 's3://' names no bucket: expected a path, file://, s3:// or s3a://"),
        ("s3a:///x", "root 's3a:///x' names no bucket: expected a path, file://, s3:// or s3a://"),
    ],
)
def test_location_of_something_else(root, message):
    with pytest.raises(UsageError) as caught:
        Reader(root)
    assert str(caught.value) == message


def test_storage_options(no_aws):
    chain = {"aws_force_credential_load": "true"}
    assert storage_options("/data", "http://127.0.0.1:9000", "x", False) == {}
    assert storage_options("s3://b/p", None, None, True) == chain
    assert storage_options("s3://b/p", "https://s3.test", "eu-west-1", True) == chain | {
        "aws_endpoint": "https://s3.test",
        "aws_region": "eu-west-1",
    }
    assert storage_options("s3://b/p", "http://s3.test:9", None, False) == chain | {
        "aws_endpoint": "http://b.s3.test:9",
        "aws_virtual_hosted_style_request": "true",
        "aws_allow_http": "true",
    }
    no_aws.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert storage_options("s3://b/p", None, None, True) == chain | {"aws_allow_http": "true"}


NOTHING_FOUND = (
    "Kernel error -> Operation not supported\n  \x1b[31m↳\x1b[0m an error occurred while loading credentials\n",
    "Operation not supported\n  \x1b[31m↳\x1b[0m no credentials found in chain. Attempted:\n  Environment\n",
    "Generic S3 error\n  \x1b[31m↳\x1b[0m Error performing PUT http://169.254.169.254/latest/api/token in 1.3ms\n",
)


@pytest.mark.parametrize("error", NOTHING_FOUND)
def test_errors_that_mean_no_credentials(error):
    assert plainly("table gold/tracks", "s3://b/p", error) == (
        "no S3 credentials for s3://b/p: none in the environment, a profile, a container or an instance role; "
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    )


def test_a_chain_becomes_one_line():
    chain = (
        "Generic S3 error\n     \x1b[31m↳\x1b[0m Error performing GET http://x\n      \x1b[31m↳\x1b[0m tcp\tconnect\n"
    )
    assert plainly("table t", "s3://b", chain) == (
        "table t cannot be read: Generic S3 error: Error performing GET http://x: tcp connect"
    )


def test_what_s3_answered_is_what_counts():
    chain = "S3 error\n \x1b[31m↳\x1b[0m 403 <Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    assert plainly("table t", "s3://b", chain) == "table t cannot be read: AccessDenied: Access Denied"


def test_a_long_chain_keeps_both_ends():
    line = plainly("table t", "s3://b", "a" * 200 + "b" * 200)
    assert line == f"table t cannot be read: {'a' * 140} … {'b' * 140}"
