"""Fixtures of the whole suite: the folder of real files, and one Spark session with Delta."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files and vectors beside the checkout; tests that need it are skipped by name without it."""
    if not SHARED.is_dir():
        pytest.skip("../shared is not beside the checkout")
    return SHARED


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """One session for all tests of this process, with the options that jobs get from conf/spark."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    options = {}
    for name in ("base.conf", "local.conf"):
        for line in (REPOSITORY / "conf/spark" / name).read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                key, _, value = line.strip().partition(" ")
                options[key] = value.strip().replace("{jars}", str(REPOSITORY / "build/jars"))
    builder = SparkSession.builder.master("local[2]").appName("soundalike tests")
    for key, value in options.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    yield session
    session.stop()
