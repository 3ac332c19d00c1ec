"""The jobs `neighbors` and `certify` over tables of the tests' own, and lists worked out apart from the engine."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

TOP_N = 10

Ints = npt.NDArray[np.int64]
Lists = dict[tuple[str, str, str], list[tuple[str, float]]]


def run_job(job: str, root: Path, settings: dict[str, object]) -> int:
    """Exit code of the job over root/own; settings are `neighbors.*`, `cells_leaf` is cells.leaf, `run_id` run.id."""
    from jobs.certify import certify
    from jobs.certify import inputs as certified
    from jobs.ingest_acousticbrainz import inputs
    from jobs.neighbors import neighbors

    from soundalike.run import main

    given = {"storage.root": root, "neighbors.vectors": root / "own", "neighbors.top_n": TOP_N}
    for name, value in settings.items():
        key = "run.id" if name == "run_id" else "neighbors." + name.replace("cells_", "cells.")
        given[key] = ",".join(map(str, value)) if isinstance(value, tuple) else value
    argv = [word for key, value in given.items() for word in ("--set", f"{key}={value}")]
    steps, listing = (neighbors, inputs) if job == "neighbors" else (certify, certified)
    return main(job, steps, listing, argv)


@pytest.fixture(scope="session")
def search(spark: Any) -> Callable[..., int]:
    """`search(root, **settings)`: exit code of the job neighbors."""
    return lambda root, **settings: run_job("neighbors", root, settings)


@pytest.fixture(scope="session")
def audit(spark: Any) -> Callable[..., int]:
    """`audit(root, **settings)`: exit code of the job certify."""
    return lambda root, **settings: run_job("certify", root, settings)


@pytest.fixture(scope="session")
def published() -> Callable[..., list[dict[str, Any]]]:
    """`published(root, table, **where)`: rows of a table whose columns have these values, read without Spark."""

    def read(root: Path, table: str, **where: object) -> list[dict[str, Any]]:
        rows = DeltaTable(str(root / table)).to_pyarrow_table().to_pylist()
        return [row for row in rows if where.items() <= row.items()]

    return read


@pytest.fixture(scope="session")
def lists_of(published: Callable[..., list[dict[str, Any]]]) -> Callable[..., Lists]:
    """`lists_of(root, name)`: (scope, block, track) -> [(neighbor, similarity)] of a neighbor table, each list once."""

    def read(root: Path, name: str = "track_neighbors") -> Lists:
        rows = published(root, f"gold/{name}")
        found = {
            (row["scope"], row["block"], row["track_id"]): [
                (n["neighbor_id"], n["similarity"]) for n in row["neighbors"]
            ]
            for row in rows
        }
        assert len(found) == len(rows)
        return found

    return read


@pytest.fixture(scope="session")
def write_table() -> Callable[..., None]:
    """`write_table(folder, columns, files=1)`: a Parquet table of these columns, its rows in no order."""

    def write(folder: Path, columns: dict[str, Any], files: int = 1) -> None:
        folder.mkdir(parents=True)
        rows = pa.table(columns)
        order = np.random.default_rng(4).permutation(rows.num_rows)
        for file in range(files):
            pq.write_table(rows.take(order[file::files]), folder / f"part-{file}.parquet")

    return write


@pytest.fixture(scope="session")
def to_grid() -> Callable[..., Ints]:
    """`to_grid(vectors, scale)`: (n, d + 1) rows of the lattice, by its definition."""

    def grid(vectors: npt.ArrayLike, scale: int = 2880) -> Ints:
        rows = np.asarray(vectors, dtype=np.float64)
        rounded = np.rint(rows / np.linalg.norm(rows, axis=1, keepdims=True) * scale).astype(np.int64)
        return np.column_stack([rounded, rounded.sum(axis=1) % 2])

    return grid


@pytest.fixture(scope="session")
def half_squares() -> Callable[[Ints], Ints]:
    """(n, n): D of all rows of a lattice."""

    def distances(grid: Ints) -> Ints:
        wide = grid.astype(np.float64)  # whole numbers below 2^53
        squares = (wide**2).sum(axis=1)
        return ((squares[:, np.newaxis] + squares - 2 * wide @ wide.T) / 2).astype(np.int64)

    return distances


@pytest.fixture(scope="session")
def nearest() -> Callable[..., list[tuple[str, float]]]:
    """`nearest(row, others, distances, ids, scale)`: the list of a row among others; positions are in id order."""

    def answer(
        row: int, others: Ints, distances: Ints, ids: Sequence[str], scale: int = 2880
    ) -> list[tuple[str, float]]:
        best = others[np.lexsort((others, distances[row, others]))][:TOP_N]
        return [(ids[other], 1 - float(distances[row, other]) / scale**2) for other in best]

    return answer
