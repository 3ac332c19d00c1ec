"""How much overlap the cells of a block need: recall and cost of every candidate, read from labels alone.

Two rows are compared if they share a cell. So it is enough to assign some queries and their true neighbors to know
which of these would be found, and some rows that the cells were not fitted to, to know how large the cells would be.
On the sample they were fitted to, cells look smaller than they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from soundalike.numeric.cells import KmeansOverlap, nearest_cells
from soundalike.numeric.certificate import mean_recall, wilson
from soundalike.numeric.lattice import Lattice

# The certificate asks other queries: how far the bound must be above the floor.
MARGIN = 0.003

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Choice:
    """Parameters of `KmeansOverlap` and what they are expected to give.

    `recall` and `ci_low`: mean share of a query's true neighbors that share a cell with it, and its lower bound.
    `pairs`: ordered pairs that the kernel compares, in each cell that both rows are in.
    """

    leaf: int
    e: int
    least: int
    most: int
    recall: float
    ci_low: float
    pairs: float


def tune(
    models: Sequence[KmeansOverlap],
    grid_e: Sequence[int],
    grid_most: Sequence[int],
    least: int,
    queries: Lattice,
    truth: Lattice,
    held_out: Lattice,
    rows: int,
    floor: float,
    margin: float = MARGIN,
) -> Choice | None:
    """The candidate of fewest pairs among those whose recall is surely above the floor; ties: smaller max, e, leaf.

    Args:
        models: cells of the block, one for each leaf; with which overlap they were fitted does not matter.
        grid_e, grid_most: candidates of e and max.
        least: the min of all candidates.
        queries: (q, d + 1), none of them among those of the certificate.
        truth: (q n, d + 1), the n nearest rows of the block to each query.
        held_out: (h, d + 1), rows of the block that are neither queries nor in the sample the cells were fitted to.
        rows: of the block.
        floor: of recall; the lower bound must be `margin` above it.
        margin: see `floor`. Bounds are below 1: if 1 is asked for, no candidate reaches it.

    Returns:
        None if no candidate reaches the floor, or if the cheapest that does costs as much as all pairs of the block: it
        is better searched exactly.

    Raises:
        ValueError: a max of the grid is below `least`, the lists of the truth differ in length, or fewer than two rows
            are held out.
    """
    if not 1 <= least <= min(grid_most) or len(truth) % len(queries) or not len(truth) or len(held_out) < 2:
        raise ValueError(
            f"tuning: min {least}, max {', '.join(map(str, grid_most))}, {len(truth)} true neighbors of {len(queries)} "
            f"queries, {len(held_out)} rows held out; expected 1 <= min <= max, as many neighbors for each query, and "
            "two rows or more"
        )
    best = None
    for model in models:
        labels = _Labels(model, max(grid_most), least, queries, truth, held_out)
        for e, most in product(grid_e, grid_most):
            recall, ci_low = labels.recall(e, most)
            if ci_low < floor + margin:
                continue
            found = Choice(int(model.parameters["leaf"]), e, least, most, recall, ci_low, labels.pairs(e, most, rows))
            key = found.pairs, most, e, found.leaf
            if best is None or key < best[0]:
                best = key, found
    if best is None or best[0][0] >= rows**2:
        return None
    return best[1]


class _Labels:
    """The nearest cells of queries, of their true neighbors and of rows held out. A row joins the first few of them."""

    def __init__(
        self, model: KmeansOverlap, most: int, least: int, queries: Lattice, truth: Lattice, held_out: Lattice
    ) -> None:
        self._least, count = least, min(most, model.buckets)
        (asked, self._of_queries), (true, self._of_truth), (self._held_out, self._of_held_out) = (
            nearest_cells(part, model.centers, count) for part in (queries, truth, held_out)
        )
        # The place of each cell of a query among those of each of its neighbors; beyond all if it is not there.
        neighbors = true.reshape(len(queries), -1, 1, count)
        self._place = np.full((*neighbors.shape[:2], count), most, dtype=np.int16)
        for place in range(count):
            self._place[neighbors[..., place] == asked[:, np.newaxis, :]] = place

    def recall(self, e: int, most: int) -> tuple[float, float]:
        """Mean and lower bound, as the certificate has them."""
        queries, reach, count = self._place.shape
        joined = (np.arange(count) < self._joined(self._of_queries, e, most))[:, np.newaxis, :]
        found = (joined & (self._place < self._joined(self._of_truth, e, most).reshape(queries, reach, 1))).any(axis=2)
        recall, _, n = mean_recall(found.sum(axis=1), np.full(queries, reach), reach)
        return recall, wilson(recall, n)[0]

    def pairs(self, e: int, most: int, rows: int) -> float:
        """Of two rows held out, both orders, those in one cell; scaled to all rows without bias."""
        cells = self._held_out[self._members(e, most)]
        sizes, held_out = np.bincount(cells), len(self._held_out)
        return int((sizes * (sizes - 1)).sum()) * (rows * (rows - 1) / (held_out * (held_out - 1)))

    def _members(self, e: int, most: int) -> npt.NDArray[np.bool_]:
        """(h, cells): whether the row held out joins that cell of its nearest."""
        return np.arange(self._held_out.shape[1]) < self._joined(self._of_held_out, e, most)

    def _joined(self, distance: Ints, e: int, most: int) -> Ints:
        """(n, 1): how many of its nearest cells a row joins. The rule of `KmeansOverlap`; D ascends along a row."""
        near = (64 * distance <= (64 + e) * distance[:, :1]).sum(axis=1, keepdims=True)
        return np.clip(near, self._least, most)
