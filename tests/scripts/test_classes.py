"""The class archive is made once for what it depends on, made again when that changes, and never left cut short."""

import os
import shutil
from pathlib import Path

import pytest

import classes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout as far as the archive looks at it."""
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "build/jars").mkdir(parents=True)
    (tmp_path / "build/jars/one.jar").write_bytes(b"one")
    return tmp_path


def made_by(job_succeeds: bool, tree: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Commands that `make` runs, with a job that leaves an archive, or fails."""
    ran: list[str] = []

    def run(command: list[str], **_options: object) -> None:
        ran.append(" ".join(command))
        if command[1].endswith("make_sample.py"):
            Path(command[command.index("--out") + 1], "acousticbrainz/dump").mkdir(parents=True)
        elif job_succeeds:
            options = next(word for word in command if "ArchiveClassesAtExit=" in word)
            path = options.partition("ArchiveClassesAtExit=")[2].split()[0]
            Path(path).write_bytes(b"archive")
        else:
            raise classes.subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(classes.subprocess, "run", run)
    return ran


def test_made_once_and_by_options_of_its_own(tree: Path, monkeypatch: pytest.MonkeyPatch):
    ran = made_by(True, tree, monkeypatch)
    asked = classes.fingerprint(tree, "java 17")
    assert not classes.settled(tree, asked)
    assert classes.make(tree, Path("python"), asked)
    assert classes.settled(tree, asked)
    assert (tree / "build/classes.jsa").read_bytes() == b"archive"
    assert len(ran) == 2 and "SharedArchiveFile" not in ran[1]  # the one being made is not read
    assert sorted(path.name for path in (tree / "build").iterdir()) == [
        "classes.jsa",
        "classes.json",
        "classes.log",
        "jars",
    ]


def test_an_archive_cut_short_is_deleted(tree: Path, monkeypatch: pytest.MonkeyPatch):
    made_by(True, tree, monkeypatch)
    asked = classes.fingerprint(tree)
    classes.make(tree, Path("python"), asked)
    (tree / "build/classes.jsa").write_bytes(b"arch")
    assert not classes.settled(tree, asked)
    assert not (tree / "build/classes.jsa").exists()


def test_a_failure_is_not_tried_again_until_something_changes(tree: Path, monkeypatch: pytest.MonkeyPatch):
    made_by(False, tree, monkeypatch)
    asked = classes.fingerprint(tree, "java 17")
    assert not classes.make(tree, Path("python"), asked)
    assert classes.settled(tree, asked)
    assert not classes.settled(tree, classes.fingerprint(tree, "java 21"))


def test_depends_on_java_its_options_and_every_jar(tree: Path):
    before = classes.fingerprint(tree, "java 17")
    assert classes.fingerprint(tree, "java 17") == before
    assert classes.fingerprint(tree, "java 21") != before
    os.utime(tree / "build/jars/one.jar", (1, 1))  # Java compares the times of the jars too
    after = classes.fingerprint(tree, "java 17")
    assert after != before
    options = tree / "conf/spark/local.conf"
    options.write_text(options.read_text().replace("-XX:+UseSerialGC", "-XX:+UseG1GC"))
    assert classes.fingerprint(tree, "java 17") != after
