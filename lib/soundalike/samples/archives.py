"""Writing tar.zst archives in the layout of the official dump, one stream each, every tar dialect in turn."""

import hashlib
import io
import tarfile
from pathlib import Path
from typing import Literal

import pyarrow as pa

DUMP = "acousticbrainz-highlevel-json-20220623"
# The dialect of the real dump is not known; PAX with a fractional time puts an extended header before every member.
_DIALECTS: tuple[Literal[0, 1, 2], ...] = (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT)
_TIME = 1_655_942_400  # 2022-06-23
_TYPES = {
    "file": tarfile.REGTYPE,
    "directory": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "hardlink": tarfile.LNKTYPE,
}
_COPYING = (
    b"The documents in this archive are invented, in the shape of the AcousticBrainz high-level dump.\n"
    b"To the extent possible under law they are dedicated to the public domain: CC0 1.0 Universal,\n"
    b"https://creativecommons.org/publicdomain/zero/1.0/\n"
)


class ArchiveWriter:
    """One archive; `position` is the next member's (bronze's `member_pos`), `documents` counts `.json` members."""

    def __init__(self, folder: Path, number: int) -> None:
        self.name = f"{DUMP}-{number}.tar.zst"
        self.position = self.documents = 0
        self._path = folder / self.name
        self._dialect = _DIALECTS[number % len(_DIALECTS)]
        self._time = _TIME + 0.25 if self._dialect == tarfile.PAX_FORMAT else _TIME
        self._stream = pa.CompressedOutputStream(str(self._path), "zstd")
        self._written = 0
        self._last_file = f"{DUMP}/COPYING"

    def add(self, path: str, content: bytes, kind: str = "file", target: str = "") -> int:
        """Append one member below the dump's folder; its position. A hard link without target takes the last file."""
        info = tarfile.TarInfo(f"{DUMP}/{path}")
        info.type, info.size, info.mode = _TYPES[kind], len(content), 0o755 if kind == "directory" else 0o644
        info.mtime, info.uname, info.gname = self._time, "acousticbrainz", "acousticbrainz"
        info.linkname = self._last_file if kind == "hardlink" and not target else target
        padding = -len(content) % tarfile.BLOCKSIZE
        self._write(info.tobuf(self._dialect, "utf-8", "strict") + content + bytes(padding))
        if kind == "file":
            self._last_file = info.name
            self.documents += path.endswith(".json")
        self.position += 1
        return self.position - 1

    def close(self) -> str:
        """Append COPYING, end the tar and return the archive's sha256."""
        self.add("COPYING", _COPYING)
        self._write(bytes(2 * tarfile.BLOCKSIZE))
        self._write(bytes(-self._written % tarfile.RECORDSIZE))
        self._stream.close()
        with io.FileIO(self._path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._written += len(data)
