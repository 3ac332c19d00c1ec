"""A driver killed at five moments of one pipeline: the same command ends with the same tables, nothing is done twice."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

REPOSITORY = Path(__file__).parents[2]
BRONZE = "bronze/acousticbrainz_submissions"


def commits(root: Path, table: str) -> int:
    return len(list((root / table / "_delta_log").glob("*.json")))


# When the driver is killed, and the tables of the stages that are done by then. The first commit creates a published table.
MOMENTS: dict[str, tuple[Callable[[Path], bool], list[str]]] = {
    "archives": (lambda root: commits(root, BRONZE) >= 2, []),
    "recordings": (lambda root: commits(root, "silver/submissions") >= 2, [BRONZE]),
    "playlists": (lambda root: commits(root, "silver/mpd_entries") >= 2, ["silver/recordings", "silver/submissions"]),
    "search": (
        lambda root: any((root / "_staging").rglob("partials*/_delta_log/*.json")),
        ["bronze/mpd_playlists", "silver/mpd_playlists", "silver/track_vectors", "gold/tracks"],
    ),
    "publishing": (lambda root: commits(root, "gold/track_neighbors") >= 2, ["gold/tracks"]),
}


def killed(command: list[str], moment: Callable[[], bool]) -> bool:
    """Runs the command and kills all of it at `moment`; false if it ended before."""
    # A session of its own, so that driver, JVM and workers go at once.
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 240
    while not moment() and driver.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    in_time = driver.poll() is None and time.monotonic() < deadline
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    return in_time


def test_kill_at_five_moments(
    submit: Any, content: Any, rows: Any, tmp_path: Path, sample: Any, playlists: Any, reference: Path
) -> None:
    folder, root = tmp_path / "archives", tmp_path / "tables"
    shutil.copytree(sample[0], folder)
    arguments = [
        "--set", f"storage.root={root}", "--set", f"sources.acousticbrainz.uris={folder}",
        "--set", f"sources.mpd.uri={playlists[0]}",
    ]  # fmt: skip
    at_kill: dict[str, dict[str, int]] = {}
    for name, (moment, done) in MOMENTS.items():
        # One core at first: archives are committed one after another.
        master = "local[1,4]" if name == "archives" else "local[2,4]"
        command = [
            sys.executable,
            str(REPOSITORY / "scripts/submit.py"),
            "--master",
            master,
            "pipeline",
            "--",
            *arguments,
        ]
        assert killed(command, lambda moment=moment: moment(root)), f"the run ended before the moment {name!r}"
        at_kill[name] = {table: commits(root, table) for table in done}
        if name == "archives":
            committed = {row["archive"] for row in rows(root, BRONZE)}
            assert 1 <= len(committed) < len(sample[1]["archives"]), "the kill came too early or too late"
            # Were a committed archive read again, its digest would now be wrong.
            for archive in sorted(committed):
                (folder / archive).write_bytes(bytes((folder / archive).stat().st_size))
    again = submit("pipeline", *arguments)
    assert again.returncode == 0, again.stdout + again.stderr
    names = [name for name in content(reference) if name != "operations/runs"]
    assert content(root, names=names) == content(reference, names=names)
    for found in at_kill.values():
        assert found == {table: commits(root, table) for table in found}
    last = {row["stage"]: row["status"] for row in rows(root, "operations/runs")}
    skipped = {name for name, status in last.items() if status == "skipped"}
    assert skipped >= {"ingest_acousticbrainz", "recordings", "ingest_mpd.slices", "ingest_mpd.playlists", "tracks"}
