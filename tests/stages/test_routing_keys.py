"""Routing keys, against Spark itself."""

from typing import Any

import numpy as np
import pytest
from pyspark.sql import functions as F

from soundalike.numeric.routing_keys import keys, murmur3

pytestmark = pytest.mark.spark


def test_hashes_equal_those_of_spark(spark: Any) -> None:
    hashed = spark.range(1001).select("id", F.hash(F.col("id").cast("int")).alias("hash")).orderBy("id").collect()
    assert murmur3(np.arange(1001, dtype=np.int32)).tolist() == [row["hash"] for row in hashed]


@pytest.mark.parametrize("partitions", [1, 2, 7, 16, 1000])
def test_each_key_lands_in_its_partition(spark: Any, partitions: int) -> None:
    made = spark.createDataFrame([(key,) for key in keys(partitions).tolist()], "key int")
    landed = made.repartition(partitions, "key").select("key", F.spark_partition_id().alias("partition")).collect()
    assert {row["key"]: row["partition"] for row in landed} == {
        key: i for i, key in enumerate(keys(partitions).tolist())
    }
