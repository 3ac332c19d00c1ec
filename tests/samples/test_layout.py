"""The archives look like those of the official dump."""

import hashlib
import json
import re
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from soundalike.samples.sample import make_sample

TOP = "acousticbrainz-highlevel-json-20220623"
OFFICIAL = re.compile(rf"{TOP}/highlevel/([0-9a-f]{{2}})/([0-9a-f])/([0-9a-f-]{{36}})-\d+\.json")


def _bytes(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_equal_arguments_give_equal_bytes_and_another_seed_others(tmp_path):
    for name, seed in (("one", 3), ("two", 3), ("three", 4)):
        make_sample(tmp_path / name, documents=150, archives=2, seed=seed)
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "two")
    assert _bytes(tmp_path / "one").keys() == _bytes(tmp_path / "three").keys()
    assert _bytes(tmp_path / "one") != _bytes(tmp_path / "three")


def test_files_are_the_archives_and_their_sums(sample):
    folder = sample.out / "acousticbrainz" / TOP
    names = [f"{TOP}-{number}.tar.zst" for number in range(3)]
    assert sorted(path.name for path in folder.iterdir()) == [*names, "sha256sums"]
    lines = (folder / "sha256sums").read_text().splitlines()
    assert [(line[:64], line[66:]) for line in lines] == [
        (hashlib.sha256((folder / name).read_bytes()).hexdigest(), name) for name in names
    ]
    assert {line[64:66] for line in lines} == {"  ", " *"}
    assert [(a["name"], a["sha256"]) for a in sample.truth["archives"]] == [(line[66:], line[:64]) for line in lines]
    assert sample.truth == json.loads((sample.out / "truth.json").read_text(encoding="utf-8"))


def test_a_smaller_sample_leaves_no_archive_of_a_larger_one(tmp_path):
    make_sample(tmp_path, documents=60, archives=4)
    make_sample(tmp_path, documents=60, archives=2)
    assert sorted(path.name[-9:] for path in tmp_path.rglob("*.tar.zst")) == ["0.tar.zst", "1.tar.zst"]


def test_member_names_are_the_dumps(sample):
    names = [OFFICIAL.fullmatch(member.info.name) for member in sample.documents]
    official = [name for name in names if name]
    assert len(official) >= len(names) - 10
    assert all(name[3].startswith(name[1] + name[2]) for name in official)
    assert max(len(member.info.name) for member in sample.documents) > 150  # more than a plain tar header holds


def test_every_archive_ends_with_copying_and_holds_its_share(sample):
    for archive in sample.truth["archives"]:
        members = [member for member in sample.members if member.archive == archive["name"]]
        assert [m.info.name for m in members if m.info.name.endswith("COPYING")] == [f"{TOP}/COPYING"]
        assert members[-1].info.name == f"{TOP}/COPYING"
        assert sum(m.is_document for m in members) == archive["documents"]
        assert 380 < archive["documents"] < 420
    assert sum(archive["documents"] for archive in sample.truth["archives"]) == 1200


def test_three_tar_dialects(sample):
    in_pax = {member.archive[-9]: bool(member.info.pax_headers) for member in sample.documents}
    assert in_pax == {"0": False, "1": True, "2": False}


def test_documents_are_as_large_and_as_written_as_real_ones(sample):
    sizes = [len(member.data) for member in sample.documents]
    assert 8_500 < sum(sizes) / len(sizes) < 10_000
    plain = [m.data for m in sample.documents if m.data.startswith(b'{"highlevel":{"danceability":{"all":')]
    assert len(plain) > 1100
    raw = [m.data for m in sample.documents if not m.data.isascii()]
    pretty = [m.data for m in sample.documents if m.data.endswith(b"\n")]
    assert raw and pretty and len(raw) + len(pretty) < 50
    text = b"".join(plain)
    for part in (b"\\/", b"\\u4eac\\u90fd", b"e-0", b":1,", b'"Skateb\\u00e5rd"', b'"Beyonc\\u00e9"'):
        assert part in text


def test_documents_have_the_shape_of_real_ones(sample, real_documents):
    """Every key but those of the tags; one of the real documents has a version per model, as the dump's have."""
    rejected = {(reject["archive"], reject["member_pos"]) for reject in sample.truth["rejects"]}
    valid = [json.loads(m.data) for m in sample.documents if (m.archive, m.position) not in rejected]
    shapes = Counter(frozenset(_paths(document)) for document in valid)
    usual = shapes.most_common(1)[0][0]
    real = set().union(*map(_paths, real_documents))
    assert usual == real


def _paths(value: Any, at: str = "") -> set[str]:
    if not isinstance(value, dict) or at == "/metadata/tags":
        return {at}
    return set().union(*(_paths(inner, f"{at}/{key}") for key, inner in value.items()))


@pytest.fixture
def real_documents(shared):
    archive = shared / "data/acousticbrainz/acousticbrainz-highlevel-json-20220623-real13.tar.zst"
    with pa.CompressedInputStream(str(archive), "zstd") as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        return [json.load(tar.extractfile(info)) for info in tar if info.name.endswith(".json")]
