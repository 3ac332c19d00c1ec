"""Opens files and object stores by URI: plain paths, `file://`, `s3://`, `s3a://`.

Credentials come from the standard provider chain.
"""

import io
from dataclasses import dataclass
from typing import Any

from pyarrow import NativeFile, fs

from soundalike.errors import SoundalikeError


@dataclass(frozen=True)
class ObjectStore:
    """Where `s3://` URIs point; empty texts = AWS and its defaults."""

    endpoint: str = ""
    region: str = ""


def open_filesystem(uri: str, store: ObjectStore) -> tuple[fs.FileSystem, str]:
    """The file system of `uri` and the path in it."""
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return fs.LocalFileSystem(), uri
    if scheme == "file":
        return fs.LocalFileSystem(), "/" + rest.lstrip("/")
    if scheme in ("s3", "s3a"):
        options: dict[str, str] = {}
        if store.endpoint:
            kind, _, host = store.endpoint.partition("://")
            options |= {"endpoint_override": host or kind, "scheme": kind if host else "https"}
        if store.region or store.endpoint:
            options["region"] = store.region or "us-east-1"
        return fs.S3FileSystem(**options), rest.rstrip("/")
    raise SoundalikeError(f"{uri}: scheme {scheme}:// is not known; expected a path, file://, s3:// or s3a://")


def list_folder(uri: str, store: ObjectStore) -> dict[str, int]:
    """Base name -> size of the files directly in a folder or prefix; of that one file if `uri` is a file."""
    filesystem, path = open_filesystem(uri, store)
    info = _stat(filesystem, path, uri)
    if info.type == fs.FileType.File:
        return {info.base_name: info.size}
    entries = filesystem.get_file_info(fs.FileSelector(path)) if info.type == fs.FileType.Directory else []
    # EMRFS leaves marker objects behind.
    found = {
        e.base_name: e.size for e in entries if e.type == fs.FileType.File and not e.base_name.endswith("_$folder$")
    }
    return dict(sorted(found.items()))


def list_below(uri: str, store: ObjectStore) -> dict[str, int]:
    """Path relative to the folder or prefix -> size of every file below it."""
    filesystem, path = open_filesystem(uri.rstrip("/"), store)
    entries = filesystem.get_file_info(fs.FileSelector(path, recursive=True))
    root = filesystem.normalize_path(path).rstrip("/") + "/"
    found = {
        e.path.removeprefix(root): e.size
        for e in entries
        if e.type == fs.FileType.File and not e.base_name.endswith("_$folder$")
    }
    return dict(sorted(found.items()))


def is_file(uri: str, store: ObjectStore) -> bool:
    filesystem, path = open_filesystem(uri, store)
    return bool(_stat(filesystem, path, uri).type == fs.FileType.File)


def is_folder(uri: str, store: ObjectStore) -> bool:
    filesystem, path = open_filesystem(uri, store)
    return bool(_stat(filesystem, path, uri).type == fs.FileType.Directory)


def read_bytes(uri: str, store: ObjectStore) -> bytes:
    with open_file(uri, store) as stream:
        return bytes(stream.read())


def open_file(uri: str, store: ObjectStore) -> NativeFile:
    """A file read by ranges: each read is retried by the client, so a broken connection does not restart gigabytes."""
    filesystem, path = open_filesystem(uri, store)
    return filesystem.open_input_file(path)


def open_by_ranges(uri: str, store: ObjectStore, chunk_bytes: int) -> io.BufferedReader:
    """A seekable file for readers that jump about in many small steps: every request fetches at least a chunk."""
    return io.BufferedReader(_RangedFile(open_file(uri, store)), chunk_bytes)


class _RangedFile(io.RawIOBase):
    """A file of pyarrow with the interface of Python's own."""

    def __init__(self, file: NativeFile) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._file.tell(), io.SEEK_END: self._file.size()}[whence]
        if start + offset < 0:
            raise OSError(f"seek to {start + offset}, before the start of the file")
        return int(self._file.seek(start + offset))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        return int(self._file.readinto(buffer))

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _stat(filesystem: fs.FileSystem, path: str, uri: str) -> fs.FileInfo:
    try:
        info = filesystem.get_file_info(path)
        if info.type == fs.FileType.NotFound and isinstance(filesystem, fs.S3FileSystem):
            bucket = path.split("/")[0]
            if filesystem.get_file_info(bucket).type == fs.FileType.NotFound:
                raise SoundalikeError(
                    f"{uri}: bucket {bucket} does not exist; check the name and setting 'storage.s3.endpoint'"
                )
        return info
    except OSError as error:
        if "ACCESS_DENIED" in str(error):
            raise SoundalikeError(
                f"{uri} cannot be read: access denied, for want of S3 credentials or of the right to read it; "
                "give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role of the machine"
            ) from error
        raise SoundalikeError(f"{uri} cannot be read: {str(error).splitlines()[0]}") from error
