"""Rows of probabilities of several models: what each model says sums to 1, so it says less than it has columns.

All in float64, element by element and column by column in a fixed order, so that no bit depends on the machine.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def shares(rows: npt.ArrayLike, groups: Sequence[int]) -> Floats:
    """Each group of columns of `rows` (n, d) divided by its own sum; `groups` are their sizes in order, d in all.

    A row with a group whose sum is not a finite number above 0 says nothing: it is all NaN.
    The result is float64 in column order; `rows` are left alone.

    Raises:
        ValueError: a group without a column, no group, or groups that do not make up the columns.
    """
    columns = np.array(np.asarray(rows, dtype=np.float64).T, order="C")
    _check(groups, len(columns))
    is_whole = np.ones(columns.shape[1], dtype=bool)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for group in _parts(columns, groups):
            total = np.zeros(columns.shape[1])
            for column in group:
                total += column
            is_whole &= np.isfinite(total) & (total > 0.0)
            group /= total
    columns[:, ~is_whole] = np.nan
    return columns.T


def reduced(rows: npt.ArrayLike, groups: Sequence[int]) -> Floats:
    """`rows` (n, d) of probabilities without what they say twice: (n, d - len(groups) + 1) float64, in column order.

    First come the Helmert contrasts of each group of c columns, contrast i = 1..c-1 being
    (x_0 + ... + x_{i-1} - i x_i) / sqrt(i (i + 1)), and last one constant, sqrt(sum of 1/c over the groups). A group of
    one column has no contrast. The basis follows from the sizes alone, never from the data.

    The groups are divided by their sums first (`shares`). So raw probabilities and the same row at unit length, whose
    groups have one common sum below 1, give the same result up to rounding. For rows whose groups sum to 1 the map is
    an isometry: dot products of reduced rows are those of the rows; for others, those of the divided rows. A row of
    which `shares` makes NaN is NaN here.

    Raises:
        ValueError: as in `shares`.
    """
    whole = shares(rows, groups).T
    result = np.empty((len(whole) - len(groups) + 1, whole.shape[1]))
    place, squares = 0, 0.0
    for group in _parts(whole, groups):
        squares += 1.0 / len(group)
        before = group[0].copy()
        for i, column in enumerate(group[1:], start=1):
            result[place] = (before - i * column) / np.sqrt(i * (i + 1.0))
            before += column
            place += 1
    result[place] = np.where(np.isnan(whole[0]), np.nan, np.sqrt(squares))
    return result.T


def _check(groups: Sequence[int], width: int) -> None:
    if min(groups, default=0) < 1:
        raise ValueError(f"groups of {list(groups)} columns, expected at least one group and a column in each")
    if sum(groups) != width:
        raise ValueError(f"rows have {width} columns, expected {sum(groups)} in groups of {list(groups)}")


def _parts(columns: Floats, groups: Sequence[int]) -> Iterator[Floats]:
    """Views of `columns` (d, n), one per group."""
    start = 0
    for size in groups:
        yield columns[start : start + size]
        start += size
