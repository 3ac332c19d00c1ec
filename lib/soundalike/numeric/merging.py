"""Exact aggregates over groups of rows; the result never depends on the order of rows inside a group."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def group_starts(codes: Integers) -> Integers:
    """First row of each run of equal `codes` (n,); int64 (g,)."""
    if not len(codes):
        return np.zeros(0, np.int64)
    return np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1]).astype(np.int64)


def _sorted_in_groups(values: Floats, starts: Integers) -> tuple[Floats, Integers]:
    """Each column ascending inside its groups with NaN last, and the valid values per group and column (g, d)."""
    sizes = np.diff(np.append(starts, len(values)))
    codes = np.repeat(np.arange(len(starts)), sizes)
    ordered = np.empty_like(values)
    for column in range(values.shape[1]):
        ordered[:, column] = values[np.lexsort((values[:, column], codes)), column]
    return ordered, np.add.reduceat(~np.isnan(values), starts, axis=0, dtype=np.int64)


def grouped_medians(values: Floats, starts: Integers) -> Floats:
    """Median of each column (n, d) in each group: (g, d). NaN is no value; no value at all -> NaN.

    An even count gives the mean of the two middle values.
    """
    if not len(starts):
        return np.empty((0, values.shape[1]))
    ordered, counts = _sorted_in_groups(values, starts)
    low = starts[:, None] + np.maximum(counts - 1, 0) // 2
    high = starts[:, None] + counts // 2
    high = np.minimum(high, np.append(starts[1:], len(values))[:, None] - 1)
    columns = np.arange(values.shape[1])
    first, second = ordered[low, columns], ordered[high, columns]
    return np.where(counts > 0, (first + second) / 2, np.nan)


def grouped_means(values: Floats, starts: Integers) -> Floats:
    """Mean of each column (n, d) in each group: (g, d); values are added in ascending order. NaN as in the medians."""
    if not len(starts):
        return np.empty((0, values.shape[1]))
    ordered, counts = _sorted_in_groups(values, starts)
    sums = np.zeros((len(starts), values.shape[1]))
    for place in range(int(counts.max(initial=0))):
        groups = np.flatnonzero((counts > place).any(axis=1))
        addend = ordered[starts[groups] + place]
        sums[groups] += np.where(counts[groups] > place, addend, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts > 0, sums / counts, np.nan)
