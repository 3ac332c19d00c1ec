"""One slice to rows: every type, what is refused and why, batches, and what the real files hold."""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from soundalike.samples.playlists import playlist, slice_bytes
from soundalike.sources.files import ObjectStore
from soundalike.sources.mpd.listing import Slice, list_dataset
from soundalike.sources.mpd.slices import SliceStatus, read_slice

LOCAL = ObjectStore()
TRACKS = [0, 12, 24, 36, 48]


def read(
    path: Path, name: str = "mpd.slice.0-1.json", md5: str | None = None
) -> tuple[list[dict[str, Any]], SliceStatus]:
    first, last = map(int, name[10:-5].split("-"))
    part = Slice(str(path), None, name, first, last, path.stat().st_size, md5)
    rows = [row for batch in read_slice("here", part, LOCAL) for row in batch.to_pylist()]
    assert [row["status"] is None for row in rows] == [True] * (len(rows) - 1) + [False]
    return rows[:-1], SliceStatus.read(rows[-1]["status"])


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(content: bytes | list[Any], **info: Any) -> Path:
        path = tmp_path / "slice"
        path.write_bytes(content if isinstance(content, bytes) else slice_bytes(0, 1, content, **info))
        return path

    return write


def test_a_sound_slice(written: Any) -> None:
    given = [playlist(0, TRACKS, description=""), playlist(1, [*TRACKS, 0])]
    rows, status = read(written(given))
    assert (status.rule, status.playlists, status.entries) == (None, 2, 11)
    assert (status.range_differs, status.info_keys_differ) == (False, False)
    for row, expected in zip(rows, given, strict=True):
        assert {name: row[name] for name in expected if name != "tracks"} == {
            k: v for k, v in expected.items() if k != "tracks"
        }
        for pos, (entry, track) in enumerate(zip(row["tracks"], expected["tracks"], strict=True)):
            assert entry == {**track, "pos": pos, "pos_given": pos, "fields_extra": []}
        assert (row["slice_first"], row["slice_last"], row["entries"]) == (0, 1, len(expected["tracks"]))
        assert (row["artist_uris"], row["album_uris"]) == (expected["num_artists"], expected["num_albums"])
        assert row["duration_sum_ms"] == expected["duration_ms"]
    assert [row["slice_index"] for row in rows] == [0, 1]
    assert rows[0]["description"] == "" and rows[1]["description"] is None


@pytest.mark.parametrize(
    "field, value",
    [
        ("pid", "0"), ("pid", True), ("pid", 0.0), ("pid", 2**53 + 1), ("pid", 2**70), ("name", 1), ("name", None),
        ("collaborative", False), ("modified_at", "x"), ("num_tracks", None), ("description", []),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_missing(written: Any, field: str, value: Any) -> None:
    ((row,), _) = read(written([playlist(0, TRACKS, **{field: value})]))
    assert row[field] is None and row["entries"] == 5


@pytest.mark.parametrize(
    "field, value", [("pos", 2**31), ("pos", "0"), ("track_uri", None), ("duration_ms", 1.5), ("album_name", {})]
)
def test_a_value_of_another_type_in_an_entry_is_missing(written: Any, field: str, value: Any) -> None:
    given = playlist(0, TRACKS)
    given["tracks"][2] |= {field: value, "b": 1, "a": 2}
    ((row,), _) = read(written([given]))
    entry = row["tracks"][2]
    assert entry["pos_given" if field == "pos" else field] is None
    assert (entry["pos"], entry["fields_extra"]) == (2, ["a", "b"])


def test_what_is_no_playlist_and_no_entry_is_a_row_without_values(written: Any) -> None:
    rows, status = read(written(["x", playlist(1, TRACKS, tracks=None, extra=1), playlist(2, [], tracks=[7])]))
    assert [(row["pid"], row["entries"], row["fields_extra"]) for row in rows] == [
        (None, None, []),
        (1, None, ["extra"]),
        (2, 1, []),
    ]
    assert rows[2]["tracks"][0]["track_uri"] is None
    assert (status.playlists, status.entries) == (3, 1)


def test_refused_slices(written: Any) -> None:
    whole = slice_bytes(0, 1, [playlist(0, TRACKS), playlist(1, TRACKS)])
    cases = {
        whole[:-200]: "unexpected end of data",
        b"\xef\xbb\xbf" + whole: "UTF-8 byte order mark (BOM) is not supported",
        b"no JSON": "invalid literal",
        whole.replace(b'"num_edits": 2', b'"num_edits": NaN'): "unexpected character",
        b"[]": "no JSON object with an object info and an array playlists",
        b'{"info": {}, "playlists": {}}': "no JSON object with an object info and an array playlists",
        b'{"playlists": []}': "no JSON object with an object info and an array playlists",
    }
    for content, detail in cases.items():
        rows, status = read(written(content))
        assert (rows, status.rule, status.playlists) == ([], "slice_unreadable", 0)
        assert str(status.detail).startswith(detail), content[:40]


def test_wrong_digest(written: Any) -> None:
    path = written([playlist(0, TRACKS)])
    right = hashlib.md5(path.read_bytes()).hexdigest()
    assert len(read(path, md5=right)[0]) == 1
    rows, status = read(path, md5="0" * 32)
    assert (rows, status.rule, status.detail) == ([], "slice_md5", f"md5 {right}, md5sums says {'0' * 32}")


def test_range_and_keys_of_info(written: Any) -> None:
    assert read(written([], slice="0-2"))[1].range_differs
    assert read(written([], description="x"))[1].info_keys_differ
    assert not read(written([], description="x"))[1].range_differs


def test_a_damaged_member_of_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("data/mpd.slice.0-1.json", slice_bytes(0, 1, [playlist(0, TRACKS)]))
    content = bytearray((tmp_path / "one.zip").read_bytes())
    content[200] ^= 255
    (tmp_path / "one.zip").write_bytes(content)
    dataset = list_dataset(str(tmp_path / "one.zip"), LOCAL)
    (batch,) = read_slice(dataset.name, dataset.slices[0], LOCAL)
    status = SliceStatus.read(batch.column("status")[0].as_py())
    assert status.rule == "slice_unreadable"
    assert str(status.detail) == "the zip's member is damaged: Bad CRC-32 for file 'data/mpd.slice.0-1.json'"


def test_rows_come_in_batches(written: Any, tmp_path: Path) -> None:
    path = written([playlist(pid, TRACKS) for pid in range(250)])
    sizes = [
        b.num_rows for b in read_slice("here", Slice(str(path), None, "mpd.slice.0-249.json", 0, 249, 0, None), LOCAL)
    ]
    assert sizes == [100, 100, 50, 1]


def test_a_whole_slice_needs_little_memory(tmp_path: Path) -> None:
    content = slice_bytes(0, 999, [playlist(pid, list(range(pid, pid + 66))) for pid in range(1000)])
    (tmp_path / "mpd.slice.0-999.json").write_bytes(content)
    code = (
        "import resource, sys\n"
        "from soundalike.sources.files import ObjectStore\n"
        "from soundalike.sources.mpd.listing import list_dataset\n"
        "from soundalike.sources.mpd.slices import read_slice\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "before, store = peak(), ObjectStore()\n"
        "for _ in read_slice('x', list_dataset(sys.argv[1], store).slices[0], store): pass\n"
        "print(peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert len(content) > 25 * 2**20 and int(done.stdout) < 250  # MB


def status_of(uri: Path) -> list[SliceStatus]:
    dataset = list_dataset(str(uri), LOCAL)
    lasts = [list(read_slice(dataset.name, part, LOCAL))[-1] for part in dataset.slices]
    return [SliceStatus.read(last.column("status")[0].as_py()) for last in lasts]


def test_real_slices(shared: Path) -> None:
    (full,) = status_of(shared / "data/mpd/full_schema")
    assert (full.rule, full.playlists, full.entries) == (None, 29, 1448)
    (cut,) = status_of(shared / "data/mpd/truncated")
    assert (cut.rule, cut.playlists, cut.entries) == ("slice_unreadable", 0, 0)


def test_real_zip(shared: Path) -> None:
    found = status_of(shared / "data/mpd/stripped_fields/mpd_soundscout_0-499999.zip")
    assert (len(found), sum(s.playlists for s in found), sum(s.entries for s in found)) == (432, 3359, 328949)
    assert [s.name for s in found if s.playlists == 0] == ["mpd.slice.16000-16999.json"]
    assert not any(s.range_differs or s.info_keys_differ or s.rule for s in found)
    assert json.loads(found[0].text())["archive"] == "mpd_soundscout_0-499999.zip"
