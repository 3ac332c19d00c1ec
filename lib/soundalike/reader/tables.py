"""Open published Delta tables with deltalake and read rows by key, without Spark.

Rows come from `DeltaTable.scan`: its engine takes the key down to the files (statistics in the log) and row groups
(statistics in the footers), so that on tables sorted by `track_id` a look-up reads one row group per scope. The same
table as a pyarrow dataset is slower to start, and now and then aborts the interpreter at exit, when one of its threads
still holds a file that Python opened. deltalake and pyarrow are imported on first use.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from soundalike.contracts.mpd import STATISTICS
from soundalike.contracts.table import Table
from soundalike.contracts.tables import LEDGER, RECORDINGS, RUNS, TRACK_NEIGHBORS, TRACK_VECTORS, TRACKS
from soundalike.errors import SoundalikeError
from soundalike.reader.roots import location, plainly, storage_options
from soundalike.reader.rows import Ledger, LedgerEntry, Neighbor, NeighborList, Pair, Track

if TYPE_CHECKING:
    from deltalake import DeltaTable

# The job that writes a table, for the message that says it is missing; every other name is a neighbor table.
_JOBS = {
    LEDGER.name: "pipeline", RUNS.name: "pipeline", TRACKS.name: "tracks", TRACK_VECTORS.name: "tracks",
    STATISTICS.name: "ingest_mpd",
}  # fmt: skip

# The engine compares row groups with at most so many texts of one list; a longer list reads the whole table.
_IDS_PER_SCAN = 20


def _literal(text: str) -> str:
    """A text in the engine's SQL: quotes doubled; nothing else means anything between them."""
    return "'" + text.replace("'", "''") + "'"


def _columns(stream: Any, names: list[str]) -> list[list[Any]]:
    """The columns of a stream of batches as Python values; times as numbers, in the unit of their column."""
    import pyarrow as pa

    # Not the stream's own read_all: that one keeps every other thread waiting until the storage has answered.
    found = pa.RecordBatchReader.from_stream(stream).read_all()
    columns = [found.column(name) for name in names]
    # Times as Python's own would need a time zone database, which a slim image may lack.
    return [(column.cast("int64") if pa.types.is_timestamp(column.type) else column).to_pylist() for column in columns]


class Reader:
    """Reads the tables published under one root.

    A table is opened on first use and stays at that version, so that all answers of one reader fit together; make a
    new one to see later commits. Safe to share between threads.

    Args:
        root: a path, file://, s3:// or s3a://. Credentials come from the usual AWS chain alone (environment, profile,
            web identity, container, instance).
        endpoint: of an S3-compatible server, such as `http://127.0.0.1:9000`; default AWS_ENDPOINT_URL, else AWS.
        region: default AWS_REGION, else what the profile says.
        path_style: False = the bucket stands in the host name.
        versions: Delta versions to pin, by table name, such as `{"gold/track_neighbors": 12}`; default the newest.

    Raises:
        UsageError: the root is neither a path nor one of the schemes above.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        endpoint: str | None = None,
        region: str | None = None,
        path_style: bool = True,
        versions: Mapping[str, int] | None = None,
    ) -> None:
        self.root = location(root)
        self._options = storage_options(self.root, endpoint, region, path_style)
        self._versions = dict(versions or {})
        self._open: dict[str, DeltaTable] = {}

    def has(self, name: str) -> bool:
        """Is there a Delta table `<layer>/<name>` under the root?"""
        return self._find(name) is not None

    def version(self, name: str) -> int:
        """The Delta version this reader reads of the table `<layer>/<name>`: the thing to pin."""
        return self._table(name).version()

    def scopes(self, name: str = "track_neighbors") -> tuple[str, ...]:
        """The scopes `gold/<name>` holds lists of, sorted."""
        partitions: Any = self._table(f"gold/{name}").partitions()
        return tuple(sorted({partition["scope"] for partition in partitions}))

    def neighbors(
        self, track_id: str, *, scope: str | None = None, block: str | None = None, name: str = "track_neighbors"
    ) -> list[NeighborList]:
        """The lists of a track in `gold/<name>`, by scope and block; no list at all = the track was not eligible.

        A track of several genres has one list per genre, so even with `scope` given there may be several.

        Raises:
            SoundalikeError: no such table, no S3 credentials, or it cannot be read. So do all the others below.
        """
        lists = []
        for row in self._rows(TRACK_NEIGHBORS.named(f"gold/{name}"), track_id=[track_id], scope=scope, block=block):
            row["neighbors"] = tuple(Neighbor(**neighbor) for neighbor in row["neighbors"])
            lists.append(NeighborList(**row))
        return sorted(lists, key=lambda found: (found.scope, found.block))

    def pairs(
        self, track_id: str, *, scope: str | None = None, block: str | None = None, name: str = "track_neighbors"
    ) -> list[Pair]:
        """The same lists in the pair form, one row per neighbor, by scope, block and rank (from 1)."""
        return [
            Pair(found.scope, found.block, found.track_id, rank, *neighbor)
            for found in self.neighbors(track_id, scope=scope, block=block, name=name)
            for rank, neighbor in enumerate(found.neighbors, start=1)
        ]

    def tracks(self, track_ids: Iterable[str]) -> dict[str, Track]:
        """Rows of `gold/tracks` by id, in the order asked for; unknown ids are left out.

        Should two sources hold the same id, the source that comes first by name answers.
        """
        wanted = list(dict.fromkeys(track_ids))
        found: dict[str, Track] = {}
        # Neighboring ids share row groups, hence sorted.
        by_id = sorted(wanted)
        batches = [by_id[start : start + _IDS_PER_SCAN] for start in range(0, len(by_id), _IDS_PER_SCAN)]
        rows = [row for batch in batches for row in self._rows(TRACKS, track_id=batch)]
        for row in sorted(rows, key=lambda row: row["source"], reverse=True):
            row["genres"] = tuple(row["genres"])
            found[row["track_id"]] = Track(**row)
        return {track_id: found[track_id] for track_id in wanted if track_id in found}

    def vectors(self, track_id: str) -> list[dict[str, Any]]:
        """The rows of a track in `silver/track_vectors`, by source and feature set."""
        rows = self._rows(TRACK_VECTORS, track_id=[track_id])
        return sorted(rows, key=lambda row: (row["source"], row["feature_set"]))

    def ledger(self, run_id: str | None = None) -> Ledger:
        """What a run counted; by default the run that started last among those with a ledger.

        Raises:
            SoundalikeError: the run has no ledger, or the tables are missing.
        """
        held = self._runs_with_a_ledger()
        if run_id is None:
            if not held:
                raise SoundalikeError(f"table {LEDGER.name} under {self.root} is empty: run the job pipeline")
            run_id = held[0]
        elif run_id not in held:
            shown = ", ".join(held[:5]) + (f" and {len(held) - 5} more" if len(held) > 5 else "")
            raise SoundalikeError(
                f"run {run_id!r} has no rows in {LEDGER.name} under {self.root}; it holds {shown or 'none'}"
            )
        counters: dict[tuple[str, str, str], dict[str, int]] = {}
        for row in self._rows(LEDGER, run_id=[run_id]):
            of_source = counters.setdefault((row["source"], row["profile"], row["rules_version"]), {})
            of_source[row["counter"]] = row["value"]
        return Ledger(run_id, tuple(LedgerEntry(*key, counters[key]) for key in sorted(counters)))

    def playlist_statistics(self, run_id: str) -> dict[str, float]:
        """The exact statistics of the playlists that a run published, by name; empty = that run published none."""
        return {row["statistic"]: row["value"] for row in self._rows(STATISTICS, run_id=[run_id])}

    def _runs_with_a_ledger(self) -> list[str]:
        """Run ids of the ledger, the last started first; runs that `operations/runs` does not know stand last."""
        held = {row["run_id"] for row in self._rows(LEDGER, columns=["run_id"])}
        started: dict[str, int] = dict.fromkeys(held, -1)
        for row in self._rows(RUNS, columns=["run_id", "started_at"]):
            if row["run_id"] in held:
                started[row["run_id"]] = max(row["started_at"], started[row["run_id"]])
        return sorted(held, key=lambda run_id: (started[run_id], run_id), reverse=True)

    def _rows(
        self, table: Table, columns: list[str] | None = None, **wanted: str | list[str] | None
    ) -> list[dict[str, Any]]:
        """Rows whose columns hold the `wanted` text, or one of the texts; None = whatever. In no order.

        Args:
            columns: default: those of the table's contract, all of which must be there.
        """
        opened = self._table(table.name)
        there = [field.name for field in opened.schema().fields]
        absent = [name for name in table.column_names if name not in there]
        if absent:
            raise SoundalikeError(
                f"table {table.name} under {self.root} lacks {', '.join(absent)}: it was not written by this version; "
                f"run the job {_JOBS.get(table.name, 'neighbors')} again"
            )
        terms = []
        for name, value in wanted.items():
            if value is not None:
                texts = [value] if isinstance(value, str) else value
                terms.append(f"{name} IN ({', '.join(map(_literal, texts))})")
        names = columns or table.column_names
        with self._reading(table.name):
            values = _columns(opened.scan(columns=names, predicate=" AND ".join(terms) or None), names)
        return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]

    def _table(self, name: str) -> "DeltaTable":
        found = self._find(name)
        if found is None:
            raise self._missing(name)
        return found

    def _find(self, name: str) -> "DeltaTable | None":
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        if name not in self._open:
            with self._reading(name):
                try:
                    self._open[name] = DeltaTable(f"{self.root}/{name}", self._versions.get(name), self._options)
                except TableNotFoundError:
                    return None
        return self._open[name]

    def _missing(self, name: str) -> SoundalikeError:
        if not any(self.has(other) for other in (RUNS.name, TRACKS.name, RECORDINGS.name, TRACK_NEIGHBORS.name)):
            return SoundalikeError(
                f"no tables under {self.root}: expected Delta tables such as {TRACKS.name}; "
                "run the job pipeline, or name the root it wrote to (--root, SOUNDALIKE_ROOT)"
            )
        job = _JOBS.get(name, "neighbors")
        if job == "neighbors" and name != TRACK_NEIGHBORS.name:
            job = f"neighbors with --set neighbors.name={name.removeprefix('gold/')}"
        return SoundalikeError(f"no table {name} under {self.root}: run the job {job}")

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Whatever deltalake raises becomes one readable line."""
        try:
            yield
        except Exception as error:  # a scan raises plain Exception
            raise SoundalikeError(plainly(f"table {name} under {self.root}", self.root, str(error))) from error
