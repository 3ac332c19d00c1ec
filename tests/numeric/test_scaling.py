import math

import numpy as np

from soundalike.numeric.scaling import standardize, unit_rows


def test_standardize_by_hand() -> None:
    # Column 1: mean 2, population sd sqrt(2/3). Column 2 never varies.
    rows = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])

    scores = standardize(rows, [2.0, 5.0], [math.sqrt(2 / 3), 0.0])

    np.testing.assert_allclose(scores, [[-1.224744871391589, 0], [0, 0], [1.224744871391589, 0]], atol=1e-15)


def test_a_column_below_the_smallest_sd_is_zero_and_keeps_nan() -> None:
    scores = standardize([[7.0, 1.0], [math.nan, 1.0]], [0.0, 0.0], [0.9e-12, 1.0])

    assert scores[0].tolist() == [0.0, 1.0]
    assert math.isnan(scores[1, 0])
    assert standardize([[7.0]], [0.0], [1e-12])[0, 0] == 7e12


def test_unit_rows_have_length_one_and_are_float32() -> None:
    units, is_vector = unit_rows([[3.0, 4.0], [-0.5, 0.0]])

    assert units.dtype == np.float32
    assert units.tolist() == [[np.float32(0.6), np.float32(0.8)], [-1.0, 0.0]]
    assert is_vector.tolist() == [True, True]


def test_rows_without_a_direction_are_no_vectors() -> None:
    units, is_vector = unit_rows([[0.0, 0.0], [0.9e-8, 0.0], [1.1e-8, 0.0], [math.nan, 1.0], [math.inf, 1.0]])

    assert is_vector.tolist() == [False, False, True, False, False]
    assert np.isnan(units[[0, 1, 3, 4]]).all()
    assert units[2].tolist() == [1.0, 0.0]
