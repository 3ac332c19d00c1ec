"""Published tables as the reader meets them, written from the contracts by deltalake: no Spark, no Java."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from soundalike.contracts.table import Table
from soundalike.contracts.tables import LEDGER, RUNS, TRACK_NEIGHBORS, TRACK_VECTORS, TRACKS

SANDMAN = "62c2e20a-559e-422f-a44c-9afa7882f0c4"
SIMPLE = {
    "string": pa.string(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "array<string>": pa.list_(pa.string()),
    "array<float>": pa.list_(pa.float32()),
    "array<double>": pa.list_(pa.float64()),
    "map<string,string>": pa.map_(pa.string(), pa.string()),
    "map<string,bigint>": pa.map_(pa.string(), pa.int64()),
    "array<struct<neighbor_id:string,similarity:double>>": pa.list_(
        pa.struct([("neighbor_id", pa.string()), ("similarity", pa.float64())])
    ),
}


def mbid(number: int) -> str:
    """`00000001-0000-4000-8000-000000000000` for 1."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def arrow(table: Table, rows: list[dict]) -> pa.Table:
    schema = pa.schema([pa.field(column.name, SIMPLE[column.type], column.nullable) for column in table.columns])
    return pa.Table.from_pylist(rows, schema)


def track(track_id: str, title: str, artist: str | None, year: int | None, *genres: str, **values) -> dict:
    decade = None if year is None else year // 10 * 10
    row = {"track_id": track_id, "source": "acousticbrainz", "title": title, "artist": artist, "album": None}
    row |= {"release_year": year, "release_decade": decade, "genres": list(genres), "duration_s": 331.5}
    return row | {"is_trusted": True, "popularity": 3, "recording_key": track_id} | values


def vector(track_id: str, *genres: str, **values) -> dict:
    row = {"track_id": track_id, "source": "acousticbrainz", "feature_set": "ab16", "recording_key": track_id}
    row |= {"genres": list(genres), "decade": 1990, "is_trusted": True, "features": [0.5, 0.5], "vector": [0.6, 0.8]}
    return row | values


def neighbors(scope: str, block: str, track_id: str, *pairs: tuple[str, float], **values) -> dict:
    listed = [{"neighbor_id": neighbor, "similarity": similarity} for neighbor, similarity in pairs]
    row = {"scope": scope, "block": block, "track_id": track_id, "neighbors": listed, "inherited": False}
    return row | {"method": "exact", "run_id": "run-2", "model_version": "m1"} | values


def counters(run_id: str, source: str, values: dict[str, int], profile: str = "default") -> list[dict]:
    return [
        {"run_id": run_id, "source": source, "profile": profile, "rules_version": "1", "counter": name, "value": value}
        for name, value in values.items()
    ]


def run(run_id: str, started_at: str, **values) -> dict:
    row = {"run_id": run_id, "job": "pipeline", "stage": "recordings", "attempt": 1, "started_at": started_at}
    row["started_at"] = pa.scalar(started_at).cast(pa.timestamp("us", tz="UTC")).as_py()
    return row | {"status": "done", "code_version": "0.1.0", "settings": [], "table_versions": []} | values


TRACK_ROWS = [
    track(mbid(1), "Shame", "Stabbing Westward", 1996, "roc"),
    track(mbid(2), "三千院ナギ starring 釘宮理恵", "釘宮理恵", 2005, "pop", "roc"),
    track(mbid(3), "Re\u0301union", "Beyonce\u0301 & Caf\u00e9 Tacvba", None, "pop"),
    track(mbid(4), "Bad\tObsession\n", None, 1991),
    track(mbid(5), "Left out", "Collapsed", 1991, "roc", is_trusted=False),
    track(mbid(6), "No vector", "Nobody", 1991, "roc"),
    track(mbid(7), "No row", "Nobody", 1991, "roc"),
    track(mbid(8), "Alone", "Nobody", 1911, "spe"),
    track(mbid(9), "Lost", "Nobody", 1991, "roc"),
    track(mbid(10), "Far off", "Nobody", 1991, "cla"),
    track(SANDMAN, "Enter Sandman", "Metallica", 1991, "met", "roc"),
]
VECTOR_ROWS = [
    vector(mbid(3), "pop", decade=None),
    vector(mbid(4), decade=None),
    vector(mbid(6), "roc", vector=None),
    vector(mbid(8), "spe"),
    vector(mbid(9), "roc"),
    vector(mbid(10), "cla"),
]
NEIGHBOR_ROWS = [
    neighbors("genre", "met", SANDMAN),
    neighbors("genre", "roc", SANDMAN, (mbid(2), 0.99993), (mbid(1), 0.5), (mbid(4), -0.25)),
    neighbors("genre_decade", "met|1990", SANDMAN, (mbid(4), 0.9)),
    neighbors(
        "genre_decade",
        "roc|1990",
        SANDMAN,
        (mbid(1), 0.99447),
        (mbid(2), 0.9928600001),
        (mbid(3), 0.25),
        (mbid(77), -0.5),
    ),
    neighbors("genre", "pop", mbid(3), (mbid(2), 0.75)),
    neighbors("genre", "spe", mbid(8)),
    neighbors("genre_decade", "spe|1910", mbid(8)),
    neighbors("genre", "cla", mbid(10), method="kmeans_overlap"),
]
LEDGER_ROWS = [
    *counters("run-1", "acousticbrainz", {"input": 5, "duplicates": 0, "missing": 5, "undated_dropped": 0, "kept": 0}),
    *counters(
        "run-2",
        "acousticbrainz",
        # The published numbers of the whole dump, which close.
        {"title_missing": 0, "kept": 5261105, "no_artist": 2262676, "undated_dropped": 0, "missing": 280377}
        | {"duplicates": 21656426, "input": 29460584, "collapsed": 12},
    ),
    *counters("run-2", "neighbors", {"genre.pairs": 1234567, "genre.eligible": 8}, profile="track_neighbors"),
]
RUN_ROWS = [
    run("run-1", "2026-01-01T00:00:00Z", attempt=1),
    run("run-2", "2026-01-02T00:00:00Z"),
    run("run-1", "2026-01-01T12:00:00Z", attempt=2),
    run("run-3-without-a-ledger", "2026-01-03T00:00:00Z"),
]


class Published:
    """A root and what stands under it."""

    def __init__(self, root: str, storage_options: dict[str, str] | None = None) -> None:
        self.root = root
        self.storage_options = storage_options

    def write(self, table: Table, rows: list[dict], **options) -> None:
        partitions = list(table.partition_by) or None
        options = {"mode": "overwrite", "partition_by": partitions, "storage_options": self.storage_options} | options
        write_deltalake(f"{self.root}/{table.name}", arrow(table, rows), **options)

    mbid = staticmethod(mbid)
    track = staticmethod(track)
    neighbors = staticmethod(neighbors)
    counters = staticmethod(counters)
    run = staticmethod(run)

    def publish(self) -> "Published":
        """A small catalog with lists and vectors, and the ledgers of two runs."""
        self.write(TRACKS, TRACK_ROWS)
        self.write(TRACK_VECTORS, VECTOR_ROWS)
        self.write(TRACK_NEIGHBORS, NEIGHBOR_ROWS)
        self.write(LEDGER, LEDGER_ROWS)
        self.write(RUNS, RUN_ROWS)
        return self

    def data_files(self, name: str) -> list[Path]:
        return sorted(Path(self.root, name).rglob("*.parquet"))


@pytest.fixture
def at():
    """The class itself, for roots elsewhere than under `empty`."""
    return Published


@pytest.fixture
def empty(tmp_path) -> Published:
    """A root without any table."""
    return Published(str(tmp_path / "tables"))


@pytest.fixture
def published(empty) -> Published:
    """A root with everything."""
    return empty.publish()


@pytest.fixture
def command(capsys, monkeypatch):
    """Runs `soundalike` on words and gives (exit code, stdout, stderr); `columns` = a terminal of that width."""
    from soundalike.reader.command import main

    monkeypatch.delenv("SOUNDALIKE_ROOT", raising=False)
    monkeypatch.setenv("RUST_LOG", "error")

    def run_command(*words: str, columns: int | None = None) -> tuple[int, str, str]:
        if columns is not None:
            monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
            monkeypatch.setenv("COLUMNS", str(columns))
        code = main(words)
        out, err = capsys.readouterr()
        return code, out, err

    return run_command


@pytest.fixture
def python():
    """Runs Python on words in a process of its own, which finds the package; gives (exit code, stdout, stderr)."""
    import soundalike

    def run_python(*words: str, **environment: str) -> tuple[int, str, str]:
        lib = str(Path(soundalike.__file__).parents[1])
        done = subprocess.run(
            [sys.executable, *words],
            env=os.environ | {"PYTHONPATH": lib} | environment,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run_python


@pytest.fixture
def no_aws(monkeypatch, tmp_path):
    """A machine without any AWS setting, profile or instance role."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch
