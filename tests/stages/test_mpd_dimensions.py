"""The representative of a key: a whole record, most entries, ties to the smallest, whatever the order of the rows."""

import itertools
from typing import Any

import pytest

pytestmark = pytest.mark.spark


def representative(spark: Any, records: list[tuple[Any, ...]], partitions: int) -> tuple[Any, ...]:
    from soundalike.stages.mpd_dimensions import representatives

    rows = spark.createDataFrame(records, "key string, a string, b bigint, n bigint").repartition(partitions)
    (row,) = representatives(rows, "key", ("a", "b")).collect()
    return tuple(row)


def test_representatives(spark: Any) -> None:
    cases: list[tuple[list[tuple[Any, ...]], tuple[Any, ...]]] = [
        ([("a", 1), ("a", 1), ("b", 1)], ("a", 1, 3, 2)),
        ([("a", 1), ("b", 1)], ("a", 1, 2, 2)),
        ([("b", 1), ("a", 2), ("a", 10)], ("a", 2, 3, 3)),  # numbers by value
        ([("a", None), ("a", 5)], ("a", 5, 2, 2)),  # nulls last
        ([(None, 1), ("\U00010000", 9), ("\uffff", 9)], ("\uffff", 9, 3, 3)),  # by code point, not by UTF-16
        ([("a", 9), ("b", 1), ("b", 1), ("a", 8)], ("b", 1, 4, 3)),  # never the name of one and the number of another
    ]
    for records, expected in cases:
        for order in itertools.islice(itertools.permutations(records), 2):
            rows = [("key", *record, 1) for record in order]
            assert [representative(spark, rows, p)[1:] for p in (1, 7)] == [expected] * 2
