"""The bytes of one archive -> Arrow batches of documents: one pass, constant memory, hashed on the way."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from soundalike.errors import SoundalikeError
from soundalike.sources.acousticbrainz.listing import Archive
from soundalike.sources.files import ObjectStore, open_file
from soundalike.texts.identifiers import member_key

_READ_BYTES = 4 * 2**20
# What the decompressor has decoded of a larger piece is lost when the stream is cut inside it.
_TAR_BYTES = 8 * 512
_BATCH_BYTES = 8 * 2**20
_BATCH_ROWS = 1_000

SCHEMA = pa.schema([
    ("archive_no", pa.int32()), ("archive", pa.string()), ("member", pa.string()), ("member_pos", pa.int64()),
    ("mbid_member", pa.string()), ("submission_no", pa.int32()), ("raw_size", pa.int64()), ("utf8_valid", pa.bool_()),
    ("json", pa.string()), ("status", pa.string()),
])  # fmt: skip


@dataclass
class ArchiveStatus:
    """How the reading of one archive ended. `sha256` is None for a trial run that stopped early."""

    archive: str
    sha256: str | None = None
    documents: int = 0
    skipped: dict[str, int] = field(default_factory=lambda: {"file": 0, "directory": 0, "link": 0, "other": 0})
    warnings: list[str] = field(default_factory=list)
    truncated_member: str | None = None
    truncated_pos: int | None = None

    @classmethod
    def read(cls, text: str) -> "ArchiveStatus":
        return cls(**json.loads(text))

    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)


def read_archive(
    archive: Archive, store: ObjectStore, max_member_bytes: int, limit_documents: int
) -> Iterator[pa.RecordBatch]:
    """Batches of `SCHEMA`, one row per `.json` member; the last row carries `status` alone.

    The task never raises for what is in the archive: whether to commit is decided from the status. Memory is bounded by
    one batch and one member of at most `max_member_bytes`; larger members are not read and have an empty `json`.
    `limit_documents` 0 reads everything.
    """
    status = ArchiveStatus(archive.name)
    with open_file(archive.uri, store) as raw:
        hashing = _HashingReader(raw, archive.uri)
        stream = io.BufferedReader(hashing, _READ_BYTES)
        if archive.size:
            yield from _documents(archive, stream, status, max_member_bytes, limit_documents)
        else:
            status.warnings.append("archive_empty")
        if "limit_documents" not in status.warnings:
            while hashing.read(_READ_BYTES):  # what the reader of the tar left over belongs to the digest
                pass
            status.sha256 = hashing.hexdigest()
    row = {name: None for name in SCHEMA.names} | {"archive": archive.name, "status": status.text()}
    yield pa.RecordBatch.from_pylist([row], SCHEMA)


def _documents(
    archive: Archive, raw: "io.BufferedReader[_HashingReader]", status: ArchiveStatus, max_member_bytes: int, limit: int
) -> Iterator[pa.RecordBatch]:
    rows: list[dict[str, Any]] = []
    buffered, position, name = 0, 0, None
    try:
        with tarfile.open(
            fileobj=pa.CompressedInputStream(raw, "zstd"), mode="r|", bufsize=_TAR_BYTES, tarinfo=_Header
        ) as tar:
            for member in tar:
                tar.members.clear()  # type: ignore[attr-defined]  # it keeps every header: a million cost hundreds of MB
                # Tar names are bytes; one that is not UTF-8 could not be written to a table.
                name = member.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
                if member.isreg() and name.endswith(".json"):
                    content = _content(tar, member) if member.size <= max_member_bytes else b""
                    rows.append(_row(archive, name, position, member.size, content))
                    status.documents += 1
                    buffered += len(content)
                else:
                    status.skipped[_kind(member)] += 1
                position, name = position + 1, None
                if buffered >= _BATCH_BYTES or len(rows) >= _BATCH_ROWS:
                    yield pa.RecordBatch.from_pylist(rows, SCHEMA)
                    rows, buffered = [], 0
                if limit and status.documents >= limit:
                    status.warnings.append("limit_documents")
                    break
    except (tarfile.ReadError, OSError) as error:
        status.truncated_member, status.truncated_pos = name or "(in a header)", position
        status.warnings.append(f"cut short: {str(error).splitlines()[0]}")
    if rows:
        yield pa.RecordBatch.from_pylist(rows, SCHEMA)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(member)
    assert stream is not None
    content = stream.read()
    if len(content) < member.size:
        raise tarfile.ReadError("unexpected end of data")
    return content


def _row(archive: Archive, name: str, position: int, size: int, content: bytes) -> dict[str, Any]:
    try:
        text, valid = content.decode("utf-8"), True
    except UnicodeDecodeError:
        text, valid = content.decode("utf-8", errors="replace"), False
    mbid_member, submission_no = member_key(name)
    return {
        "archive_no": archive.archive_no, "archive": archive.name, "member": name, "member_pos": position,
        "mbid_member": mbid_member, "submission_no": submission_no, "raw_size": size, "utf8_valid": valid, "json": text,
    }  # fmt: skip


def _kind(member: tarfile.TarInfo) -> str:
    if member.isreg():
        return "file"
    if member.isdir():
        return "directory"
    return "link" if member.issym() or member.islnk() else "other"


class _Header(tarfile.TarInfo):
    """Raises where tarfile ends the archive without a word."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Header":
        try:
            return super().frombuf(buf, encoding, errors)
        except (tarfile.TruncatedHeaderError, tarfile.InvalidHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(f"damaged header: {error}") from None


class _HashingReader(io.RawIOBase):
    """Hands on the compressed bytes and hashes them."""

    def __init__(self, raw: pa.NativeFile, uri: str) -> None:
        self._raw, self._uri = raw, uri
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            content: bytes = self._raw.read(len(buffer))
        except OSError as error:
            # Storage or network, not the archive: the task fails and is tried again.
            raise SoundalikeError(f"{self._uri} cannot be read: {str(error).splitlines()[0]}") from error
        self._digest.update(content)
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        """Stays open when the decompressor above closes: the rest still has to be hashed."""

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
