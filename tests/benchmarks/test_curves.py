"""CPU at equal recall, from curves whose values are worked out by hand."""

import pytest
from benchmarks.neighbors.curves import compare, cost_at, front


def test_a_point_that_another_beats_is_left_out() -> None:
    assert front([(0.9, 4.0), (0.8, 1.0), (0.85, 5.0), (0.9, 3.0), (0.95, 3.0)]) == [(0.8, 1.0), (0.95, 3.0)]


def test_the_logarithm_of_cost_runs_straight_between_points() -> None:
    curve = [(0.98, 16.0), (0.90, 1.0), (0.94, 4.0)]
    assert cost_at(curve, 0.94) == pytest.approx(4.0)
    assert cost_at(curve, 0.92) == pytest.approx(2.0)
    assert cost_at(curve, 0.96) == pytest.approx(8.0)


def test_nothing_is_extrapolated() -> None:
    curve = [(0.92, 2.0), (0.96, 8.0)]
    assert cost_at(curve, 0.90) == 2.0  # more recall than asked, at that cost
    assert cost_at(curve, 0.99) is None
    assert cost_at([], 0.9) is None


def test_systems_are_compared_block_by_block() -> None:
    lines = [
        {"system": "product", "block": "roc", "rows": 1000, "recall": 0.99, "cpu_s": 0.02},
        {"system": "flat", "block": "roc", "rows": 1000, "recall": 1.0, "cpu_s": 0.2},
        {"system": "ivf", "block": "roc", "rows": 1000, "recall": 0.93, "cpu_s": 0.01},
        {"system": "flat", "block": "pop", "rows": 10, "recall": 1.0, "cpu_s": 1.0},
    ]
    product, flat, ivf, alone = compare(lines)
    assert product["cpu_us_per_row"]["0.99"] == pytest.approx(20)
    assert flat["cpu_us_per_row"]["0.95"] == pytest.approx(200)
    assert flat["times_the_product"]["0.99"] == pytest.approx(10)
    assert (ivf["cpu_us_per_row"]["0.99"], ivf["times_the_product"]["0.99"]) == (None, None)
    assert ivf["times_the_product"]["0.90"] == pytest.approx(0.5)
    assert alone["times_the_product"]["0.99"] is None


def test_a_system_with_a_lattice_is_judged_by_both_truths() -> None:
    both = {"system": "product", "block": "roc", "rows": 1000, "recall": 0.97, "recall_lattice": 0.995, "cpu_s": 0.02}
    by_float, on_lattice = compare([both])
    assert (by_float["system"], by_float["cpu_us_per_row"]["0.99"]) == ("product", None)
    assert on_lattice["system"] == "product, on its lattice"
    assert on_lattice["cpu_us_per_row"]["0.99"] == pytest.approx(20)
