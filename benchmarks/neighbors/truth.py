"""The benchmark's own truth: plain float64 products, nothing of the product's kernel. numpy alone, peers import it too.

Distances here are squared. On rows of the lattice they are integers and exact; on unit vectors they carry an error of
about 1e-15, for which hits are given `SLACK`.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# A neighbor is a hit up to (1 + 1e-6) times the distance of the true last one: its square, and room for rounding.
TOLERANCE, SLACK = 2e-6, 1e-12

# A grid of parameters ends at this recall.
ENOUGH = 0.995

_ENTRIES = 2**22


def nth_nearest(rows: npt.NDArray[np.generic], queries: Ints, n: int) -> Floats:
    """Squared distance (q,) of each query's n-th nearest other row, of the farthest if there are fewer; 0 if none.

    Args:
        rows: (m, d), vectors or lattice rows.
        queries: (q,) row numbers.
        n: from 1.
    """
    reach = min(n, len(rows) - 1)
    if reach < 1:
        return np.zeros(len(queries))
    # |u|^2 - 2 u.v + |v|^2 as one product, with two columns more.
    base = np.empty((rows.shape[1] + 2, len(rows)))
    base[:-2], base[-1] = rows.T, 1.0
    base[-2] = squares = (base[:-2] * base[:-2]).sum(axis=0)
    found = np.empty(len(queries))
    step = max(1, _ENTRIES // len(rows))
    for start in range(0, len(queries), step):
        asked = queries[start : start + step]
        left = np.column_stack([-2.0 * rows[asked].astype(np.float64), np.ones(len(asked)), squares[asked]])
        distance = left @ base
        distance[np.arange(len(asked)), asked] = np.inf
        distance.partition(reach - 1, axis=1)
        found[start : start + step] = distance[:, reach - 1]
    return np.maximum(found, 0.0)


def hits(
    rows: npt.NDArray[np.generic], queries: Ints, found: Ints, nth: Floats, tolerance: float = 0.0, slack: float = 0.0
) -> Ints:
    """(q,) how many of `found` are no farther than the true n-th; ties count whatever their ids.

    Args:
        rows: (m, d).
        queries: (q,) row numbers.
        found: (q, n) row numbers of the lists under test, -1 = no entry.
        nth: of `nth_nearest`.
        tolerance, slack: 0 on the lattice, `TOLERANCE` and `SLACK` on unit vectors.
    """
    counted = np.zeros(len(queries), dtype=np.int64)
    limit = nth * (1 + tolerance) + slack
    step = max(1, _ENTRIES // max(1, found.shape[1] * rows.shape[1]))
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        asked, listed = queries[part, np.newaxis], found[part]
        difference = rows[listed].astype(np.float64) - rows[asked].astype(np.float64)
        distance = (difference * difference).sum(axis=2)
        counted[part] = ((listed >= 0) & (listed != asked) & (distance <= limit[part, np.newaxis])).sum(axis=1)
    return counted


def seeded_queries(rows: int, count: int, seed: int = 1) -> Ints:
    """`count` row numbers by a seeded permutation, ascending; all rows if there are no more. Equal for every system."""
    return np.sort(np.random.Generator(np.random.PCG64(seed)).permutation(rows)[:count])
