"""The reduction of probability groups, by hand and against dot products of the rows themselves."""

import math

import numpy as np
import pytest

from soundalike.contracts.features import FEATURE_SETS
from soundalike.numeric.scaling import unit_rows
from soundalike.numeric.simplex import reduced, shares

GROUPS = FEATURE_SETS["ab71"].groups
NAN = math.nan


def probabilities(count: int, groups: tuple[int, ...] = GROUPS, seed: int = 7) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.hstack([random.dirichlet(np.full(size, 0.4), size=count) for size in groups])


def plain(row: list[float], groups: tuple[int, ...]) -> list[float]:
    """The definition, one number after another."""
    result, start = [], 0
    for size in groups:
        group = [value / sum(row[start : start + size]) for value in row[start : start + size]]
        result += [(sum(group[:i]) - i * group[i]) / math.sqrt(i * (i + 1)) for i in range(1, size)]
        start += size
    return [*result, math.sqrt(sum(1 / size for size in groups))]


def test_two_classes_by_hand() -> None:
    # (3/4 - 1/4) / sqrt(2), and sqrt(1/2).
    found = reduced([[0.75, 0.25], [0.0, 1.0]], [2])
    np.testing.assert_allclose(
        found, [[0.35355339059327373, 0.7071067811865476], [-0.7071067811865476, 0.7071067811865476]], atol=1e-15
    )


def test_three_classes_by_hand() -> None:
    # (1/2 - 1/4) / sqrt(2); (1/2 + 1/4 - 2/4) / sqrt(6); sqrt(1/3).
    found = reduced([[0.5, 0.25, 0.25]], [3])
    np.testing.assert_allclose(found, [[0.17677669529663687, 0.10206207261596577, 0.5773502691896257]], atol=1e-15)


def test_groups_stand_in_their_order_and_one_class_has_no_contrast() -> None:
    found = reduced([[1.0, 0.75, 0.25, 0.5, 0.25, 0.25]], [1, 2, 3])
    constant = 1.3540064007726602  # sqrt(1 + 1/2 + 1/3)
    expected = [[0.35355339059327373, 0.17677669529663687, 0.10206207261596577, constant]]
    np.testing.assert_allclose(found, expected, atol=1e-15)
    assert reduced([[0.3], [7.0]], [1]).tolist() == [[1.0], [1.0]]


def test_all_71_columns_are_those_of_the_definition() -> None:
    rows = probabilities(40)
    found = reduced(rows, GROUPS)
    assert found.shape == (40, 54)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [plain(row, GROUPS) for row in rows.tolist()], atol=1e-14)


@pytest.mark.parametrize("groups", [GROUPS, (2, 2, 10, 2, 5), (2,), (1, 5, 1, 3)])
def test_dot_products_are_kept(groups: tuple[int, ...]) -> None:
    rows = probabilities(60, groups)
    found = reduced(rows, groups)
    expected = [[math.fsum(x * y for x, y in zip(u, v, strict=True)) for v in rows.tolist()] for u in rows.tolist()]
    np.testing.assert_allclose(np.einsum("id,jd->ij", found, found), expected, rtol=0, atol=1e-12)


def test_unit_length_rows_give_what_their_probabilities_give() -> None:
    rows = probabilities(60)
    units, _ = unit_rows(rows)
    np.testing.assert_allclose(reduced(units, GROUPS), reduced(rows, GROUPS), rtol=0, atol=1e-6)
    # Doubling is exact in binary, so each group may have a sum of its own.
    scaled = rows.copy()
    scaled[:, :2] *= 2.0
    assert reduced(scaled, GROUPS).tolist() == reduced(rows, GROUPS).tolist()


def test_a_group_that_says_nothing_makes_no_row() -> None:
    rows = [[0.5, 0.5, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0], [NAN, 0.5, 1.0, 0.0], [0.5, 0.5, 1.0, -1.0],
            [0.5, 0.5, 1.0, -2.0], [0.5, 0.5, math.inf, 0.0], [NAN] * 4, [0.5, 0.5, 0.0, 1.0]]  # fmt: skip
    for found in (reduced(rows, [2, 2]), shares(rows, [2, 2])):
        is_nan = np.isnan(found)
        assert is_nan.any(axis=1).tolist() == is_nan.all(axis=1).tolist()
        assert is_nan.all(axis=1).tolist() == [False, True, True, True, True, True, True, False]


def test_shares_by_hand_leave_the_rows_alone() -> None:
    rows = np.array([[1.0, 3.0, 0.5], [2.0, 0.0, 4.0]])
    assert shares(rows, (2, 1)).tolist() == [[0.25, 0.75, 1.0], [1.0, 0.0, 1.0]]
    assert rows.tolist() == [[1.0, 3.0, 0.5], [2.0, 0.0, 4.0]]


def test_batches_change_no_bit() -> None:
    rows = probabilities(101)
    whole = reduced(rows, GROUPS)
    parts = [reduced(part, GROUPS) for part in np.array_split(rows.astype(np.float64), 7)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    assert reduced(np.asfortranarray(rows), GROUPS).tobytes() == whole.tobytes()
    assert reduced(np.empty((0, 71)), GROUPS).shape == (0, 54)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([2, 2], r"rows have 3 columns, expected 4 in groups of \[2, 2\]"),
        ([2, 0, 1], r"groups of \[2, 0, 1\] columns, expected at least one group and a column in each"),
        ([4, -1], r"groups of \[4, -1\] columns, expected at least one"),
        ([], r"groups of \[\] columns, expected at least one group"),
    ],
)
def test_groups_must_make_up_the_columns(groups: list[int], message: str) -> None:
    for of_rows in (reduced, shares):
        with pytest.raises(ValueError, match=message):
            of_rows([[0.5, 0.25, 0.25]], groups)


def test_the_groups_of_the_feature_sets() -> None:
    assert GROUPS == (2, 2, 9, 5, 8, 10, 10, 2, 2, 2, 2, 2, 2, 2, 5, 2, 2, 2)
    assert sum(GROUPS) == len(FEATURE_SETS["ab71"].columns) == 71
    assert FEATURE_SETS["ab11"].groups == FEATURE_SETS["ab16"].groups == ()
