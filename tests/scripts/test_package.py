"""The zip for executors: the two packages with conf inside, and the same bytes from the same sources."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from package import members, package

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree like ours in small, with the link and with left-overs of Python."""
    for name, text in {
        "lib/soundalike/__init__.py": "",
        "lib/soundalike/texts/dates.py": "DATE = 1\n",
        "lib/soundalike/texts/__pycache__/dates.cpython-311.pyc": "bytes",
        "lib/soundalike.egg-info/PKG-INFO": "Name: soundalike",
        "jobs/__init__.py": "",
        "jobs/recordings.py": "",
        "conf/settings.toml": "[run]\n",
        "conf/spark/base.conf": "a b\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "lib/soundalike/conf").symlink_to("../../conf")
    return tmp_path


def test_holds_both_packages_and_conf(tree: Path):
    assert zipfile.ZipFile(package(tree)).namelist() == [
        "jobs/__init__.py",
        "jobs/recordings.py",
        "soundalike/__init__.py",
        "soundalike/conf/settings.toml",
        "soundalike/conf/spark/base.conf",
        "soundalike/texts/dates.py",
    ]


def test_same_sources_same_bytes(tree: Path, tmp_path_factory: pytest.TempPathFactory):
    first = package(tree).read_bytes()
    other = tmp_path_factory.mktemp("other") / "tree"
    shutil.copytree(tree, other, symlinks=True)
    for path in sorted(other.rglob("*"), reverse=True):
        if path.is_file():
            os.utime(path, (1, 1))
            path.chmod(0o755)
    (other / "build/soundalike.zip").unlink()
    assert package(other).read_bytes() == first


def test_is_written_again_only_when_a_source_changed(tree: Path):
    before = package(tree).stat().st_mtime_ns
    assert package(tree).stat().st_mtime_ns == before
    (tree / "lib/soundalike/texts/dates.py").write_text("DATE = 2\n")
    assert zipfile.ZipFile(package(tree)).read("soundalike/texts/dates.py") == b"DATE = 2\n"


def test_our_own_zip_imports_alone(tmp_path: Path):
    """Settings, their file and the code version come out of the zip as they do out of the work tree."""
    with zipfile.ZipFile(tmp_path / "soundalike.zip", "w") as archive:
        for name, path in members(ROOT):
            archive.write(path, name)
    code = (
        "import soundalike; from soundalike.settings import load; from soundalike.version import code_version;"
        "print(load(None, []).storage.root, code_version()); print(soundalike.__file__)"
    )
    told = {}
    for where, beside in ((tmp_path / "soundalike.zip", tmp_path), (ROOT / "lib", ROOT)):
        told[where.name] = subprocess.run(
            [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = [{str(where)!r}, {str(beside)!r}]; {code}"],
            cwd=tmp_path, capture_output=True, text=True, check=True,
        ).stdout.splitlines()  # fmt: skip
    assert told["soundalike.zip"][0] == told["lib"][0]
    assert told["soundalike.zip"][1] == str(tmp_path / "soundalike.zip/soundalike/__init__.py")
