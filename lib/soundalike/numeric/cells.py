"""The family `kmeans_overlap`: cells that follow the data, and rows near a border in all the cells that meet there.

Integer k-means: the centers are lattice rows, and all that decides is an integer. Products are float64, exact below
2^53: a center may be longer than the vectors of a lattice, so that float32 is not always enough.
"""

from collections.abc import Mapping
from typing import Self

import numpy as np
import numpy.typing as npt

from soundalike.numeric.compared import compared_in_cells
from soundalike.numeric.lattice import Lattice, half_squares

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEAF, E, LEAST, MOST, ITERATIONS = 768, 28, 2, 8, 8
SAMPLE_PER_CELL = 64

# Distances held at once; they stay in the processor's cache.
_CELLS = 1 << 17


class KmeansOverlap:
    """A row joins its `min` nearest cells, and up to `max` cells with 64 D <= (64 + e) D of the nearest.

    `parameters`: leaf, e, min, max, iterations. `centers` (cells, d + 1) are distinct and in lexicographic order.
    """

    family = "kmeans_overlap"

    def __init__(self, parameters: Mapping[str, str], centers: Lattice) -> None:
        self.parameters, self.centers = dict(parameters), centers
        self._e, self._least, self._most = (int(parameters[name]) for name in ("e", "min", "max"))

    @classmethod
    def fit(
        cls,
        sample: Lattice,
        rows: int | None = None,
        seed: int = 0,
        *,
        starts: Lattice | None = None,
        leaf: int = LEAF,
        e: int = E,
        least: int = LEAST,
        most: int = MOST,
        iterations: int = ITERATIONS,
    ) -> Self:
        """Cells for a block of `rows` rows (default: those of the sample), ceil(rows / leaf) of them at most.

        Args:
            sample: rows of the block in id order; at even steps, 64 for each cell, if there are more.
            rows: of the block.
            seed: not used, nothing is drawn.
            starts: first centers, such as those of a genre's clusters; sample rows at even steps make up the rest.
            leaf: rows for each cell.
            e, least, most: see the class.
            iterations: of Lloyd's algorithm.

        Raises:
            ValueError: the sample is empty, or a parameter is out of its range.
        """
        if not len(sample):
            raise ValueError("kmeans_overlap cannot fit cells: the sample of the block has no rows")
        if leaf < 1 or e < 0 or not 1 <= least <= most or iterations < 0:
            raise ValueError(
                f"kmeans_overlap: leaf {leaf}, e {e}, min {least}, max {most}, iterations {iterations}; expected leaf "
                "at least 1, e and iterations at least 0, and 1 <= min <= max"
            )
        cells = -(-(len(sample) if rows is None else rows) // leaf)
        taken = sample[_even_steps(len(sample), SAMPLE_PER_CELL * cells)]
        given = taken[:0] if starts is None else starts[:cells]
        centers = np.concatenate([given, taken[_even_steps(len(taken), cells - len(given))]])
        for _ in range(iterations):
            centers = means(taken, nearest_cells(taken, centers, 1)[0][:, 0])
        stated = {"leaf": leaf, "e": e, "min": least, "max": most, "iterations": iterations}
        return cls({name: str(value) for name, value in stated.items()}, np.unique(centers, axis=0))

    @property
    def buckets(self) -> int:
        return len(self.centers)

    @property
    def copies(self) -> int:
        return min(self._most, len(self.centers))

    def assign(self, lattice: Lattice) -> tuple[Integers, Integers]:
        """Pairs (row, cell): rows ascending, the nearest cell first. Each row by itself, whatever rows are given."""
        cells, distance = nearest_cells(lattice, self.centers, self.copies)
        joins = 64 * distance <= (64 + self._e) * distance[:, :1]
        joins[:, : self._least] = True
        return np.nonzero(joins)[0], cells[joins]

    def compared(self, buckets: Integers, here: Flags, asked: Flags, listed: Flags) -> Integers:
        """See `families.Model`."""
        return compared_in_cells(buckets, here, None if listed.all() else listed, asked=asked)


def nearest_cells(lattice: Lattice, centers: Lattice, count: int) -> tuple[Integers, Integers]:
    """The `count` nearest of `centers` to each row, nearest first and the lower cell first, and their D: (n, count)."""
    cells = np.empty((count, len(lattice)), dtype=np.int64)
    distance = np.empty_like(cells)
    base, halves = centers.astype(np.float64), half_squares(centers)[:, np.newaxis]
    number = np.arange(len(centers))[:, np.newaxis]
    step = max(1, _CELLS // len(centers))
    for start in range(0, len(lattice), step):
        part = slice(start, start + step)
        # D * cells + cell: one number that orders by D, then by cell, and stays below 2^53.
        keys = base @ -lattice[part].T.astype(np.float64)
        keys += halves + half_squares(lattice[part])
        keys *= len(centers)
        keys += number
        for rank in range(count):
            smallest = keys.min(axis=0).astype(np.int64)
            distance[rank, part], cells[rank, part] = np.divmod(smallest, len(centers))
            keys[cells[rank, part], np.arange(keys.shape[1])] = np.inf
    return cells.T, distance.T


def means(lattice: Lattice, cells: Integers) -> Lattice:
    """Centers of the cells that have rows, in order of their number: sums divided by counts, rounded half to even.

    Where the coordinates of a center then sum to an odd number, the one with the largest residual (the first of
    equal ones) moves by one toward it, upward if it is 0: squared lengths stay even and D an integer.
    """
    order = np.argsort(cells, kind="stable")
    _, starts, counts = np.unique(cells[order], return_index=True, return_counts=True)
    sums = np.add.reduceat(lattice[order], starts, axis=0, dtype=np.int64)
    count = counts[:, np.newaxis]
    centers, rest = np.divmod(sums, count)
    centers += (2 * rest > count) | ((2 * rest == count) & (centers % 2 == 1))
    residual = sums - centers * count
    largest = np.abs(residual).argmax(axis=1)
    odd = np.flatnonzero(centers.sum(axis=1) % 2)
    centers[odd, largest[odd]] += np.where(residual[odd, largest[odd]] < 0, -1, 1)
    return centers.astype(np.int16)


def _even_steps(rows: int, count: int) -> Integers:
    """At most `count` of `rows` positions, evenly apart from the first."""
    taken = min(rows, max(count, 0))
    return np.arange(taken) * rows // max(taken, 1)
