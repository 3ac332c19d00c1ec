"""Which slices are read: folder, `data/` folder or zip, on files and on an S3 server; and what is refused."""

import zipfile
from pathlib import Path

import boto3
import pytest

from soundalike.errors import SoundalikeError
from soundalike.samples.playlists import make_playlists
from soundalike.sources import files
from soundalike.sources.files import ObjectStore
from soundalike.sources.mpd.listing import list_dataset, parse_digests
from soundalike.sources.mpd.published import parse_lists
from soundalike.sources.mpd.slices import SliceStatus, read_slice

LOCAL = ObjectStore()


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Three slices, the second of which sorts last by name, and files that are none."""
    make_playlists(tmp_path, 25, per_slice=10)
    (tmp_path / "mpd/data/mpd.slice.5-9.txt").write_text("")
    (tmp_path / "mpd/README.md").write_text("")
    return tmp_path / "mpd"


def zipped(folder: Path, target: Path, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(target, "w", method) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    return target


def test_folder_its_data_folder_and_zip_list_the_same(dataset: Path, tmp_path: Path) -> None:
    zip_file = zipped(dataset, tmp_path / "playlists.zip")
    listed = {uri: list_dataset(str(uri), LOCAL) for uri in (dataset, dataset / "data", zip_file)}
    assert [d.name for d in listed.values()] == ["mpd", "data", "playlists.zip"]
    assert [d.skipped for d in listed.values()] == [3, 1, 3]
    facts = [[(s.name, s.first, s.last, s.size, s.md5) for s in d.slices] for d in listed.values()]
    assert facts[0] == facts[1] == facts[2]
    assert [s.name for s in listed[dataset].slices] == [
        "mpd.slice.0-9.json",
        "mpd.slice.10-19.json",
        "mpd.slice.20-24.json",
    ]
    assert all(s.md5 for s in listed[zip_file].slices)


def test_order_is_that_of_the_numbers(tmp_path: Path) -> None:
    for first in (1000, 20, 3):
        (tmp_path / f"mpd.slice.{first}-{first}.json").write_text("")
    assert [s.first for s in list_dataset(str(tmp_path), LOCAL).slices] == [3, 20, 1000]


def test_digest_lines() -> None:
    content = f"{'A' * 32}  data/mpd.slice.0-9.json\n{'b' * 32} *mpd.slice.10-19.json\nnonsense\n".encode()
    assert parse_digests(content) == {"mpd.slice.0-9.json": "a" * 32, "mpd.slice.10-19.json": "b" * 32}


def test_lists_of_the_statistics(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mpd.slice.0-9.json").write_text("")
    text = "number of playlists 3\n\ntop tracks\n     20 One by  Two\n      3 3\n\nnumedits histogram\n   7 1\n\nother\n 1 2\n"
    (tmp_path / "stats.txt").write_text(text)
    for uri in (tmp_path, tmp_path / "data", zipped(tmp_path, tmp_path / "a.zip")):
        lists = list_dataset(str(uri), LOCAL).lists
        assert lists == {"top_tracks": [("One by  Two", 20), ("3", 3)], "edits": [("1", 7)]}


def test_real_statistics(shared: Path) -> None:
    lists = parse_lists((shared / "data/mpd/official_docs/stats.txt").read_bytes())
    assert {name: len(labels) for name, labels in lists.items()} == dict.fromkeys(
        ("top_titles", "top_tracks", "top_artists", "edits", "modified_day", "lengths", "followers"), 20
    )
    assert all([c for _, c in labels] == sorted((c for _, c in labels), reverse=True) for labels in lists.values())


def test_messages(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"no zip at all")
    (tmp_path / "empty").mkdir()
    (tmp_path / "twice/data").mkdir(parents=True)
    for name in ("twice/mpd.slice.0-9.json", "twice/data/mpd.slice.0-4.json"):
        (tmp_path / name).write_text("")
    expected = {
        "no.zip": "is no readable zip (File is not a zip file); sources.mpd.uri takes a folder with slices, or their zip",
        "empty": "no slices found at {}: expected files named mpd.slice.<first>-<last>.json; check sources.mpd.uri",
        "nowhere": "no playlists found at {}: there is no such file or folder; check sources.mpd.uri",
        "twice": "holds two slices that start at 0 (mpd.slice.0-4.json, mpd.slice.0-9.json); "
        "the first pid is part of the key of the playlists, so remove one",
    }
    for name, message in expected.items():
        uri = str(tmp_path / name)
        with pytest.raises(SoundalikeError) as raised:
            list_dataset(uri, LOCAL)
        assert str(raised.value) == (message.format(uri) if "{}" in message else f"{uri} {message}")


@pytest.fixture
def s3(endpoint: str, aws: None) -> ObjectStore:
    return ObjectStore(endpoint)


def test_zip_and_prefix_on_s3_by_ranges(
    s3: ObjectStore, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (dataset / "large.bin").write_bytes(bytes(40 * 2**20))
    zip_file = zipped(dataset, tmp_path / "playlists.zip", zipfile.ZIP_STORED)
    client = boto3.client("s3", endpoint_url=s3.endpoint, region_name="us-east-1")
    client.create_bucket(Bucket="listing")
    client.upload_file(str(zip_file), "listing", "playlists.zip")
    for path in sorted((dataset / "data").iterdir()):
        client.upload_file(str(path), "listing", f"mpd/data/{path.name}")
    read = []
    raw = files._RangedFile.readinto
    monkeypatch.setattr(files._RangedFile, "readinto", lambda self, buffer: read.append(n := raw(self, buffer)) or n)

    remote = list_dataset("s3://listing/playlists.zip", s3)
    local = list_dataset(str(zip_file), LOCAL)
    assert [(s.name, s.size, s.md5) for s in remote.slices] == [(s.name, s.size, s.md5) for s in local.slices]
    rows = [list(read_slice(remote.name, part, s3)) for part in remote.slices]
    assert rows == [list(read_slice(local.name, part, LOCAL)) for part in local.slices]
    assert len(read) <= 40 and sum(read) < 60 * 2**20  # of 4 listings and 4 slices, each of a 40 MiB file

    prefix = list_dataset("s3://listing/mpd/", s3)
    assert [s.name for s in prefix.slices] == [s.name for s in local.slices] and prefix.skipped == 1
    last = list(read_slice(prefix.name, prefix.slices[0], s3))[-1]
    assert SliceStatus.read(last.column("status")[0].as_py()).playlists == 10
