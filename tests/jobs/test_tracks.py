"""The job `tracks` over tables of its own: playlists alone, then recordings beside them, then other settings.

Then the feature set that is not scaled, through the clusters too.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from jobs.assign import assign
from jobs.clusters import clusters
from jobs.neighbors import neighbors
from jobs.tracks import tracks

from soundalike.contracts import mpd
from soundalike.contracts.acousticbrainz import ELEVEN, MODELS, model_offsets
from soundalike.contracts.tables import RECORDINGS
from soundalike.run import Run, main
from soundalike.storage.commits import Mark

pytestmark = pytest.mark.spark

PLAYLIST_TRACKS = [
    ("0AAAAAAAAAAAAAAAAAAAAA", "HUMBLE.", "artist", "album", 177001, 9, 7, 1, "Kendrick Lamar", "DAMN."),
    ("1BBBBBBBBBBBBBBBBBBBBB", "Untimed", None, None, None, 1, 1, 1, "Somebody", None),
]
# gold/tracks without title and artist: source, album, year, decade, genres, seconds, is_trusted, popularity, key.
OF_PLAYLISTS = {
    "0AAAAAAAAAAAAAAAAAAAAA": ("spotify", "DAMN.", None, None, [], 177.001, True, 7, "0AAAAAAAAAAAAAAAAAAAAA"),
    "1BBBBBBBBBBBBBBBBBBBBB": ("spotify", None, None, None, [], None, True, 1, "1BBBBBBBBBBBBBBBBBBBBB"),
}


def recording(mbid: str, label: str, *, mirex: bool = True, **given: Any) -> tuple[Any, ...]:
    """`given` may hold probabilities of genre_rosamerica by class, as `roc=0.9`; the others are 0.02."""
    classes = {name: given.pop(name, 0.02) for name in ("cla", "dan", "hip", "jaz", "pop", "rhy", "roc", "spe")}
    probabilities: list[float | None] = [0.4] * 71
    first, moods = model_offsets()["genre_rosamerica"], model_offsets()["moods_mirex"]
    probabilities[first : first + 8] = classes.values()
    probabilities[moods : moods + 5] = [0.2] * 5 if mirex else [None] * 5
    row = {
        "mbid": mbid, "title": f"Title of {mbid}", "artist_credit": "Artist", "artist_status": "unresolved",
        "date_precision": "none", "date_status": "absent", "date_flags": [], "genre_rosamerica": label, "labels": {},
        "probabilities": probabilities, "submissions": 3, "submissions_trusted": 3, "is_trusted": True,
        "is_placeholder_title": False, **dict.fromkeys(ELEVEN, 0.1 * len(mbid)),
    }  # fmt: skip
    return tuple((row | given).get(name) for name in RECORDINGS.column_names)


def written(table: Any, rows: list[Any]) -> Any:
    return lambda run: run.store.replace(table, run.rows(table, rows), Mark("test", "given", "", ""))


def do(root: Path, *steps: Any, settings: tuple[str, ...] = ()) -> int:
    def all_steps(run: Run) -> None:
        for step in steps:
            step(run)

    argv = [word for setting in (f"storage.root={root}", *settings) for word in ("--set", setting)]
    return main("tracks", all_steps, lambda _: [], argv)


def rows(root: Path, table: str) -> list[dict[str, Any]]:
    return DeltaTable(f"{root}/{table}").to_pyarrow_table().to_pylist()


def published(root: Path) -> dict[str, tuple[Any, ...]]:
    names = ("source", "album", "release_year", "release_decade", "genres", "duration_s", "is_trusted", "popularity")
    found = rows(root, "gold/tracks")
    assert len({row["track_id"] for row in found}) == len(found)
    return {row["track_id"]: tuple(row[name] for name in (*names, "recording_key")) for row in found}


def memberships(root: Path) -> dict[tuple[str, str], float]:
    return {(row["track_id"], row["genre"]): row["weight"] for row in rows(root, "silver/genre_memberships")}


def counted(root: Path, run: int = -1) -> dict[str, int]:
    runs = [row for row in rows(root, "operations/runs") if row["stage"] == "tracks" and row["status"] == "done"]
    last = sorted(runs, key=lambda row: row["started_at"])[run]["run_id"]
    return {row["counter"]: row["value"] for row in rows(root, "operations/ledger") if row["run_id"] == last}


@pytest.fixture(scope="module")
def root(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Playlist tracks alone, handled."""
    folder = tmp_path_factory.mktemp("tracks")
    assert do(folder, written(mpd.TRACKS, PLAYLIST_TRACKS), tracks) == 0
    return folder


def test_without_any_source_the_job_says_what_to_run(
    spark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert do(tmp_path, tracks) == 1
    message = f"neither silver/recordings nor silver/mpd_tracks is below file:{tmp_path}; run the job recordings or"
    assert message in capsys.readouterr().err


def test_playlists_alone_make_tracks_and_nothing_else(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert published(root) == OF_PLAYLISTS
    titles = {row["track_id"]: (row["title"], row["artist"]) for row in rows(root, "gold/tracks")}
    assert titles["0AAAAAAAAAAAAAAAAAAAAA"] == ("HUMBLE.", "Kendrick Lamar")
    for table in ("silver/genre_memberships", "silver/track_vectors", "gold/feature_scalers"):
        assert not (root / table).exists()
    assert do(root, neighbors) == 1
    assert "table silver/track_vectors is missing" in capsys.readouterr().err


@pytest.fixture(scope="module")
def both(root: Path) -> Path:
    """The same root, recordings beside the playlist tracks."""
    recordings = [
        recording("a", "roc", roc=0.9, near_dup_group="0", release_year=1994, release_decade=1990, duration_s=200.5),
        recording("bb", "roc", roc=0.5, pop=0.3, album_name="Album"),
        recording("ccc", "pop", pop=0.7, near_dup_group="0", is_placeholder_title=True, is_trusted=False),
        recording("dddd", "spe", spe=0.6, mirex=False),
    ]
    assert do(root, written(RECORDINGS, recordings), tracks) == 0
    return root


def test_both_sources(both: Path) -> None:
    assert published(both) == OF_PLAYLISTS | {
        "a": ("acousticbrainz", None, 1994, 1990, ["roc"], 200.5, True, 3, "0"),
        "bb": ("acousticbrainz", "Album", None, None, ["roc"], None, True, 3, "bb"),
        "ccc": ("acousticbrainz", None, None, None, ["pop"], None, False, 3, "ccc"),
        # Nobody in `spe` has all features: the genre can have no model, so its track is in `other`.
        "dddd": ("acousticbrainz", None, None, None, ["other"], None, True, 3, "dddd"),
    }
    assert memberships(both) == {("a", "roc"): 0.9, ("bb", "roc"): 0.5, ("ccc", "pop"): 0.7, ("dddd", "other"): 0.0}
    assert {row["map_version"] for row in rows(both, "silver/genre_memberships")} == {"rosamerica-label-1"}
    assert counted(both) == {
        "tracks": 4, "tracks_with_genre": 3, "memberships": 4, "genres_dropped": 1, "memberships_dropped": 1,
    }  # fmt: skip


def test_again_does_nothing(both: Path) -> None:
    version = DeltaTable(f"{both}/gold/tracks").version()
    assert do(both, tracks) == 0
    assert DeltaTable(f"{both}/gold/tracks").version() == version


def test_thresholds_and_small_groups_change_memberships_but_no_block(both: Path) -> None:
    other_settings = ("genres.mode=threshold", "genres.threshold=0.3", "genres.min_group.acousticbrainz=3")
    assert do(both, tracks, settings=other_settings) == 0
    # roc: a, bb; pop: bb, ccc; two each, below three.
    assert memberships(both) == {(track, "other"): 0.0 for track in ("a", "bb", "ccc", "dddd")}
    assert [row[4] for row in published(both).values() if row[0] == "acousticbrainz"] == [["other"]] * 4
    blocks = {row["track_id"]: row["genres"] for row in rows(both, "silver/track_vectors")}
    assert blocks == {"a": ["roc"], "bb": ["pop", "roc"], "ccc": ["pop"], "dddd": ["spe"]}
    assert counted(both) == {
        "tracks": 4, "tracks_with_genre": 0, "memberships": 4, "genres_dropped": 3, "memberships_dropped": 5,
    }  # fmt: skip

    assert do(both, tracks, settings=(*other_settings[:2], "genres.min_group.acousticbrainz=2")) == 0
    assert memberships(both) == {
        ("a", "roc"): 0.9, ("bb", "pop"): 0.3, ("bb", "roc"): 0.5, ("ccc", "pop"): 0.7, ("dddd", "other"): 0.0,
    }  # fmt: skip
    assert {row["map_version"] for row in rows(both, "silver/genre_memberships")} == {"rosamerica-threshold-1,t=0.3"}
    assert {track: row for track, row in published(both).items() if row[0] == "spotify"} == OF_PLAYLISTS


# Probabilities of ab71 whose models do not sum to 1, as the medians of many submissions need not.
PLAIN = [0.01 * (1 + place % 7) for place in range(71)]
# Both classes of danceability are 0: it says nothing.
SILENT = [0.0, 0.0, *PLAIN[2:]]


def expected_vector(probabilities: list[float], models: Iterable[str]) -> list[float]:
    """Of those models, in the order of the 71: each divided by its sum, all together of length 1."""
    shares: list[float] = []
    for model in models:
        first = model_offsets()[model]
        of_model = probabilities[first : first + len(MODELS[model])]
        shares += [value / sum(of_model) for value in of_model]
    return [value / math.hypot(*shares) for value in shares]


AB71 = ("vectors.feature_set=ab71", "vectors.allow_genre_features=true")


@pytest.fixture(scope="module")
def unscaled(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Feature set ab71 beside ab16."""
    folder = tmp_path_factory.mktemp("unscaled")
    recordings = [
        recording("a", "roc", probabilities=PLAIN),
        recording("bb", "roc", probabilities=PLAIN[::-1]),
        recording("ccc", "pop", mirex=False),
        recording("dddd", "pop", probabilities=SILENT, is_trusted=False),
    ]
    assert do(folder, written(RECORDINGS, recordings), tracks) == 0
    assert do(folder, tracks, clusters, assign, settings=AB71) == 0
    return folder


def vectors_of(root: Path, feature_set: str) -> dict[str, tuple[list[float], list[float]]]:
    found = [row for row in rows(root, "silver/track_vectors") if row["feature_set"] == feature_set]
    return {row["track_id"]: (row["features"], row["vector"]) for row in found}


def test_shares_of_models_are_vectors(unscaled: Path) -> None:
    found = vectors_of(unscaled, "ab71")
    assert sorted(found) == sorted(vectors_of(unscaled, "ab16")) == ["a", "bb", "ccc", "dddd"]
    assert found["a"][0] == PLAIN
    assert found["a"][1] == pytest.approx(expected_vector(PLAIN, MODELS), abs=1e-7)
    assert found["bb"][1] == pytest.approx(expected_vector(PLAIN[::-1], MODELS), abs=1e-7)
    assert found["ccc"] == (None, None)
    assert found["dddd"] == (SILENT, None)


def test_clusters_of_a_set_that_is_not_scaled_lie_in_its_features(unscaled: Path) -> None:
    scalers = {row["genre"]: row for row in rows(unscaled, "gold/feature_scalers") if row["feature_set"] == "ab71"}
    names = [f"{model}.{name}" for model in MODELS for name in MODELS[model]]
    assert {genre: row["n"] for genre, row in scalers.items()} == {"*": 2, "pop": 1, "roc": 2}
    for row in scalers.values():
        assert (row["columns"], row["mean"], row["sd"]) == (names, [0.0] * 71, [1.0] * 71)
    models = {row["genre"]: row["centers"] for row in rows(unscaled, "gold/genre_clusters")}
    features = {track: given for track, (given, _) in vectors_of(unscaled, "ab71").items()}
    assert sorted(models["roc"]) == sorted([features["a"], features["bb"]])
    assert models["pop"] == [features["dddd"]]
    nearest = {row["track_id"]: (row["genre"], row["distance"]) for row in rows(unscaled, "gold/track_clusters")}
    assert nearest == {"a": ("roc", 0.0), "bb": ("roc", 0.0), "dddd": ("pop", 0.0)}


def test_without_a_trusted_row_there_is_nothing_to_scale_by_but_a_vector(spark: Any, tmp_path: Path) -> None:
    untrusted = written(RECORDINGS, [recording("a", "roc", is_trusted=False)])
    assert do(tmp_path, untrusted, tracks, settings=AB71) == 0
    assert [row["n"] for row in rows(tmp_path, "gold/feature_scalers")] == [0]
    assert len(vectors_of(tmp_path, "ab71")["a"][1]) == 71
    assert do(tmp_path, tracks, settings=("vectors.feature_set=ab16",)) == 0
    assert vectors_of(tmp_path, "ab16")["a"][1] is None
