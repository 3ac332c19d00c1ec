"""The packaged zip on real executors, and a job that fails in one of their tasks."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

pytestmark = pytest.mark.spark

CLUSTER = "local-cluster[2,1,1024]"


def vectors(folder: Path, ids: list[str]) -> Path:
    rows = {"track_id": ids, "genre": ["roc"] * len(ids), "vector": [[1.0, i / 10] for i in range(len(ids))]}
    folder.mkdir()
    pq.write_table(pa.table(rows), folder / "part.parquet")
    return folder


def test_a_job_reaches_executors(submit: Any, tmp_path: Path) -> None:
    own = vectors(tmp_path / "vectors", ["a", "b", "c"])
    done = submit(
        "neighbors",
        "--set",
        f"storage.root={tmp_path}",
        "--set",
        f"neighbors.vectors={own}",
        "--set",
        "neighbors.scopes=genre",
        master=CLUSTER,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lists = DeltaTable(tmp_path / "gold/track_neighbors").to_pyarrow_table().to_pylist()
    assert {row["track_id"]: [n["neighbor_id"] for n in row["neighbors"]] for row in lists} == {
        "a": ["b", "c"],
        "b": ["c", "a"],
        "c": ["b", "a"],
    }


def test_a_failing_task_ends_the_job_with_one_line(submit: Any, tmp_path: Path) -> None:
    # The one list that is judged names neither z, so that the task which publishes is the first to meet both.
    own = vectors(tmp_path / "vectors", [*(f"t{i:02}" for i in range(38)), "z", "z"])
    arguments = (
        "--set",
        "neighbors.top_n=1",
        "--set",
        "neighbors.cert_queries=1",
        "--set",
        f"storage.root={tmp_path}",
        "--set",
        f"neighbors.vectors={own}",
        "--set",
        "neighbors.scopes=genre",
    )
    done = submit("neighbors", *arguments, master=CLUSTER)
    assert done.returncode == 1
    said = done.stdout + done.stderr  # spark-submit merges what a Python job says into its standard output
    assert "Traceback" not in said and "\tat " not in said
    last = said.strip().splitlines()[-1]
    assert last == (
        f"neighbors: track z stands twice in table {tmp_path / 'vectors'}; a table of vectors has one row per track: remove the others"
    )
    assert not (tmp_path / "gold/track_neighbors/scope=genre").exists()
    verbose = submit("neighbors", *arguments, "--verbose", master=CLUSTER)
    assert verbose.returncode == 1
    # The stack trace says where the code of the task came from.
    assert "soundalike.zip/soundalike/stages/neighbors.py" in verbose.stdout + verbose.stderr
