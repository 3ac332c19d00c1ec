"""Routing keys, against scikit-learn's Murmur3 and the vectors of Spark's own tests."""

import numpy as np
import pytest
from sklearn.utils import murmurhash3_32

from soundalike.numeric.routing_keys import keys, murmur3


def test_known_hashes() -> None:
    # Spark, Murmur3_x86_32Suite.testKnownIntegerInputs, seed 0.
    values = np.array([0, -42, 42, -(2**31), 2**31 - 1], dtype=np.int32)
    assert murmur3(values, 0).tolist() == [593689054, -189366624, -1134849565, -1718298732, -1653689534]


def test_hashes_equal_another_implementation() -> None:
    values = np.random.default_rng(1).integers(-(2**31), 2**31, 2000).astype(np.int32)
    assert murmur3(values).tolist() == murmurhash3_32(values, seed=42).tolist()


@pytest.mark.parametrize("partitions", [1, 2, 7, 16, 1000])
def test_the_smallest_integer_of_each_partition(partitions: int) -> None:
    smallest: dict[int, int] = {}
    value = 0
    while len(smallest) < partitions:
        smallest.setdefault(murmurhash3_32(value, seed=42) % partitions, value)
        value += 1

    found = keys(partitions)

    assert found.dtype == np.int32
    assert found.tolist() == [smallest[partition] for partition in range(partitions)]


def test_no_partitions_are_refused() -> None:
    with pytest.raises(ValueError, match="routing keys for 0 partitions; expected at least 1"):
        keys(0)
