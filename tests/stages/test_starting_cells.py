"""Centers of genres' clusters on the lattice of the search, against values computed by hand."""

from typing import Any

import numpy as np
import pytest

from soundalike.stages.starting_cells import starting_cells

# Of genre a: (1, 0) -> 1*4+6, 0*2+8 = (10, 8) -> (10-4)/2, (8-4)/1 = (3, 4) -> (.6, .8);
#             (-.5, -6) -> (4, -4) -> (0, -8) -> (0, -1).
# Of genre b: (0, 2) -> (4+0, 4+2*3) = (4, 10) -> (0, 6) -> (0, 1); (0, 0) -> (4, 4) -> (0, 0), no direction.
SCALERS = [
    {"genre": "*", "model_version": "v", "mean": [4.0, 4.0], "sd": [2.0, 1.0]},
    {"genre": "a", "model_version": "v", "mean": [6.0, 8.0], "sd": [4.0, 2.0]},
    {"genre": "b", "model_version": "v", "mean": [4.0, 4.0], "sd": [1.0, 3.0]},
    {"genre": "a", "model_version": "old", "mean": [0.0, 0.0], "sd": [1.0, 1.0]},
]
CLUSTERS = [
    {"genre": "b", "model_version": "v", "centers": [[0.0, 2.0], [0.0, 0.0]]},
    {"genre": "a", "model_version": "v", "centers": [[1.0, 0.0], [-0.5, -6.0]]},
]
# 2880 * .6 = 1728, * .8 = 2304: even; the parity of (0, -2880) is 0 too.
A = [[1728, 2304, 0], [0, -2880, 0]]
B = [[0, 2880, 0]]
BLOCKS = [
    ("genre", "a"), ("genre", "b"), ("genre", "c"), ("genre_decade", "a|1990"), ("genre_decade", "c|1990"),
    ("genre_decade", "a|x|1990"), ("decade", "1990"), ("global", "*"),
]  # fmt: skip


def found(**changes: Any) -> dict:
    given = {"blocks": BLOCKS, "clusters": CLUSTERS, "scalers": SCALERS, "precision": "coarse"} | changes
    return {key: cells.tolist() for key, cells in starting_cells(**given).items()}


def test_centers_of_genres_start_the_cells_of_their_blocks() -> None:
    assert found() == {
        ("genre", "a"): A,
        ("genre", "b"): B,
        ("genre_decade", "a|1990"): A,
        ("decade", "1990"): A + B,
        ("global", "*"): A + B,
    }
    cells = starting_cells([("genre", "a")], CLUSTERS, SCALERS, "coarse")["genre", "a"]
    assert cells.dtype == np.int16


def test_the_finer_lattice_and_an_odd_sum() -> None:
    # (10, 4) -> (14, 16) -> (5, 12); (5, 2) -> (9, 10) -> (2.5, 6): both (5, 12) / 13 * 32000 = (12307.69, 29538.46).
    clusters = [{"genre": "b", "model_version": "v", "centers": [[10.0, 4.0], [5.0, 2.0]]}]
    fine = found(blocks=[("genre", "b")], clusters=clusters, precision="fine")
    assert fine == {("genre", "b"): [[12308, 29538, 0], [12308, 29538, 0]]}
    clusters = [{"genre": "b", "model_version": "v", "centers": [[2.0, 1.0]]}]
    # (2, 1) -> (6, 7) -> (1, 3) / sqrt(10) * 2880 = (910.74, 2732.21) -> 911 + 2732 = 3643: odd.
    assert found(blocks=[("genre", "b")], clusters=clusters) == {("genre", "b"): [[911, 2732, 1]]}


@pytest.mark.parametrize(
    "changes",
    [
        {"scalers": []},
        {"clusters": []},
        # The scaler of another model.
        {"scalers": [SCALERS[0], SCALERS[3]]},
        {"scalers": SCALERS[1:]},
    ],
)
def test_without_what_belongs_together_there_are_no_starts(changes: dict) -> None:
    assert found(**changes) == {}


def test_clusters_without_their_scaler_are_left_out() -> None:
    assert found(scalers=SCALERS[:2], blocks=[("global", "*"), ("genre", "b")]) == {("global", "*"): A}
