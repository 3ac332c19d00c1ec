"""The family `hyperplane` through the job, against `exact` and against a brute force over its own buckets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soundalike.numeric.families import projections

pytestmark = pytest.mark.spark

TOP_N = 10


def shared_buckets(model: dict[str, Any], lattice: np.ndarray) -> np.ndarray:
    """(n, n): rows with the same code in some table, worked out from a row of gold/neighbor_models."""
    parameters = dict(model["parameters"])
    bits, tables, seed = (int(parameters[name]) for name in ("bits", "tables", "seed"))
    center = np.frombuffer(model["centers"][0], dtype="<i2").astype(np.int64)
    normals = projections(seed, tables, lattice.shape[1])
    together = np.zeros((len(lattice), len(lattice)), dtype=bool)
    for table in range(tables):
        signs = (lattice - center) @ normals[table, :bits].T > 0
        code = np.packbits(signs, axis=1)[:, 0]  # at most eight bits
        together |= code[:, np.newaxis] == code
    np.fill_diagonal(together, False)
    return together


@pytest.fixture(scope="module")
def skewed(
    search: Any, write_table: Any, to_grid: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, np.ndarray, np.ndarray, list[str]]:
    """Root, lattice, genres and ids: 2,400 rows, 80 % of one genre, 5 % identical, two recordings of two tracks.

    Searched twice: with `hyperplane` as hyper, with `exact` as exact.
    """
    root = tmp_path_factory.mktemp("skewed")
    random = np.random.default_rng(21)
    vectors = random.normal(size=(30, 12))[random.integers(0, 30, 2400)] + 0.6 * random.normal(size=(2400, 12))
    vectors[random.permutation(2400)[:120]] = vectors[5]
    genres = np.where(random.random(2400) < 0.8, "roc", random.choice(["pop", "jaz"], 2400))
    genres[:4] = "roc"
    ids = [f"t{row:05}" for row in range(2400)]
    keys = ["t00000", "t00000", "t00002", "t00002", *ids[4:]]
    columns = {"track_id": ids, "genre": genres.tolist(), "vector": vectors.tolist(), "recording_key": keys}
    write_table(root / "own", columns)
    for name, family in (("hyper", "hyperplane"), ("exact", "exact")):
        assert search(root, name=name, family=family, scopes="genre,global") == 0
    return root, to_grid(vectors), genres, ids


def test_pairs_that_both_families_report_have_the_same_similarity(skewed: Any, lists_of: Any) -> None:
    hyper, exact = (lists_of(skewed[0], name) for name in ("hyper", "exact"))

    assert hyper.keys() == exact.keys() and len(hyper) == 2 * 2400
    both = [(dict(hyper[key]), dict(exact[key])) for key in hyper]
    assert all(mine[neighbor] == true[neighbor] for mine, true in both for neighbor in mine.keys() & true.keys())
    assert sum(len(mine.keys() & true.keys()) for mine, true in both) > 0.9 * 2 * 2400 * TOP_N


def test_lists_counts_and_recall_are_a_brute_force_over_the_buckets(
    skewed: Any, lists_of: Any, published: Any, half_squares: Any, nearest: Any
) -> None:
    root, lattice, genres, ids = skewed
    lists = lists_of(root, "hyper")
    models = published(root, "gold/neighbor_models", name="hyper")
    certificates = {row["block"]: row for row in published(root, "operations/neighbor_certificates", name="hyper")}
    (own_run,) = {row["run_id"] for row in certificates.values()}
    counted = {row["counter"]: row["value"] for row in published(root, "operations/ledger", run_id=own_run)}
    # Representatives: t00001 and t00003 inherit.
    searched = ~np.isin(np.arange(len(ids)), (1, 3))
    pairs = {"genre": 0, "global": 0}

    for model in models:
        inside = np.flatnonzero(searched & ((model["block"] == "*") | (genres == model["block"])))
        names = [ids[row] for row in inside]
        together, distance = shared_buckets(model, lattice[inside]), half_squares(lattice[inside])
        pairs[model["scope"]] += int(together.sum())
        for row, track in enumerate(names):
            expected = nearest(row, np.flatnonzero(together[row]), distance, names)
            assert lists[model["scope"], model["block"], track] == expected
        found = certificates[model["block"]]
        assert (found["family"], found["passed"], found["rows"]) == ("hyperplane", True, len(inside))
        assert found["pairs_per_row"] == together.sum() / len(inside)
        if found["queries"] == len(inside):
            true = np.sort(distance + np.where(np.eye(len(inside), dtype=bool), 2**40, 0), axis=1)[:, TOP_N - 1]
            hits = [min(int((distance[row][together[row]] <= true[row]).sum()), TOP_N) for row in range(len(inside))]
            assert found["recall"] == sum(hits) / (TOP_N * len(inside)) == found["ci_low"]
    assert {row["block"] for row in models} == {"roc", "pop", "jaz", "*"}
    assert lists["global", "*", "t00001"] == lists["global", "*", "t00000"]
    assert {name: counted[f"{name}.pairs"] for name in pairs} == pairs
    assert (counted["global.eligible"], counted["global.inherited"], counted["global.short_lists"]) == (2400, 2, 0)


def test_models_and_lists_name_family_and_version(skewed: Any, published: Any) -> None:
    rows, models = published(skewed[0], "gold/hyper"), published(skewed[0], "gold/neighbor_models")
    mine = {(row["scope"], row["block"]): row for row in models if row["name"] == "hyper"}

    assert {row["method"] for row in rows} == {"hyperplane"}
    assert all(row["model_version"] == mine[row["scope"], row["block"]]["model_version"] for row in rows)
    assert len({row["model_version"] for row in mine.values()}) == 4
    whole = mine["global", "*"]
    assert (whole["family"], whole["lattice_scale"], whole["dimensions"]) == ("hyperplane", 2880, 12)
    # round(log2(2398 / 512)) = 2
    stated = dict(whole["parameters"])
    assert len(stated.pop("projections")) == 16
    assert stated == {"bits": "2", "tables": "32", "seed": "2022", "top_n": "10"}
    assert [len(center) for center in whole["centers"]] == [2 * 13]
    exact = [row for row in models if row["name"] == "exact"]
    assert {(row["family"], len(row["centers"])) for row in exact} == {("exact", 0)}


def test_the_floor_refuses_hyperplane_and_nothing_is_published(
    spark: Any, search: Any, write_table: Any, published: Any, to_grid: Any, half_squares: Any, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    # Without structure: 4 bits lose too much in big; small has 1.
    vectors = np.random.default_rng(33).normal(size=(6000, 300))
    ids = [f"t{row:05}" for row in range(6000)]
    genres = ["big"] * 5850 + ["small"] * 150
    write_table(tmp_path / "own", {"track_id": ids, "genre": genres, "vector": vectors.tolist()})
    assert search(tmp_path, scopes="genre", family="hyperplane", cert_queries=200) == 1

    found = {row["block"]: row for row in published(tmp_path, "operations/neighbor_certificates")}
    assert {block: (row["family"], row["passed"]) for block, row in found.items()} == {
        "big": ("hyperplane", False), "small": ("hyperplane", True),
    }  # fmt: skip
    low = found["big"]["ci_low"]
    apart = recall_apart(spark, to_grid(vectors[:5850]), half_squares, ids[:5850], 200)
    assert capsys.readouterr().err.strip().splitlines()[-1] == (
        f"neighbors: block big of scope genre is not good enough: hyperplane reaches recall {apart:.4f}, lower bound {low:.4f}, "
        "below the floor 0.98; 1 of 2 blocks failed, nothing was published; search it exactly (neighbors.family=auto with "
        "neighbors.exact_max=5850, or family=exact), or lower neighbors.recall_floor"
    )
    assert 0.9 < low < apart < 0.98
    # What was staged stays, for whoever looks into it.
    staged = tmp_path / "_staging" / found["big"]["run_id"] / "neighbors"
    assert not (tmp_path / "gold").exists()
    assert sorted(path.name for path in staged.iterdir()) == [
        "merged_track_neighbors", "partials_track_neighbors", "tracks_track_neighbors",
    ]  # fmt: skip


def recall_apart(spark: Any, lattice: np.ndarray, half_squares: Any, ids: list[str], queries: int) -> float:
    """Of the sampled queries, from the buckets that a center over all rows gives."""
    center = (2 * lattice.sum(axis=0) + len(ids)) // (2 * len(ids))
    model = {"parameters": {"bits": "4", "tables": "32", "seed": "2022"}, "centers": [center.astype("<i2").tobytes()]}
    hashed = spark.createDataFrame([(i,) for i in ids], "id string").selectExpr("id", "xxhash64(1L, id) h").collect()
    asked = sorted(ids.index(row.id) for row in sorted(hashed, key=lambda row: row.h)[:queries])
    together, distance = shared_buckets(model, lattice)[asked], half_squares(lattice)[asked]
    distance[np.arange(queries), asked] = 2**40
    true = np.sort(distance, axis=1)[:, TOP_N - 1 : TOP_N]
    return float(np.minimum((together & (distance <= true)).sum(axis=1), TOP_N).sum() / (queries * TOP_N))
