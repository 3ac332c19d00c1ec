"""How many rows each row is compared with, each once, however many buckets the two share.

A pair belongs to the first table in which both rows have the same bucket. So the parts of a block can be counted apart
and added, and the sum does not depend on how the block is cut. Price: in each bucket, one comparison of small labels
per unordered pair and table before.
"""

import numpy as np
import numpy.typing as npt

TILE = (256, 4096)

Ints = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]


def compared(buckets: Ints, here: Flags, tile: tuple[int, int] = TILE) -> npt.NDArray[np.int64]:
    """Rows (n,) that share a bucket of `here` with each row, and no bucket of a table before.

    Args:
        buckets: (n, tables), the bucket of each row in each table; numbers of two tables are never equal.
        here: (n, tables), which of them are counted; all rows of a bucket are, or none.
        tile: rows of one comparison.
    """
    counts = np.zeros(len(buckets), dtype=np.int64)
    labels = [_labels(column) for column in buckets.T]
    for table in np.flatnonzero(here.any(axis=0)):
        rows = np.flatnonzero(here[:, table])
        rows = rows[np.argsort(labels[table][rows], kind="stable")]
        bounds = np.flatnonzero(np.diff(labels[table][rows])) + 1
        for members in np.split(rows, bounds):
            if len(members) > 1:
                counts[members] += _first_met([column[members] for column in labels[:table]], len(members), tile)
    return counts


def _labels(column: Ints) -> Ints:
    """The same partition of the rows by the smallest numbers: one byte compares faster than four."""
    values, labels = np.unique(column, return_inverse=True)
    return labels.astype(np.min_scalar_type(len(values)))


def _first_met(before: list[Ints], size: int, tile: tuple[int, int]) -> npt.NDArray[np.int64]:
    """For each of `size` rows of one bucket the others that have no label of `before` in common with it."""
    if not before:
        return np.full(size, size - 1, dtype=np.int64)
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
            counts[asked] += (stop - start) - met.sum(axis=1)
            if start >= asked.stop:
                counts[start:stop] += len(met) - met.sum(axis=0)
    return counts


def _steps(start: int, stop: int, step: int) -> list[tuple[int, int]]:
    return [(first, min(first + step, stop)) for first in range(start, stop, step)]
