"""Bytes of an archive to rows: members of every kind and name, digests, limits; and which archives are listed."""

import hashlib
import io
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest

from soundalike.errors import SoundalikeError
from soundalike.sources.acousticbrainz import archives
from soundalike.sources.acousticbrainz.archives import ArchiveStatus, read_archive
from soundalike.sources.acousticbrainz.listing import Archive, list_archives, parse_digests
from soundalike.sources.files import ObjectStore

MBID = "62c2e20a-559e-422f-a44c-9afa7882f0c4"
NAME = "acousticbrainz-highlevel-json-20220623-3.tar.zst"
HERE = ObjectStore()


def zstd(content: bytes) -> bytes:
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(content)
    return bytes(packed.getvalue())


def tar(names: list[str], content: bytes = b"{}", dialect: int = tarfile.GNU_FORMAT) -> bytes:
    """A tar of empty-object documents; a name that ends in / is a folder, one that starts with @ a link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=dialect) as archive:
        for name in names:
            info = tarfile.TarInfo(name.lstrip("@"))
            if name.startswith("@"):
                info.type, info.linkname = tarfile.SYMTYPE, "elsewhere"
            elif name.endswith("/"):
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return out.getvalue()


def read(path: Path, content: bytes, limit: int = 0, max_bytes: int = 1000) -> tuple[list[dict], ArchiveStatus]:
    path.write_bytes(content)
    archive = Archive(str(path), path.name, 3, len(content), None)
    rows = [row for batch in read_archive(archive, HERE, max_bytes, limit) for row in batch.to_pylist()]
    assert [row["status"] for row in rows[:-1]] == [None] * (len(rows) - 1)
    return rows[:-1], ArchiveStatus.read(rows[-1]["status"])


def test_members_by_kind_and_position(tmp_path: Path) -> None:
    names = ["COPYING", "top/", f"top/{MBID}-0.json", "@link.json", "top/odd.json", f"{MBID.upper()}-12.json"]
    rows, status = read(tmp_path / NAME, zstd(tar(names)))
    assert [(row["member_pos"], row["member"], row["mbid_member"], row["submission_no"]) for row in rows] == [
        (2, f"top/{MBID}-0.json", MBID, 0), (4, "top/odd.json", None, None), (5, f"{MBID.upper()}-12.json", MBID, 12),
    ]  # fmt: skip
    assert status.skipped == {"file": 1, "directory": 1, "link": 1, "other": 0}
    assert (status.documents, status.warnings, status.truncated_member) == (3, [], None)


@pytest.mark.parametrize(
    "dialect", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT], ids=["gnu", "pax", "ustar"]
)
@pytest.mark.parametrize("length", [97, 100, 101, 150])
def test_names_of_any_length(tmp_path: Path, dialect: int, length: int) -> None:
    tail = f"/{MBID}-0.json"
    name = "d" * (length - len(tail)) + tail
    rows, _ = read(tmp_path / NAME, zstd(tar([name], dialect=dialect)))
    assert [row["member"] for row in rows] == [name]


def test_digest_is_that_of_the_compressed_bytes(tmp_path: Path) -> None:
    content = zstd(tar([f"{MBID}-0.json"]))
    assert read(tmp_path / NAME, content)[1].sha256 == hashlib.sha256(content).hexdigest()


def test_several_frames_are_read_through(tmp_path: Path) -> None:
    plain = tar([f"{MBID}-{n}.json" for n in range(5)])
    content = zstd(plain[:700]) + zstd(plain[700:])
    rows, status = read(tmp_path / NAME, content)
    assert len(rows) == 5
    assert status.sha256 == hashlib.sha256(content).hexdigest()


def test_bytes_that_are_not_utf8_are_marked(tmp_path: Path) -> None:
    (row,), _ = read(tmp_path / NAME, zstd(tar([f"{MBID}-0.json"], content=b'{"a": "\xff"}')))
    assert (row["utf8_valid"], row["json"], row["raw_size"]) == (False, '{"a": "\ufffd"}', 10)


def test_a_member_above_the_limit_is_not_read(tmp_path: Path) -> None:
    (row,), status = read(tmp_path / NAME, zstd(tar([f"{MBID}-0.json"], content=b"x" * 1001)))
    assert (row["json"], row["raw_size"], status.truncated_member) == ("", 1001, None)


def test_a_trial_run_stops_early_and_has_no_digest(tmp_path: Path) -> None:
    rows, status = read(tmp_path / NAME, zstd(tar([f"{MBID}-{n}.json" for n in range(5)])), limit=2)
    assert (len(rows), status.sha256, status.warnings) == (2, None, ["limit_documents"])


def test_a_tar_without_members(tmp_path: Path) -> None:
    rows, status = read(tmp_path / NAME, zstd(tar([])))
    assert (rows, status.documents, status.truncated_member) == ([], 0, None)


def test_a_batch_is_bounded(tmp_path: Path) -> None:
    content = zstd(tar([f"{MBID}-{n}.json" for n in range(2500)]))
    (tmp_path / NAME).write_bytes(content)
    archive = Archive(str(tmp_path / NAME), NAME, 3, len(content), None)
    assert [batch.num_rows for batch in read_archive(archive, HERE, 1000, 0)] == [1000, 1000, 500, 1]


def test_digests_of_both_forms() -> None:
    text = f"{'a' * 64}  one.tar.zst\n{'B' * 64} *two.tar.zst\nnonsense\n{'c' * 63}  short.tar.zst\n\n"
    assert parse_digests(text.encode()) == {"one.tar.zst": "a" * 64, "two.tar.zst": "b" * 64}


def listed(folder: Path, *names: str) -> list[tuple[str, int | None]]:
    for name in names:
        (folder / name).touch()
    return [(archive.name, archive.archive_no) for archive in list_archives([str(folder)], HERE)]


def test_archives_of_a_folder_by_number_and_others_last(tmp_path: Path) -> None:
    names = [NAME.replace("-3.", f"-{n}.") for n in range(11)]
    odd = "acousticbrainz-highlevel-json-20220623-extra.tar.zst"
    assert listed(tmp_path, *names, odd, "sha256sums", "notes.txt") == [
        *zip(names, range(11), strict=True),
        (odd, None),
    ]


def test_files_by_name_are_exactly_these(tmp_path: Path) -> None:
    (tmp_path / NAME).touch()
    (tmp_path / "sha256sums").write_text(f"{'a' * 64}  {NAME}\n")
    (archive,) = list_archives([str(tmp_path / NAME)], HERE)
    assert (archive.name, archive.archive_no, archive.sha256) == (NAME, 3, "a" * 64)
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / NAME).touch()
    with pytest.raises(SoundalikeError, match=f"two archives are named {NAME}"):
        list_archives([str(tmp_path / NAME), str(tmp_path / "again" / NAME)], HERE)


def test_file_uris_are_paths(tmp_path: Path) -> None:
    (tmp_path / NAME.replace("-3.", "-0.")).touch()
    assert [archive.archive_no for archive in list_archives([f"file://{tmp_path}"], HERE)] == [0]


def test_an_unknown_scheme(tmp_path: Path) -> None:
    with pytest.raises(
        SoundalikeError, match=r"ftp://x/y: scheme ftp:// is not known; expected a path, file://, s3:// or s3a://"
    ):
        list_archives(["ftp://x/y"], HERE)


def test_a_cut_stream_keeps_the_complete_members(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for n in range(400):
            text = "".join(hashlib.sha512(b"%d %d" % (n, part)).hexdigest() for part in range(47)).encode()[:6000]
            info = tarfile.TarInfo(f"{MBID}-{n}.json")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    content = zstd(out.getvalue())
    rows, status = read(tmp_path / NAME, content[: len(content) // 2], max_bytes=10_000)
    assert 100 < len(rows) < 400
    assert all(row["raw_size"] == len(row["json"]) == 6000 for row in rows)
    assert status.truncated_member is not None


def test_bytes_after_the_archive_cost_no_document(tmp_path: Path) -> None:
    rows, status = read(tmp_path / NAME, zstd(tar([f"{MBID}-{n}.json" for n in range(4)])) + b"x" * 16)
    assert (len(rows), status.truncated_member) == (4, None)


def test_a_damaged_header_is_no_quiet_end(tmp_path: Path) -> None:
    plain = bytearray(tar([f"{MBID}-{n}.json" for n in range(4)]))
    plain[2 * 1024 : 2 * 1024 + 512] = b"x" * 512  # header and content take a block each
    rows, status = read(tmp_path / NAME, zstd(bytes(plain)))
    assert (len(rows), status.truncated_member, status.truncated_pos) == (2, "(in a header)", 2)
    assert status.warnings == ["cut short: damaged header: invalid header"]


def test_a_storage_error_is_not_taken_for_a_cut_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 0:
                raise OSError("Timeout was reached")
            return super().read(10)

    monkeypatch.setattr(archives, "open_file", lambda uri, store: Broken(zstd(tar([f"{MBID}-0.json"]))))
    archive = Archive("s3://b/x.tar.zst", NAME, 3, 1000, None)
    with pytest.raises(SoundalikeError, match=r"s3://b/x.tar.zst cannot be read: Timeout was reached"):
        list(read_archive(archive, HERE, 1000, 0))


def test_a_member_name_that_is_not_utf8(tmp_path: Path) -> None:
    plain = tar(["a?.json"]).replace(b"a?.json", b"a\xff.json")
    checksum = sum(plain[:148]) + 8 * 32 + sum(plain[156:512])
    fixed = plain[:148] + b"%06o\0 " % checksum + plain[156:]
    (row,), _ = read(tmp_path / NAME, zstd(fixed))
    assert row["member"] == "a\ufffd.json"
