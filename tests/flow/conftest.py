"""One small sample, one run of the whole pipeline over it, and its tables as rows."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from soundalike.samples.playlists import make_playlists
from soundalike.samples.sample import make_sample

DOCUMENTS = 300
# What differs between two runs over the same input: names and times of the run, and where its tables live.
RUN_COLUMNS = {"run_id", "started_at", "seconds", "settings", "attempt", "job"}


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """(folder of the archives, truth)."""
    out = tmp_path_factory.mktemp("sample")
    truth = make_sample(out, DOCUMENTS, archives=4, seed=11)
    return next((out / "acousticbrainz").iterdir()), truth


@pytest.fixture(scope="session")
def playlists(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """(folder of a dataset of playlists in three slices, truth)."""
    out = tmp_path_factory.mktemp("playlists")
    return out / "mpd", make_playlists(out, 250, seed=11, per_slice=100)


@pytest.fixture(scope="session")
def run_pipeline(sample: tuple[Path, dict[str, Any]], playlists: tuple[Path, dict[str, Any]]) -> Callable[..., int]:
    """`run_pipeline(root)`: exit code of the pipeline over both dumps, in this process's session."""

    def run(root: Path) -> int:
        from jobs.pipeline import pipeline, required_inputs

        from soundalike.run import main

        given = [f"storage.root={root}", f"sources.acousticbrainz.uris={sample[0]}", f"sources.mpd.uri={playlists[0]}"]
        return main("pipeline", pipeline, required_inputs, [word for one in given for word in ("--set", one)])

    return run


@pytest.fixture(scope="session")
def reference(spark: Any, run_pipeline: Callable[..., int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of the tables of one pipeline run over both dumps on files."""
    root = tmp_path_factory.mktemp("reference")
    assert run_pipeline(root) == 0
    return root


def ingested(root: Path, uri: Path | str, *settings: str) -> int:
    """Exit code of `ingest_mpd` in this process's session."""
    from jobs.ingest_mpd import ingest_mpd, required_inputs

    from soundalike.run import main

    given = [f"storage.root={root}", f"sources.mpd.uri={uri}", *settings]
    return main("ingest_mpd", ingest_mpd, required_inputs, [word for one in given for word in ("--set", one)])


@pytest.fixture(scope="session")
def ingest_playlists() -> Callable[..., int]:
    return ingested


Rows = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def rows() -> Rows:
    """`rows(root, table)`: every row of a published table, read without Spark."""

    def read(root: Path | str, table: str, options: dict[str, str] | None = None) -> list[dict[str, Any]]:
        return DeltaTable(f"{root}/{table}", storage_options=options).to_pyarrow_table().to_pylist()

    return read


@pytest.fixture(scope="session")
def content(rows: Rows) -> Callable[..., dict[str, str]]:
    """`content(root)`: one hash over the sorted rows of each table, run and time columns left out."""

    def hashes(
        root: Path | str, options: dict[str, str] | None = None, names: list[str] | None = None
    ) -> dict[str, str]:
        found = {}
        for name in names or sorted(str(p.parent.relative_to(root)) for p in Path(root).rglob("_delta_log")):
            # A run that found everything done leaves rows of its own in operations/runs.
            lines = sorted(
                json.dumps({k: v for k, v in row.items() if k not in RUN_COLUMNS}, sort_keys=True, default=str)
                for row in rows(root, name, options)
                if row.get("status") != "skipped"
            )
            found[name] = f"{len(lines)} rows {hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"
        return found

    return hashes
