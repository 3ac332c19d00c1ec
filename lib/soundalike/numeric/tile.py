"""One tile of the search: distances of some base rows (down) to some queries (across), and the nearest taken out of it.

No value is sorted that cannot matter. One pass takes minima of groups of rows; only groups that reach down to the
query's limit are looked into. The limit is the k-th distance found so far. While there is none, it is the (k + 1)-th
smallest minimum: that many rows, perhaps the query among them, are no farther. So nothing is lost, and no sum, mean or
sample decides anything.
"""

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int64]
Distances = npt.NDArray[np.float32] | npt.NDArray[np.float64]

# A key is D * 2^32 + row: rows are numbered in id order, so the order of keys is the order of (D, id).
NOTHING = np.iinfo(np.int64).max
ROW_BITS = 32
ROW_MASK = np.int64(2**ROW_BITS - 1)

# Most base rows that share a minimum; a tile has a multiple of it.
GROUP = 8
# Groups below the limit, in all values: from here on, comparing every value is cheaper than looking into the groups.
_MANY = 1 / 128


def take_nearest(tile: Distances, members: Rows, queries: Rows, best: Keys, far: int) -> None:
    """Merges what the tile holds into `best`.

    Args:
        tile: (b, q) D of each pair, b a multiple of GROUP; `far` or more where there is no pair.
        members: rows of the base, ascending; as many as b or fewer, the rest of the tile is `far`.
        queries: (q,) rows of the queries.
        best: (q, k) keys found so far, ascending; NOTHING at the end of a list.
        far: above all distances.
    """
    low = _minima(tile, _group(len(tile), best.shape[1]) if (best[:, -1] == NOTHING).any() else GROUP)
    limit = _limits(low, members[0], best, far)
    place, query = _within(tile, low, limit)
    if not len(place):
        return
    count = np.bincount(query, minlength=len(queries))
    crowded = count > 4 * best.shape[1] + 64
    if crowded.any():
        _take_from_columns(tile, members, queries, best, np.flatnonzero(crowded))
        spared = ~crowded[query]
        place, query, count = place[spared], query[spared], np.where(crowded, 0, count)
    key = tile.ravel()[place].astype(np.int64)
    key <<= ROW_BITS
    row = members[place // len(queries)]
    key |= row
    key[row == queries[query]] = NOTHING
    touched = np.flatnonzero(count)
    best[touched] = merged(best[touched], _as_lists(key, query, count))


def merged(best: Keys, more: Keys) -> Keys:
    """The smallest distinct keys of both, ascending. A pair met in two buckets has one key, so it is kept once."""
    keys = np.sort(np.concatenate([best, more], axis=1), axis=1)
    repeated = (keys[:, 1:] == keys[:, :-1]) & (keys[:, 1:] != NOTHING)
    if repeated.any():
        keys[:, 1:][repeated] = NOTHING
        keys.sort(axis=1)
    return keys[:, : best.shape[1]]


def _group(rows: int, k: int) -> int:
    """Rows that share a minimum, few enough that the (k + 1)-th smallest minimum is a close limit."""
    return next((size for size in (8, 4, 2) if rows // size >= 2 * (k + 1)), 1)


def _minima(tile: Distances, size: int) -> Distances:
    """(b / size, q): group g is the rows g, g + b / size, ..."""
    return tile if size == 1 else np.minimum.reduce(tile.reshape(size, -1, tile.shape[1]), axis=0)


def _limits(low: Distances, first: np.int64, best: Keys, far: int) -> Distances:
    """(q,) what is farther than this is not among the nearest."""
    last = best[:, -1]
    # A base row after the last of the list loses a tie against it.
    limit = np.empty_like(low[0])
    limit[:] = (last >> ROW_BITS) - ((last & ROW_MASK) < first)
    unknown = last == NOTHING
    if unknown.any():
        k = best.shape[1]
        limit[unknown] = far - 1
        if len(low) > k + 1:
            bound = np.partition(np.ascontiguousarray(low[:, unknown].T), k, axis=1)[:, k]
            limit[unknown] = np.minimum(bound, low.dtype.type(far - 1))
    return limit


def _within(tile: Distances, low: Distances, limit: Distances) -> tuple[Rows, Rows]:
    """Places in the tile, row by row, that are within the limits, and the query (column) of each."""
    width = len(limit)
    places = np.flatnonzero(low <= limit)
    size = len(tile) // len(low)
    if size == 1:
        return places, places % width
    if len(places) > _MANY * tile.size:
        places = np.flatnonzero(tile <= limit)
        return places, places % width
    places = (np.arange(size)[:, np.newaxis] * low.size + places).ravel()
    places = places[tile.ravel()[places] <= limit[places % width]]
    return places, places % width


def _as_lists(key: Keys, query: Rows, count: Rows) -> Keys:
    """The keys of each query that has any, one list a row, filled up with NOTHING."""
    # Small integers are sorted by counting.
    order = np.argsort(query.astype(np.min_scalar_type(len(count))), kind="stable")
    touched = count > 0
    lists = np.full((int(touched.sum()), int(count.max(initial=0))), NOTHING, dtype=np.int64)
    place = np.arange(len(query)) + np.repeat((np.cumsum(touched) - 1)[touched] * lists.shape[1], count[touched])
    place -= np.repeat((np.cumsum(count) - count)[touched], count[touched])
    lists.ravel()[place] = key[order]
    return lists


def _take_from_columns(tile: Distances, members: Rows, queries: Rows, best: Keys, columns: Rows) -> None:
    """As `take_nearest`, for queries with so many rows within their limit that selecting among all is cheaper.

    They have more of them than the list is long, so what is `far` is never taken.
    """
    keys = tile.T[columns, : len(members)].astype(np.int64)
    keys <<= ROW_BITS
    keys |= members
    keys[queries[columns, np.newaxis] == members] = NOTHING
    best[columns] = merged(best[columns], np.partition(keys, best.shape[1] - 1, axis=1)[:, : best.shape[1]])
