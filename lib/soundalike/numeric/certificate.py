"""The judge: stored lists of one block against brute force, in int64 and float64, sharing nothing with the kernel."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundalike.numeric.lattice import SCALE, Lattice, similarity

# One-sided 95 %, two-sided 90 %.
Z = 1.645
VERY_SIMILAR = 0.999

PAD = -1
OUTSIDE = -2

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_NEVER = np.iinfo(np.int64).max
# Entries of one (queries, base) matrix, and base columns of one step: bounds memory, keeps the step in the cache.
_ENTRIES = 2**22
_STEP = 4096


@dataclass(frozen=True)
class StoredLists:
    """Lists as stored, padded to the longest: arrays (queries, width).

    `rows`: row in the block of the neighbor's representative, PAD beyond the end, OUTSIDE = no track of this block.
    `aliases`: the neighbor is another track than the representative of its recording. `similarity`: as stored.
    `missing` (queries,): nothing was stored for the query.
    """

    rows: Ints
    aliases: Flags
    similarity: Floats
    missing: Flags


@dataclass(frozen=True)
class Verdict:
    """What is wrong with one block (None = nothing) and its figures (None = no query can have a neighbor)."""

    defect: str | None
    defect_row: int | None
    recall: float | None = None
    recall_sd: float | None = None
    n_effective: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    worst_row: int | None = None
    lattice_recall: float | None = None
    mean_similarity_loss: float | None = None
    share_nth_above_0999: float | None = None


def judge(
    lattice: Lattice,
    units: Floats,
    queries: Ints,
    stored: StoredLists,
    top_n: int,
    exact: bool,
    rows: int,
    scale: int = SCALE,
) -> Verdict:
    """Recall and defects of the `stored` lists of the rows `queries`. If all rows are asked, recall is no estimate.

    Args:
        lattice: (m, d + 1), the block's representatives in id order: all, or at least the queries, the nearest of each
            by D and by cosine, and those in `stored`.
        units: (m, d) float64, the same rows at unit length.
        queries: rows of the queries, ascending.
        stored: what is under test.
        top_n: longest list allowed.
        exact: the block was searched with family `exact`: less than all of the truth is a defect.
        rows: representatives in the block.
        scale: of the lattice.
    """
    reach = min(top_n, len(lattice) - 1)
    axes = np.ascontiguousarray(lattice.T), np.ascontiguousarray(units.T)
    slices = _slices(len(lattice), len(queries))
    parts = [_judge_part(*axes, queries[part], _part(stored, part), reach) for part in slices]
    hits = np.concatenate([part.hits for part in parts])
    distance = np.concatenate([part.distance for part in parts])
    defect, position = _defect(queries, stored, distance, hits, top_n, reach if exact else 0, scale)
    defect_row = None if position is None else int(queries[position])
    if reach == 0:
        return Verdict(defect, defect_row)

    total = len(queries) * reach
    recall, recall_sd, n_effective = _effective(hits, reach, top_n)
    ci_low, ci_high = (recall, recall) if len(queries) == rows else wilson(recall, n_effective)
    loss = math.fsum(value for part in parts for value in part.loss) / total
    nth = stored.similarity[:, reach - 1] if stored.rows.shape[1] >= reach else np.zeros(len(queries))
    return Verdict(
        defect,
        defect_row,
        recall=recall,
        recall_sd=recall_sd,
        n_effective=n_effective,
        ci_low=ci_low,
        ci_high=ci_high,
        worst_row=int(queries[np.argmin(hits)]),
        lattice_recall=sum(part.shared for part in parts) / total,
        mean_similarity_loss=loss,
        share_nth_above_0999=int((nth > VERY_SIMILAR).sum()) / len(queries),
    )


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's interval of a share observed on n draws, z = 1.645."""
    center = share + Z * Z / (2 * n)
    spread = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    # Rounding may pass 0 and 1 by a bit.
    return max((center - spread) / (1 + Z * Z / n), 0.0), min((center + spread) / (1 + Z * Z / n), 1.0)


def _effective(hits: Ints, reach: int, top_n: int) -> tuple[float, float, float]:
    """Mean of hits / reach, its standard deviation over queries, and the size of a simple sample that varies as much.

    All three from integer sums: the order of queries cannot move a bit.
    """
    queries, total, squares = len(hits), int(hits.sum()), int((hits * hits).sum())
    spread = queries * squares - total * total
    binomial = total * (queries * reach - total)
    n = queries * binomial / spread if spread else float(queries)
    sd = math.sqrt(spread) / (queries * reach)
    return total / (queries * reach), sd, min(max(n, float(queries)), float(queries * top_n))


@dataclass(frozen=True)
class _Part:
    hits: Ints  # (q,) entries no farther than the true last one
    distance: Ints  # (q, width) recomputed D of the stored entries, -1 where there is none
    shared: int  # rows that lattice and float64 lists have in common
    loss: list[float]  # cosines of the float64 lists, then those of the lattice lists, negated


def _slices(rows: int, queries: int) -> Iterator[slice]:
    size = max(1, min(64, _ENTRIES // rows))
    return (slice(first, first + size) for first in range(0, queries, size))


def _part(stored: StoredLists, part: slice) -> StoredLists:
    return StoredLists(stored.rows[part], stored.aliases[part], stored.similarity[part], stored.missing[part])


def _judge_part(lattice: Lattice, units: Floats, queries: Ints, stored: StoredLists, reach: int) -> _Part:
    """As `judge`, for some queries; `lattice` and `units` transposed, one row per dimension."""
    distance = _distances(lattice, queries)
    inside = stored.rows >= 0
    of_stored = np.where(inside, np.take_along_axis(distance, np.maximum(stored.rows, 0), axis=1), -1)
    if reach == 0:
        return _Part(np.zeros(len(queries), dtype=np.int64), of_stored, 0, [])
    itself = np.arange(len(queries)), queries
    distance[itself] = _NEVER >> 32
    keys = distance << 32 | np.arange(lattice.shape[1])
    listed = np.partition(keys, reach - 1, axis=1)[:, :reach]
    last = listed.max(axis=1) >> 32
    counted = inside & ~stored.aliases & (stored.rows != queries[:, np.newaxis]) & (of_stored <= last[:, np.newaxis])
    by_lattice = np.sort(listed & (2**32 - 1), axis=1)

    cosine = _cosines(units, queries)
    cosine[itself] = -np.inf
    by_cosine = _highest(cosine, reach)
    offsets = np.arange(len(queries))[:, np.newaxis] * lattice.shape[1]
    shared = np.intersect1d(by_lattice + offsets, by_cosine + offsets, assume_unique=True).size
    gained = np.take_along_axis(cosine, by_cosine, axis=1).ravel()
    got = np.take_along_axis(cosine, by_lattice, axis=1).ravel()
    # A list with repeats, which is a defect, must not count for more than all.
    return _Part(np.minimum(counted.sum(axis=1), reach), of_stored, shared, [*gained.tolist(), *(-got).tolist()])


def _distances(lattice: Lattice, queries: Ints) -> Ints:
    """D (queries, m) by its definition, half the sum of squared differences, in int64."""
    wide = lattice.astype(np.int64)
    result = np.zeros((len(queries), lattice.shape[1]), dtype=np.int64)
    for start in range(0, lattice.shape[1], _STEP):
        total = result[:, start : start + _STEP]
        for column in wide:
            difference = column[queries, np.newaxis] - column[start : start + _STEP]
            difference *= difference
            total += difference
    result >>= 1
    return result


def _cosines(units: Floats, queries: Ints) -> Floats:
    """Cosines (queries, m), summed column by column: a matrix product may sum in any order."""
    result = np.zeros((len(queries), units.shape[1]))
    for start in range(0, units.shape[1], _STEP):
        total = result[:, start : start + _STEP]
        for column in units:
            total += column[queries, np.newaxis] * column[start : start + _STEP]
    return result


def _highest(values: Floats, count: int) -> Ints:
    """Columns (q, count) of the highest values of each row; among equal ones the smallest columns."""
    cut = values.shape[1] - count
    floor: Floats = np.partition(values, cut, axis=1)[:, cut]
    row, column = np.nonzero(values >= floor[:, np.newaxis])
    order = np.lexsort((column, -values[row, column], row))
    starts = np.searchsorted(row, np.arange(len(values)))
    return np.asarray(column[order][starts[:, np.newaxis] + np.arange(count)])


def _defect(
    queries: Ints, stored: StoredLists, distance: Ints, hits: Ints, top_n: int, owed: int, scale: int
) -> tuple[str | None, int | None]:
    """The first defect in this order, with the number of lists that have it, and the first query that has it."""
    rows, inside = stored.rows, stored.rows >= 0
    own = rows == queries[:, np.newaxis]
    keys = np.where(inside, distance << 32 | rows, _NEVER)
    unordered = (keys[:, 1:] <= keys[:, :-1]) & (rows[:, 1:] != PAD)
    differs = inside & (stored.similarity != similarity(distance, scale))
    checks = (
        ("no list is stored", stored.missing),
        (f"more than {top_n} neighbors", (rows != PAD).sum(axis=1) > top_n),
        ("the track itself is a neighbor", (own & ~stored.aliases).any(axis=1)),
        ("a track of the same recording is a neighbor", (own & stored.aliases).any(axis=1)),
        ("a neighbor is not the representative of its recording", stored.aliases.any(axis=1)),
        ("a neighbor is not in this block", (rows == OUTSIDE).any(axis=1)),
        ("a similarity differs from the recomputed one", differs.any(axis=1)),
        ("neighbors are not in the order of similarity, then id, each once", unordered.any(axis=1)),
        ("searched exactly, but true neighbors are missing", hits < owed),
    )
    for text, wrong in checks:
        if wrong.any():
            return f"{text} (in {int(wrong.sum())} of {len(queries)} lists)", int(np.argmax(wrong))
    return None, None
