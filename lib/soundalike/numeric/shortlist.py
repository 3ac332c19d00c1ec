"""The truth of a few queries among many rows, met in chunks: the nearest by D and by float64 cosine, by brute force.

Matrix products are used only where they are exact: D in a float type that holds it (`lattice.check_bound`). Cosines
are summed column by column, and only of rows that D says may be among the nearest by cosine.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from soundalike.numeric.lattice import PRECISIONS, Lattice, half_squares

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Queries of one matrix product: it stays in the processor's cache.
_QUERIES = 256
# Above every D.
_FAR = 2.0**32


@dataclass(frozen=True)
class Kept:
    """Entries (n,) sorted by query, key, number: at most `count` of each query, the smallest (key, number)."""

    query: Ints
    key: Ints
    number: Ints
    place: Ints
    cosine: Floats


_NONE = np.empty(0, dtype=np.int64)
NOTHING = Kept(_NONE, _NONE, _NONE, _NONE, np.empty(0))


class Shortlist:
    """The `count` nearest rows of each query, itself left out: `by_distance` (key D), `by_cosine` (an ordered key).

    `cosines` says of which queries the cosines are wanted. The order in which rows are added makes no difference.
    """

    def __init__(
        self, lattice: Lattice, units: Floats, cosines: npt.NDArray[np.bool_], count: int, precision: str = "coarse"
    ) -> None:
        self._scale, self._dtype = PRECISIONS[precision]
        self._operand = _operand(lattice, self._dtype)
        self._units, self._cosines, self._count, self._rows = units, cosines, count, 0
        self.by_distance = self.by_cosine = NOTHING
        self._bounds = np.arange(len(lattice) + 1)
        # Where the entries of each query begin in the two lists.
        self._held = [np.zeros(len(lattice) + 1, dtype=np.int64)] * 2

    def add(self, lattice: Lattice, units: Floats, numbers: Ints, itself: tuple[Ints, Ints]) -> None:
        """Takes rows into account. An entry's `place` counts the rows added so far.

        Args:
            lattice, units: (m, d + 1) and (m, d), the rows.
            numbers: (m,) what decides between rows of equal key, the smaller first; no two are equal.
            itself: queries, and the row here that each of them is.
        """
        base = _base(lattice, self._dtype).T
        buffer = np.empty((min(_QUERIES, len(self._operand)), len(lattice)), dtype=self._dtype)
        parts = []
        for start in range(0, len(self._operand), _QUERIES):
            part = slice(start, start + _QUERIES)
            operand = self._operand[part]
            distance = np.matmul(operand, base, out=buffer[: len(operand)])
            own = (itself[0] >= start) & (itself[0] < start + _QUERIES)
            distance[itself[0][own] - start, itself[1][own]] = np.inf
            place = np.flatnonzero(distance <= self._limits(distance, part)[:, np.newaxis])
            parts.append((place // len(lattice) + start, place % len(lattice), distance.ravel()[place]))
        query, column, near = (np.concatenate(each) for each in zip(*parts, strict=True))
        cosine = np.zeros(len(query))
        for asked, given in zip(self._units.T, units.T, strict=True):
            cosine += asked[query] * given[column]
        found = Kept(query, near.astype(np.int64), numbers[column], column + self._rows, cosine)
        self.by_distance = smallest([self.by_distance, found], self._count)
        wanted = self._cosines[query]
        found = Kept(*(values[wanted] for values in (query, ordered(-cosine), found.number, found.place, cosine)))
        self.by_cosine = smallest([self.by_cosine, found], self._count)
        self._held = [np.searchsorted(kept.query, self._bounds) for kept in (self.by_distance, self.by_cosine)]
        self._rows += len(lattice)

    def _limits(self, distance: npt.NDArray[Any], part: slice) -> npt.NDArray[Any]:
        """(queries of the part,): rows of a larger D are neither among the nearest nor of the highest cosines."""
        asked = self._cosines[part]
        limit, floor = np.full(len(distance), _FAR), np.full(len(distance), -1.0)
        unknown = np.zeros(len(distance), dtype=bool)
        for kept, held, into in zip((self.by_distance, self.by_cosine), self._held, (limit, floor), strict=True):
            first, last = held[:-1][part], held[1:][part] - 1
            filled = last - first == self._count - 1
            into[filled] = kept.key[last[filled]] if into is limit else kept.cosine[last[filled]]
            unknown |= ~filled & (asked if into is floor else True)
        if unknown.any() and distance.shape[1] > self._count:
            # So many rows are no farther, and each of them has at least the cosine that this distance allows.
            nth = np.partition(distance[unknown], self._count, axis=1)[:, self._count].astype(np.float64)
            limit[unknown] = np.minimum(limit[unknown], nth)
            floor[unknown] = np.maximum(floor[unknown], self._cosine_of(nth))
        limit = np.maximum(limit, np.where(asked, self._distance_of(floor), 0.0))
        # Rounded upward: a limit must not exclude what equals it.
        return np.nextafter(limit.astype(self._dtype), self._dtype(np.inf))

    def _distance_of(self, cosine: Floats) -> Floats:
        """The largest D that a row of at least this cosine can have."""
        away = np.maximum(1 - cosine, 0.0)
        return (away + self._error(np.sqrt(2 * away)) + 1e-9) * self._scale**2

    def _error(self, apart: Any) -> Any:
        """How far D / scale^2 may be above 1 - cosine of two unit vectors `apart`; below it, by the first term."""
        dimensions = self._units.shape[1]
        return np.sqrt(dimensions) / self._scale * apart + (dimensions + 1) / (2 * self._scale**2)

    def _cosine_of(self, distance: Floats) -> Floats:
        """The lowest cosine at this D: away = 1 - cosine is at most D / scale^2 + sqrt(2 d away) / scale."""
        slope = np.sqrt(2 * self._units.shape[1]) / self._scale
        root = (slope + np.sqrt(slope**2 + 4 * distance / self._scale**2)) / 2
        return 1 - root**2 - 1e-9


def _operand(lattice: Lattice, dtype: Any) -> npt.NDArray[Any]:
    """Rows (-v, h, 1)."""
    return np.column_stack([-lattice.astype(dtype), half_squares(lattice), np.ones(len(lattice))]).astype(dtype)


def _base(lattice: Lattice, dtype: Any) -> npt.NDArray[Any]:
    """Rows (v, 1, h): times those of `_operand` they give D."""
    return np.column_stack([lattice.astype(dtype), np.ones(len(lattice)), half_squares(lattice)]).astype(dtype)


def smallest(parts: Sequence[Kept], count: int) -> Kept:
    """The `count` smallest (key, number) of each query of all `parts`."""
    columns = [np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Kept)]
    query, key, number = columns[:3]
    order = np.lexsort((number, key, query))
    query = query[order]
    order = order[np.arange(len(query)) - np.searchsorted(query, query) < count]
    return Kept(*(values[order] for values in columns))


def ordered(values: Floats) -> Ints:
    """Whole numbers in the order of `values`, equal for equal ones: the bits of the numbers."""
    bits = (values + 0.0).view(np.int64)
    return np.where(bits < 0, bits ^ np.int64(2**63 - 1), bits)
