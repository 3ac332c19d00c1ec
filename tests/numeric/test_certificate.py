"""The judge, on lists whose faults are planted. A block of eight points on a circle, at known angles."""

import dataclasses
import math

import numpy as np
import pytest

from soundalike.numeric.certificate import (
    OUTSIDE,
    PAD,
    StoredLists,
    Truth,
    Verdict,
    half_square_distances,
    judge,
    wilson,
)
from soundalike.numeric.lattice import similarity, to_lattice
from soundalike.numeric.scaling import normalize

# Degrees; rows 2 and 3 are the same point.
ANGLES = np.array([0.0, 10.0, 25.0, 25.0, 47.0, 80.0, 121.0, 170.0])
POINTS = np.stack([np.cos(np.radians(ANGLES)), np.sin(np.radians(ANGLES))], axis=1)
LATTICE = to_lattice(POINTS)[0]
UNITS = normalize(POINTS)[0]
ALL = np.arange(8)
# The three nearest of each row, ties by row: worked out from the angles.
TRUTH = np.array([[1, 2, 3], [0, 2, 3], [3, 1, 4], [2, 1, 4], [2, 3, 5], [4, 6, 2], [5, 7, 4], [6, 5, 4]])


def stored(rows: np.ndarray, queries: np.ndarray = ALL, lattice: np.ndarray = LATTICE) -> StoredLists:
    """Lists of the queries with the right similarities."""
    squares = ((lattice[queries, np.newaxis].astype(np.int64) - lattice[np.maximum(rows, 0)]) ** 2).sum(axis=2)
    return StoredLists(
        rows=rows,
        aliases=np.zeros(rows.shape, dtype=bool),
        own=rows == queries[:, np.newaxis],
        distance=np.where(rows >= 0, squares // 2, -1),
        similarity=np.where(rows >= 0, similarity(squares // 2), np.nan),
        missing=np.zeros(len(queries), dtype=bool),
    )


def truth(lattice: np.ndarray, units: np.ndarray, queries: np.ndarray, top_n: int) -> Truth:
    """By sorting all rows of each query."""
    width = min(top_n, len(lattice) - 1)
    lists = []
    for query in queries:
        others = np.array([row for row in range(len(lattice)) if row != query], dtype=np.int64)
        distance = ((lattice[query].astype(np.int64) - lattice[others]) ** 2).sum(axis=1) // 2
        cosines = np.array([cosine(units, query, other) for other in others])
        near, high = np.lexsort((others, distance))[:width], np.lexsort((others, -cosines))[:width]
        lists.append((others[near], distance[near], cosines[near], others[high], cosines[high]))
    return Truth(*(np.array(column).reshape(len(queries), width) for column in zip(*lists, strict=True)))


def verdict(
    lists: StoredLists, queries: np.ndarray = ALL, top_n: int = 3, exact: bool = True, rows: int = len(LATTICE)
) -> Verdict:
    return judge(lists, truth(LATTICE, UNITS, queries, top_n), top_n, exact, len(queries) == rows)


def changed(row: int, entries: list[int]) -> StoredLists:
    rows = TRUTH.copy()
    rows[row] = entries
    return stored(rows)


def test_the_truth_passes() -> None:
    found = verdict(stored(TRUTH))

    assert found == Verdict(
        defect=None, defect_at=None, recall=1.0, recall_sd=0.0, n_effective=8.0, ci_low=1.0, ci_high=1.0, worst=0,
        lattice_recall=1.0, mean_similarity_loss=0.0, share_nth_above_0999=0.0,
    )  # fmt: skip


def test_some_queries_of_an_exact_block_leave_an_interval() -> None:
    queries = np.array([1, 5, 6])

    found = verdict(stored(TRUTH[queries], queries), queries)

    # Wilson at share 1: n / (n + z^2), and 1.
    assert (found.recall, found.n_effective, found.ci_high) == (1.0, 3.0, 1.0)
    assert found.ci_low == pytest.approx(3 / (3 + 1.645**2), abs=1e-15)


def test_equal_distances_count_whichever_is_listed() -> None:
    # Of the twins 2 and 3, the truth of row 5 names 2. An approximate family that met only 3 has lost nothing.
    found = verdict(changed(5, [4, 6, 3]), exact=False)

    assert (found.recall, found.defect) == (1.0, None)


def test_recall_interval_and_worst_query_by_hand() -> None:
    # Hits 3, 3, 2, 3, 3, 3, 1, 3 of 3: mean 21/24, sd of the shares sqrt(59/72 - 49/64).
    rows = TRUTH.copy()
    rows[2], rows[6] = [3, 1, 5], [5, 1, 0]

    # Of a block of nine, so that one row was not asked.
    found = verdict(stored(rows), exact=False, rows=9)

    variance = 59 / 72 - 49 / 64
    n = (7 / 8) * (1 / 8) * 8 / variance
    assert found.recall == 0.875
    assert found.recall_sd == pytest.approx(math.sqrt(variance), abs=1e-15)
    assert found.n_effective == pytest.approx(max(n, 8), abs=1e-12)
    assert (found.worst, found.defect) == (6, None)
    assert (found.ci_low, found.ci_high) == wilson(found.recall, found.n_effective)
    all_asked = verdict(stored(rows), exact=False)
    assert (all_asked.recall, all_asked.ci_low, all_asked.ci_high) == (0.875, 0.875, 0.875)


def test_the_effective_size_grows_when_queries_agree_and_ends_at_all_entries() -> None:
    rows = TRUTH.copy()
    rows[0, 2], rows[1, 2], rows[2, 2], rows[4, 2] = 4, 4, 5, 6
    # Hits 2, 2, 2, 3, 2, 3, 3, 3: r = 20/24, variance 1/36, n = (20/24)(4/24) 8 * 36 = 40, at most 8 * 3.
    assert verdict(stored(rows), exact=False).n_effective == 24.0
    assert verdict(stored(rows), exact=False, top_n=7).n_effective == pytest.approx(8.0)


def test_wilson_by_hand() -> None:
    # .9 on 100 draws, z^2 = 2.706025: (.91353013 -+ .05117115) / 1.02706025, worked out in decimals.
    low, high = wilson(0.9, 100)

    assert low == pytest.approx(0.8396381547641417, abs=1e-15)
    assert all(0 <= bound <= 1 for n in range(1, 2000) for share in (0.0, 1.0) for bound in wilson(share, n))
    assert high == pytest.approx(0.9392840165495665, abs=1e-15)


def test_exact_blocks_owe_everything() -> None:
    found = verdict(changed(6, [5, 7, PAD]))

    assert found.defect == "searched exactly, but true neighbors are missing (in 1 of 8 lists)"
    assert (found.defect_at, found.worst) == (6, 6)
    assert verdict(changed(6, [5, 7, PAD]), exact=False).defect is None


@pytest.mark.parametrize(
    ("row", "entries", "text"),
    [
        (0, [0, 1, 2], "the track itself is a neighbor"),
        (4, [2, OUTSIDE, 5], "a neighbor is not in this block"),
        (2, [3, 4, 1], "neighbors are not in the order of similarity, then id, each once"),
        (4, [3, 2, 5], "neighbors are not in the order of similarity, then id, each once"),
        (4, [2, 2, 3], "neighbors are not in the order of similarity, then id, each once"),
    ],
)
def test_planted_faults_of_the_list(row: int, entries: list[int], text: str) -> None:
    found = verdict(changed(row, entries), exact=False)

    assert (found.defect, found.defect_at) == (f"{text} (in 1 of 8 lists)", row)


def test_a_similarity_one_bit_off_is_a_defect() -> None:
    lists = stored(TRUTH)
    lists.similarity[3, 1] = np.nextafter(lists.similarity[3, 1], 0)

    assert verdict(lists).defect == "a similarity differs from the recomputed one (in 1 of 8 lists)"
    assert verdict(lists).defect_at == 3


def test_other_tracks_of_a_recording_are_defects() -> None:
    lists = changed(4, [2, 3, 4])
    lists.aliases[4, 2] = True
    assert lists.own[4, 2]
    assert verdict(lists).defect == "a track of the same recording is a neighbor (in 1 of 8 lists)"

    lists = stored(TRUTH)
    lists.aliases[[1, 7], 0] = True
    assert verdict(lists).defect == "a neighbor is not the representative of its recording (in 2 of 8 lists)"
    assert verdict(lists).defect_at == 1


def test_missing_and_too_long_lists_are_defects() -> None:
    lists = stored(TRUTH)
    lists.missing[5] = True
    assert (verdict(lists).defect, verdict(lists).defect_at) == ("no list is stored (in 1 of 8 lists)", 5)

    assert verdict(stored(TRUTH), top_n=2).defect == "more than 2 neighbors (in 8 of 8 lists)"


def test_a_block_of_one_has_no_figures() -> None:
    kinds = (int, bool, bool, int, float)
    nothing = StoredLists(*(np.empty((1, 0), dtype=kind) for kind in kinds), np.array([False]))
    nobody = truth(LATTICE[:1], UNITS[:1], np.array([0]), 3)

    assert judge(nothing, nobody, 3, True, True) == Verdict(None, None)
    missing = dataclasses.replace(nothing, missing=np.array([True]))
    assert judge(missing, nobody, 3, True, True).defect == "no list is stored (in 1 of 1 lists)"


def test_queries_that_owe_different_lengths() -> None:
    # A catalog of rows 2, 5 and 6 only: its own tracks can have two neighbors, the others three.
    catalog = np.array([2, 5, 6])
    whole = truth(LATTICE, UNITS, ALL, 7)
    inside = np.isin(whole.rows, catalog)
    rows = np.full((8, 3), PAD)
    for query in ALL:
        listed = whole.rows[query][inside[query]]
        rows[query, : len(listed)] = listed
    distance = np.where(
        rows >= 0,
        half_square_distances(LATTICE[np.repeat(ALL, 3)], LATTICE[np.maximum(rows, 0).ravel()]).reshape(8, 3),
        0,
    )
    mine = Truth(rows, distance, np.zeros((8, 3)), rows, np.zeros((8, 3)))
    assert mine.owed.tolist() == [3, 3, 2, 3, 3, 2, 2, 3]
    lists = stored(rows)
    assert (judge(lists, mine, 3, True, True).recall, judge(lists, mine, 3, True, True).defect) == (1.0, None)
    # One of two lost for row 2, one of three for row 7: the mean of the shares is 8 - 1/2 - 1/3, over 8.
    short = rows.copy()
    short[2, 1] = short[7, 2] = PAD
    found = judge(stored(short), mine, 3, False, True)
    assert found.recall == pytest.approx((8 - 1 / 2 - 1 / 3) / 8, abs=1e-15)
    assert found.worst == 2


def test_share_of_very_similar_last_neighbors() -> None:
    # cos 2 degrees = .99939, cos 3 degrees = .99863.
    angles = np.radians([0.0, 1.0, 2.0, 3.0])
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lattice = to_lattice(points)[0]
    lists = stored(np.array([[1, 2, 3], [0, 2, 3], [1, 3, 0], [2, 1, 0]]), np.arange(4), lattice)

    found = judge(lists, truth(lattice, points, np.arange(4), 10), 10, True, True)
    assert found.share_nth_above_0999 == 0.5


def test_what_the_lattice_loses_against_float64() -> None:
    # At scale 2880 these steps of 1e-5 vanish: all are one lattice point, and row 0 lists 1 though 3 is nearest.
    points = normalize([[1.0, 0.0], [0.99999, 5.0e-5], [0.99999, 4.0e-5], [0.99999, 3.0e-5]])[0]
    lattice = to_lattice(points)[0]
    assert (lattice == lattice[0]).all()
    lists = stored(np.array([[1], [0], [0], [0]]), np.arange(4), lattice)

    found = judge(lists, truth(lattice, points, np.arange(4), 1), 1, True, True)

    # True nearest: 0 -> 3, 1 -> 2, 2 -> 1 or 3, 3 -> 2. The lattice says 1, 0, 0, 0.
    swaps = [(0, 3, 1), (1, 2, 0), (2, 3, 0), (3, 2, 0)]
    expected = np.mean([cosine(points, row, true) - cosine(points, row, listed) for row, true, listed in swaps])
    assert (found.defect, found.recall, found.lattice_recall) == (None, 1.0, 0.0)
    assert found.mean_similarity_loss == pytest.approx(expected, rel=1e-6)
    assert 1e-10 < found.mean_similarity_loss < 1e-8


def cosine(points: np.ndarray, one: int, other: int) -> float:
    return math.fsum(a * b for a, b in zip(points[one].tolist(), points[other].tolist(), strict=True))
