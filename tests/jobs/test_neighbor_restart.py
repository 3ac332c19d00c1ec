"""A search goes on where it was killed, changes with no number of cores, files or batches, and survives its workers."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deltalake import DeltaTable

pytestmark = pytest.mark.spark

REPOSITORY = Path(__file__).parents[2]
# About 5e8 pairs, so that there are five tasks on two cores and rows have lists in several of them.
SETTINGS = {"scopes": "genre,global", "family": "kmeans_overlap", "cells_leaf": 2000, "cells_e": 28, "cells_min": 3,
            "cells_max": 4, "cert_queries": 200}  # fmt: skip
ROWS = 15_000


def columns() -> dict[str, Any]:
    random = np.random.default_rng(6)
    vectors = random.normal(size=(60, 8))[random.integers(0, 60, ROWS)] + 0.4 * random.normal(size=(ROWS, 8))
    ids = [f"t{row:05}" for row in range(ROWS)]
    keys = [ids[row - row % 2] if row < 40 else ids[row] for row in range(ROWS)]
    genres = ["pop" if row % 5 == 4 and row > 40 else "roc" for row in range(ROWS)]
    return {"track_id": ids, "genre": genres, "recording_key": keys, "vector": vectors.tolist()}


def given(root: Path, own: Path) -> list[str]:
    """The settings that the fixture `search` gives, as a list for another process."""
    stated = {"storage.root": root, "neighbors.vectors": own, "neighbors.top_n": 10}
    stated |= {f"neighbors.{name.replace('cells_', 'cells.')}": value for name, value in SETTINGS.items()}
    return [f"{key}={value}" for key, value in stated.items()]


def command(root: Path, master: str, *options: str) -> list[str]:
    words = [word for one in given(root, root / "own") for word in ("--set", one)]
    return [
        sys.executable,
        str(REPOSITORY / "scripts/submit.py"),
        "--master",
        master,
        *options,
        "neighbors",
        "--",
        *words,
    ]


@pytest.fixture(scope="module")
def content(published: Any) -> Callable[[Path], str]:
    """`content(root)`: a hash of all that a search publishes, without what names the run."""

    def hashed(root: Path) -> str:
        lines = []
        for table in (
            "gold/track_neighbors",
            "gold/neighbor_models",
            "operations/neighbor_certificates",
            "operations/ledger",
        ):
            for row in published(root, table):
                row.pop("run_id", None)
                lines.append(json.dumps([table, row], sort_keys=True, default=lambda value: value.hex()))
        return f"{len(lines)} rows {hashlib.sha256(''.join(sorted(lines)).encode()).hexdigest()}"

    return hashed


@pytest.fixture(scope="module")
def expected(search: Any, write_table: Any, content: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What is published by a run that nothing happens to."""
    root = tmp_path_factory.mktemp("expected")
    write_table(root / "own", columns())
    assert search(root, **SETTINGS) == 0
    return content(root)


def test_cores_batches_adaptive_execution_and_files_change_nothing(
    expected: str, write_table: Any, content: Any, tmp_path: Path
) -> None:
    hows: list[tuple[int, dict[str, str]]] = [
        (1, {"spark.sql.adaptive.enabled": "false", "spark.sql.shuffle.partitions": "3"}),
        (4, {"spark.sql.execution.arrow.maxRecordsPerBatch": "77"}),
    ]
    turned, asked, roots = columns(), [], []
    order = np.random.default_rng(1).permutation(ROWS)
    turned = {name: [values[row] for row in order] for name, values in turned.items()}
    write_table(tmp_path / "own", turned, files=3)
    for cores, conf in hows:
        roots.append(tmp_path / f"cores-{cores}")
        settings = given(roots[-1], tmp_path / "own")
        asked.append({"master": f"local[{cores},4]", "conf": conf, "set": settings, "job": "neighbors"})
    sessions = REPOSITORY / "tests/flow/sessions.py"
    done = subprocess.run(
        [sys.executable, str(sessions), json.dumps(asked)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in 4 tasks" in done.stderr and "in 5 tasks" in done.stderr
    assert [content(root) for root in roots] == [expected] * 2


def files(table: Path) -> dict[str, float]:
    return {str(path): path.stat().st_mtime for path in table.rglob("*") if path.is_file()}


def staged(root: Path, table: str) -> Path | None:
    """The folder of the table of a search, once it has its commit."""
    found = [log.parents[1] for log in (root / "_staging").rglob("_delta_log/*0.json")]
    return next((folder for folder in found if folder.name == f"{table}_track_neighbors"), None)


def kill_at(root: Path, moment: Callable[[], Any], master: str) -> None:
    """Runs the job and kills driver and JVM at the moment."""
    driver = subprocess.Popen(
        command(root, master), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    deadline = time.monotonic() + 300
    while not moment() and driver.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    in_time = driver.poll() is None and moment()
    os.killpg(driver.pid, signal.SIGKILL)
    said = driver.communicate()[0].decode()
    assert in_time, said


def test_a_killed_search_goes_on_where_it_was(
    expected: str, search: Any, write_table: Any, content: Any, published: Any, tmp_path: Path
) -> None:
    write_table(tmp_path / "own", columns())
    kill_at(tmp_path, lambda: staged(tmp_path, "tracks"), "local[1,4]")
    tracks = staged(tmp_path, "tracks")
    assert tracks is not None and staged(tmp_path, "partials") is None
    made = files(tracks)

    kill_at(tmp_path, lambda: staged(tmp_path, "partials"), "local[1,4]")
    partials = staged(tmp_path, "partials")
    assert partials is not None and files(tracks) == made and not (tmp_path / "gold").exists()
    made |= files(partials)
    copies = DeltaTable(str(partials)).to_pyarrow_table(columns=["copies"])["copies"].to_pylist()
    assert max(copies) > 1 and min(copies) == 1

    # On another number of cores there would be other tasks, yet the lists of those before are taken.
    commits = tmp_path / "gold/track_neighbors/_delta_log"
    kill_at(tmp_path, lambda: len(list(commits.glob("*.json"))) >= 2, "local[2,4]")
    assert files(tracks) | files(partials) == made
    assert search(tmp_path, **SETTINGS) == 0
    assert content(tmp_path) == expected
    assert not (tmp_path / "_staging").exists() or not files(tmp_path / "_staging")
    # Done and checked: the next run does nothing.
    assert search(tmp_path, **SETTINGS) == 0
    assert [row["stage"] for row in published(tmp_path, "operations/runs", status="skipped")] == ["neighbors.prepare"]
    assert content(tmp_path) == expected


def descendants(pid: int) -> Iterator[int]:
    for child in Path(f"/proc/{pid}/task").glob("*/children"):
        for found in map(int, child.read_text().split()):
            yield found
            yield from descendants(found)


def busy_worker(driver: int) -> int | None:
    """A worker of PySpark that has computed for a while: a child of the daemon, of which there is one."""
    for pid in descendants(driver):
        try:
            if "daemon" in Path(f"/proc/{pid}/cmdline").read_text():
                for worker in descendants(pid):
                    state = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
                    if state[0] == "R":
                        return worker
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
    return None


def test_a_worker_killed_in_the_search_changes_nothing(
    expected: str, write_table: Any, content: Any, tmp_path: Path
) -> None:
    write_table(tmp_path / "own", columns())
    events = tmp_path / "events"
    events.mkdir()
    options = ["--conf", "spark.eventLog.enabled=true", "--conf", f"spark.eventLog.dir=file:{events}"]
    options += ["--conf", "spark.eventLog.compress=false"]
    driver = subprocess.Popen(
        command(tmp_path, "local[2,4]", *options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert driver.stdout
    said, killed = [], None
    for line in driver.stdout:
        said.append(line)
        if line.startswith("neighbors.search: started"):
            deadline = time.monotonic() + 60
            time.sleep(1)  # rows are read and sent out first
            while killed is None and time.monotonic() < deadline:
                killed = busy_worker(driver.pid)
            if killed:
                os.kill(killed, signal.SIGKILL)
    assert driver.wait() == 0 and killed, "".join(said)
    ended = [event for log in events.rglob("events_*") for event in map(json.loads, log.read_text().splitlines())
             if event["Event"] == "SparkListenerTaskEnd"]  # fmt: skip
    failed = [event["Task End Reason"] for event in ended if event["Task End Reason"]["Reason"] != "Success"]
    # Where the rows were being written, the writer's own error has that of the worker as its cause.
    assert failed and all("Python worker exited unexpectedly" in reason["Full Stack Trace"] for reason in failed)
    assert content(tmp_path) == expected


def test_what_was_staged_by_other_settings_is_not_taken(search: Any, write_table: Any, tmp_path: Path) -> None:
    vectors = np.random.default_rng(3).normal(size=(1200, 60)).tolist()
    write_table(tmp_path / "own", {"track_id": [f"t{row:05}" for row in range(1200)], "vector": vectors})
    # Too little is found for this floor, so that all stays staged.
    how = {"scopes": "global", "family": "hyperplane", "recall_floor": 1, "precision": "coarse"}

    def longest(folder: Path) -> int:
        found = DeltaTable(str(folder / "neighbors/partials_track_neighbors")).to_pyarrow_table()["distances"]
        return max(len(one) // 4 for one in found.to_pylist())

    assert search(tmp_path, **how) == 1
    (first,) = (tmp_path / "_staging").iterdir()
    made = files(first)
    assert longest(first) == 10
    assert search(tmp_path, **(how | {"top_n": 5})) == 1
    (second,) = set((tmp_path / "_staging").iterdir()) - {first}
    assert longest(second) == 5 and files(first) == made
    # The same name for another run: nothing of the one before is left.
    assert search(tmp_path, run_id=first.name, **(how | {"top_n": 5})) == 1
    assert longest(first) == 5 and len(list((tmp_path / "_staging").iterdir())) == 2
