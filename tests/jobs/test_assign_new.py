"""The job `assign` over a user's own table of new tracks: what it publishes, refuses and leaves alone."""

import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from jobs.assign import assign
from jobs.clusters import clusters

from soundalike.contracts.features import FEATURE_SETS
from soundalike.contracts.tables import GENRE_MEMBERSHIPS, TRACK_VECTORS
from soundalike.run import Run, main
from soundalike.stages.new_tracks import judged_tracks
from soundalike.storage.commits import Mark

pytestmark = pytest.mark.spark

AB11 = FEATURE_SETS["ab11"]
TRAINED = {
    f"{genre}{i:02}": (genre, [base + ((i * (c + 3)) % 17) / 100 for c in range(11)])
    for genre, count, base in (("cla", 40, 0.2), ("roc", 30, 0.5))
    for i in range(count)
}
ONE = TRAINED["cla00"][1]
NEW: list[tuple[str | None, list[str] | None, list[float | None] | None]] = [
    *[(track, [genre], list(features)) for track, (genre, features) in TRAINED.items()],
    ("both", ["roc", "cla", "cla"], list(ONE)),
    ("half", ["polka", "cla", ""], list(ONE)),
    ("lost", ["polka"], list(ONE)),
    ("nowhere", None, list(ONE)),
    ("silent", ["cla"], None),
    ("hole", ["cla"], [None, *ONE[1:]]),
    ("nan", ["cla"], [math.nan, *ONE[1:]]),
    ("endless", ["cla"], [-math.inf, *ONE[1:]]),
    ("short", ["cla"], ONE[:3]),
    (None, ["cla"], list(ONE)),
]


def given(run: Run) -> None:
    mark = Mark("test", "given", "", "")
    members = [(track, "acousticbrainz", genre, "v1", 1.0) for track, (genre, _) in TRAINED.items()]
    vectors = [
        (track, "acousticbrainz", "ab11", track, [genre], None, True, features, None)
        for track, (genre, features) in TRAINED.items()
    ]
    run.store.replace(GENRE_MEMBERSHIPS, run.rows(GENRE_MEMBERSHIPS, members), mark)
    run.store.replace(TRACK_VECTORS, run.rows(TRACK_VECTORS, vectors), mark)


def do(root: Path, *steps: Any, settings: tuple[str, ...] = ()) -> int:
    def all_steps(run: Run) -> None:
        for step in steps:
            step(run)

    given_settings = (f"storage.root={root}", "vectors.feature_set=ab11", *settings)
    return main("assign", all_steps, lambda _: [], [word for one in given_settings for word in ("--set", one)])


def written(path: Path, rows: list[Any]) -> str:
    columns = {
        "track_id": pa.array([track for track, _, _ in rows], pa.string()),
        "genres": pa.array([genres for _, genres, _ in rows], pa.list_(pa.string())),
        "features": pa.array([features for _, _, features in rows], pa.list_(pa.float64())),
    }
    path.mkdir()
    pq.write_table(pa.table(columns), path / "part.parquet")
    return f"assign.vectors={path}"


def rows(root: Path, table: str) -> list[dict[str, Any]]:
    return DeltaTable(f"{root}/{table}").to_pyarrow_table().to_pylist()


@pytest.fixture(scope="module")
def ran(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, list[dict[str, Any]]]:
    """(root, setting that names the new tracks, rows of gold/track_clusters before them)."""
    folder = tmp_path_factory.mktemp("assign")
    assert do(folder / "tables", given, clusters, assign) == 0
    before = rows(folder / "tables", "gold/track_clusters")
    new = written(folder / "mine", NEW)
    assert do(folder / "tables", assign, settings=(new,)) == 0
    return folder / "tables", new, before


def test_training_rows_find_their_cluster_again_and_the_published_stay(ran: Any) -> None:
    found = rows(ran[0], "gold/track_clusters")
    what = ("track_id", "genre", "model_version", "cluster", "distance")
    before = {tuple(row[name] for name in what) for row in ran[2]}

    assert len(before) == len(TRAINED)
    assert [r for r in found if r["source"] == "acousticbrainz"] == ran[2]
    again = [
        tuple(row[name] for name in what) for row in found if row["source"] == "new" and row["track_id"] in TRAINED
    ]
    assert sorted(again) == sorted(before)


def test_new_tracks_stand_once_in_each_genre_that_has_a_model(ran: Any) -> None:
    found = {
        (row["track_id"], row["genre"]): row["cluster"]
        for row in rows(ran[0], "gold/track_clusters")
        if row["source"] == "new" and row["track_id"] not in TRAINED
    }
    assert set(found) == {("both", "cla"), ("both", "roc"), ("half", "cla")}
    assert found["both", "cla"] == found["half", "cla"]


def test_what_was_refused_has_its_rule_and_the_ledger_closes(ran: Any) -> None:
    rejects = rows(ran[0], "silver/rejects")
    assert {(row["member"], row["rule"], row["detail"]) for row in rejects} == {
        (None, "track_id_missing", "the track_id is null or empty"),
        ("silent", "feature_missing", "features are null"),
        ("hole", "feature_missing", "10 values, expected 11"),
        ("nan", "feature_missing", "10 values, expected 11"),
        ("endless", "feature_missing", "10 values, expected 11"),
        ("short", "feature_missing", "3 values, expected 11"),
        ("lost", "genre_without_model", "genres [polka], no model of them nor of other"),
        ("nowhere", "genre_without_model", "genres [], no model of them nor of other"),
    }
    assert {(row["source"], row["archive"], row["profile"]) for row in rejects} == {("new", "mine", "assign")}
    assert sorted(row["member_pos"] for row in rejects) == list(range(8))
    ledger = {r["counter"]: r["value"] for r in rows(ran[0], "operations/ledger") if r["source"] == "assign.vectors"}
    assert ledger == {
        "input": 80, "tracks": 72, "track_id_missing": 1, "feature_set_other": 0, "feature_missing": 5,
        "genre_without_model": 2, "assigned": 73, "genres_without_model": 1,
    }  # fmt: skip


def test_nothing_is_done_twice_and_neither_kind_undoes_the_other(ran: Any) -> None:
    before = rows(ran[0], "gold/track_clusters")
    assert do(ran[0], assign) == 0
    assert do(ran[0], assign, settings=(ran[1],)) == 0
    assert rows(ran[0], "gold/track_clusters") == before
    last = [row for row in rows(ran[0], "operations/runs") if row["status"] == "skipped"]
    assert sorted(row["stage"] for row in last) == ["assign", "assign.vectors"]


def test_a_track_in_two_rows_and_a_table_without_use_are_refused(
    ran: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = rows(ran[0], "gold/track_clusters")
    twice = written(tmp_path / "twice", [("a", ["cla"], ONE), ("a", ["roc"], ONE)])
    assert do(ran[0], assign, settings=(twice, "assign.source=other")) == 1
    assert "track a stands in 2 rows of" in capsys.readouterr().err
    useless = written(tmp_path / "useless", [("a", ["polka"], ONE)])
    assert do(ran[0], assign, settings=(useless, "assign.source=other")) == 1
    assert "none of the 1 rows of" in capsys.readouterr().err
    assert rows(ran[0], "gold/track_clusters") == before


def test_the_source_of_new_tracks_is_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("assign", assign, lambda _: [], ["--set", "assign.source=acousticbrainz"]) == 2
    assert "other than the sources acousticbrainz" in capsys.readouterr().err


def test_a_track_without_a_model_of_its_genres_goes_to_other(spark: Any) -> None:
    given_rows = spark.createDataFrame(
        [("a", "polka", "ab11"), ("b", None, "ab11"), ("c", "cla", "ab11"), ("d", "cla", "ab16"), ("e", "cla", None)],
        "track_id string, genre string, feature_set string",
    ).selectExpr("*", "array_repeat(0.5f, 11) as features")
    judged = judged_tracks(given_rows, AB11, {"cla": 0, "other": 0}).orderBy("track_id").collect()

    assert [(row["genres"], row["without_model"], row["rule"], row["detail"]) for row in judged] == [
        (["other"], 1, None, None), (["other"], 0, None, None), (["cla"], 0, None, None),
        (["cla"], 0, "feature_set_other", "feature set ab16, expected ab11"),
        (["cla"], 0, "feature_set_other", "feature set null, expected ab11"),
    ]  # fmt: skip
