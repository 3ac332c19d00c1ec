"""Generated playlists through `ingest_mpd`, judged by the truth that was planted in them."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from soundalike.contracts.mpd import RULES
from soundalike.reader import Reader

pytestmark = pytest.mark.spark


def test_statistics_and_top_lists(reference: Path, rows: Any, playlists: Any) -> None:
    truth = playlists[1]
    assert {r["statistic"]: r["value"] for r in rows(reference, "operations/mpd_stats")} == truth["statistics"]
    histograms: dict[str, list[Any]] = {}
    for row in sorted(rows(reference, "operations/mpd_histograms"), key=lambda r: r["rank"]):
        histograms.setdefault(row["statistic"], []).append([row["label"], row["count"]])
    assert histograms["top_tracks"] == truth["top_tracks"]
    assert histograms["top_artists"] == truth["top_artists"]
    assert histograms["lengths"] == sorted(map(list, truth["lengths"].items()), key=lambda p: (-p[1], int(p[0])))
    assert sum(count for _, count in histograms["followers"]) == truth["statistics"]["playlists"]


def test_integrity_and_ledger(reference: Path, rows: Any, playlists: Any) -> None:
    truth = playlists[1]
    found = rows(reference, "operations/mpd_integrity")
    assert {r["rule"] for r in found} == set(RULES)
    fired = {" ".join(filter(None, (r["rule"], r["field"]))): r["count"] for r in found if r["count"]}
    assert fired == truth["integrity"]
    assert [r["rule"] for r in found if r["count"] is None] == ["pid_gap"]
    ledger = {r["counter"]: r["value"] for r in rows(reference, "operations/ledger") if r["source"] == "mpd"}
    assert {name: ledger[name] for name in truth["ledger"]} == truth["ledger"]
    assert (ledger["slices_input"], ledger["slices_kept"], ledger["skipped_file"]) == (3, 3, 1)
    assert {rule: ledger[rule] for rule in RULES if ledger.get(rule)} == {
        k.split()[0]: v for k, v in truth["integrity"].items()
    }
    rejects = [r for r in rows(reference, "silver/rejects") if r["source"] == "mpd"]
    assert sorted((r["rule"], r["archive"], r["member"], r["pid"], r["pos"], r["detail"]) for r in rejects) == [
        ("entry_field_missing", "mpd", "mpd.slice.0-99.json", 54, 0, "album_name"),
        ("pid_duplicate", "mpd", "mpd.slice.0-99.json", 0, None, None),
        ("playlist_field_missing", "mpd", "mpd.slice.0-99.json", 45, None, "modified_at"),
        ("track_uri_bad", "mpd", "mpd.slice.0-99.json", 18, 1, "spotify:local:::Home:12"),
    ]


def test_dimensions_cover_exactly_the_keys_of_the_entries(reference: Path, rows: Any) -> None:
    entries = rows(reference, "silver/mpd_entries")
    for kind in ("track", "artist", "album"):
        used = Counter(e[f"{kind}_id"] for e in entries if e[f"{kind}_id"] is not None)
        found = rows(reference, f"silver/mpd_{kind}s")
        assert {r[f"{kind}_id"]: r["n_entries"] for r in found} == used
    pids = {r["track_id"]: set() for r in rows(reference, "silver/mpd_tracks")}
    for entry in entries:
        pids[entry["track_id"]].add(entry["pid"])
    assert {r["track_id"]: r["n_playlists"] for r in rows(reference, "silver/mpd_tracks")} == {
        track: len(found) for track, found in pids.items()
    }


def test_playlists_hold_claims_and_counts(reference: Path, rows: Any) -> None:
    entries: dict[int, list[Any]] = {}
    for entry in rows(reference, "silver/mpd_entries"):
        entries.setdefault(entry["pid"], []).append(entry)
    for row in rows(reference, "silver/mpd_playlists"):
        own = entries[row["pid"]]
        assert (row["n_entries"], row["n_tracks"]) == (len(own), len({e["track_id"] for e in own}))
        assert row["n_albums"] == len({e["album_id"] for e in own} - {None})
        assert row["duration_sum_ms"] == sum(e["duration_ms"] or 0 for e in own)
        assert row["modified_day"].toordinal() - 719_163 == row["modified_at"] // 86_400
    by_text = {r["description"]: r["description_text"] for r in rows(reference, "silver/mpd_playlists")}
    assert by_text == {None: None, "": "", "for the road": "for the road", "&amp;lt;3": "&lt;3",
                       "Rock &amp; Roll isn&#x27;t dead": "Rock & Roll isn't dead"}  # fmt: skip


def test_tracks_of_playlists_stand_beside_the_recordings(reference: Path, rows: Any) -> None:
    found = {row["track_id"]: row for row in rows(reference, "gold/tracks") if row["source"] == "spotify"}
    given = rows(reference, "silver/mpd_tracks")
    assert found.keys() == {track["track_id"] for track in given}
    for track in given:
        row = found[track["track_id"]]
        seconds = None if track["duration_ms"] is None else track["duration_ms"] / 1000
        assert (row["title"], row["artist"], row["album"]) == tuple(
            track[name] for name in ("track_name", "artist_name", "album_name")
        )
        assert (row["duration_s"], row["popularity"]) == (seconds, track["n_playlists"])
        assert (row["genres"], row["recording_key"]) == ([], track["track_id"])
    one = min(found)
    assert Reader(reference).tracks([one])[one].title == found[one]["title"]
