"""One slice -> Arrow batches of its playlists, each with its entries; verified and parsed as a whole before the first.

Types are stated and strict: a value of another type is null, like an absent one. Whole numbers end at 2^53.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator, Set
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise
from typing import Any

import orjson
import pyarrow as pa

from soundalike.sources.files import ObjectStore, open_by_ranges, read_bytes
from soundalike.sources.mpd.listing import CHUNK_BYTES, Slice

_BATCH_PLAYLISTS = 100
_LARGEST = 2**53
_INFO_KEYS = {"generated_on", "slice", "version"}
_PLAYLIST_TYPES: dict[str, type] = {
    "pid": int, "name": str, "description": str, "collaborative": str, "modified_at": int, "num_tracks": int,
    "num_albums": int, "num_artists": int, "num_followers": int, "num_edits": int, "duration_ms": int,
}  # fmt: skip
_ENTRY_TYPES: dict[str, type] = {
    "pos": int, "track_uri": str, "track_name": str, "artist_uri": str, "artist_name": str, "album_uri": str,
    "album_name": str, "duration_ms": int,
}  # fmt: skip
_PLAYLIST_KEYS, _ENTRY_KEYS = _PLAYLIST_TYPES.keys() | {"tracks"}, _ENTRY_TYPES.keys()
_ARROW = {int: pa.int64(), str: pa.string()}

_ENTRY = pa.struct([
    ("pos", pa.int32()), ("pos_given", pa.int32()),
    *[(name, _ARROW[kind]) for name, kind in _ENTRY_TYPES.items() if name != "pos"],
    ("fields_extra", pa.list_(pa.string())),
])  # fmt: skip
SCHEMA = pa.schema([
    ("slice_first", pa.int64()), ("slice_index", pa.int32()), ("slice_last", pa.int64()),
    *[(name, _ARROW[kind]) for name, kind in _PLAYLIST_TYPES.items()],
    *[(name, pa.int64()) for name in (
        "entries", "artist_uris_given", "artist_uris", "album_uris_given", "album_uris", "durations_given",
        "duration_sum_ms",
    )],
    ("fields_extra", pa.list_(pa.string())), ("tracks", pa.list_(_ENTRY)), ("status", pa.string()),
])  # fmt: skip


@dataclass
class SliceStatus:
    """How the reading of one slice ended. `rule` and `detail` say why it was refused; None = its playlists follow."""

    archive: str
    name: str
    first: int
    last: int
    size: int
    md5_expected: str | None
    md5: str | None = None
    rule: str | None = None
    detail: str | None = None
    playlists: int = 0
    entries: int = 0
    range_differs: bool = False
    info_keys_differ: bool = False

    @classmethod
    def read(cls, text: str) -> "SliceStatus":
        return cls(**json.loads(text))

    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)


def read_slice(archive: str, part: Slice, store: ObjectStore) -> Iterator[pa.RecordBatch]:
    """Batches of `SCHEMA`, one row per playlist; the last row carries `status` alone.

    The task never raises for what is in a slice: a refused one has its status and no playlist.
    """
    status = SliceStatus(archive, part.name, part.first, part.last, part.size, part.md5)
    playlists = _playlists(part, store, status)
    status.playlists = len(playlists)
    for start in range(0, len(playlists), _BATCH_PLAYLISTS):
        batch = playlists[start : start + _BATCH_PLAYLISTS]
        playlists[start : start + _BATCH_PLAYLISTS] = [None] * len(batch)  # what is handed on is let go
        yield _batch(part, start, batch, status)
    row = {name: None for name in SCHEMA.names} | {"status": status.text()}
    yield pa.RecordBatch.from_pylist([row], SCHEMA)


def _playlists(part: Slice, store: ObjectStore, status: SliceStatus) -> list[Any]:
    """The playlists of a sound slice; nothing of any other, and its rule in `status`."""
    try:
        content = _content(part, store)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        status.rule, status.detail = "slice_unreadable", f"the zip's member is damaged: {error}"
        return []
    status.md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if part.md5 and part.md5 != status.md5:
        status.rule, status.detail = "slice_md5", f"md5 {status.md5}, md5sums says {part.md5}"
        return []
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        status.rule, status.detail = "slice_unreadable", str(error)
        return []
    info, playlists = (document.get("info"), document.get("playlists")) if type(document) is dict else (None, None)
    if type(info) is not dict or type(playlists) is not list:
        status.rule, status.detail = "slice_unreadable", "no JSON object with an object info and an array playlists"
        return []
    status.range_differs = info.get("slice") != part.name.removeprefix("mpd.slice.").removesuffix(".json")
    status.info_keys_differ = info.keys() != _INFO_KEYS
    return playlists


def _content(part: Slice, store: ObjectStore) -> bytes:
    if part.member is None:
        return read_bytes(part.uri, store)
    with open_by_ranges(part.uri, store, CHUNK_BYTES) as file, zipfile.ZipFile(file) as zipped:
        return zipped.read(part.member)


def _batch(part: Slice, start: int, given: list[Any], status: SliceStatus) -> pa.RecordBatch:
    playlists = [playlist if type(playlist) is dict else {} for playlist in given]
    tracks = [playlist.get("tracks") for playlist in playlists]
    lists = [track if type(track) is list else [] for track in tracks]
    offsets = [0, *accumulate(map(len, lists))]
    entries = [entry if type(entry) is dict else {} for entries in lists for entry in entries]
    status.entries += len(entries)
    fields = {name: _typed(entries, name, kind) for name, kind in _ENTRY_TYPES.items()}
    columns = {name: _typed(playlists, name, kind) for name, kind in _PLAYLIST_TYPES.items()}
    columns |= {
        "slice_first": [part.first] * len(given), "slice_index": list(range(start, start + len(given))),
        "slice_last": [part.last] * len(given), "fields_extra": _extra(playlists, _PLAYLIST_KEYS),
        "entries": [len(track) if type(track) is list else None for track in tracks], **_facts(fields, offsets),
    }  # fmt: skip
    fields |= {
        "pos": [pos for entries in lists for pos in range(len(entries))],
        "pos_given": [pos if pos is not None and abs(pos) < 2**31 else None for pos in fields["pos"]],
        "fields_extra": _extra(entries, _ENTRY_KEYS),
    }
    structs = pa.StructArray.from_arrays([pa.array(fields[f.name], f.type) for f in _ENTRY], fields=list(_ENTRY))
    arrays = {"tracks": pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs)}
    arrays |= {name: pa.array(values, SCHEMA.field(name).type) for name, values in columns.items()}
    nothing = pa.nulls(len(given), pa.string())
    return pa.RecordBatch.from_arrays([arrays.get(name, nothing) for name in SCHEMA.names], schema=SCHEMA)


def _typed(objects: list[dict[str, Any]], name: str, kind: type) -> list[Any]:
    """One field of all objects; None where it is absent or of another type."""
    values = [each.get(name) for each in objects]
    if kind is int:
        return [v if type(v) is int and -_LARGEST <= v <= _LARGEST else None for v in values]
    return [v if type(v) is kind else None for v in values]


def _extra(objects: list[dict[str, Any]], known: Set[str]) -> list[list[str]]:
    return [[] if each.keys() <= known else sorted(each.keys() - known) for each in objects]


def _facts(fields: dict[str, list[Any]], offsets: list[int]) -> dict[str, list[int]]:
    """What the entries of each playlist hold, as present in the file."""
    given = {
        name: [[v for v in fields[name][start:stop] if v is not None] for start, stop in pairwise(offsets)]
        for name in ("artist_uri", "album_uri", "duration_ms")
    }
    return {
        "artist_uris_given": [len(values) for values in given["artist_uri"]],
        "artist_uris": [len(set(values)) for values in given["artist_uri"]],
        "album_uris_given": [len(values) for values in given["album_uri"]],
        "album_uris": [len(set(values)) for values in given["album_uri"]],
        "durations_given": [len(values) for values in given["duration_ms"]],
        "duration_sum_ms": [sum(values) for values in given["duration_ms"]],
    }
