"""Slices of invented playlists in the layout of the Million Playlist Dataset, and the exact truth about them.

Every playlist is sound by construction; what breaks a rule is planted, and moves the counters that its plant names.
"""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from soundalike.samples import words

Json = dict[str, Any]
Plant = Callable[[Json], dict[str, int]]

PER_SLICE = 1_000
_DAY = 86_400
_LATEST_DAY = 17_471  # 2017-11-01
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NORMALIZED = {
    "Chill": "chill", "chill :)": "chill", "Road Trip": "road trip", "Rock": "rock", "ROCK ": "rock",
    "worship": "worship", "Party_Mix": "party mix", "party mix": "party mix", "90's": "90's", "Été": "été", "夏": "夏",
    ":)": "", " \u00a0": "",
}  # fmt: skip
_TITLES = tuple(_NORMALIZED)[:-1]  # the last one is planted
_DESCRIPTIONS = ("for the road", "", "Rock &amp; Roll isn&#x27;t dead", "&amp;lt;3")


def uri(kind: str, number: int) -> str:
    """`spotify:<kind>:` and 22 base-62 characters; the same kind and number give the same URI."""
    bits = int.from_bytes(hashlib.blake2b(f"{kind}/{number}".encode(), digest_size=16).digest(), "big")
    return f"spotify:{kind}:" + "".join(_BASE62[bits // 62**place % 62] for place in range(22))


def entry(pos: int, track: int) -> Json:
    """The entry of track `track`: four tracks to an album, three albums to an artist."""
    album, artist = track // 4, track // 12
    return {
        "pos": pos, "artist_name": words.artist_name(artist), "track_uri": uri("track", track),
        "artist_uri": uri("artist", artist), "track_name": words.title(track), "album_uri": uri("album", album),
        "duration_ms": 60_000 + track * 7_919 % 400_000, "album_name": words.title(1_000_000 + album),
    }  # fmt: skip


def playlist(pid: int, tracks: list[int], name: str = "Chill", /, **fields: Any) -> Json:
    """A sound playlist of these tracks; its claims are true. `fields` replace or add fields."""
    entries = [entry(pos, track) for pos, track in enumerate(tracks)]
    claims = {
        "num_tracks": len(entries), "num_albums": len({e["album_uri"] for e in entries}),
        "num_artists": len({e["artist_uri"] for e in entries}), "duration_ms": sum(e["duration_ms"] for e in entries),
    }  # fmt: skip
    return {
        "name": name, "collaborative": "false", "pid": pid, "modified_at": _LATEST_DAY * _DAY, "num_followers": 1,
        "num_edits": 2, **claims, "tracks": entries, **fields,
    }  # fmt: skip


def slice_name(first: int, last: int) -> str:
    return f"mpd.slice.{first}-{last}.json"


def slice_bytes(first: int, last: int, playlists: list[Json], **info: Any) -> bytes:
    """One slice as the dataset has it: indented by 4, pure ASCII."""
    head = {"generated_on": "2017-12-03 08:41:42.057563", "slice": f"{first}-{last}", "version": "v1"} | info
    return json.dumps({"info": head, "playlists": playlists}, indent=4).encode("ascii")


# --- plants ----------------------------------------------------------------------------------------------------------


def _claims(change: Json) -> Json:
    change["num_tracks"] += 1
    return {"num_tracks_mismatch": 1}


def _local_track(change: Json) -> Json:
    change["tracks"][1]["track_uri"] = "spotify:local:::Home:12"
    return {"track_uri_bad": 1}


def _no_album_id(change: Json) -> Json:
    change["tracks"][-1]["album_uri"] += "!"
    change["num_albums"] = len({e["album_uri"] for e in change["tracks"]})
    return {"album_uri_bad": 1}


def _no_length(change: Json) -> Json:
    change["duration_ms"] -= change["tracks"][2]["duration_ms"]
    change["tracks"][2]["duration_ms"] = 0
    return {"entry_duration": 1}


def _field_missing(change: Json) -> Json:
    del change["modified_at"]
    return {"playlist_field_missing modified_at": 1}


def _entry_field_missing(change: Json) -> Json:
    del change["tracks"][0]["album_name"]
    return {"entry_field_missing album_name": 1}


def _duplicate(change: Json) -> Json:
    change["pid"] = 0
    return {"pid_duplicate": 1}


def _collaborative(change: Json) -> Json:
    change["collaborative"] = "maybe"
    return {"collaborative_value": 1}


def _blank_name(change: Json) -> Json:
    change["name"] = " \u00a0"
    return {"name_blank": 1}


def _noon(change: Json) -> Json:
    change["modified_at"] -= _DAY // 2
    return {"modified_not_midnight": 1}


PLANTS: tuple[Plant, ...] = (
    _claims, _local_track, _no_album_id, _no_length, _field_missing, _entry_field_missing, _duplicate, _collaborative,
    _blank_name, _noon,
)  # fmt: skip


# --- a dataset -------------------------------------------------------------------------------------------------------


def make_playlists(out: Path, playlists: int, seed: int = 7, per_slice: int = PER_SLICE) -> Json:
    """Write `playlists` playlists as slices and `md5sums` below `out / "mpd"`; the truth about them.

    Equal arguments give equal bytes. Slices of an earlier sample in that folder are removed. From 100 playlists on
    every plant is there once.
    """
    folder = out / "mpd" / "data"
    folder.mkdir(parents=True, exist_ok=True)
    for stale in sorted(folder.glob("mpd.slice.*.json")):
        stale.unlink()
    truth, sums = _Truth(), []
    for first in range(0, playlists, per_slice):
        last = min(first + per_slice, playlists) - 1
        made = [_drawn(seed, pid, playlists) for pid in range(first, last + 1)]
        for change in made:
            plant = _plant_of(change["pid"], playlists)
            truth.add(change, plant(change) if plant else {})
        content = slice_bytes(first, last, made)
        (folder / slice_name(first, last)).write_bytes(content)
        sums.append(f"{hashlib.md5(content, usedforsecurity=False).hexdigest()}  data/{slice_name(first, last)}\n")
    (folder.parent / "md5sums").write_text("".join(sums), encoding="ascii", newline="\n")
    return truth.as_json()


def _drawn(seed: int, pid: int, playlists: int) -> Json:
    """A sound playlist: five tracks of five artists, then tracks by popularity; now and then one comes again."""
    draw = random.Random(f"{seed}/playlist/{pid}")
    catalogue = max(600, 3 * playlists)
    tracks = [artist * 12 + draw.randrange(12) for artist in draw.sample(range(50), 5)]
    tracks += [int(catalogue * draw.random() ** 3) for _ in range(draw.randrange(60))]
    if draw.random() < 0.1:
        tracks.append(tracks[0])
    fields: Json = {"modified_at": (_LATEST_DAY - int(400 * draw.random() ** 2)) * _DAY}
    fields |= {"num_followers": 1 + int(5 * draw.random() ** 4), "num_edits": 1 + int(40 * draw.random() ** 2)}
    fields["collaborative"] = "true" if draw.random() < 0.05 else "false"
    if draw.random() < 0.1:
        fields["description"] = draw.choice(_DESCRIPTIONS)
    return playlist(pid, tracks, draw.choice(_TITLES), **fields)


def _plant_of(pid: int, playlists: int) -> Plant | None:
    """Plants stand in playlists 9, 18, 27, …"""
    number = pid // 9 - 1
    return PLANTS[number] if playlists >= 100 and pid % 9 == 0 and 0 <= number < len(PLANTS) else None


_REFUSED = ("pid_duplicate", "playlist_field_missing modified_at")
_ENTRY_REFUSED = ("track_uri_bad", "entry_field_missing album_name")


class _Truth:
    """Counts over what must be published, added up from the plan."""

    def __init__(self) -> None:
        self.integrity: Counter[str] = Counter()
        self.ledger: Counter[str] = Counter()
        self.counts: dict[str, Counter[str]] = {
            name: Counter()
            for name in ("tracks", "albums", "artists", "titles", "artist_names", "name_by_artist", "lengths")
        }
        self.described = self.repeated = 0

    def add(self, made: Json, moved: dict[str, int]) -> None:
        """One playlist, and the counters that its plant moves; a plant that refuses an entry refuses one."""
        self.integrity.update(moved)
        self.ledger.update(playlists_input=1, entries_input=len(made["tracks"]))
        if moved.keys() & set(_REFUSED):
            self.ledger.update(playlists_rejected=1, entries_of_rejected_playlists=len(made["tracks"]))
            return
        refused = [at for rule, at in zip(_ENTRY_REFUSED, (1, 0), strict=True) if rule in moved]
        entries = [e for at, e in enumerate(made["tracks"]) if at not in refused]
        self.ledger.update(playlists_kept=1, entries_kept=len(entries), entries_rejected=len(refused))
        counts = self.counts
        counts["titles"][made["name"]] += 1
        counts["lengths"][str(made["num_tracks"])] += 1
        counts["tracks"].update(e["track_uri"] for e in entries)
        counts["artists"].update(e["artist_uri"] for e in entries)
        counts["albums"].update(e["album_uri"] for e in entries if not e["album_uri"].endswith("!"))
        counts["artist_names"].update(e["artist_name"] for e in entries)
        counts["name_by_artist"].update(f"{e['track_name']} by {e['artist_name']}" for e in entries)
        self.described += "description" in made
        self.repeated += len({e["track_uri"] for e in entries}) < len(entries)

    def as_json(self) -> Json:
        counts, playlists = self.counts, self.ledger["playlists_kept"]
        return {
            "ledger": dict(sorted(self.ledger.items())),
            "integrity": dict(sorted(self.integrity.items())),
            "statistics": {
                "playlists": playlists, "entries": self.ledger["entries_kept"],
                "unique_tracks": len(counts["tracks"]), "unique_albums": len(counts["albums"]),
                "unique_artists": len(counts["artists"]), "unique_titles": len(counts["titles"]),
                "unique_normalized_titles": len({_NORMALIZED[title] for title in counts["titles"]}),
                "playlists_with_description": self.described,
                "mean_length": self.ledger["entries_kept"] / playlists if playlists else 0,
                "playlists_with_a_repeated_track": self.repeated,
            },
            "top_tracks": _most(counts["name_by_artist"]),
            "top_artists": _most(counts["artist_names"]),
            "lengths": dict(sorted(counts["lengths"].items(), key=lambda pair: int(pair[0]))),
        }  # fmt: skip


def _most(counts: Counter[str]) -> list[list[str | int]]:
    """The twenty most frequent, ties by text."""
    return [[text, count] for text, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]]
