"""Tuning, on cells whose right overlap is known, and against sets in plain Python."""

import math
from dataclasses import asdict
from itertools import product

import numpy as np
import pytest

from soundalike.numeric.cells import KmeansOverlap
from soundalike.numeric.lattice import to_lattice
from soundalike.numeric.tuning import Choice, tune


def on_a_line(*places: int) -> np.ndarray:
    return np.array([[place, 0] for place in places], dtype=np.int16)


def two_cells(leaf: int = 500) -> KmeansOverlap:
    return KmeansOverlap({"leaf": str(leaf), "e": "1", "min": "1", "max": "1"}, on_a_line(0, 100))


# The query 40 is nearest to cell 0. Its neighbors 44 and 48 are too; 56 is nearest to cell 1 and joins cell 0 from
# 64 * 56^2 <= (64 + e) * 44^2, e = 40 on; so does 60 from e = 80 on, and the query joins cell 1 then.
QUERIES = on_a_line(*[40] * 1000)
TRUTH = on_a_line(*[44, 48, 56, 60] * 1000)
# Ten rows are in one cell only, one (44) joins the other from e = 40 on.
HELD_OUT = on_a_line(*[0] * 6, *[100] * 4, 44)
PLANTED = (QUERIES, TRUTH, HELD_OUT, 1100)


def test_the_overlap_that_the_floor_needs() -> None:
    # Of 11 rows, 7 and 4 share a cell: 7 * 6 + 4 * 3 = 54 pairs; a row to be split: 7 * 6 + 5 * 4 = 62.
    # 1,100 rows make 1100 * 1099 / (11 * 10) = 10990 times as many.
    small = tune([two_cells()], [0, 40, 80], [2], 1, *PLANTED, 0.45)
    middle = tune([two_cells()], [0, 40, 80], [2], 1, *PLANTED, 0.7)
    large = tune([two_cells()], [0, 40, 80], [2], 1, *PLANTED, 0.98)

    assert small is not None and middle is not None and large is not None
    assert (small.leaf, small.e, small.least, small.most, small.recall) == (500, 0, 1, 2, 0.5)
    assert small.pairs == pytest.approx(54 * 10990)
    assert (middle.e, middle.recall, middle.pairs) == (40, 0.75, pytest.approx(62 * 10990))
    assert (large.e, large.recall, large.pairs) == (80, 1.0, pytest.approx(62 * 10990))
    # Wilson, r = 1, n = 1000: 1 / (1 + 1.645^2 / 1000).
    assert large.ci_low == pytest.approx(1 / 1.002706025)


def test_the_bound_must_clear_the_floor_by_the_margin() -> None:
    grid = [two_cells()], [80], [2], 1
    assert tune(*grid, *PLANTED, 0.994) is not None
    assert tune(*grid, *PLANTED, 0.995) is None
    assert tune(*grid, *PLANTED, 0.995, margin=0.002) is not None
    assert tune(*grid, *PLANTED, 1.0, margin=0.0) is None


def test_of_equal_candidates_the_smaller_max_e_and_leaf() -> None:
    models = [two_cells(leaf) for leaf in (700, 600, 800)]
    found = tune(models, [99, 80, 90], [4, 3, 5], 1, *PLANTED, 0.9)
    assert found is not None
    assert (found.most, found.e, found.leaf) == (3, 80, 600)


def test_max_and_min_limit_the_cells() -> None:
    one = tune([two_cells()], [80], [2, 1], 1, *PLANTED, 0.4)
    assert one is not None and (one.most, one.recall) == (1, 0.5)
    # All rows in both cells: more than all pairs.
    assert tune([two_cells()], [0], [2], 2, *PLANTED, 0.4) is None


def clustered(rows: int, seed: int = 4) -> np.ndarray:
    random = np.random.default_rng(seed)
    centers = np.random.default_rng(1).normal(size=(40, 6))
    return to_lattice(centers[random.integers(0, 40, rows)] + 0.35 * random.normal(size=(rows, 6)))[0]


def nearest_rows(queries: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    distance = ((queries[:, np.newaxis].astype(np.int64) - rows.astype(np.int64)) ** 2).sum(axis=2)
    return rows[np.argsort(distance, axis=1, kind="stable")[:, :count]].reshape(-1, rows.shape[1])


def sets(model: KmeansOverlap, e: int, least: int, most: int, rows: np.ndarray) -> list[set[int]]:
    """The cells of each row, by the family itself."""
    with_overlap = KmeansOverlap({"e": str(e), "min": str(least), "max": str(most)}, model.centers)
    result: list[set[int]] = [set() for _ in rows]
    for row, cell in zip(*(part.tolist() for part in with_overlap.assign(rows)), strict=True):
        result[row].add(cell)
    return result


def twin(
    model: KmeansOverlap, e: int, least: int, most: int, asked: np.ndarray, true: np.ndarray, held: np.ndarray, m: int
) -> Choice:
    of_asked, of_true, of_held = (sets(model, e, least, most, part) for part in (asked, true, held))
    n, q, h = len(true) // len(asked), len(asked), len(held)
    shares = [sum(bool(own & of_true[i * n + j]) for j in range(n)) / n for i, own in enumerate(of_asked)]
    recall = math.fsum(shares) / q
    variance = math.fsum((share - recall) ** 2 for share in shares) / q
    size = min(max(recall * (1 - recall) * q / variance, q), q * n) if variance else q
    z = 1.645
    spread = z * math.sqrt(recall * (1 - recall) / size + z * z / (4 * size**2))
    low = (recall + z * z / (2 * size) - spread) / (1 + z * z / size)
    pairs = sum(len(one & other) for i, one in enumerate(of_held) for j, other in enumerate(of_held) if i != j)
    everything = m * (m - 1)
    return Choice(
        int(model.parameters["leaf"]), e, least, most, recall, low, pairs * everything / (h * (h - 1)),
    )  # fmt: skip


@pytest.mark.parametrize("floor", [0.0, 0.6, 0.9, 0.95])
def test_the_choice_equals_that_of_a_plain_twin(floor: float) -> None:
    rows = clustered(2600)
    asked, held, fitted = rows[:60], rows[60:360], rows[360:]
    true = nearest_rows(asked, rows[60:], 8)
    models = [KmeansOverlap.fit(fitted, leaf=leaf, e=1, least=1, most=1) for leaf in (40, 80, 1000)]
    assert models[2].buckets == 3
    grid_e, grid_most = [0, 12, 28, 60], [2, 4, 6]
    candidates = [
        twin(model, e, 2, most, asked, true, held, 2600) for model, e, most in product(models, grid_e, grid_most)
    ]
    enough = [choice for choice in candidates if choice.ci_low >= floor + 0.003]
    expected = min(enough, key=lambda choice: (round(choice.pairs, 3), choice.most, choice.e, choice.leaf))
    assert expected.pairs < 2600**2

    found = tune(models, grid_e, grid_most, 2, asked, true, held, 2600, floor)

    assert found is not None
    assert asdict(found) == pytest.approx(asdict(expected), rel=1e-12)


def test_every_candidate_equals_its_twin() -> None:
    rows = clustered(2000)
    asked, held, fitted = rows[:40], rows[40:240], rows[240:]
    true = nearest_rows(asked, rows[40:], 5)
    model = KmeansOverlap.fit(fitted, leaf=60)
    for e, most in product([0, 28, 90], [1, 3, 8]):
        found = tune([model], [e], [most], 1, asked, true, held, 2000, 0.0)
        assert found is not None
        assert asdict(found) == pytest.approx(asdict(twin(model, e, 1, most, asked, true, held, 2000)), rel=1e-12)


def test_sizes_of_the_whole_block_are_foreseen() -> None:
    rows = clustered(30_000)
    sample, rows = rows[:10_000], rows[10_000:]
    model = KmeansOverlap.fit(sample, rows=30_000, leaf=150)
    case = rows[:300], nearest_rows(rows[:300], rows[5000:10_000], 3)
    found = tune([model], [28], [8], 2, *case, rows[300:5000], len(rows), 0.5)
    seen = tune([model], [28], [8], 2, *case, sample[:4700], len(rows), 0.5)

    _, cell = model.assign(rows)
    pairs = int((np.bincount(cell) ** 2).sum())
    assert found is not None and seen is not None
    assert found.pairs == pytest.approx(pairs, rel=0.03)
    # Not with rows that the cells were fitted to.
    assert seen.pairs < 0.95 * pairs


def test_vectors_without_structure_are_searched_exactly() -> None:
    rows = to_lattice(np.random.default_rng(6).normal(size=(3000, 32)))[0]
    model = KmeansOverlap.fit(rows[:2000], rows=3000, leaf=300)
    asked, held = rows[2000:2200], rows[2200:]
    case = asked, nearest_rows(asked, rows[:2000], 10), held, 3000
    # What reaches the floor compares more than all pairs; what is cheap does not reach it.
    assert tune([model], [28], [8], 2, *case, 0.9) is None
    assert tune([model], [0], [2], 2, *case, 0.9) is None
    assert tune([model], [0], [2], 2, *case, 0.0) is not None


def test_what_cannot_be_tuned_is_refused() -> None:
    message = (
        r"tuning: min 2, max 4, 1, 4000 true neighbors of 1000 queries, 11 rows held out; expected 1 <= min <= max"
    )
    with pytest.raises(ValueError, match=message):
        tune([two_cells()], [0], [4, 1], 2, *PLANTED, 0.9)
    for queries, truth, held_out in (
        (QUERIES, TRUTH[:-1], HELD_OUT), (QUERIES, TRUTH[:0], HELD_OUT), (QUERIES, TRUTH, HELD_OUT[:1]),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="as many neighbors for each query, and two rows or more"):
            tune([two_cells()], [0], [1], 1, queries, truth, held_out, 1100, 0.9)
