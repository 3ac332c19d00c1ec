import math

import numpy as np
import pytest

from soundalike.numeric.lattice import (
    FINE_SCALE,
    SCALE,
    check_bound,
    decode,
    encode,
    half_squares,
    similarity,
    to_lattice,
)


def distance(u: np.ndarray, v: np.ndarray) -> int:
    difference = u.astype(np.int64) - v.astype(np.int64)
    return int((difference * difference).sum()) // 2


def test_the_rows_by_hand() -> None:
    # (3, 4)/5 -> .6, .8 -> 1728, 2304, sum even. (1, 2)/sqrt 5 -> 1287.98, 2575.95, sum odd.
    lattice, is_vector = to_lattice([[3.0, 4.0], [1.0, 2.0], [-1.0, 0.0]])

    assert lattice.dtype == np.int16
    assert lattice.tolist() == [[1728, 2304, 0], [1288, 2576, 0], [-2880, 0, 0]]
    assert to_lattice([[1.0, 3.0]])[0].tolist() == [[911, 2732, 1]]
    assert is_vector.all()


def test_halves_are_rounded_to_even() -> None:
    # 2.5 -> 2 and 3.5 -> 4.
    lattice, _ = to_lattice([[0.5, 0.5, 0.5, 0.5], [0.5, -0.5, 0.5, 0.5]], scale=5)

    assert lattice.tolist() == [[2, 2, 2, 2, 0], [2, -2, 2, 2, 0]]
    assert to_lattice([[0.5, 0.5, 0.5, 0.5]], scale=7)[0].tolist() == [[4, 4, 4, 4, 0]]


def test_squared_lengths_are_even() -> None:
    rows = np.random.default_rng(1).normal(size=(500, 17))
    lattice, _ = to_lattice(rows)

    squares = (lattice.astype(np.int64) ** 2).sum(axis=1)
    assert (squares % 2 == 0).all()
    assert set(lattice[:, -1].tolist()) == {0, 1}
    assert half_squares(lattice).tolist() == (squares // 2).tolist()


def test_what_is_no_vector_is_flagged_and_zero() -> None:
    lattice, is_vector = to_lattice([[0.0, 0.0], [math.nan, 1.0], [1e-9, 0.0], [1e-7, 0.0], [1e300, 1e300]])

    assert is_vector.tolist() == [False, False, False, True, False]
    assert not lattice[~is_vector].any()


def test_similarity_is_close_to_the_cosine_and_one_for_equal_rows() -> None:
    a, b, c, d = to_lattice([[1, 0, 0], [0.9, 0.1, 0], [0.2, 1, 0], [0.1, 0, 1]])[0]

    assert similarity(distance(a, a)) == 1.0
    assert similarity(distance(a, b)) == pytest.approx(0.993883734674, abs=1e-3)
    assert similarity(distance(a, c)) == pytest.approx(0.196116135138, abs=1e-3)
    assert similarity(distance(a, d)) == pytest.approx(0.099503719021, abs=1e-3)
    assert similarity(np.array([0, SCALE**2])).tolist() == [1.0, 0.0]


def test_similarity_gives_the_distance_back() -> None:
    distances = np.arange(0, 16_600_000, 997)
    assert np.rint((1 - similarity(distances)) * SCALE**2).astype(int).tolist() == distances.tolist()


def test_a_scale_or_width_that_breaks_float32_is_refused() -> None:
    check_bound(2880, 1000)
    with pytest.raises(ValueError, match="lattice scale 4000 with 16 dimensions"):
        check_bound(4000, 16)
    with pytest.raises(ValueError, match="2880 with 1100 dimensions"):
        check_bound(2880, 1100)
    with pytest.raises(ValueError, match="smaller scale"):
        to_lattice([[1.0, 0.0]], scale=2900)


def test_the_fine_scale_is_for_float64() -> None:
    check_bound(FINE_SCALE, 1000, np.float64)
    with pytest.raises(
        ValueError, match=r"lattice scale 32000 with 16 .* float32 is exact below 16777216; use a smaller"
    ):
        check_bound(FINE_SCALE, 16)
    with pytest.raises(ValueError, match=r"32767 with 80 .* reach 2147\d{6}, float64 is exact below 2147483648"):
        check_bound(32_767, 80, np.float64)
    lattice, _ = to_lattice([[-1.0, 0.0], [0.6, 0.8]], FINE_SCALE, np.float64)
    assert lattice.tolist() == [[-32000, 0, 0], [19200, 25600, 0]]


def test_bytes_and_back() -> None:
    lattice = np.array([[1, -2, 300], [-32768, 32767, 0]], dtype=np.int16)

    assert encode(lattice) == b"\x01\x00\xfe\xff\x2c\x01\x00\x80\xff\x7f\x00\x00"
    assert decode(encode(lattice), 3).tolist() == lattice.tolist()
