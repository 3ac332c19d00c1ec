"""The judge: stored lists of one block against a truth found by brute force; shares nothing with the kernel."""

import math
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


@dataclass(frozen=True)
class StoredLists:
    """Lists as stored, padded to the longest: arrays (queries, width). Tracks are numbered in id order.

    `rows`: number of the neighbor, PAD beyond the end, OUTSIDE = no track of this block that may be listed.
    `aliases`: the neighbor is another track than the representative of its recording. `own`: it is of the query's
    recording. `distance`: D to the query, computed again from the lattice; -1 without a row. `similarity`: as stored.
    `missing` (queries,): nothing was stored for the query.
    """

    rows: Ints
    aliases: Flags
    own: Flags
    distance: Ints
    similarity: Floats
    missing: Flags


@dataclass(frozen=True)
class Truth:
    """The nearest of all rows that may be listed, arrays (queries, width); PAD and 0 beyond the end of a list.

    `rows` by (D, number) with `distance` D and `cosine`; `float_rows` by float64 cosine with `float_cosine`. Both lists
    of a query have the same length: what a stored list owes.
    """

    rows: Ints
    distance: Ints
    cosine: Floats
    float_rows: Ints
    float_cosine: Floats

    @property
    def owed(self) -> Ints:
        return (self.rows != PAD).sum(axis=1)


@dataclass(frozen=True)
class Verdict:
    """What is wrong with one block (None = nothing) and its figures (None = no query can have a neighbor).

    `defect_at` and `worst` are positions of queries.
    """

    defect: str | None
    defect_at: int | None
    recall: float | None = None
    recall_sd: float | None = None
    n_effective: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    worst: int | None = None
    lattice_recall: float | None = None
    mean_similarity_loss: float | None = None
    share_nth_above_0999: float | None = None


def judge(stored: StoredLists, truth: Truth, top_n: int, exact: bool, all_asked: bool, scale: int = SCALE) -> Verdict:
    """Recall and defects of the `stored` lists of some queries, against the `truth` of the same queries.

    Args:
        stored: what is under test.
        truth: of the same queries.
        top_n: longest list allowed.
        exact: the block was searched with family `exact`: less than all of the truth is a defect.
        all_asked: every row of the block is a query, so that recall is no estimate.
        scale: of the lattice.
    """
    owed = truth.owed
    listed = owed > 0
    last = np.where(listed, np.take_along_axis(_filled(truth.distance), np.maximum(owed - 1, 0)[:, None], 1)[:, 0], -1)
    counted = (stored.rows >= 0) & ~stored.aliases & ~stored.own & (stored.distance <= last[:, np.newaxis])
    # A list with repeats, which is a defect, must not count for more than all.
    hits = np.minimum(counted.sum(axis=1), owed)
    defect, position = _defect(stored, hits, top_n, owed if exact else np.zeros_like(owed), scale)
    if not listed.any():
        return Verdict(defect, position)

    recall, recall_sd, n_effective = mean_recall(hits[listed], owed[listed], top_n)
    ci_low, ci_high = (recall, recall) if all_asked else wilson(recall, n_effective)
    total = int(owed.sum())
    gained, got = truth.float_cosine[truth.float_rows != PAD], truth.cosine[truth.rows != PAD]
    lists = np.arange(len(owed))[:, np.newaxis] << 32
    shared = np.intersect1d(
        (lists + truth.rows)[truth.rows != PAD], (lists + truth.float_rows)[truth.float_rows != PAD], assume_unique=True
    )
    width = stored.rows.shape[1]
    last_place = np.minimum(owed, width) - 1
    full = listed & ((stored.rows != PAD).sum(axis=1) >= owed)
    nth = np.zeros(len(owed))
    if width:
        nth = np.where(full, np.take_along_axis(stored.similarity, last_place[:, np.newaxis], axis=1)[:, 0], 0.0)
    return Verdict(
        defect,
        position,
        recall=recall,
        recall_sd=recall_sd,
        n_effective=n_effective,
        ci_low=ci_low,
        ci_high=ci_high,
        worst=int(np.argmin(np.where(listed, hits / np.maximum(owed, 1), 2.0))),
        lattice_recall=len(shared) / total,
        mean_similarity_loss=math.fsum([*gained.tolist(), *(-got).tolist()]) / total,
        share_nth_above_0999=int((nth > VERY_SIMILAR).sum()) / int(listed.sum()),
    )


def half_square_distances(one: Lattice, other: Lattice) -> Ints:
    """D (n,) of the rows of `one` to those of `other`, by its definition: half the sum of squared differences."""
    total = np.zeros(len(one), dtype=np.int64)
    for left, right in zip(one.T, other.T, strict=True):
        total += (left.astype(np.int64) - right) ** 2
    return total >> 1


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's interval of a share observed on n draws, z = 1.645."""
    center = share + Z * Z / (2 * n)
    spread = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    # Rounding may pass 0 and 1 by a bit.
    return max((center - spread) / (1 + Z * Z / n), 0.0), min((center + spread) / (1 + Z * Z / n), 1.0)


def mean_recall(hits: Ints, owed: Ints, top_n: int) -> tuple[float, float, float]:
    """Mean of hits / owed, its standard deviation over queries, and the size of a simple sample that varies as much.

    All three from integer sums: the order of queries cannot move a bit. `owed` is at least 1.
    """
    reach = math.lcm(*np.unique(owed).tolist())
    shares = hits * (reach // owed)
    queries, total, squares = len(hits), int(shares.sum()), int((shares * shares).sum())
    spread = queries * squares - total * total
    binomial = total * (queries * reach - total)
    n = queries * binomial / spread if spread else float(queries)
    sd = math.sqrt(spread) / (queries * reach)
    return total / (queries * reach), sd, min(max(n, float(queries)), float(queries * top_n))


def _filled(values: Ints) -> Ints:
    """At least one column."""
    return values if values.shape[1] else np.zeros((len(values), 1), dtype=np.int64)


def _defect(stored: StoredLists, hits: Ints, top_n: int, owed: Ints, scale: int) -> tuple[str | None, int | None]:
    """The first defect in this order, with the number of lists that have it, and the first query that has it."""
    rows, inside = stored.rows, stored.rows >= 0
    keys = np.where(inside, stored.distance << 32 | rows, _NEVER)
    unordered = (keys[:, 1:] <= keys[:, :-1]) & (rows[:, 1:] != PAD)
    differs = inside & (stored.similarity != similarity(stored.distance, scale))
    checks = (
        ("no list is stored", stored.missing),
        (f"more than {top_n} neighbors", (rows != PAD).sum(axis=1) > top_n),
        ("the track itself is a neighbor", (stored.own & ~stored.aliases).any(axis=1)),
        ("a track of the same recording is a neighbor", (stored.own & stored.aliases).any(axis=1)),
        ("a neighbor is not the representative of its recording", stored.aliases.any(axis=1)),
        ("a neighbor is not in this block", (rows == OUTSIDE).any(axis=1)),
        ("a similarity differs from the recomputed one", differs.any(axis=1)),
        ("neighbors are not in the order of similarity, then id, each once", unordered.any(axis=1)),
        ("searched exactly, but true neighbors are missing", hits < owed),
    )
    for text, wrong in checks:
        if wrong.any():
            return f"{text} (in {int(wrong.sum())} of {len(rows)} lists)", int(np.argmax(wrong))
    return None, None
