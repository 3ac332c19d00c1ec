"""What is known of the real excerpts: every integrity count, every statistic."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from soundalike.contracts.mpd import RULES

pytestmark = pytest.mark.spark

FULL_MISMATCHES = ("num_tracks_mismatch", "num_artists_mismatch", "num_albums_mismatch", "duration_mismatch")
NOT_IN_STRIPPED = (
    "artists_few", "albums_few", "num_artists_mismatch", "num_albums_mismatch", "duration_mismatch", "modified_late",
    "modified_not_midnight", "collaborative_value", "pos_gap", "artist_uri_bad", "album_uri_bad", "entry_duration",
    "artist_names", "album_names",
)  # fmt: skip


def integrity(found: list[dict[str, Any]]) -> tuple[dict[str, int], set[str]]:
    """(what fired, by rule or rule and field; rules that are not evaluable)"""
    assert {r["rule"] for r in found} == set(RULES)
    fired = {" ".join(filter(None, (r["rule"], r["field"]))): r["count"] for r in found if r["count"]}
    return fired, {r["rule"] for r in found if r["count"] is None}


def statistics(rows: Any, root: Path) -> dict[str, float]:
    return {r["statistic"]: r["value"] for r in rows(root, "operations/mpd_stats")}


def histogram(rows: Any, root: Path, statistic: str, top: int) -> list[tuple[str, int]]:
    found = [r for r in rows(root, "operations/mpd_histograms") if r["statistic"] == statistic and r["rank"] <= top]
    return [(r["label"], r["count"]) for r in sorted(found, key=lambda r: r["rank"])]


def test_full_schema(
    spark: Any, shared: Path, ingest_playlists: Any, rows: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = shared / "data/mpd/full_schema"
    assert ingest_playlists(tmp_path, source, "mpd.full_dataset=true") == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith(
        "ingest_mpd: 9 statistics differ from those published with the full dataset: playlists 29 (published 1,000,000); "
        "entries 1,448 (published 66,346,428); unique_tracks 1,397 (published 2,262,292); "
    )
    fired, not_evaluable = integrity(rows(tmp_path, "operations/mpd_integrity"))
    assert fired == dict.fromkeys(FULL_MISMATCHES, 1) | {"slice_size": 1, "pid_gap": 999_971}
    assert not_evaluable == set()
    assert statistics(rows, tmp_path) == {
        "playlists": 29, "entries": 1448, "unique_tracks": 1397, "unique_albums": 1171, "unique_artists": 841,
        "unique_titles": 29, "unique_normalized_titles": 29, "playlists_with_description": 0,
        "mean_length": 49.93103448275862, "playlists_with_a_repeated_track": 10,
    }  # fmt: skip
    playlists = {r["pid"]: r for r in rows(tmp_path, "silver/mpd_playlists")}
    claims = {
        "num_tracks": "n_entries",
        "num_artists": "n_artists",
        "num_albums": "n_albums",
        "duration_ms": "duration_sum_ms",
    }
    assert [playlists[1][fact] - playlists[1][claim] for claim, fact in claims.items()] == [1, 1, 1, 201_960]
    assert sum(r["n_entries"] - r["n_tracks"] for r in playlists.values()) == 17
    assert (min(r["n_entries"] for r in playlists.values()), max(r["n_entries"] for r in playlists.values())) == (
        7,
        134,
    )
    assert {r["num_followers"] for r in playlists.values()} >= {1, 7}
    assert playlists[20]["modified_at"] == 1_509_494_400
    assert len({r["artist_name"] for r in rows(tmp_path, "silver/mpd_artists")}) == 840
    tracks = rows(tmp_path, "silver/mpd_tracks")
    assert (sum(r["n_playlists"] >= 2 for r in tracks), sum(r["n_playlists"] >= 5 for r in tracks)) == (33, 0)
    assert len({(r["track_name"], r["artist_name"]) for r in tracks}) == 1397


def test_stripped_fields(spark: Any, shared: Path, ingest_playlists: Any, rows: Any, tmp_path: Path) -> None:
    source = shared / "data/mpd/stripped_fields/mpd_soundscout_0-499999.zip"
    assert ingest_playlists(tmp_path, source, "mpd.profile=reduced") == 0
    fired, not_evaluable = integrity(rows(tmp_path, "operations/mpd_integrity"))
    assert fired == {
        "slice_size": 432, "slice_empty": 1, "pid_range": 3359,
        **{f"playlist_field_missing {field}": 3359 for field in ("collaborative", "modified_at", "num_albums")},
        **{f"entry_field_missing {f}": 328_949 for f in ("pos", "artist_uri", "album_uri", "album_name", "duration_ms")},
    }  # fmt: skip
    assert not_evaluable == {*NOT_IN_STRIPPED, "pid_gap"}
    assert statistics(rows, tmp_path) == {
        "playlists": 3359, "entries": 328_949, "unique_tracks": 121_286, "unique_albums": 0, "unique_artists": 0,
        "unique_titles": 2783, "unique_normalized_titles": 2303, "playlists_with_description": 328,
        "mean_length": 97.93063411729682, "playlists_with_a_repeated_track": 1236,
    }  # fmt: skip
    top = {name: histogram(rows, tmp_path, name, 3) for name in ("top_titles", "top_tracks", "top_artists")}
    counts = {name: [count for _, count in labels] for name, labels in top.items()}
    assert counts == {"top_titles": [21, 18, 15], "top_tracks": [189, 188, 172], "top_artists": [3770, 1922, 1593]}
    # The labels themselves may not stand here.
    labels = "\n".join(label for name in top for label, _ in top[name])
    assert hashlib.sha256(labels.encode()).hexdigest()[:16] == "3deb65fe4d34b1dd"
    assert histogram(rows, tmp_path, "lengths", 2) == [("20", 36), ("17", 35)]
    assert histogram(rows, tmp_path, "followers", 2) == [("10", 441), ("11", 376)]
    assert histogram(rows, tmp_path, "modified_day", 9) == []
    assert rows(tmp_path, "silver/mpd_artists") == rows(tmp_path, "silver/mpd_albums") == []
    tracks = rows(tmp_path, "silver/mpd_tracks")
    assert (sum(r["n_playlists"] >= 2 for r in tracks), sum(r["n_playlists"] >= 5 for r in tracks)) == (36_924, 12_069)
    assert len({(r["track_name"], r["artist_name"]) for r in tracks}) == 120_107
    playlists = rows(tmp_path, "silver/mpd_playlists")
    assert (min(r["n_entries"] for r in playlists), max(r["n_entries"] for r in playlists)) == (5, 250)
    assert sum(r["n_entries"] - r["n_tracks"] for r in playlists) == 4378
    assert sum(r["description"] not in (None, r["description_text"]) for r in playlists) == 87
    assert sum(r["description"] == "" for r in playlists) == 1
    assert sum(r["name"] != r["name"].strip() for r in playlists) == 218
    assert (min(r["pid"] for r in playlists), max(r["pid"] for r in playlists)) == (18, 7070)


def test_a_cut_slice_contributes_nothing(
    spark: Any, shared: Path, ingest_playlists: Any, rows: Any, tmp_path: Path
) -> None:
    assert ingest_playlists(tmp_path, shared / "data/mpd/truncated") == 0
    (reject,) = rows(tmp_path, "silver/rejects")
    assert (reject["rule"], reject["archive"], reject["member"]) == (
        "slice_unreadable",
        "truncated",
        "mpd.slice.0-999.json",
    )
    fired, not_evaluable = integrity(rows(tmp_path, "operations/mpd_integrity"))
    assert (fired, not_evaluable) == ({"slice_unreadable": 1}, {"pid_gap"})
    assert set(statistics(rows, tmp_path).values()) == {0}
    for table in ("bronze/mpd_playlists", "bronze/mpd_entries", "silver/mpd_tracks", "operations/mpd_histograms"):
        assert rows(tmp_path, table) == []
