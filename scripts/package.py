"""Packs the code that goes to executors: build/soundalike.zip with the packages `soundalike` and `jobs`.

A zip, since executors cannot import a wheel given by --py-files. conf/ goes in as soundalike/conf, where the work tree
has a link. The same sources give the same bytes on any machine, so nothing is compressed: builds of zlib differ.
"""

import io
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def members(root: Path) -> list[tuple[str, Path]]:
    """Name in the zip and file, sorted by name; only files that code reads: sources, settings, data of conf/."""
    found = []
    for prefix, folder in (
        ("jobs", root / "jobs"),
        ("soundalike", root / "lib/soundalike"),
        ("soundalike/conf", root / "conf"),
    ):
        for path in folder.rglob("*"):
            inside = path.relative_to(folder)
            # rglob does not follow the link lib/soundalike/conf; the third folder brings what it points at
            if path.is_file() and "__pycache__" not in inside.parts:
                found.append((f"{prefix}/{inside.as_posix()}", path))
    return sorted(found)


def package(root: Path = ROOT) -> Path:
    """Writes build/soundalike.zip if its bytes changed, in one rename, and returns its path."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, path in members(root):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))  # the earliest a zip can hold
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    target = root / "build/soundalike.zip"
    if not target.is_file() or target.read_bytes() != content.getvalue():
        target.parent.mkdir(exist_ok=True)
        fresh = target.with_suffix(".new")
        fresh.write_bytes(content.getvalue())
        fresh.replace(target)
    return target


if __name__ == "__main__":
    written = package()
    print(f"{written.relative_to(ROOT)}: {len(members(ROOT))} files, {written.stat().st_size:,} bytes")
    sys.exit(0)
