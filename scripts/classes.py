"""A class archive for Java: Spark's classes as Java has them after loading, which halves the time of a start.

Java writes it at the end of a run and takes it only while Java, the jars and their order are the same. It is a
convenience: without it everything works, only later.
"""

import hashlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

import submit

OPTIONS = "spark.driver.extraJavaOptions"
SECONDS = 600  # the run takes half a minute on an idle machine


def fingerprint(root: Path, *parts: str) -> str:
    """What the archive depends on: Java's options, `parts`, and the jars in the order in which Java finds them."""
    with os.scandir(root / "build/jars") as folder:
        jars = [(entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in folder]
    return hashlib.sha256(json.dumps([*parts, submit.spark_options(root)[OPTIONS], jars]).encode()).hexdigest()


def settled(root: Path, asked: str) -> bool:
    """Whether nothing is to be done: the archive of this fingerprint is there in full, or making it failed before.

    Java looks at the head of the file only, and a file cut short would bring it down: what does not fit is deleted.
    """
    archive, mark = _files(root)
    try:
        told = json.loads(mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        told = {}
    if told == {"fingerprint": asked, "bytes": _size(archive)}:
        return True
    archive.unlink(missing_ok=True)
    return False


def make(root: Path, python: Path, asked: str) -> bool:
    """Keeps the classes that one job over a small sample loads; False if that failed, build/classes.log says why.

    Ingest is the shortest job that writes Delta from Python workers; an archive of the whole pipeline gains no more.
    """
    archive, mark = _files(root)
    with (
        tempfile.TemporaryDirectory(prefix="classes-", dir=root / "build") as name,
        open(root / "build/classes.log", "w") as log,
    ):
        folder = Path(name)
        fresh = folder / "classes.jsa"
        options = submit.spark_options(root)[OPTIONS].replace(
            f"SharedArchiveFile={archive}", f"ArchiveClassesAtExit={fresh}"
        )

        def runs(script: str, *arguments: str) -> bool:
            command = [str(python), str(root / "scripts" / script), *arguments]
            try:
                subprocess.run(command, cwd=root, stdout=log, stderr=log, timeout=SECONDS, check=True)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
                print(error, file=log)
                return False
            return True

        if runs("make_sample.py", "--out", name, "--documents", "400", "--archives", "1"):
            dump = next((folder / "acousticbrainz").iterdir())
            spark = ["--target", "local", "--master", "local[2]", "--conf", f"{OPTIONS}={options}"]
            settings = ["--set", f"storage.root={folder / 'tables'}", "--set", f"sources.acousticbrainz.uris={dump}"]
            if runs("submit.py", *spark, "ingest_acousticbrainz", "--", *settings) and fresh.is_file():
                fresh.replace(archive)
    # a failure is remembered too: it is tried again when something changes, not at every make
    mark.write_text(json.dumps({"fingerprint": asked, "bytes": _size(archive)}), encoding="utf-8")
    return archive.is_file()


def _files(root: Path) -> tuple[Path, Path]:
    """The archive and the note of what it was made from."""
    return root / "build/classes.jsa", root / "build/classes.json"


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None
