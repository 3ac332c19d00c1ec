"""The benchmark's own truth and what is said of recall: toys by hand, and a plain double loop."""

import numpy as np
import pytest
from benchmarks.neighbors.labels import compared, shared
from benchmarks.neighbors.recall import coverage
from benchmarks.neighbors.truth import SLACK, TOLERANCE, hits, nth_nearest, seeded_queries
from benchmarks.neighbors.vectors import draw, lattice_rows, profiled, reduced, units

# On a line: 0, 1, 3, 3, 7.
LINE = np.array([[0], [1], [3], [3], [7]], dtype=np.int16)
ALL = np.arange(5)


def test_the_distance_of_the_nth_other_row() -> None:
    assert nth_nearest(LINE, ALL, 1).tolist() == [1, 1, 0, 0, 16]
    assert nth_nearest(LINE, ALL, 2).tolist() == [9, 4, 4, 4, 16]
    assert nth_nearest(LINE, ALL, 9).tolist() == [49, 36, 16, 16, 49]
    assert nth_nearest(LINE[:1], ALL[:1], 1).tolist() == [0]


def test_ties_are_hits_and_the_row_itself_is_none() -> None:
    found = np.array([[1, 2], [0, 3], [3, 1], [2, 3], [2, -1]])
    # 1's second neighbor is 2 or 3, both at 2; 3 lists itself; 4 has one entry only.
    assert hits(LINE, ALL, found, nth_nearest(LINE, ALL, 2)).tolist() == [2, 2, 2, 1, 1]


def test_truth_against_a_double_loop() -> None:
    rows = np.random.default_rng(5).standard_normal((60, 7)).astype(np.float32)
    queries = seeded_queries(60, 20)
    expected = []
    for query in queries:
        others = [
            sum((float(a) - float(b)) ** 2 for a, b in zip(rows[query], rows[o], strict=True))
            for o in range(60)
            if o != query
        ]
        expected.append(sorted(others)[4])
    nth = nth_nearest(rows, queries, 5)
    assert nth == pytest.approx(expected, rel=1e-12)
    far = np.array([np.argsort(((rows.astype(float) - rows[q].astype(float)) ** 2).sum(axis=1))[1:7] for q in queries])
    assert hits(rows, queries, far, nth, TOLERANCE, SLACK).tolist() == [5] * 20


def test_queries_are_the_same_for_all() -> None:
    assert seeded_queries(100, 7).tolist() == seeded_queries(100, 7).tolist()
    assert len(set(seeded_queries(100, 7).tolist())) == 7 and seeded_queries(3, 7).tolist() == [0, 1, 2]


def test_contrasts_keep_every_product_of_two_rows() -> None:
    drawn = draw(2000, "base", "wide")
    inside = drawn.blocks("genre")["roc"]
    x = drawn.made.x[inside]
    assert reduced(x).shape == (len(inside), 54) and reduced(x).dtype == np.float32
    assert units(x, 54) @ units(x, 54)[0] == pytest.approx(units(x, 71) @ units(x, 71)[0], abs=1e-6)
    with pytest.raises(ValueError, match="71 columns cannot be those of 60"):
        units(x, 60)
    lattice = lattice_rows(units(x, 54), 2880)
    assert lattice.shape[1] == 55 and (lattice.sum(axis=1) % 2 == 0).all()


def test_blocks_are_genres_in_the_order_of_ids_without_other_submissions() -> None:
    drawn = draw(2000, "resub", "wide")
    blocks = drawn.blocks("genre")
    assert "unk" not in blocks
    for inside in blocks.values():
        ids, keys = ([texts[row] for row in inside] for texts in (drawn.made.ids, drawn.made.keys))
        assert ids == sorted(ids) and len(set(keys)) == len(keys)
    assert sum(map(len, blocks.values())) < 1800  # about 16 % are submitted again
    assert len(drawn.blocks("global")["*"]) == len(set(drawn.made.keys))
    with pytest.raises(ValueError, match="scope decade is not judged here"):
        drawn.blocks("decade")


def test_widths_of_profiles() -> None:
    x = draw(300, "base", "wide").made.x
    assert {name: profiled(x, name).shape[1] for name in ("wide", "16", "11", "155")} == {
        "wide": 71,
        "16": 16,
        "11": 11,
        "155": 155,
    }
    with pytest.raises(ValueError, match="made from 71 columns"):
        profiled(x[:, :54], "16")


def test_a_bound_that_is_right_holds_in_about_95_of_100_samples() -> None:
    right = np.random.default_rng(1).binomial(10, 0.98, 20_000)
    # Without replacement from 20,000 it holds a little more often than from endless rows.
    assert coverage(right, 10) == pytest.approx(0.95, abs=0.025)
    assert coverage(np.full(2000, 10), 10, samples=5) == 1.0


def test_labels_say_who_is_compared() -> None:
    table = np.array([[0, 1], [0, -1], [1, 2], [2, -1], [3, -1]])
    queries, others = np.array([0, 1, 4]), np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3]])
    assert shared(table, queries, others).tolist() == [[True, True, False], [True, False, False], [False] * 3]
    assert compared(table, queries) == pytest.approx((2 + 1 + 0) / 3)
