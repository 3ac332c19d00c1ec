"""What is fitted for each block: which family, on which rows, and what is chosen when it is tuned."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from soundalike.errors import SoundalikeError
from soundalike.numeric.cells import KmeansOverlap
from soundalike.numeric.families import Hyperplane
from soundalike.numeric.lattice import Lattice, encode, to_lattice
from soundalike.stages import models
from soundalike.stages.models import (
    Cells,
    Tuning,
    _fit,
    model_row,
    published_blocks,
    searched_blocks,
    version_of,
)

A, B = ("genre", "a"), ("genre", "b")
ONE = Cells(leaf=(50,), e=(28,), most=(8,), least=2, iterations=8, floor=0.98, or_exact=True)


def clustered(rows: int, apart: float = 0.1) -> Lattice:
    random = np.random.default_rng([4, rows])
    points = random.normal(size=(20, 6))[random.integers(0, 20, rows)] + apart * random.normal(size=(rows, 6))
    return to_lattice(points)[0]


def structureless(rows: int) -> Lattice:
    return to_lattice(np.random.default_rng(3).normal(size=(rows, 24)))[0]


def sample_of(key: tuple[str, str], family: str, lattice: Lattice, rows: int | None = None) -> pa.Table:
    """Every second row is held out."""
    count = len(lattice)
    return pa.table(
        {"scope": [key[0]] * count, "block": [key[1]] * count, "rows": [rows or count] * count,
         "family": [family] * count, "is_held_out": np.arange(count) % 2 == 1,
         "track_id": [f"{i:05}" for i in range(count)], "lattice": [encode(row) for row in lattice]}
    )  # fmt: skip


def fit(sample: pa.Table, cells: Cells = ONE, batch: int = 1000, **given: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"tunings": {}, "starts": {}, "seed": 2022} | given
    (found,) = [row for one in _fit(sample.to_batches(batch), cells=cells, **options) for row in one.to_pylist()]
    return found | {"parameters": dict(found["parameters"])}


def brute_force(lattice: Lattice, asked: np.ndarray, top_n: int) -> Tuning:
    wide = lattice.astype(np.int64)
    distance = ((wide[asked, np.newaxis] - wide) ** 2).sum(axis=2)
    distance[np.arange(len(asked)), asked] = distance.max() + 1
    near = np.argsort(distance, axis=1, kind="stable")[:, :top_n]
    return Tuning(lattice[asked], lattice[near.ravel()])


def sizes_of(model: Any, tested: Lattice, rows: int) -> list[int]:
    """Rows in each bucket, as rows that were not fitted have it."""
    counts = [0] * model.buckets
    for bucket in model.assign(tested)[1].tolist():
        counts[bucket] += 1
    return [max(count * rows // len(tested), 1) for count in counts]


@pytest.mark.parametrize("batch", [1, 77, 1000])
def test_cells_are_fitted_on_the_kept_rows_and_sized_on_others(batch: int) -> None:
    lattice = clustered(1000)
    found = fit(sample_of(A, "kmeans_overlap", lattice, 3000), batch=batch)

    alone = KmeansOverlap.fit(lattice[::2], 3000, leaf=50, e=28, least=2, most=8, iterations=8)
    assert (found["scope"], found["block"], found["family"]) == (*A, "kmeans_overlap")
    assert found["parameters"] == {"leaf": "50", "e": "28", "min": "2", "max": "8", "iterations": "8"}
    assert found["centers"] == [encode(center) for center in alone.centers]
    assert found["sizes"] == sizes_of(alone, lattice[1::2], 3000)
    assert found["predicted"] == sum(size**2 for size in found["sizes"])


def test_planes_are_fitted_on_the_whole_sample() -> None:
    lattice = clustered(999)
    found = fit(sample_of(A, "hyperplane", lattice, 4096))

    alone = Hyperplane.fit(lattice, 4096, 2022)
    assert (found["family"], found["parameters"]) == ("hyperplane", alone.parameters)
    assert found["centers"] == [encode(alone.centers[0])]
    assert alone.centers.tolist() != Hyperplane.fit(lattice[::2], 4096, 2022).centers.tolist()
    assert found["sizes"] == sizes_of(alone, lattice, 4096)
    assert fit(sample_of(A, "hyperplane", lattice, 4096), seed=1)["parameters"]["seed"] == "1"


def test_cells_start_where_they_are_told() -> None:
    lattice, starts = clustered(1000), clustered(1000)[[1, 3, 5]]
    never = Cells(leaf=(400,), e=(28,), most=(8,), least=2, iterations=0, floor=0.98, or_exact=False)
    found = fit(sample_of(A, "kmeans_overlap", lattice), never, starts={A: starts, B: starts[:0]})

    assert found["centers"] == [encode(row) for row in sorted(starts, key=tuple)]


def test_no_block_has_more_cells_than_can_be_assigned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "MOST_CELLS", 7)
    found = fit(sample_of(A, "kmeans_overlap", clustered(1000), 3001))
    assert (found["parameters"]["leaf"], len(found["centers"]) <= 7) == ("429", True)


@pytest.mark.parametrize("or_exact", [True, False])
def test_the_tuned_choice_is_recorded(or_exact: bool) -> None:
    lattice = clustered(2000)
    tuning = brute_force(lattice, np.arange(0, 2000, 10), 5)
    grid = Cells((50, 100), (0, 28, 200), (1, 8), 1, 8, 0.9, or_exact)
    found = fit(sample_of(A, "kmeans_overlap", lattice), grid, tunings={A: tuning, B: tuning})

    # By hand: of all twelve candidates the cheapest whose lower bound on the tuning questions is .903 or more.
    candidates = []
    for leaf in grid.leaf:
        centers = KmeansOverlap.fit(lattice[::2], 2000, leaf=leaf, iterations=8).centers
        for e in grid.e:
            for most in grid.most:
                stated = {"leaf": str(leaf), "e": str(e), "min": "1", "max": str(most), "iterations": "8"}
                model = KmeansOverlap(stated, centers)
                low, pairs = lower_bound(model, tuning, 5), pairs_of(model, lattice[1::2])
                candidates.append((low >= 0.903, pairs, most, e, leaf, stated, centers))
    able = [candidate[1:] for candidate in candidates if candidate[0]]
    # Not all are able, and there is a choice.
    assert 2 < len(able) < 12
    best = min(able, key=lambda candidate: candidate[:4])
    assert found["family"] == "kmeans_overlap"
    assert found["parameters"] == best[4]
    assert found["centers"] == [encode(center) for center in best[5]]
    assert found["sizes"] == sizes_of(KmeansOverlap(best[4], best[5]), lattice[1::2], 2000)


def in_cells(model: KmeansOverlap, lattice: Lattice) -> np.ndarray:
    found = np.zeros((len(lattice), model.buckets), dtype=np.int64)
    found[model.assign(lattice)] = 1
    return found


def lower_bound(model: KmeansOverlap, tuning: Tuning, top_n: int) -> float:
    """Of Wilson's interval, with the size of a simple sample that varies as much."""
    asked = in_cells(model, tuning.questions)
    near = in_cells(model, tuning.neighbors).reshape(len(asked), top_n, -1)
    shares = (np.einsum("qc,qnc->qn", asked, near) > 0).mean(axis=1)
    queries, r, spread = len(shares), shares.mean(), shares.var()
    n = queries if not spread else min(max(r * (1 - r) * queries / spread, queries), queries * top_n)
    z = 1.645
    return float((r + z * z / (2 * n) - z * np.sqrt(r * (1 - r) / n + z * z / (4 * n * n))) / (1 + z * z / n))


def pairs_of(model: KmeansOverlap, held_out: Lattice) -> int:
    sizes = in_cells(model, held_out).sum(axis=0)
    return int((sizes * (sizes - 1)).sum())


def test_without_structure_a_block_is_searched_exactly_unless_cells_are_named() -> None:
    lattice = structureless(600)
    sample, tuning = sample_of(A, "kmeans_overlap", lattice), brute_force(lattice, np.arange(0, 600, 6), 5)
    grid = {"leaf": (50, 100), "e": (28, 64), "most": (8,), "least": 2, "iterations": 4, "floor": 0.98}

    for tunings_ in ({A: tuning}, {}):
        found = fit(sample, Cells(**grid, or_exact=True), tunings=tunings_)
        assert (found["family"], found["centers"], found["parameters"]) == ("exact", [], {})
        named = fit(sample, Cells(**grid, or_exact=False), tunings=tunings_)
        # No choice is enough, or nobody can tell: the widest.
        e = "64"
        assert (named["family"], named["parameters"]["leaf"], named["parameters"]["e"]) == ("kmeans_overlap", "50", e)


@pytest.mark.parametrize("held_out", [[True], [False], [True] * 3, [False] * 3, [True, False, False]])
def test_cells_that_are_named_are_fitted_to_the_smallest_blocks(held_out: list[bool]) -> None:
    # Which rows are held out is a matter of hashes.
    lattice = clustered(len(held_out))
    sample = sample_of(A, "kmeans_overlap", lattice).set_column(4, "is_held_out", pa.array(held_out))
    named = Cells((50, 100), (28,), (8,), 2, 8, 0.98, or_exact=False)
    tuning = {A: Tuning(lattice[:1], lattice[1:2])} if len(lattice) > 1 else {}

    found = fit(sample, named, tunings=tuning)

    assert (found["family"], found["sizes"]) == ("kmeans_overlap", [len(lattice)])


def test_models_of_a_search_and_of_a_published_table() -> None:
    lattice = clustered(1000)
    blocks = [
        {"scope": "global", "block": "*", "rows": 3000, "listed": 1500, "family": "hyperplane"},
        {"scope": "genre", "block": "b", "rows": 900, "listed": 450, "family": "kmeans_overlap"},
        {"scope": "genre", "block": "a", "rows": 9, "listed": 3, "family": "exact"},
        {"scope": "genre", "block": "c", "rows": 600, "listed": 600, "family": "kmeans_overlap"},
    ]
    found = [
        fit(sample_of(("global", "*"), "hyperplane", lattice, 3000)),
        fit(sample_of(B, "kmeans_overlap", lattice, 900)),
        fit(sample_of(("genre", "c"), "kmeans_overlap", structureless(600))),
    ]
    searched = searched_blocks(blocks, found, 7)

    assert [(b.key, b.rows, b.listed, b.model.family, b.is_exact) for b in searched] == [
        (A, 9, 3, "exact", True), (B, 900, 450, "kmeans_overlap", False), (("genre", "c"), 600, 600, "exact", True),
        (("global", "*"), 3000, 1500, "hyperplane", False),
    ]  # fmt: skip
    assert [b.sizes.tolist() for b in searched] == [[9], found[1]["sizes"], [600], found[0]["sizes"]]
    # Half of the rows stand in lists: half of the pairs.
    assert [b.predicted for b in searched] == [27, found[1]["predicted"] / 2, 360_000, found[0]["predicted"] / 2]
    assert searched[0].model.centers.shape == (0, 7)

    decided = {"top_n": "5"}
    names = (
        "name",
        "scope",
        "block",
        "model_version",
        "family",
        "lattice_scale",
        "dimensions",
        "parameters",
        "centers",
    )
    rows = [dict(zip(names, model_row(b, "mine", "coarse", 6, decided), strict=True)) for b in searched]
    assert rows[0] | {"model_version": ""} == {
        "name": "mine", "scope": "genre", "block": "a", "model_version": "", "family": "exact", "lattice_scale": 2880,
        "dimensions": 6, "parameters": {"top_n": "5"}, "centers": [],
    }  # fmt: skip
    assert rows[1]["parameters"] == found[1]["parameters"] | {"top_n": "5"}
    assert rows[1]["centers"] == found[1]["centers"]
    assert [len(row["model_version"]) for row in rows] == [16] * 4
    # The two that are exact have one version, and nothing else has; each setting counts.
    assert len({row["model_version"] for row in rows}) == 3
    others = [version_of(searched[1], *given) for given in
              (("fine", 6, decided), ("coarse", 7, decided), ("coarse", 6, {"top_n": "6"}))]  # fmt: skip
    assert len({rows[1]["model_version"], *others}) == 4

    again = published_blocks(blocks, rows)
    assert [(b.key, b.rows, b.listed, b.model.family) for b in again] == [
        (b.key, b.rows, b.listed, b.model.family) for b in searched
    ]
    for one, other in zip(again, searched, strict=True):
        assert [part.tolist() for part in one.model.assign(lattice)] == [
            part.tolist() for part in other.model.assign(lattice)
        ]
    with pytest.raises(SoundalikeError, match="no row for block a of scope genre; run the job neighbors again"):
        published_blocks(blocks, rows[1:])
