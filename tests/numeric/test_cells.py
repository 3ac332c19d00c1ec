"""Overlapping cells, against values worked out by hand and against a twin in plain Python."""

import numpy as np
import pytest

from soundalike.numeric.cells import KmeansOverlap, means, nearest_cells
from soundalike.numeric.lattice import FINE_SCALE, to_lattice

LINE = np.array([[0, 0], [2, 0], [4, 0], [20, 0], [22, 0], [24, 0]], dtype=np.int16)


def model(centers: list[list[int]], e: int, least: int, most: int) -> KmeansOverlap:
    return KmeansOverlap({"e": str(e), "min": str(least), "max": str(most)}, np.array(centers, dtype=np.int16))


def pairs(assigned: tuple[np.ndarray, np.ndarray]) -> list[tuple[int, int]]:
    return list(zip(*(part.tolist() for part in assigned), strict=True))


def test_two_cells_on_a_line() -> None:
    # Starts 0 and 20 (even steps: rows 0 and 3) -> (0, 2, 4) and (20, 22, 24) -> means 2 and 22, which stay.
    fitted = KmeansOverlap.fit(LINE, leaf=3)

    assert fitted.centers.tolist() == [[2, 0], [22, 0]]
    assert fitted.parameters == {"leaf": "3", "e": "28", "min": "2", "max": "8", "iterations": "8"}
    assert (fitted.family, fitted.buckets, fitted.copies) == ("kmeans_overlap", 2, 2)


def test_cells_are_counted_by_the_rows_of_the_block() -> None:
    assert KmeansOverlap.fit(LINE, 600, leaf=300).buckets == 2
    assert KmeansOverlap.fit(LINE, 601, leaf=300).buckets == 3
    assert KmeansOverlap.fit(LINE, 6_000_000).buckets == 6


def test_given_centers_come_first_and_sample_rows_make_up_the_rest() -> None:
    starts = np.array([[24, 0]], dtype=np.int16)
    # 24 and row 0; no iteration.
    assert KmeansOverlap.fit(LINE, leaf=3, starts=starts, iterations=0).centers.tolist() == [[0, 0], [24, 0]]
    three = np.array([[24, 0], [2, 0], [4, 0]], dtype=np.int16)
    assert KmeansOverlap.fit(LINE, leaf=3, starts=three, iterations=0).centers.tolist() == [[2, 0], [24, 0]]


def test_empty_cells_are_dropped_and_numbers_are_lexicographic() -> None:
    starts = np.array([[22, 0], [22, 0], [-90, 0]], dtype=np.int16)
    # Nobody is nearest to -90 but to 22: all rows go to the first.
    fitted = KmeansOverlap.fit(LINE, leaf=2, starts=starts, iterations=1)
    assert fitted.centers.tolist() == [[12, 0]]
    assert KmeansOverlap.fit(LINE[::-1], leaf=3).centers.tolist() == [[2, 0], [22, 0]]


def test_at_most_64_sample_rows_for_a_cell() -> None:
    sample = np.zeros((128, 2), dtype=np.int16)
    sample[1::2, 0] = 30
    # One cell takes every second row; two take all.
    assert KmeansOverlap.fit(sample, leaf=128).centers.tolist() == [[0, 0]]
    starts = sample[:2]
    assert KmeansOverlap.fit(sample, leaf=64, starts=starts).centers.tolist() == [[0, 0], [30, 0]]


def test_means_are_rounded_half_to_even_and_made_even() -> None:
    lattice = np.array([[1, 1, 0], [2, 4, 0], [5, 0, 1], [6, 0, 0], [7, 1, 0], [-3, -1, 0]], dtype=np.int16)
    # 1.5, 2.5 -> 2, 2. | 18/3 = 6, 1/3, 1/3 -> 6, 0, 0. | one row as it is.
    assert means(lattice, np.array([0, 0, 3, 3, 3, 5])).tolist() == [[2, 2, 0], [6, 0, 0], [-3, -1, 0]]
    # 1.25, 2.75 -> 1, 3, even. | 1, 0.25 -> odd, residuals 0, +.25 -> 1, 1. | 1, -0.25 -> 1, -1.
    quarters = np.array([[1, 2], [1, 3], [1, 3], [2, 3]] + [[1, 0]] * 3 + [[1, 1]] + [[1, 0]] * 3 + [[1, -1]])
    assert means(quarters.astype(np.int16), np.repeat([0, 1, 2], 4)).tolist() == [[1, 3], [1, 1], [1, -1]]
    # 2, 1: an odd sum without residuals, the first goes up.
    assert means(np.array([[2, 0], [2, 2]], dtype=np.int16), np.array([0, 0])).tolist() == [[3, 1]]


def test_who_joins_which_cells() -> None:
    # D of the row 0 to the centers: 2, 8, 18, 32.
    centers = [[2, 0], [4, 0], [6, 0], [8, 0]]
    row = np.array([[0, 0]], dtype=np.int16)
    assert pairs(model(centers, 0, 1, 4).assign(row)) == [(0, 0)]
    assert pairs(model(centers, 0, 3, 4).assign(row)) == [(0, 0), (0, 1), (0, 2)]
    # 64 * 8 <= (64 + e) * 2 from e = 192 on.
    assert pairs(model(centers, 191, 1, 4).assign(row)) == [(0, 0)]
    assert pairs(model(centers, 192, 1, 4).assign(row)) == [(0, 0), (0, 1)]
    assert pairs(model(centers, 10_000, 1, 3).assign(row)) == [(0, 0), (0, 1), (0, 2)]
    assert pairs(model(centers[:1], 28, 2, 8).assign(row)) == [(0, 0)]


def test_equally_near_cells_stand_in_the_order_of_their_numbers() -> None:
    centers = [[-2, 0], [0, -2], [0, 2], [2, 0]]
    assert pairs(model(centers, 0, 1, 3).assign(np.zeros((2, 2), dtype=np.int16))) == [
        (row, cell) for row in range(2) for cell in range(3)
    ]


def twin(rows: list[list[int]], starts: list[list[int]], iterations: int) -> list[list[int]]:
    """Lloyd's algorithm on Python's integers."""
    centers = starts
    for _ in range(iterations):
        held: dict[int, list[list[int]]] = {}
        for row in rows:
            squares = [sum((a - b) ** 2 for a, b in zip(row, center, strict=True)) for center in centers]
            held.setdefault(squares.index(min(squares)), []).append(row)
        centers = []
        for cell in sorted(held):
            sums, count = [sum(column) for column in zip(*held[cell], strict=True)], len(held[cell])
            center = [round_half_even(total, count) for total in sums]
            if sum(center) % 2:
                left = [total - count * value for total, value in zip(sums, center, strict=True)]
                i = max(range(len(left)), key=lambda place: (abs(left[place]), -place))
                center[i] += -1 if left[i] < 0 else 1
            centers.append(center)
    return sorted(map(list, {tuple(center) for center in centers}))


def round_half_even(total: int, count: int) -> int:
    low = total // count
    rest = 2 * (total - low * count)
    return low + (rest > count or (rest == count and low % 2 == 1))


@pytest.mark.parametrize("precision", [(2880, np.float32), (FINE_SCALE, np.float64)])
def test_fit_and_assignment_equal_a_plain_twin(precision: tuple) -> None:
    rows = np.random.default_rng(3).normal(loc=[2.0, 0.0, 0.0, 0.0, 0.0], size=(600, 5))
    rows[100:130] = rows[100]
    lattice, _ = to_lattice(rows, *precision)
    starts = [lattice[i * 600 // 12].tolist() for i in range(12)]

    fitted = KmeansOverlap.fit(lattice, leaf=50, e=20, least=2, most=4)

    assert fitted.centers.tolist() == twin(lattice.tolist(), starts, 8)
    expected = []
    for number, row in enumerate(lattice.astype(int)):
        near = sorted(
            (int(((row - center) ** 2).sum()) // 2, cell) for cell, center in enumerate(fitted.centers.astype(int))
        )
        joined = [cell for i, (d, cell) in enumerate(near[:4]) if i < 2 or 64 * d <= 84 * near[0][0]]
        expected += [(number, cell) for cell in joined]
    assert pairs(fitted.assign(lattice)) == expected


def test_assignment_does_not_depend_on_the_batch() -> None:
    lattice, _ = to_lattice(np.random.default_rng(4).normal(size=(3000, 16)))
    fitted = KmeansOverlap.fit(lattice, leaf=40)
    row, cell = fitted.assign(lattice)

    again = KmeansOverlap(fitted.parameters, fitted.centers)
    for size in (1, 7, 1024):
        parts = [again.assign(lattice[start : start + size]) for start in range(0, 300, size)]
        assert np.concatenate([part[1] for part in parts])[:300].tolist() == cell[:300].tolist()
    assert np.unique(row).tolist() == list(range(3000))


def test_distances_of_opposite_rows_are_exact() -> None:
    lattice, _ = to_lattice([[1.0, 0.0], [-1.0, 0.0]], FINE_SCALE, np.float64)
    assert nearest_cells(lattice, lattice, 2)[1].tolist() == [[0, 2 * FINE_SCALE**2]] * 2


def test_what_cannot_be_fitted_is_refused() -> None:
    with pytest.raises(ValueError, match="the sample of the block has no rows"):
        KmeansOverlap.fit(LINE[:0])
    with pytest.raises(ValueError, match=r"min 3, max 2, iterations 8; expected leaf at least 1"):
        KmeansOverlap.fit(LINE, least=3, most=2)
