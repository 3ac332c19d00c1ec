"""Which code this is: a stage whose table was written by other code is done again."""

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import find_spec

from soundalike import __version__


@cache
def code_version() -> str:
    """`<version>+<hash of every source file of soundalike and jobs>`; the same in the work tree and in the zip."""
    digest = hashlib.sha256()
    packages = [files(name) for name in ("soundalike", "jobs") if find_spec(name)]
    for name, content in sorted(source for package in packages for source in _sources(package, "")):
        digest.update(name.encode() + b"\0" + content + b"\0")
    return f"{__version__}+{digest.hexdigest()[:12]}"


def _sources(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _sources(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((".py", ".toml")):
            found.append((f"{prefix}{entry.name}", entry.read_bytes()))
    return found
