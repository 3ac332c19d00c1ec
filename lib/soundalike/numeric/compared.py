"""How many rows each row is compared with, each once, however many buckets the two share.

A pair belongs to one of the buckets that both are in. So the parts of a block can be counted apart and added, and the
sum does not depend on how the block is cut.

In tables, that is the bucket of the first table in which the two agree. Price: in each bucket, one comparison of small
labels per unordered pair and table before.

In cells, of which each row has a few, it is the smallest bucket of both, and no pairs are looked at. Price: one step
for each of the 2^c - 1 sets of cells of a row in c cells, whatever the cells hold.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

TILE = (256, 4096)
# Pairs (row, cell) whose sets of cells are counted at a time, about; they stay in the processor's cache.
STEP = 1 << 13
# Keys from a range of less than this many times their number are marked in a table instead of sorted.
_SPARSE = 4

Ints = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


def compared(
    buckets: Ints,
    here: Flags,
    tile: tuple[int, int] = TILE,
    listed: Flags | None = None,
    asked: Flags | None = None,
) -> Counts:
    """Listed rows (n,) that share a bucket of `here` with each other row, and no bucket of a table before.

    Args:
        buckets: (n, tables), the bucket of each row in each table; numbers of two tables are never equal.
        here: (n, tables), which of them are counted; all rows of a bucket are, or none.
        tile: rows of one comparison.
        listed: (n,) rows that others are compared with; default: all.
        asked: (n, tables), in which buckets of `here` a row is counted; default: in all.
    """
    counts = np.zeros(len(buckets), dtype=np.int64)
    labels = [_labels(column) for column in buckets.T]
    for table in np.flatnonzero(here.any(axis=0)):
        rows = np.flatnonzero(here[:, table])
        rows = rows[np.argsort(labels[table][rows], kind="stable")]
        bounds = np.flatnonzero(np.diff(labels[table][rows])) + 1
        for members in np.split(rows, bounds):
            if len(members) > 1:
                before = [column[members] for column in labels[:table]]
                met = _first_met(before, len(members), tile, None if listed is None else listed[members])
                counts[members] += met if asked is None else met * asked[members, table]
    return counts


def compared_in_cells(
    buckets: Ints, here: Flags, listed: Flags | None = None, step: int = STEP, asked: Flags | None = None
) -> Counts:
    """Listed rows (n,) that share a bucket of `here` with each other row, and no smaller bucket.

    Those that share c with a row and nothing smaller are, by inclusion and exclusion, the sum over all sets X of the
    row's buckets with c the largest: the other rows that are in all of X, with the sign of X's parity.

    Args:
        buckets: (n, copies), copies at least 1: the buckets of each row, each once, in any order; filled up with -1.
            Memory and time double with every copy: meant for ten or fewer.
        here: (n, copies), which of them are counted; all rows of a bucket are, or none.
        listed: (n,) rows that others are compared with; default: all.
        step: pairs (row, bucket) counted at a time; all of a bucket are.
        asked: (n, copies), in which buckets of `here` a row is counted; default: in all.
    """
    both = 2 * buckets.astype(np.int64) + (here & (buckets >= 0))
    descending = np.argsort(-both, axis=1, kind="stable")
    both = np.take_along_axis(both, descending, axis=1)
    # Rows of the same buckets are counted as one.
    kind, kinds = np.zeros(len(both), dtype=np.int64), 1
    limit = int(both.max(initial=0)) + 3
    for column in both.T:
        kind, kinds = _numbered(kind * limit + column + 2, kinds * limit)
    of_kind = np.zeros((kinds, both.shape[1]), dtype=np.int64)
    of_kind[kind] = both
    own = np.ones(len(both), dtype=np.bool_) if listed is None else listed
    shared = _sharing(of_kind >> 1, of_kind & 1 > 0, np.bincount(kind[own], minlength=kinds), step)[kind]
    # A row shares its smallest bucket with itself.
    smallest = np.maximum((both >= 0).sum(axis=1) - 1, 0)
    shared[np.arange(len(both)), smallest] -= own & (both[np.arange(len(both)), smallest] & 1 > 0)
    if asked is not None:
        shared *= np.take_along_axis(asked, descending, axis=1)
    return shared.sum(axis=1)


def _labels(column: Ints) -> Ints:
    """The same partition of the rows by the smallest numbers: one byte compares faster than four."""
    values, labels = np.unique(column, return_inverse=True)
    return labels.astype(np.min_scalar_type(len(values)))


def _sharing(cells: Counts, here: Flags, sizes: Counts, step: int) -> Counts:
    """As `compared_in_cells` by cell, itself included, for distinct rows of descending cells that stand for `sizes`."""
    rows, place = np.nonzero(here)
    order = np.argsort(cells[rows, place], kind="stable")
    rows, place = rows[order], place[order]
    starts = np.flatnonzero(np.diff(cells[rows, place], prepend=-1))
    starts = starts[np.diff(starts // step, prepend=-1) > 0]
    shared, limit = np.zeros(len(rows)), int(cells.max(initial=0)) + 1
    for start, stop in pairwise([*starts.tolist(), len(rows)]):
        shared[start:stop] = _first_shared(cells, limit, rows[start:stop], place[start:stop], sizes)
    result = np.zeros(cells.shape, dtype=np.int64)
    # Sums of whole numbers far below 2^53.
    result[rows, place] = shared
    return result


def _first_shared(cells: Counts, limit: int, rows: Counts, place: Counts, sizes: Counts) -> npt.NDArray[np.float64]:
    """For each pair (row, place) of whole cells, how many share the cell there and none of the places after it.

    Cells are below `limit`. Sets grow by one cell at a time. If a single row is in all of a set, the larger sets of its
    cells count the same rows with alternating signs: together with the set itself they cancel, unless there are none.
    """
    flat = cells.ravel()
    pair, cell, size = np.arange(len(rows)), rows * cells.shape[1] + place, sizes[rows]
    last = cell - place + (cells[rows] >= 0).sum(axis=1) - 1
    total, sign, key, keys = np.zeros(len(rows)), 1, flat[cell], limit
    while len(pair):
        key, keys = _numbered(key, keys)
        count = np.bincount(key, weights=size[pair], minlength=keys)
        grows = ((np.bincount(key, minlength=keys) > 1) & (count > 0))[key]
        after = last[pair] - cell
        total += sign * np.bincount(pair, weights=count[key] * (grows | (after == 0)), minlength=len(total))
        more = after * grows
        grown = np.repeat(np.arange(len(pair)), more)
        cell = (cell + 1 - np.cumsum(more) + more)[grown] + np.arange(len(grown))
        key, keys = key[grown] * limit + flat[cell], keys * limit
        pair, sign = pair[grown], -sign
    return total


def _numbered(key: Counts, limit: int) -> tuple[Counts, int]:
    """The same partition by numbers from 0, none left out, and how many there are. Keys are below `limit`."""
    if limit >= _SPARSE * len(key):
        values, numbers = np.unique(key, return_inverse=True)
        return numbers, len(values)
    met = np.zeros(limit, dtype=np.bool_)
    met[key] = True
    numbers = np.cumsum(met) - 1
    return numbers[key], int(numbers[-1]) + 1


def _first_met(before: list[Ints], size: int, tile: tuple[int, int], listed: Flags | None) -> Counts:
    """For each of `size` rows of one bucket the listed others that have no label of `before` in common with it."""
    if not before:
        return np.full(size, size - 1, dtype=np.int64) if listed is None else listed.sum() - listed
    counts = np.zeros(size, dtype=np.int64)
    for first in range(0, size, tile[0]):
        asked = slice(first, min(first + tile[0], size))
        # Both orders of a pair at once: only rows from here on; the square on the diagonal holds both already.
        for start, stop in [(asked.start, asked.stop), *_steps(asked.stop, size, tile[1])]:
            met = np.zeros((asked.stop - asked.start, stop - start), dtype=bool)
            same = np.empty_like(met)
            for labels in before:
                np.equal(labels[asked, np.newaxis], labels[np.newaxis, start:stop], out=same)
                met |= same
            counts[asked] += _unmet(met, 1, None if listed is None else listed[start:stop])
            if start >= asked.stop:
                counts[start:stop] += _unmet(met, 0, None if listed is None else listed[asked])
    return counts


def _unmet(met: Flags, axis: int, listed: Flags | None) -> Counts:
    """How many along the axis, of those listed, are not met."""
    if listed is not None:
        met = np.compress(listed, met, axis=axis)
    return met.shape[axis] - met.sum(axis=axis)


def _steps(start: int, stop: int, step: int) -> list[tuple[int, int]]:
    return [(first, min(first + step, stop)) for first in range(start, stop, step)]
