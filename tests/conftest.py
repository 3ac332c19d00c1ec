"""Fixtures of the whole suite: the folder of real files, one Spark session with Delta, jobs as subprocesses."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files and vectors beside the checkout; tests that need it are skipped by name without it."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("../shared is not beside the checkout")
    return folder


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """One session for all tests of this process, with the options that jobs get from conf/spark."""
    from pyspark.sql import SparkSession

    from submit import environment, spark_options

    os.environ |= environment(REPOSITORY)
    builder = SparkSession.builder.master("local[2]").appName("soundalike tests")
    for key, value in (spark_options(REPOSITORY, "local") | {"spark.sql.shuffle.partitions": "2"}).items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """An S3 server on loopback. One for all tests: moto keeps its buckets per process, so each file names its own."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials where the standard chain looks for them first."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


Submit = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def submit() -> Submit:
    """`submit(job, *arguments, master=, conf=, env=)` runs scripts/submit.py as a person does and returns what it said."""

    def run(
        job: str,
        *arguments: str,
        master: str = "local[2,4]",
        conf: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        options = [word for pair in conf for word in ("--conf", pair)]
        command = [
            sys.executable,
            str(REPOSITORY / "scripts/submit.py"),
            "--target",
            "local",
            "--master",
            master,
            *options,
        ]
        return subprocess.run(
            [*command, job, "--", *arguments], env=os.environ | (env or {}), capture_output=True, text=True, check=False
        )

    return run
