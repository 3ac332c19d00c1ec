"""A driver killed in the middle of the ingest: the same command gives the same tables, no archive is read twice."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

REPOSITORY = Path(__file__).parents[2]
BRONZE = "bronze/acousticbrainz_submissions"


def commits(root: Path) -> int:
    return len(list((root / BRONZE / "_delta_log").glob("*.json")))


def test_kill_in_the_middle_of_the_ingest(
    submit: Any, content: Any, rows: Any, tmp_path: Path, sample: Any, reference: Path
) -> None:
    folder, root = tmp_path / "archives", tmp_path / "tables"
    shutil.copytree(sample[0], folder)
    source = ["--set", f"sources.acousticbrainz.uris={folder}"]
    job = ["pipeline", "--", "--set", f"storage.root={root}", *source]
    submit_py = str(REPOSITORY / "scripts/submit.py")
    # One core: archives are committed one after another. A session of its own, so that all of it is killed at once.
    killed = subprocess.Popen(
        [sys.executable, submit_py, "--master", "local[1,4]", *job], stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 240
    while commits(root) < 2 and killed.poll() is None and time.monotonic() < deadline:  # the creation and one archive
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    committed = {row["archive"] for row in rows(root, BRONZE)}
    assert 1 <= len(committed) < len(sample[1]["archives"]), "the kill came too early or too late to show anything"
    # Were a committed archive read again, its digest would now be wrong.
    for name in sorted(committed):
        (folder / name).write_bytes(bytes((folder / name).stat().st_size))
    again = submit("pipeline", "--set", f"storage.root={root}", *source)
    assert again.returncode == 0, again.stdout + again.stderr
    names = [name for name in content(reference) if name != "operations/runs"]
    assert content(root, names=names) == content(reference, names=names)
    (ingest,) = [row for row in rows(root, "operations/runs") if row["stage"] == "ingest_acousticbrainz"]
    documents = {archive["name"]: archive["documents"] for archive in sample[1]["archives"]}
    assert ingest["rows_in"] == sum(count for name, count in documents.items() if name not in committed)
