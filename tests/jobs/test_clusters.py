"""The jobs `clusters` and `assign` over tables of their own: what they publish, say, refuse, and skip."""

import contextlib
import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deltalake import DeltaTable
from jobs.assign import assign
from jobs.clusters import clusters

from soundalike.contracts.features import FEATURE_SETS
from soundalike.contracts.tables import FEATURE_SCALERS, GENRE_MEMBERSHIPS, TRACK_VECTORS
from soundalike.run import Run, main
from soundalike.storage.commits import Mark

pytestmark = pytest.mark.spark

GENRES = {"cla": 300, "few": 5, "one": 1, "same": 6, "untrusted": 20}
COLUMNS = FEATURE_SETS["ab11"].columns


def tracks() -> list[tuple[str, str, list[float] | None, bool]]:
    """(track_id, genre, features, is_trusted); the last of `cla` has no features."""
    random = np.random.default_rng(21)
    found: list[tuple[str, str, list[float] | None, bool]] = []
    for genre, count in GENRES.items():
        features = random.beta(0.5, 0.5, size=(count, 11)) if genre != "same" else np.full((count, 11), 0.3)
        trusted = genre != "untrusted"
        found += [(f"{genre}{i:03}", genre, f.tolist(), trusted and i % 10 != 9) for i, f in enumerate(features)]
    return [*found, ("silent", "cla", None, True)]


def given(run: Run) -> None:
    """Memberships, vectors and the scaler of the corpus, as the job `tracks` leaves them."""
    mark = Mark("test", "given", "", "")
    both = [*tracks(), ("cla000", "few", None, True), ("silent", "silence", None, True)]
    members = [(track, "acousticbrainz", genre, "v1", 1.0) for track, genre, _, _ in both]
    vectors = [
        (track, "acousticbrainz", "ab11", track, [genre], None, trusted, features, None)
        for track, genre, features, trusted in tracks()
    ]
    run.store.replace(GENRE_MEMBERSHIPS, run.rows(GENRE_MEMBERSHIPS, members), mark)
    run.store.replace(TRACK_VECTORS, run.rows(TRACK_VECTORS, vectors), mark)
    corpus = ("ab11", "*", "corpus", 1, list(COLUMNS), [0.0] * 11, [1.0] * 11)
    run.store.replace(FEATURE_SCALERS, run.rows(FEATURE_SCALERS, [corpus]), mark)


def do(root: Path, *steps: Any, settings: tuple[str, ...] = ()) -> int:
    def all_steps(run: Run) -> None:
        for step in steps:
            step(run)

    argv = ["--set", f"storage.root={root}", "--set", "vectors.feature_set=ab11"]
    for setting in settings:
        argv += ["--set", setting]
    return main("clusters", all_steps, lambda _: [], argv)


def rows(root: Path, table: str) -> list[dict[str, Any]]:
    return DeltaTable(f"{root}/{table}").to_pyarrow_table().to_pylist()


@pytest.fixture(scope="module")
def ran(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Root of the tables, and what the jobs said."""
    folder, said = tmp_path_factory.mktemp("clusters"), io.StringIO()
    with contextlib.redirect_stderr(said):
        assert do(folder, given, clusters, assign) == 0
    return folder, said.getvalue()


@pytest.fixture(scope="module")
def root(ran: tuple[Path, str]) -> Path:
    return ran[0]


def test_a_genre_without_features_has_no_model_and_is_named(ran: tuple[Path, str]) -> None:
    assert "genre silence: none of 1 tracks has features, there is no model" in ran[1]
    assert "silence" not in {row["genre"] for row in rows(ran[0], "gold/genre_clusters")}


@pytest.mark.parametrize("job", [clusters, assign])
def test_without_memberships_there_is_no_input(
    spark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], job: Any
) -> None:
    assert do(tmp_path, job) == 1
    assert "table silver/genre_memberships is missing" in capsys.readouterr().err


def test_every_genre_has_one_scaler_and_one_model(root: Path) -> None:
    models = {row["genre"]: row for row in rows(root, "gold/genre_clusters")}
    scalers = {row["genre"]: row for row in rows(root, "gold/feature_scalers")}

    assert len(rows(root, "gold/genre_clusters")) == len(models)
    assert set(models) == set(GENRES)
    assert set(scalers) == {*GENRES, "*"}
    assert scalers["*"]["model_version"] == "corpus"
    found = {genre: (m["n"], m["k"], m["k_eff"], m["k_found"], m["is_k_reduced"], m["is_fitted_on_untrusted"])
             for genre, m in models.items()}  # fmt: skip
    assert found == {
        "cla": (270, 12, 12, 12, False, False), "few": (6, 8, 6, 6, True, False), "one": (1, 8, 1, 1, True, False),
        "same": (6, 8, 1, 1, True, False), "untrusted": (20, 8, 8, 8, False, True),
    }  # fmt: skip
    for genre, model in models.items():
        assert scalers[genre]["model_version"] == model["model_version"]
        assert scalers[genre]["columns"] == list(COLUMNS)
        assert len(model["centers"]) == model["k_found"]
        assert model["sse_per_row"] == model["sse"] / model["n"]


def test_every_track_with_features_has_its_nearest_center(root: Path) -> None:
    models = {row["genre"]: row for row in rows(root, "gold/genre_clusters")}
    scalers = {row["genre"]: row for row in rows(root, "gold/feature_scalers")}
    found = {(row["track_id"], row["genre"]): row for row in rows(root, "gold/track_clusters")}
    features = {track: f for track, _, f, _ in tracks() if f is not None}

    expected = {(track, genre) for track, genre, f, _ in tracks() if f is not None} | {("cla000", "few")}
    assert set(found) == expected
    assert len(rows(root, "gold/track_clusters")) == len(expected)
    for (track, genre), row in found.items():
        mean, sd = np.array(scalers[genre]["mean"]), np.array(scalers[genre]["sd"])
        spread = sd >= 1e-12
        scaled = np.where(spread, (np.array(features[track]) - mean) / np.where(spread, sd, 1), 0)
        distances = np.sqrt(((np.array(models[genre]["centers"]) - scaled) ** 2).sum(axis=1))
        assert (row["cluster"], row["distance"]) == (distances.argmin(), pytest.approx(distances.min(), rel=1e-9))
        assert row["model_version"] == models[genre]["model_version"]


def test_sizes_sum_to_the_rows_and_name_every_cluster(root: Path) -> None:
    models = {row["genre"]: row for row in rows(root, "gold/genre_clusters")}
    counted = Counter((row["genre"], row["cluster"]) for row in rows(root, "gold/track_clusters"))
    sizes = rows(root, "gold/cluster_sizes")

    assert {(row["genre"], row["cluster"]) for row in sizes} == {
        (genre, cluster) for genre, model in models.items() for cluster in range(model["k_found"])
    }
    for row in sizes:
        assert row["n"] == counted[row["genre"], row["cluster"]]
        total = sum(n for (genre, _), n in counted.items() if genre == row["genre"])
        assert (row["share"], row["is_giant"]) == (row["n"] / total, row["n"] / total > 0.5)
        assert row["model_version"] == models[row["genre"]]["model_version"]
    assert [row["genre"] for row in sizes if row["is_giant"]] == ["one", "same"]


def test_the_ledger_closes(root: Path) -> None:
    found = {(row["source"], row["counter"]): row["value"] for row in rows(root, "operations/ledger")}
    assert found == {
        ("clusters", "genres"): 6, ("clusters", "genres_without_vector"): 1, ("clusters", "rows_fitted"): 303, ("clusters", "k_reduced"): 3,
        ("clusters", "fitted_on_untrusted"): 1, ("clusters", "flat_columns"): 22, ("assign", "memberships"): 335,
        ("assign", "assigned"): 333, ("assign", "no_vector"): 2, ("assign", "clusters"): 28,
        ("assign", "empty_clusters"): 0, ("assign", "giant_clusters"): 2,
    }  # fmt: skip


def test_a_second_run_does_nothing(root: Path) -> None:
    before = {name: DeltaTable(f"{root}/gold/{name}").version() for name in ("genre_clusters", "track_clusters")}
    assert do(root, clusters, assign) == 0
    assert {name: DeltaTable(f"{root}/gold/{name}").version() for name in before} == before
    last = {row["stage"]: row["status"] for row in rows(root, "operations/runs") if row["attempt"] == 2}
    assert last == {"clusters": "skipped", "assign": "skipped"}


def test_a_genre_without_a_model_ends_the_job(spark: Any, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = rows(root, "gold/track_clusters")
    path = f"delta.`{root}/gold/genre_clusters`"
    spark.sql(f"DELETE FROM {path} WHERE genre = 'same'")
    try:
        assert do(root, assign) == 1
        assert (
            "genre same (6 memberships, 6 tracks with features) has 1 scalers and 0 models" in capsys.readouterr().err
        )
        assert rows(root, "gold/track_clusters") == before
        # Models of another feature set are no models: nothing is assigned with them.
        assert do(root, assign, settings=("vectors.feature_set=ab16",)) == 1
        assert "none of the tracks in silver/genre_memberships has features of feature set ab16" in (
            capsys.readouterr().err
        )
        assert do(root, clusters, settings=("vectors.feature_set=ab16",)) == 1
        assert "none of the 335 memberships is of a track with features of feature set ab16" in capsys.readouterr().err
    finally:
        spark.sql(f"RESTORE TABLE {path} TO VERSION AS OF 1")
