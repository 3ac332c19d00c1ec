"""Rows and cluster centers: which center is nearest, and how far it is.

All in float64, element by element and column by column in a fixed order: no bit depends on the machine, nor on which
other rows are asked about. (A matrix product would be faster, and would round as the BLAS of the machine does.)
"""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

# Squared distances held at once; they stay in the processor's cache.
_CELLS = 1 << 15


def nearest_center(rows: Floats, centers: Floats) -> tuple[Integers, Floats]:
    """The nearest of `centers` (k, d) to each of `rows` (n, d), and the squared Euclidean distance to it: (n,), (n,).

    Of centers at the same computed distance the lowest is taken. k is at least 1.
    """
    cluster = np.empty(len(rows), dtype=np.int64)
    square = np.empty(len(rows))
    step = max(1, _CELLS // len(centers))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        squares = _squares(rows[part], centers)
        cluster[part] = squares.argmin(axis=1)
        square[part] = squares[np.arange(len(squares)), cluster[part]]
    return cluster, square


def _squares(rows: Floats, centers: Floats) -> Floats:
    """Squared distances (n, k)."""
    total = np.zeros((len(rows), len(centers)))
    difference = np.empty_like(total)
    for row_values, center_values in zip(rows.T, centers.T, strict=True):
        np.subtract(row_values[:, np.newaxis], center_values, out=difference)
        np.multiply(difference, difference, out=difference)
        total += difference
    return total


def exact_sum(values: Floats) -> float:
    """The sum of `values` (n,), rounded once: the order of the values does not matter."""
    return math.fsum(values.tolist())


def in_canonical_order(rows: Floats, centers: Floats) -> Floats:
    """Distinct `centers` (k, d), the one with most `rows` (n, d) first; equally many in lexicographic order."""
    # Equal values of different sign of zero are one center.
    distinct = np.unique(centers + 0.0, axis=0)
    cluster, _ = nearest_center(rows, distinct)
    sizes = np.bincount(cluster, minlength=len(distinct))
    return np.ascontiguousarray(distinct[np.argsort(-sizes, kind="stable")])
