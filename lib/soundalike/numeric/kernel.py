"""The K nearest rows of every row among those that share a bucket with it, exactly.

D is one float32 matrix product: with h = |v|^2 / 2, (-v, h, 1).(v', 1, h') = D. Every partial sum is an integer below
2^24 (`lattice.check_bound`), so float32 holds it exactly, in any order, on any BLAS. The result is a function of
lattice, membership and k alone: neither tiles nor threads nor the machine can change it.
"""

import numpy as np
import numpy.typing as npt

from soundalike.numeric.lattice import SCALE, Lattice, check_bound, half_squares, to_lattice

TILE = (256, 2048)

Keys = npt.NDArray[np.int64]

# A key is D * 2^32 + row: rows are numbered in id order, so the order of keys is the order of (D, id).
_NOTHING = np.iinfo(np.int64).max
_ROW_BITS = 32
_ROW_MASK = np.int64(2**_ROW_BITS - 1)


def nearest(
    lattice: Lattice,
    membership: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    k: int,
    tile: tuple[int, int] = TILE,
    scale: int = SCALE,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """The k smallest (D, row) of all other rows that share a bucket with each row.

    Args:
        lattice: (n, d + 1), rows in id order.
        membership: pairs (row, bucket), as `Model.assign` gives them.
        k: longest list.
        tile: queries and base rows of one matrix product.
        scale: of the lattice, for the check that float32 is exact.

    Returns:
        Neighbor rows (n, k) and their D (n, k), both -1 beyond the end of a list; list lengths (n,).
    """
    check_bound(scale, lattice.shape[1] - 1)
    rows, buckets = membership
    by_bucket = np.lexsort((rows, buckets))
    bounds = np.flatnonzero(np.diff(buckets[by_bucket])) + 1
    best = np.full((len(lattice), k), _NOTHING, dtype=np.int64)
    for members in np.split(rows[by_bucket], bounds):
        if len(members) > 1:
            _answer_bucket(best, lattice[members], members, tile)
    found = best != _NOTHING
    return (
        np.where(found, best & _ROW_MASK, -1).astype(np.int32),
        np.where(found, best >> _ROW_BITS, -1).astype(np.int32),
        found.sum(axis=1),
    )


def check_arithmetic() -> None:
    """Compares float32 products of a fixed lattice block, antipodal rows included, with int64.

    Raises:
        ArithmeticError: this machine's BLAS does not compute float32 products in float32.
    """
    steps = np.arange(1, 64 * 33 + 1).reshape(64, 33)
    half, _ = to_lattice(np.modf(steps * 0.6180339887498949)[0] - 0.5)
    lattice = np.concatenate([half, half * np.array([-1] * 33 + [1], dtype=np.int16)])
    wide = lattice.astype(np.int64)
    expected = ((wide[:, np.newaxis, :] - wide[np.newaxis, :, :]) ** 2).sum(axis=2) // 2
    if not np.array_equal(_queries(lattice) @ _base(lattice), expected):
        raise ArithmeticError(
            "float32 matrix products differ from integer arithmetic: this BLAS runs them in a reduced format; "
            "switch that off or install another numpy"
        )


def _queries(lattice: Lattice) -> npt.NDArray[np.float32]:
    """Rows (-v, h, 1)."""
    augmented = np.ones((len(lattice), lattice.shape[1] + 2), dtype=np.float32)
    np.negative(lattice, out=augmented[:, :-2], dtype=np.float32)
    augmented[:, -2] = half_squares(lattice)
    return augmented


def _base(lattice: Lattice) -> npt.NDArray[np.float32]:
    """Columns (v, 1, h). An array of its own: one buffer on both sides would go to BLAS's slower symmetric routine."""
    augmented = np.ones((lattice.shape[1] + 2, len(lattice)), dtype=np.float32)
    augmented[:-2] = lattice.T
    augmented[-1] = half_squares(lattice)
    return augmented


def _answer_bucket(best: Keys, lattice: Lattice, members: npt.NDArray[np.int64], tile: tuple[int, int]) -> None:
    """Merges into `best` what the rows `members`, with vectors `lattice`, are to each other."""
    base = _base(lattice)
    for first in range(0, len(members), tile[0]):
        asked = slice(first, first + tile[0])
        queries = _queries(lattice[asked])
        kept = np.empty((len(queries), 0), dtype=np.int64)
        for start in range(0, len(members), tile[1]):
            compared = slice(start, start + tile[1])
            keys = (queries @ base[:, compared]).astype(np.int64)
            keys <<= _ROW_BITS
            keys |= members[compared]
            keys[members[asked, np.newaxis] == members[compared]] = _NOTHING
            kept = _smallest(np.concatenate([kept, keys], axis=1), best.shape[1])
        best[members[asked]] = _merged(best[members[asked]], kept)


def _smallest(keys: Keys, k: int) -> Keys:
    """The k smallest of each row, in no order; all if there are fewer."""
    return keys if keys.shape[1] <= k else np.partition(keys, k - 1, axis=1)[:, :k]


def _merged(best: Keys, more: Keys) -> Keys:
    """The smallest distinct keys of both, ascending. A pair met in two buckets has one key, so it is kept once."""
    keys = np.sort(np.concatenate([best, more], axis=1), axis=1)
    keys[:, 1:][keys[:, 1:] == keys[:, :-1]] = _NOTHING
    keys.sort(axis=1)
    return keys[:, : best.shape[1]]
