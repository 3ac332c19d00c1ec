"""A worker's imports do not go through Spark's archives: Python 3.11 would read their directories before every task."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

pytestmark = pytest.mark.spark


def test_no_archive_of_spark_is_on_the_path_of_a_worker(spark: Any) -> None:
    def archives(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import sys

        import pyspark

        looked_in = [*sys.path, *sys.path_importer_cache, pyspark.__file__]
        found = sorted({path for path in looked_in if ".jar" in path or "pyspark.zip" in path})
        yield from (pa.RecordBatch.from_pydict({"archive": ["none", *found]}) for _ in batches)

    rows = spark.range(1).mapInArrow(archives, "archive string").collect()
    assert [row["archive"] for row in rows] == ["none"]
