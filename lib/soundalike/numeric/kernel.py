"""The K nearest rows of every row among those that share a bucket with it, exactly.

D is one matrix product of floats: with h = |v|^2 / 2, (v, 1, h).(-v', h', 1) = D. Every partial sum is an integer that
the float type holds (`lattice.check_bound`), so it is exact, in any order, on any BLAS. The result is a function of
lattice, membership and k alone: neither tiles nor threads nor the machine can change it.

Each row is answered in the nearest of its buckets first. Elsewhere, few rows can be nearer than what it holds by then.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from soundalike.numeric.lattice import (
    PRECISIONS,
    SCALE,
    Floats,
    FloatType,
    Lattice,
    check_bound,
    exact_below,
    half_squares,
    to_lattice,
)
from soundalike.numeric.tile import GROUP, NOTHING, ROW_BITS, Rows, take_nearest

TILE = (256, 2048)

Flags = npt.NDArray[np.bool_]


def nearest(
    lattice: Lattice,
    membership: tuple[Rows, Rows],
    k: int,
    tile: tuple[int, int] = TILE,
    scale: int = SCALE,
    dtype: FloatType = np.float32,
    asked: Flags | None = None,
    listed: Flags | None = None,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """The k smallest (D, row) of all other listed rows that share a bucket with each row.

    Args:
        lattice: (n, d + 1), rows in id order.
        membership: pairs (row, bucket) as `Model.assign` gives them: rows ascending, the nearest bucket first.
        k: longest list.
        tile: queries and base rows of one matrix product; the latter is rounded up to a multiple of 8.
        scale: of the lattice, for the check that the arithmetic is exact.
        dtype: of the matrix product.
        asked: (pairs,) whether the row is answered in that bucket, or only compared with; default: everywhere.
        listed: (n,) rows that may stand in lists; the others are answered all the same. Default: all.

    Returns:
        Neighbor rows (n, k) and their D (n, k), both -1 beyond the end of a list; list lengths (n,). The list of a row
        that is in no bucket, or asked in none, is empty.

    Raises:
        ValueError: scale and width break exactness, or the rows of `membership` do not ascend.
    """
    check_bound(scale, lattice.shape[1] - 1, dtype)
    rows, buckets = membership
    check_order(rows)
    search = _Search(lattice, k, tile, dtype)
    home = _homes(rows, buckets, asked, len(lattice))
    order = np.argsort(buckets, kind="stable")
    parts = [part for part in np.split(order, np.flatnonzero(np.diff(buckets[order])) + 1) if len(part)]
    search.listed = {int(buckets[part[0]]): _only(rows[part], listed) for part in parts}
    parts = [part for part in parts if len(part) > 1]
    for part in parts:
        bucket, members = int(buckets[part[0]]), rows[part]
        search.answer(bucket, members[home[members] == bucket])
    for part in parts:
        bucket, members = int(buckets[part[0]]), rows[part]
        queries = members if asked is None else members[asked[part]]
        queries = queries[home[queries] != bucket]
        queries = queries[np.argsort(home[queries], kind="stable")]
        search.answer(bucket, queries, home[queries])
    # In place, since the keys are most of the memory. The low half of NOTHING is -1.
    neighbors = search.best.astype(np.int32)
    search.best >>= ROW_BITS
    distance = search.best.astype(np.int32)
    distance[neighbors < 0] = -1
    return neighbors, distance, (neighbors >= 0).sum(axis=1)


def check_order(rows: Rows) -> None:
    """Refuses pairs (row, bucket) whose rows do not ascend.

    Raises:
        ValueError: they do not.
    """
    if (rows[1:] < rows[:-1]).any():
        raise ValueError("the pairs (row, bucket) must be in the order of rows, the nearest bucket of a row first")


def check_arithmetic(precision: str = "coarse") -> None:
    """Compares float products of a fixed lattice block, antipodal rows included, with int64.

    Raises:
        ArithmeticError: this machine's BLAS does not compute products of that precision in its float type.
    """
    scale, dtype = PRECISIONS[precision]
    steps = np.arange(1, 64 * 33 + 1).reshape(64, 33)
    half, _ = to_lattice(np.modf(steps * 0.6180339887498949)[0] - 0.5, scale, dtype)
    lattice = np.concatenate([half, half * np.array([-1] * 33 + [1], dtype=np.int16)])
    wide = lattice.astype(np.int64)
    expected = ((wide[:, np.newaxis, :] - wide[np.newaxis, :, :]) ** 2).sum(axis=2) // 2
    squares = half_squares(lattice)
    product = base_operand(lattice, squares, exact_below(dtype), dtype) @ query_operand(lattice, squares, dtype)
    if not np.array_equal(product, expected):
        raise ArithmeticError(
            f"{dtype.__name__} matrix products differ from integer arithmetic: this BLAS runs them in a reduced "
            "format; switch that off or install another numpy"
        )


def _only(rows: Rows, listed: Flags | None) -> Rows:
    return rows if listed is None else rows[listed[rows]]


def _homes(rows: Rows, buckets: Rows, asked: Flags | None, count: int) -> Rows:
    """(count,) the first bucket in which each row is answered; -1 if there is none."""
    pairs = np.arange(len(rows)) if asked is None else np.flatnonzero(asked)
    firsts = pairs[np.flatnonzero(np.diff(rows[pairs], prepend=-1))]
    home = np.full(count, -1, dtype=np.int64)
    home[rows[firsts]] = buckets[firsts]
    return home


class _Search:
    """The lists found so far, and what every bucket needs: half squared lengths and one buffer for all tiles."""

    def __init__(self, lattice: Lattice, k: int, tile: tuple[int, int], dtype: FloatType) -> None:
        self.best = np.full((len(lattice), k), NOTHING, dtype=np.int64)
        self.listed: dict[int, Rows] = {}
        self._lattice, self._half, self._tile, self._dtype = lattice, half_squares(lattice), tile, dtype
        self._marked = np.zeros(len(lattice), dtype=np.bool_)
        self._buffer = np.empty(tile[0] * (tile[1] + GROUP), dtype=dtype)
        self._far = exact_below(dtype)

    def answer(self, bucket: int, queries: Rows, homes: Rows | None = None) -> None:
        """Merges what the listed rows of a bucket are to `queries`, rows of it that were answered in `homes` before."""
        members = self.listed[bucket]
        if not len(members) or not len(queries):
            return
        base = base_operand(self._lattice[members], self._half[members], self._far, self._dtype)
        tiles = -(-len(base) // self._tile[1])
        step = -(-len(base) // tiles // GROUP) * GROUP
        for start in range(0, len(queries), self._tile[0]):
            part = queries[start : start + self._tile[0]]
            operand = query_operand(self._lattice[part], self._half[part], self._dtype)
            answered = [] if homes is None else list(self._answered(members, homes[start : start + self._tile[0]]))
            best = self.best[part]
            for first in range(0, len(base), step):
                rows = base[first : first + step]
                tile = np.matmul(rows, operand, out=self._buffer[: len(rows) * len(part)].reshape(-1, len(part)))
                for left, right, positions in answered:
                    inside = slice(*np.searchsorted(positions, (first, first + step)))
                    tile[positions[inside] - first, left:right] = self._far
                take_nearest(tile, members[first : first + step], part, best, self._far)
            self.best[part] = best

    def _answered(self, members: Rows, homes: Rows) -> Iterator[tuple[int, int, Rows]]:
        """For each run of equal `homes`, where it is, and the positions of `members` that it was compared with."""
        for left, right in pairwise([0, *(np.flatnonzero(np.diff(homes)) + 1).tolist(), len(homes)]):
            known = self.listed[int(homes[left])]
            self._marked[known] = True
            yield left, right, np.flatnonzero(self._marked[members])
            self._marked[known] = False


def base_operand(lattice: Lattice, half: Rows, far: int, dtype: FloatType) -> Floats:
    """Rows (v, 1, h), and rows that are `far` from everything up to a multiple of GROUP."""
    count = len(lattice)
    operand = np.zeros((-(-count // GROUP) * GROUP, lattice.shape[1] + 2), dtype=dtype)
    operand[:count, :-2] = lattice
    operand[:, -2] = 1
    operand[:count, -1] = half
    operand[count:, -1] = far
    return operand


def query_operand(lattice: Lattice, half: Rows, dtype: FloatType) -> Floats:
    """Columns (-v, h, 1). An array of its own: one buffer on both sides would go to BLAS's slower symmetric routine."""
    operand = np.ones((lattice.shape[1] + 2, len(lattice)), dtype=dtype)
    np.negative(lattice.T, out=operand[:-2], dtype=dtype)
    operand[-2] = half
    return operand
