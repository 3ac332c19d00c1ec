"""One synthetic slice per integrity rule: it moves that counter by one and no other; a broken slice leaves its neighbors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jobs.pipeline import pipeline, required_inputs

from soundalike.contracts.mpd import RULES
from soundalike.run import main
from soundalike.samples.playlists import entry, playlist, slice_bytes, slice_name, uri

pytestmark = pytest.mark.spark

TRACKS = [0, 12, 24, 36, 48]
Edit = Callable[[dict[str, Any]], None]


def with_tracks(*tracks: int) -> Edit:
    """The playlist made anew of these tracks: its claims stay true."""
    return lambda p: p.update({k: v for k, v in playlist(p["pid"], list(tracks)).items() if k not in ("pid", "name")})


def setting(**fields: Any) -> Edit:
    return lambda p: p.update(fields)


def claims(p: dict[str, Any]) -> None:
    """Claims that are true of the entries as they are."""
    entries = p["tracks"]
    p |= {"num_tracks": len(entries), "duration_ms": sum(e["duration_ms"] for e in entries)}
    p |= {f"num_{kind}s": len({e[f"{kind}_uri"] for e in entries}) for kind in ("artist", "album")}


def edited(pos: int, /, **fields: Any) -> Edit:
    def edit(p: dict[str, Any]) -> None:
        p["tracks"][pos].update(fields)
        claims(p)

    return edit


def added(track: int, **fields: Any) -> Edit:
    def edit(p: dict[str, Any]) -> None:
        p["tracks"].append(entry(5, track) | fields)
        claims(p)

    return edit


# What is done to the second of the two sound playlists of a slice.
EDITS: dict[str, Edit] = {
    "playlist_unkeyed": setting(tracks="none"),
    "pid_duplicate": lambda p: p.update(pid=p["pid"] - 1),
    "pid_range": lambda p: p.update(pid=p["pid"] + 500_000),
    "playlist_field_missing": lambda p: p.pop("num_edits"),
    "playlist_field_extra": setting(mood="blue"),
    "name_blank": setting(name="\u2003 \t"),
    "tracks_few": with_tracks(0, 12, 24, 36),
    "tracks_many": with_tracks(*range(251)),
    "artists_few": with_tracks(0, 4, 8, 12, 16),
    # Three artists on one album: a compilation.
    "albums_few": lambda p: [edited(pos, album_uri=uri("album", 0), album_name=entry(0, 0)["album_name"])(p) for pos in range(5)],
    "num_tracks_mismatch": setting(num_tracks=6),
    "num_artists_mismatch": setting(num_artists=4),
    "num_albums_mismatch": setting(num_albums=4),
    "duration_mismatch": lambda p: p.update(duration_ms=p["duration_ms"] + 1),
    "followers_low": setting(num_followers=0),
    "edits_low": setting(num_edits=0),
    "modified_late": setting(modified_at=1_509_494_400 + 86_400),
    "modified_not_midnight": setting(modified_at=1_509_494_399),
    "collaborative_value": setting(collaborative="True"),
    "entry_field_missing": lambda p: p["tracks"][0].pop("artist_name"),
    "entry_field_extra": edited(2, mood="blue"),
    "pos_gap": edited(4, pos=5),
    "track_uri_bad": edited(1, track_uri="spotify:local:::Home:12"),
    "artist_uri_bad": edited(1, artist_uri=uri("artist", 1) + "\n"),
    "album_uri_bad": edited(1, album_uri=uri("track", 3)),
    "entry_duration": edited(1, duration_ms=-5),
    # A track of its own: a second name of a known one would be another rule.
    "entry_name_blank": edited(1, track_uri=uri("track", 9_999), track_name="\u00a0"),
    "track_names": added(0, track_name="another"),
    "artist_names": added(12, artist_name="another"),
    "album_names": added(24, album_name="another"),
}  # fmt: skip


def written(folder: Path) -> dict[str, int]:
    """A slice of two playlists per rule, in the order of the rules; rule -> first pid of its slice."""
    firsts = {rule: 10 * number for number, rule in enumerate(RULES)}
    for rule, first in firsts.items():
        last = first + 1
        made = [playlist(pid, TRACKS) for pid in (first, last)]
        info: dict[str, Any] = {}
        if rule in EDITS:
            EDITS[rule](made[1])
        elif rule == "slice_range":
            info = {"slice": "0-999"}
        elif rule == "slice_info_keys":
            info = {"license": "none"}
        elif rule == "slice_size":
            last += 1
        elif rule == "slice_empty":
            last, made = first - 1, []
        content = slice_bytes(first, last, made, **info)
        (folder / slice_name(first, last)).write_bytes(content[:-900] if rule == "slice_unreadable" else content)
    return firsts


def test_each_slice_moves_its_counter_and_no_other(
    spark: Any, rows: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    firsts = written(tmp_path / "data")
    root = tmp_path / "tables"
    argv = ["--set", f"storage.root={root}", "--set", f"sources.mpd.uri={tmp_path}/data"]
    assert main("pipeline", pipeline, required_inputs, argv) == 0
    counts: dict[str, int | None] = {}
    for row in rows(root, "operations/mpd_integrity"):
        counts[row["rule"]] = None if row["count"] is None else (counts.get(row["rule"]) or 0) + row["count"]
    assert counts == dict.fromkeys(RULES, 1) | {"pid_gap": None}
    fields = {(r["rule"], r["field"]) for r in rows(root, "operations/mpd_integrity") if r["field"] and r["count"]}
    assert fields == {
        ("playlist_field_missing", "num_edits"), ("playlist_field_extra", "mood"),
        ("entry_field_missing", "artist_name"), ("entry_field_extra", "mood"),
    }  # fmt: skip

    # Refused is only what cannot be read or keyed, each with its place; all else is there, complete.
    rejects = {(r["rule"], int(r["member"].split(".")[2].split("-")[0])): r for r in rows(root, "silver/rejects")}
    refused = (
        "slice_unreadable",
        "playlist_unkeyed",
        "pid_duplicate",
        "playlist_field_missing",
        "entry_field_missing",
        "track_uri_bad",
    )
    assert set(rejects) == {(rule, firsts[rule]) for rule in refused}
    published = {r["pid"]: r for r in rows(root, "silver/mpd_playlists")}
    gone = {firsts["slice_unreadable"], firsts["slice_empty"]}
    assert {first for first in firsts.values() if first not in published} == gone
    seconds = {r["slice_first"] for r in published.values() if r["slice_index"] == 1}
    lost = ("playlist_unkeyed", "pid_duplicate", "playlist_field_missing")
    assert seconds == set(firsts.values()) - gone - {firsts[rule] for rule in lost}
    assert all(r["n_entries"] == 5 for r in published.values() if r["slice_index"] == 0)

    second = {rule: published.get(first + 1, {}) for rule, first in firsts.items()}
    assert (second["entry_field_missing"]["n_entries"], second["track_uri_bad"]["n_entries"]) == (4, 4)
    assert (second["artist_uri_bad"]["n_artists"], second["album_uri_bad"]["n_albums"]) == (4, 4)
    assert second["collaborative_value"]["collaborative"] is None
    assert second["entry_duration"]["duration_sum_ms"] == second["entry_duration"]["duration_ms"] + 5
    said = capsys.readouterr().err.splitlines()
    # The pipeline has no documents here: it ends with the tracks of the playlists.
    assert {r["source"] for r in rows(root, "gold/tracks")} == {"spotify"} and not (
        root / "gold/track_neighbors"
    ).exists()
    assert any("playlists have no vectors, so there are no neighbors to search" in line for line in said)
    warned = [line for line in said if line.startswith("warning: ")]
    assert len(warned) == 1 and warned[0].startswith("warning: mpd.slice.0-1.json: slice_unreadable: ")
