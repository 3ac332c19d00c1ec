"""Exact group aggregates, against values written down and against Python's own exact sums."""

import math
import statistics
from itertools import pairwise

import numpy as np
import pytest

from soundalike.numeric.merging import group_starts, grouped_means, grouped_medians
from soundalike.numeric.simplex import shares

NAN = math.nan


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def test_starts_of_runs() -> None:
    assert group_starts(np.array([4, 4, 7, 1, 1, 1])).tolist() == [0, 2, 3]
    assert group_starts(np.array([], dtype=np.int64)).tolist() == []


@pytest.mark.parametrize(
    "values, median",
    [
        ((0.1, 0.9), 0.5),
        ((3.0, 1.0, 2.0), 2.0),
        ((5.0,), 5.0),
        ((NAN, 1.0, NAN, 3.0), 2.0),
        ((4.0, 1.0, 3.0, 2.0), 2.5),
    ],
)
def test_median(values: tuple[float, ...], median: float) -> None:
    assert grouped_medians(column(*values), np.array([0])).tolist() == [[median]]


def test_no_value_has_no_median_and_leaves_its_neighbors_alone() -> None:
    found = grouped_medians(column(NAN, NAN, 7.0), np.array([0, 2]))
    assert np.isnan(found[0, 0]) and found[1, 0] == 7.0


def test_medians_of_many_groups_equal_the_standard_library() -> None:
    draw = np.random.Generator(np.random.PCG64(1))
    values, starts = draw.random((500, 3)), np.unique(np.append(0, draw.integers(1, 500, 90)))
    found = grouped_medians(values, starts)
    for group, (start, stop) in enumerate(pairwise([*starts, 500])):
        assert found[group].tolist() == [statistics.median(values[start:stop, c].tolist()) for c in range(3)]


def test_aggregates_do_not_depend_on_the_order_of_rows() -> None:
    draw = np.random.Generator(np.random.PCG64(2))
    values = draw.random((301, 4)) * 10.0 ** draw.integers(-12, 3, (301, 4))
    starts = np.array([0, 300])
    shuffled = np.vstack([draw.permutation(values[:300]), values[300:]])
    for aggregate in (grouped_medians, grouped_means):
        assert aggregate(values, starts).tobytes() == aggregate(shuffled, starts).tobytes()


def test_means_add_in_ascending_order() -> None:
    # 2^53 swallows a one that comes after it, not the two that come before.
    assert grouped_means(column(2.0**53, 1.0, 1.0), np.array([0])).tolist() == [[(2.0 + 2.0**53) / 3]]
    assert grouped_means(column(1.0, NAN, 2.0, NAN), np.array([0, 3]))[:, 0].tolist()[0] == 1.5


def test_larger_models_of_the_worked_case() -> None:
    means = grouped_means(np.array([[1.0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0]]), np.array([0]))
    assert shares(means, [5]).tolist() == [[0.5, 0.5, 0.0, 0.0, 0.0]]


def test_a_row_that_sums_to_nothing_is_no_simplex() -> None:
    found = shares(np.array([[0.0, 0.0], [NAN, 1.0], [1.0, 3.0]]), [2])
    assert np.isnan(found[:2]).all() and found[2].tolist() == [0.25, 0.75]
