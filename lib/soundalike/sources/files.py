"""Opens files and object stores by URI: plain paths, `file://`, `s3://`, `s3a://`.

Credentials come from the standard provider chain.
"""

from dataclasses import dataclass

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


def _stat(filesystem: fs.FileSystem, path: str, uri: str) -> fs.FileInfo:
    try:
        return filesystem.get_file_info(path)
    except OSError as error:
        raise SoundalikeError(f"{uri} cannot be read: {str(error).splitlines()[0]}") from error
