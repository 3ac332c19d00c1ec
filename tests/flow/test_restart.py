"""A driver killed in the middle of the ingest: the same command gives the same tables, no archive is read twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from soundalike.samples.sample import make_sample

pytestmark = pytest.mark.spark

REPOSITORY = Path(__file__).parents[2]
BRONZE = "bronze/acousticbrainz_submissions"


def commits(root: Path) -> int:
    return len(list((root / BRONZE / "_delta_log").glob("*.json")))


def test_kill_in_the_middle_of_the_ingest(submit: Any, content: Any, rows: Any, tmp_path: Path) -> None:
    truth = make_sample(tmp_path / "sample", 400, archives=6, seed=3)
    folder = next((tmp_path / "sample/acousticbrainz").iterdir())
    root, whole = tmp_path / "tables", tmp_path / "whole"
    source = ["--set", f"sources.acousticbrainz.uris={folder}"]
    job = ["ingest_acousticbrainz", "--", "--set", f"storage.root={root}", *source]
    submit_py = str(REPOSITORY / "scripts/submit.py")
    # One core: archives are committed one after another. A session of its own, so that everything in it is killed at once.
    killed = subprocess.Popen(
        [sys.executable, submit_py, "--master", "local[1,4]", *job], stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 240
    while commits(root) < 3 and killed.poll() is None and time.monotonic() < deadline:  # the creation and two archives
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    committed = {row["archive"] for row in rows(root, BRONZE)}
    assert 1 <= len(committed) < 6, "the kill came too early or too late to show anything"
    # Were a committed archive read again, its digest would now be wrong.
    kept = {}
    for name in sorted(committed):
        kept[name] = (folder / name).read_bytes()
        (folder / name).write_bytes(bytes(len(kept[name])))
    again = submit("pipeline", "--set", f"storage.root={root}", *source)
    assert again.returncode == 0, again.stderr
    for name, original in kept.items():
        (folder / name).write_bytes(original)
    undisturbed = submit("pipeline", "--set", f"storage.root={whole}", *source)
    assert undisturbed.returncode == 0, undisturbed.stderr
    names = [name for name in content(whole) if name != "operations/runs"]
    assert content(root, names=names) == content(whole, names=names)
    ledger = {
        row["counter"]: row["value"] for row in rows(root, "operations/ledger") if row["source"] == "acousticbrainz"
    }
    assert ledger["input"] == truth["ledger"]["input"]
