"""The nearest rows of a few queries among many rows, by D and by float64 cosine, the rows met in chunks.

It finds which rows the judge (`certificate.judge`) has to see of a block that no task can hold. Matrix products are
used only where they are exact (D in float64) or a margin covers their rounding (cosines, summed again by columns).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundalike.numeric.lattice import Lattice, half_squares

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Above the rounding of two sums of 1,000 products of unit vectors.
_MARGIN = 1e-12


@dataclass(frozen=True)
class Kept:
    """Entries (n,) sorted by query, key, row: at most `count` of each query, the smallest (key, row)."""

    query: Ints
    key: Ints
    row: Ints


NOTHING = Kept(*(np.empty(0, dtype=np.int64) for _ in range(3)))


class Shortlist:
    """The `count` nearest rows of each query, itself left out: `by_distance` (key D), `by_cosine` (an ordered key).

    Rows are numbered as they are added, in id order.
    """

    def __init__(self, lattice: Lattice, units: Floats, count: int) -> None:
        self._wide, self._half = lattice.astype(np.float64), half_squares(lattice)
        self._units, self._count, self._rows = units, count, 0
        self.by_distance = self.by_cosine = NOTHING

    def add(self, lattice: Lattice, units: Floats, itself: tuple[Ints, Ints]) -> None:
        """Takes rows (m, d + 1) and (m, d) into account; `itself`: queries, and the row here that each of them is."""
        distance = self._half[:, np.newaxis] + half_squares(lattice) - self._wide @ lattice.astype(np.float64).T
        distance[itself] = np.inf
        query, column = np.nonzero(distance <= self._limit(self.by_distance, distance))
        key = distance[query, column].astype(np.int64)
        self.by_distance = smallest(self.by_distance, Kept(query, key, column + self._rows), self._count)

        away = -(self._units @ units.T)
        away[itself] = np.inf
        query, column = np.nonzero(away <= self._limit(self.by_cosine, away, cosines=True) + _MARGIN)
        cosine = np.zeros(len(query))
        for asked, given in zip(self._units.T, units.T, strict=True):
            cosine += asked[query] * given[column]
        self.by_cosine = smallest(self.by_cosine, Kept(query, ordered(-cosine), column + self._rows), self._count)
        self._rows += len(lattice)

    def _limit(self, kept: Kept, values: Floats, cosines: bool = False) -> Floats:
        """(queries, 1): what a value must not exceed to be among the nearest so far."""
        # Infinity is the query itself, which nobody wants.
        limit = np.full(len(values), np.finfo(np.float64).max)
        held = np.bincount(kept.query, minlength=len(values))
        filled = held == self._count
        if not filled.all() and values.shape[1] >= self._count:
            limit = np.minimum(limit, np.partition(values, self._count - 1, axis=1)[:, self._count - 1])
        last = kept.key[np.cumsum(held)[filled] - 1]
        limit[filled] = np.minimum(limit[filled], unordered(last) if cosines else last)
        return limit[:, np.newaxis]


def smallest(first: Kept, second: Kept, count: int) -> Kept:
    """The `count` smallest (key, row) of each query of both."""
    query, key, row = (
        np.concatenate([getattr(first, name), getattr(second, name)]) for name in ("query", "key", "row")
    )
    order = np.lexsort((row, key, query))
    query = query[order]
    kept = np.arange(len(query)) - np.searchsorted(query, query) < count
    return Kept(query[kept], key[order][kept], row[order][kept])


def ordered(values: Floats) -> Ints:
    """Whole numbers in the order of `values`, equal for equal ones: the bits of the numbers."""
    bits = (values + 0.0).view(np.int64)
    return np.where(bits < 0, bits ^ np.int64(2**63 - 1), bits)


def unordered(keys: Ints) -> Floats:
    return np.where(keys < 0, keys ^ np.int64(2**63 - 1), keys).view(np.float64)
