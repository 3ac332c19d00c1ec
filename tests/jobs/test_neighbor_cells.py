"""The family `kmeans_overlap`, the finer lattice and probability groups through the job, against brute force."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.spark

TOP_N = 10
ROWS = 2600
SCOPES = "genre,genre_decade,decade,global"
# Two leaves of five overlaps each, to choose from.
CELLS = {"cells_leaf": (48, 96), "cells_e": (8, 24, 48), "cells_min": 2, "cells_max": (3, 6)}


def own_table() -> tuple[np.ndarray, dict[str, list[Any]]]:
    """Vectors around 40 points in genres of 70 % and 30 %, a genre without structure, and undated tracks."""
    random = np.random.default_rng(5)
    vectors = random.normal(size=(40, 12))[random.integers(0, 40, ROWS)] + 0.5 * random.normal(size=(ROWS, 12))
    genres = np.where(random.random(ROWS) < 0.7, "roc", "pop").astype(object)
    genres[2200:] = "noise"
    vectors[2200:] = random.normal(size=(400, 12))
    decades = [None if row % 50 == 7 else 1980 + 10 * (row % 2) for row in range(ROWS)]
    ids = [f"t{row:05}" for row in range(ROWS)]
    # t00011, t00013 and t00015 are of the recording of the track before them.
    keys = [ids[row - 1] if row in (11, 13, 15) else ids[row] for row in range(ROWS)]
    genres[10:16] = "roc"
    decades[10:16] = [1980] * 6
    return vectors, {"track_id": ids, "genre": list(genres), "decade": decades, "recording_key": keys}


@pytest.fixture(scope="module")
def searched(search: Any, write_table: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray, Any]:
    """Root, vectors and columns of a table that is searched twice: as cells, and exactly as exact."""
    root = tmp_path_factory.mktemp("cells")
    vectors, columns = own_table()
    write_table(root / "own", columns | {"vector": vectors.tolist()})
    assert search(root, name="cells", scopes=SCOPES, exact_max=300, tune_queries=150, cert_queries=700, **CELLS) == 0
    assert search(root, name="exact", scopes=SCOPES, family="exact") == 0
    return root, vectors, columns


def blocks_of(columns: dict[str, list[Any]]) -> dict[tuple[str, str], np.ndarray]:
    """Positions of the representatives of each block."""
    found: dict[tuple[str, str], list[int]] = {}
    for row, (genre, decade) in enumerate(zip(columns["genre"], columns["decade"], strict=True)):
        if row not in (11, 13, 15):
            places = [("genre", genre), ("global", "*")]
            if decade is not None:
                places += [("genre_decade", f"{genre}|{decade}"), ("decade", str(decade))]
            for place in places:
                found.setdefault(place, []).append(row)
    return {place: np.array(rows) for place, rows in found.items()}


def shared_cells(model: dict[str, Any], grid: np.ndarray) -> np.ndarray:
    """(n, n): rows with a cell in common, by the rule of the published parameters and centers."""
    parameters = dict(model["parameters"])
    e, least, most = (int(parameters[name]) for name in ("e", "min", "max"))
    centers = np.frombuffer(b"".join(model["centers"]), dtype="<i2").reshape(-1, grid.shape[1]).astype(np.int64)
    distance = ((grid[:, np.newaxis, :] - centers) ** 2).sum(axis=2) // 2
    joined = np.zeros(distance.shape, dtype=np.float32)
    for row, line in enumerate(distance):
        order = np.lexsort((np.arange(len(line)), line))[:most]
        near = [cell for i, cell in enumerate(order) if i < least or 64 * line[cell] <= (64 + e) * line[order[0]]]
        joined[row, near] = 1
    together = joined @ joined.T > 0
    np.fill_diagonal(together, False)
    return together


def test_lists_pairs_and_recall_are_a_brute_force_over_the_cells(
    searched: Any, lists_of: Any, published: Any, to_grid: Any, half_squares: Any, nearest: Any
) -> None:
    root, vectors, columns = searched
    lists, blocks = lists_of(root, "cells"), blocks_of(columns)
    models = {(row["scope"], row["block"]): row for row in published(root, "gold/neighbor_models", name="cells")}
    certified = published(root, "operations/neighbor_certificates", name="cells")
    certificates = {(row["scope"], row["block"]): row for row in certified}
    ledger = published(root, "operations/ledger", run_id=certified[0]["run_id"])
    counted = {row["counter"]: row["value"] for row in ledger}
    grid, pairs = to_grid(vectors), dict.fromkeys(SCOPES.split(","), 0)

    assert models.keys() == certificates.keys() == blocks.keys()
    for key, inside in blocks.items():
        model, found, names = models[key], certificates[key], [columns["track_id"][row] for row in inside]
        distance = half_squares(grid[inside])
        in_cells = model["family"] == "kmeans_overlap"
        together = shared_cells(model, grid[inside]) if in_cells else ~np.eye(len(inside), dtype=bool)
        pairs[key[0]] += int(together.sum())
        for row, track in enumerate(names):
            assert lists[(*key, track)] == nearest(row, np.flatnonzero(together[row]), distance, names)
        assert (found["family"], found["passed"], found["rows"]) == (model["family"], True, len(inside))
        assert found["pairs_per_row"] == together.sum() / len(inside)
        assert found["queries"] == min(700, len(inside))
        if found["queries"] == len(inside):
            true = np.sort(distance + np.where(np.eye(len(inside), dtype=bool), 2**40, 0), axis=1)[:, TOP_N - 1]
            hits = [min(int((distance[row][together[row]] <= true[row]).sum()), TOP_N) for row in range(len(inside))]
            assert found["recall"] == sum(hits) / (TOP_N * len(inside)) == found["ci_low"]
        else:
            assert 0.98 <= found["ci_low"] <= found["recall"] < 1
    assert {scope: counted[f"{scope}.pairs"] for scope in pairs} == pairs


def test_predicted_pairs_stand_in_the_commits(searched: Any, published: Any) -> None:
    root = searched[0]
    log = sorted((root / "gold/cells/_delta_log").glob("*.json"))
    infos = [
        json.loads(line)["commitInfo"] for file in log for line in file.read_text().splitlines() if "commitInfo" in line
    ]
    marks = [json.loads(info["userMetadata"]) for info in infos if "userMetadata" in info]
    predicted = {mark["stage"].split()[-1]: mark["details"]["predicted_pairs"] for mark in marks}
    (run,) = {row["run_id"] for row in published(root, "operations/neighbor_certificates", name="cells")}
    counted = {row["counter"]: row["value"] for row in published(root, "operations/ledger", run_id=run)}

    assert predicted.keys() == set(SCOPES.split(","))
    for scope, pairs in predicted.items():
        # Counted is each pair once; a pair that shares two cells is compared twice.
        assert counted[f"{scope}.pairs"] < pairs < 2.5 * counted[f"{scope}.pairs"]


def test_cells_are_taken_where_they_pay_and_tuned_within_the_grid(searched: Any, published: Any) -> None:
    models = published(searched[0], "gold/neighbor_models", name="cells")
    families = {row["block"]: row["family"] for row in models}
    cut = [row for row in models if row["family"] == "kmeans_overlap"]

    assert families.keys() == {
        "roc", "pop", "noise", "*", "1980", "1990", "roc|1980", "roc|1990", "pop|1980", "pop|1990", "noise|1980", "noise|1990",
    }  # fmt: skip
    # At most 300 rows, and without structure.
    assert {block for block in families if families[block] == "exact"} >= {"noise|1980", "noise|1990", "noise"}
    assert {"*", "roc"} <= {row["block"] for row in cut}
    for row in cut:
        chosen = dict(row["parameters"])
        assert (int(chosen["leaf"]), int(chosen["e"]), int(chosen["max"])) in {
            (leaf, e, most) for leaf in (48, 96) for e in (8, 24, 48) for most in (3, 6)
        }
        assert (chosen["min"], chosen["iterations"], chosen["top_n"]) == ("2", "8", "10")
        assert row["lattice_scale"] == 2880  # auto, of vectors that are not dense
    stated = {row["block"]: [row[name] for name in ("leaf", "e", "min", "max")]
              for row in published(searched[0], "operations/neighbor_certificates", name="cells")}  # fmt: skip
    for row in models:
        chosen = dict(row["parameters"])
        in_cells = row["family"] == "kmeans_overlap"
        assert stated[row["block"]] == [int(chosen[name]) if in_cells else None for name in ("leaf", "e", "min", "max")]


def test_most_neighbors_are_those_of_exact_and_have_its_similarities(searched: Any, lists_of: Any) -> None:
    cells, exact = (lists_of(searched[0], name) for name in ("cells", "exact"))

    assert cells.keys() == exact.keys()
    both = [(dict(cells[key]), dict(exact[key])) for key in cells]
    assert all(mine[neighbor] == true[neighbor] for mine, true in both for neighbor in mine.keys() & true.keys())
    shared, owed = sum(len(mine.keys() & true.keys()) for mine, true in both), sum(len(true) for _, true in both)
    assert 0.98 * owed < shared < owed


def test_twins_inherit_in_every_scope(searched: Any, lists_of: Any, published: Any) -> None:
    lists = lists_of(searched[0], "cells")
    for scope, block in (("genre", "roc"), ("genre_decade", "roc|1980"), ("decade", "1980"), ("global", "*")):
        for own, heir in (("t00010", "t00011"), ("t00012", "t00013"), ("t00014", "t00015")):
            assert lists[scope, block, heir] == lists[scope, block, own] != []
    inherited = [row for row in published(searched[0], "gold/cells") if row["inherited"]]
    assert {row["track_id"] for row in inherited} == {"t00011", "t00013", "t00015"} and len(inherited) == 3 * 4


def cosines(vectors: np.ndarray) -> np.ndarray:
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units @ units.T


def test_auto_takes_the_finer_lattice_for_a_dense_set(
    search: Any,
    write_table: Any,
    lists_of: Any,
    published: Any,
    to_grid: Any,
    half_squares: Any,
    nearest: Any,
    tmp_path: Path,
) -> None:
    random = np.random.default_rng(9)
    vectors = random.normal(size=8) + 0.004 * random.normal(size=(300, 8))
    ids = [f"t{row:05}" for row in range(300)]
    write_table(tmp_path / "own", {"track_id": ids, "vector": vectors.tolist()})
    assert search(tmp_path, scopes="global") == 0

    lists, cosine = lists_of(tmp_path), cosines(vectors)
    (model,) = published(tmp_path, "gold/neighbor_models")
    distance = half_squares(to_grid(vectors, 32_000))
    assert model["lattice_scale"] == 32_000
    for row, track in enumerate(ids):
        others = np.flatnonzero(np.arange(300) != row)
        mine = lists["global", "*", track]
        assert mine == nearest(row, others, distance, ids, 32_000)
        assert [s for _, s in mine] == pytest.approx([cosine[row, int(i[1:])] for i, _ in mine], abs=1e-4)
    # The coarse lattice would have kept fewer.
    true = [set(np.argsort(-line, kind="stable")[1 : TOP_N + 1]) for line in cosine]
    coarse = half_squares(to_grid(vectors)) + np.where(np.eye(300, dtype=bool), 2**40, 0)
    kept = [len(true[row] & set(np.argsort(line, kind="stable")[:TOP_N])) for row, line in enumerate(coarse)]
    assert sum(kept) < 0.97 * 300 * TOP_N
    (certificate,) = published(tmp_path, "operations/neighbor_certificates")
    assert certificate["lattice_recall"] > 0.98


def test_probability_groups_give_the_lists_of_the_vectors_as_they_are(
    search: Any, write_table: Any, lists_of: Any, published: Any, tmp_path: Path
) -> None:
    random = np.random.default_rng(10)
    groups = (3, 2, 4, 2)
    vectors = np.column_stack([random.dirichlet(np.full(size, 0.8), 300) for size in groups])
    ids = [f"t{row:05}" for row in range(300)]
    write_table(tmp_path / "own", {"track_id": ids, "vector": vectors.tolist()})
    assert search(tmp_path, scopes="global", probability_groups=groups, precision="fine") == 0

    (model,) = published(tmp_path, "gold/neighbor_models")
    assert model["dimensions"] == 2 + 1 + 3 + 1 + 1
    cosine = cosines(vectors)
    np.fill_diagonal(cosine, -2)
    agreeing = 0
    for (_, _, track), mine in lists_of(tmp_path).items():
        line = cosine[int(track[1:])]
        true = np.argsort(-line, kind="stable")[:TOP_N]
        assert [s for _, s in mine] == pytest.approx(line[[int(i[1:]) for i, _ in mine]], abs=1e-4)
        assert [s for _, s in mine] == pytest.approx(line[true], abs=1e-4)
        agreeing += [int(i[1:]) for i, _ in mine] == true.tolist()
    assert agreeing >= 297


def test_blocks_too_small_to_fit_or_to_tune_cells(
    search: Any, write_table: Any, lists_of: Any, to_grid: Any, half_squares: Any, nearest: Any, tmp_path: Path
) -> None:
    # Genres of 1 to 6 tracks: of some all rows are held out of the fit, of others none.
    genres = [f"g{count}{copy}" for count in range(1, 7) for copy in "abcd" for _ in range(count)]
    vectors = np.random.default_rng(12).normal(size=(len(genres), 5))
    ids = [f"t{row:05}" for row in range(len(genres))]
    write_table(tmp_path / "own", {"track_id": ids, "genre": genres, "vector": vectors.tolist()})
    # Each row is in the two nearest cells or more: small blocks have no more.
    assert (
        search(tmp_path, scopes="genre", family="kmeans_overlap", cells_leaf=16, cells_e=(4, 8), cells_max=(4, 6)) == 0
    )

    lists, distance = lists_of(tmp_path), half_squares(to_grid(vectors))
    for row, genre in enumerate(genres):
        others = np.array([o for o, other in enumerate(genres) if other == genre and o != row], dtype=np.int64)
        assert lists["genre", genre, ids[row]] == nearest(row, others, distance, ids)
