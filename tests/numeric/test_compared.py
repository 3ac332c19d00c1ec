from typing import Any

import numpy as np
import pytest

from soundalike.numeric import compared as module
from soundalike.numeric.compared import compared, compared_in_cells


def in_cells(rows: int, cells: int, most: int, seed: int = 1) -> np.ndarray:
    """Buckets (rows, most) of rows that are in 1 to `most` of the cells; the low ones hold more of them."""
    rng = np.random.default_rng([seed, rows])
    buckets = np.full((rows, most), -1)
    for row in buckets:
        own = np.unique((cells * rng.random(rng.integers(1, most + 1)) ** 2).astype(int))
        row[: len(own)] = rng.permutation(own)
    return buckets


def sharing(buckets: np.ndarray, listed: np.ndarray | None = None) -> list[int]:
    """Per row, the listed others that share a bucket with it, by a double loop."""
    sets = [set(row[row >= 0].tolist()) for row in buckets]
    base = range(len(sets)) if listed is None else np.flatnonzero(listed).tolist()
    return [sum(other != row and bool(sets[row] & sets[other]) for other in base) for row in range(len(sets))]


def test_cells_by_hand() -> None:
    # Rows 0 and 1 share three cells, row 2 one with each of them, row 3 none; row 4 is in no cell.
    buckets = np.array([[4, 0, 7], [7, 4, 0], [4, -1, -1], [9, 2, -1], [-1, -1, -1]])
    everywhere = np.ones((5, 3), dtype=bool)

    assert compared_in_cells(buckets, everywhere).tolist() == [2, 2, 2, 0, 0]
    # Rows 0 and 1 meet in cell 0, the others in cell 4.
    assert compared_in_cells(buckets, buckets == 0).tolist() == [1, 1, 0, 0, 0]
    assert compared_in_cells(buckets, buckets == 4).tolist() == [1, 1, 2, 0, 0]
    assert compared_in_cells(buckets, buckets == 7).tolist() == [0, 0, 0, 0, 0]
    assert compared_in_cells(buckets, everywhere, np.array([True, False, True, True, True])).tolist() == [1, 2, 1, 0, 0]
    assert compared_in_cells(buckets[:0], everywhere[:0]).tolist() == []


@pytest.mark.parametrize(("rows", "cells", "most"), [(1, 1, 1), (60, 1, 1), (300, 8, 8), (700, 40, 8), (400, 900, 5)])
@pytest.mark.parametrize("catalog", [None, 0.0, 0.03, 0.6])
def test_cells_against_a_double_loop(rows: int, cells: int, most: int, catalog: float | None) -> None:
    buckets = in_cells(rows, cells, most)
    listed = None if catalog is None else np.random.default_rng(4).random(rows) < catalog
    expected = sharing(buckets, listed)

    for step in (1, 50, 1 << 13):
        assert compared_in_cells(buckets, buckets >= 0, listed, step).tolist() == expected


@pytest.mark.parametrize("listed", [None, np.arange(500) % 3 == 0])
def test_parts_of_a_block_in_cells_count_apart_and_add_up(listed: np.ndarray | None) -> None:
    buckets = in_cells(500, 30, 8)
    cuts = [np.arange(30) // 8, np.arange(30) % 4, np.arange(30), np.random.default_rng(2).integers(0, 3, 30)]

    for part in cuts:
        counted = np.zeros(500, dtype=np.int64)
        for number in np.unique(part):
            here = (buckets >= 0) & (part[buckets] == number)
            rows = np.flatnonzero(here.any(axis=1))
            counted[rows] += compared_in_cells(buckets[rows], here[rows], None if listed is None else listed[rows])
        assert counted.tolist() == sharing(buckets, listed)


def test_cells_numbered_by_sorting_or_in_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    buckets = in_cells(300, 12, 6)
    for sparse in (0, 10**9):
        monkeypatch.setattr(module, "_SPARSE", sparse)
        assert compared_in_cells(buckets, buckets >= 0).tolist() == sharing(buckets)


def test_cells_and_tables_count_the_same() -> None:
    buckets = np.random.default_rng(6).integers(0, 5, size=(200, 4)) + np.arange(4) * 5
    listed = np.arange(200) % 5 > 1

    assert compared_in_cells(buckets, buckets >= 0).tolist() == compared(buckets, buckets >= 0).tolist()
    expected = compared(buckets, buckets >= 0, listed=listed).tolist()
    assert compared_in_cells(buckets, buckets >= 0, listed).tolist() == expected


@pytest.mark.parametrize("catalog", [0.0, 0.03, 0.6, 1.0])
def test_tables_count_listed_rows_alone(catalog: float) -> None:
    rng = np.random.default_rng(9)
    buckets = rng.integers(0, 6, size=(500, 7)) + np.arange(7) * 6
    listed = rng.random(500) < catalog
    expected = sharing(buckets, listed)

    for tile in [(256, 4096), (64, 31), (2000, 50)]:
        assert compared(buckets, buckets >= 0, tile, listed).tolist() == expected
    apart = [compared(buckets, buckets % 3 == part, listed=listed) for part in range(3)]
    assert np.sum(apart, axis=0).tolist() == expected


@pytest.mark.parametrize("count", [compared, compared_in_cells])
def test_rows_asked_in_some_buckets_add_up_over_the_parts_of_a_query_split(count: Any) -> None:
    rng = np.random.default_rng(12)
    # In tables, so that both count the same pairs.
    buckets = 6 * np.arange(4) + rng.integers(0, 6, (200, 4))
    everywhere = np.ones(buckets.shape, dtype=bool)
    part = rng.integers(0, 3, buckets.shape)
    counted = sum(count(buckets, everywhere, asked=part == number) for number in range(3))
    assert counted.tolist() == sharing(buckets)
    assert count(buckets, everywhere, asked=~everywhere).tolist() == [0] * 200
