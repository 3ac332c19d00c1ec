"""Integers that Spark sends to a partition of our choice.

Spark's hash partitioning of an int column is Murmur3 of the four bytes with seed 42, modulo the number of partitions.
"""

import numpy as np
import numpy.typing as npt

SEED = 42

Words = npt.NDArray[np.uint32]


def keys(partitions: int) -> npt.NDArray[np.int32]:
    """(partitions,): for each partition the smallest integer from 0 on that `repartition(partitions, key)` sends to it.

    Raises:
        ValueError: `partitions` is below 1.
    """
    if partitions < 1:
        raise ValueError(f"routing keys for {partitions} partitions; expected at least 1")
    tried = partitions
    while True:
        tried *= 2
        hit, first = np.unique(murmur3(np.arange(tried, dtype=np.int32)) % partitions, return_index=True)
        if len(hit) == partitions:
            return first.astype(np.int32)


def murmur3(values: npt.NDArray[np.int32], seed: int = SEED) -> npt.NDArray[np.int64]:
    """Murmur3 (x86, 32 bit) of each integer's four bytes, signed: what Spark's `hash` says of an int column.

    Source: A. Appleby, MurmurHash3_x86_32, for one block of four bytes.
    """
    word = _rotated(values.astype(np.uint32) * np.uint32(0xCC9E2D51), 15) * np.uint32(0x1B873593)
    state = _rotated(word ^ np.uint32(seed), 13) * np.uint32(5) + np.uint32(0xE6546B64)
    state ^= np.uint32(4)  # bytes
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        state ^= state >> np.uint32(shift)
        state *= np.uint32(factor)
    return state.astype(np.int32).astype(np.int64)


def _rotated(words: Words, bits: int) -> Words:
    return words << np.uint32(bits) | words >> np.uint32(32 - bits)
