"""Artists, albums and bridges of the reference run: counted again from its recordings, without Spark."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

Votes = dict[str, Counter[str]]


def named(held: Counter[str], votes: Votes) -> dict[str, tuple[str | None, int, int]]:
    """id -> (name, names beyond the first, recordings)."""
    found = {}
    for key, recordings in held.items():
        names = sorted(votes[key].items(), key=lambda vote: (-vote[1], vote[0]))
        found[key] = (names[0][0] if names else None, max(len(names) - 1, 0), recordings)
    return found


def test_dimensions_and_bridges_are_those_of_the_recordings(reference: Path, rows: Any, sample: Any) -> None:
    held: dict[str, Counter[str]] = {"artist": Counter(), "album": Counter()}
    votes: dict[str, Votes] = {"artist": defaultdict(Counter), "album": defaultdict(Counter)}
    artists, albums, both = set(), set(), set()
    for recording in rows(reference, "silver/recordings"):
        pairs = {(pair["artist_id"], pair["artist_name"]) for pair in recording["artists"] or ()}
        assert (recording["artist_status"] == "resolved") == bool(pairs)
        ids, album = {artist for artist, _ in pairs}, recording["album_id"]
        held["artist"].update(ids)
        for artist, name in pairs:
            votes["artist"][artist][name] += 1
        artists |= {(recording["mbid"], artist) for artist in ids}
        if album is not None:
            held["album"][album] += 1
            votes["album"][album].update([recording["album_name"]] if recording["album_name"] is not None else [])
            albums.add((recording["mbid"], album))
            both |= {(album, artist) for artist in ids}

    for kind in ("artist", "album"):
        found = [tuple(row.values()) for row in rows(reference, f"silver/{kind}s")]
        assert {row[0]: row[1:] for row in found} == named(held[kind], votes[kind])
        assert len(found) == len(held[kind]) > 0
    for table, expected in (("recording_artists", artists), ("recording_albums", albums), ("album_artists", both)):
        found = [tuple(row.values()) for row in rows(reference, f"silver/{table}")]
        assert sorted(found) == sorted(expected)
    assert {"recording_artists": len(artists), "recording_albums": len(albums)} == sample[1]["bridges"]


def test_an_artist_with_two_spellings_has_the_usual_one(reference: Path, rows: Any) -> None:
    assert any(row["alias_count"] for row in rows(reference, "silver/artists"))


def test_gold_tracks_follow_the_memberships(reference: Path, rows: Any) -> None:
    genres = defaultdict(list)
    for row in rows(reference, "silver/genre_memberships"):
        genres[row["track_id"]].append(row["genre"])
    tracks = [row for row in rows(reference, "gold/tracks") if row["source"] == "acousticbrainz"]
    assert {row["track_id"]: row["genres"] for row in tracks} == {key: sorted(found) for key, found in genres.items()}
    counted = {
        row["counter"]: row["value"] for row in rows(reference, "operations/ledger") if row["source"] == "tracks"
    }
    assert (counted["tracks"], counted["memberships"]) == (len(tracks), sum(map(len, genres.values())))
