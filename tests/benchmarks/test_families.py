"""Which rows a block of the benchmark has, and how blocks become the figures of a scope."""

import numpy as np
import pytest
from benchmarks.knn_vectors import VectorSet
from benchmarks.neighbors.families import buckets, members, summary


def test_members_of_blocks() -> None:
    genre, decade = np.array([0, 1, 1, 8]), np.array([196, 196, 0, 200])
    made = VectorSet(list("abcd"), list("abcd"), genre, decade, np.zeros((4, 2), dtype=np.float32))
    expected = {
        ("global", "*"): [0, 1, 2, 3], ("genre", "roc"): [1, 2], ("genre_decade", "roc|1960"): [1],
        ("decade", "1960"): [0, 1],
    }  # fmt: skip
    assert {key: np.flatnonzero(members(made, *key)).tolist() for key in expected} == expected


def test_an_exact_block_is_one_bucket() -> None:
    assert buckets({"family": "exact"}, np.zeros((7, 3), dtype=np.int16)) == (1.0, 7)


def test_a_scope_is_summed_up_over_its_rows() -> None:
    blocks = [
        {"rows": 300, "recall": 0.98, "ci_low": 0.97, "pairs_per_row": 10.0, "copies": 4.0, "largest_bucket": 90},
        {"rows": 100, "recall": 0.90, "ci_low": 0.88, "pairs_per_row": 50.0, "copies": 2.0, "largest_bucket": 95},
        {"rows": 1, "recall": None, "ci_low": None, "pairs_per_row": 0.0, "copies": 2.0, "largest_bucket": 1},
    ]
    found = summary(blocks)
    assert (found["blocks"], found["rows"], found["copies"], found["largest_bucket"]) == (3, 401, 4.0, 95)
    assert (found["recall"], found["lowest_ci"]) == (pytest.approx(0.96), 0.88)
    assert found["pairs_per_row"] == pytest.approx(8000 / 401)
