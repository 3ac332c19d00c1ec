"""One run of a job: arguments -> settings -> session -> store. Every stage is recorded, success or not."""

import argparse
import hashlib
import json
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark import inheritable_thread_target
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from soundalike.console import Console
from soundalike.contracts import versions
from soundalike.contracts.table import Table
from soundalike.contracts.tables import LEDGER, RUNS
from soundalike.errors import SoundalikeError
from soundalike.settings import Settings, load
from soundalike.storage.commits import Mark
from soundalike.storage.session import open_session, point_at_object_store
from soundalike.storage.store import Store
from soundalike.version import code_version


@dataclass
class Stage:
    """What one stage did; becomes a row of operations/runs."""

    name: str
    started_at: datetime
    rows_in: int | None = None
    rows_out: int | None = None
    rows_rejected: int | None = None
    seconds: float = 0.0
    status: str = "done"
    error: str | None = None
    table_versions: dict[str, int] = field(default_factory=dict)

    def skip(self) -> None:
        """The stage's table already carries this run's mark: nothing was done."""
        self.status = "skipped"


class Run:
    """What a job works with: settings, store, console, and the record of its stages."""

    def __init__(
        self, job: str, settings: Settings, inputs: Sequence[str], spark: SparkSession, console: Console
    ) -> None:
        self.job, self.settings, self.spark, self.console = job, settings, spark, console
        self.store = Store(spark, settings.storage, _stamps(settings))
        self.stages: list[Stage] = []
        values = {key: value for key, value in settings.flat().items() if key != "run.id"}
        self.settings_hash = _hash(values)
        own = {
            "assign.vectors": settings.assign.vectors, "neighbors.vectors": settings.neighbors.vectors,
            "neighbors.candidates": settings.neighbors.candidates,
        }  # fmt: skip
        listing = [*inputs, *(str(self.store.read_own(path, name)[1]) for name, path in own.items() if path)]
        self.id = settings.run.id or _hash([values, listing])

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        stage = Stage(name, datetime.now(UTC))
        self.store.written.clear()
        self.stages.append(stage)
        self.console.line(f"{name}: started")
        start = time.monotonic()
        try:
            yield stage
        except BaseException as error:
            stage.status, stage.error = "failed", one_line(error)
            raise
        finally:
            stage.table_versions |= self.store.written
            stage.seconds = round(time.monotonic() - start, 3)
            self.console.line(f"{name}: {stage.status} in {stage.seconds:.1f} s")

    def mark(self, stage: Stage, *read: Table, own: dict[str, int] | None = None, **details: object) -> Mark:
        """The mark of what `stage` writes from the newest versions of the tables it reads, and of a user's `own`."""
        inputs = {table.name: self.store.version(table) for table in read} | (own or {})
        stage.table_versions |= inputs
        return Mark(self.id, stage.name, self.settings_hash, code_version(), inputs, dict(details))

    def write_ledger(self, source: str, profile: str, rules_version: str, counters: dict[str, int], mark: Mark) -> int:
        """Replaces this run's counters of `source`; other runs and sources stay."""
        rows = [(self.id, source, profile, rules_version, name, value) for name, value in counters.items()]
        where = f"run_id = '{self.id}' AND source = '{source}' AND profile = '{profile}'"
        return self.store.replace(LEDGER, self.rows(LEDGER, rows), mark, where=where)

    def rows(self, table: Table, rows: Sequence[tuple[object, ...]]) -> DataFrame:
        """A small DataFrame with the columns of `table`."""
        schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
        return self.spark.createDataFrame(list(rows), schema).coalesce(1)

    def framed(self, table: Any) -> DataFrame:
        """The rows of an Arrow table."""
        return self.spark.createDataFrame(table)

    def together(self, *writes: Callable[[], object]) -> None:
        """Runs writes of tables that do not need each other at the same time; raises the first error in their order.

        A commit of a small table is mostly waiting, so several side by side take little more time than one. Their Spark
        jobs belong to the group of the caller, so that `watch_tasks` counts them.
        """
        with ThreadPoolExecutor(len(writes)) as pool:
            for done in [pool.submit(inheritable_thread_target(self.spark)(write)) for write in writes]:
                done.result()

    @contextmanager
    def watch_tasks(self, what: str) -> Iterator[None]:
        """Shows done of total Spark tasks while the block runs Spark jobs from this thread."""
        context = self.spark.sparkContext
        context.setJobGroup(what, what)
        tracker, stop = context.statusTracker(), threading.Event()
        with self.console.progress(what, 0) as progress:

            def look() -> None:
                done = total = 0
                for job in tracker.getJobIdsForGroup(what):
                    info = tracker.getJobInfo(job)
                    for stage_id in info.stageIds if info else ():
                        stage = tracker.getStageInfo(stage_id)
                        # A stage whose result is there already is listed too, but never runs.
                        if stage and (stage.numActiveTasks or stage.numCompletedTasks):
                            done, total = done + stage.numCompletedTasks, total + stage.numTasks
                progress.at(done, total)

            def poll() -> None:
                while not stop.wait(0.5):
                    look()

            poller = threading.Thread(target=poll, daemon=True)
            poller.start()
            try:
                yield
            finally:
                stop.set()
                poller.join()
                look()
                context._jsc.clearJobGroup()

    def record(self) -> None:
        """Appends one row per stage to operations/runs."""
        attempts: dict[str, int] = {}
        if self.store.exists(RUNS):
            ours = self.store.read(RUNS).where((F.col("run_id") == self.id) & (F.col("job") == self.job))
            attempts = {
                row["stage"]: row["attempt"]
                for row in ours.groupBy("stage").agg(F.max("attempt").alias("attempt")).collect()
            }
        settings = {key: json.dumps(value, ensure_ascii=False) for key, value in self.settings.flat().items()}
        rows = []
        for stage in self.stages:
            attempts[stage.name] = attempts.get(stage.name, 0) + 1
            rows.append(
                (self.id, self.job, stage.name, attempts[stage.name], stage.started_at, stage.seconds,
                 stage.rows_in, stage.rows_out, stage.rows_rejected, stage.status, stage.error,
                 code_version(), settings, dict(sorted(stage.table_versions.items())))
            )  # fmt: skip
        self.store.append(RUNS, self.rows(RUNS, rows), Mark(self.id, "runs", self.settings_hash, code_version()))

    def summary(self) -> None:
        def text(value: int | None) -> str:
            return "-" if value is None else f"{value:,}"

        self.console.line(f"run {self.id}")
        self.console.table(
            ["stage", "rows in", "rows out", "refused", "seconds", "status"],
            [
                [s.name, text(s.rows_in), text(s.rows_out), text(s.rows_rejected), f"{s.seconds:.1f}", s.status]
                for s in self.stages
            ],
        )


def _stamps(settings: Settings) -> dict[str, str]:
    return {
        "soundalike.profile": settings.acousticbrainz.profile,
        "soundalike.rules": versions.RULES,
        "soundalike.date_rules": versions.DATE_RULES,
        "soundalike.probability_order": versions.PROBABILITY_ORDER,
        "soundalike.feature_set": settings.vectors.feature_set,
    }


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def one_line(error: BaseException) -> str:
    """The message of an error as one readable line; our own errors raised inside a task are found again."""
    if isinstance(error, SoundalikeError):
        return str(error)
    text = str(error)
    ours = re.search(r"soundalike\.errors\.\w+: (.+)", text)
    if ours:
        return ours.group(1)
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no message"]
    # An exception from a Python worker is a stack trace whose last line says what happened.
    line = lines[-1] if "Traceback (most recent call last):" in lines else f"{type(error).__name__}: {lines[0]}"
    return f"{line[:400]}; run again with --verbose for the stack trace"


def parser(job: str) -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog=job, description=f"soundalike job {job}", allow_abbrev=False)
    arguments.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="one setting; may be repeated"
    )
    arguments.add_argument(
        "--settings", metavar="FILE", help="a TOML file with settings that differ from conf/settings.toml"
    )
    arguments.add_argument("--verbose", action="store_true", help="Spark's log and stack traces")
    return arguments


def main(
    job: str,
    steps: Callable[[Run], None],
    inputs: Callable[[Settings], Sequence[str]],
    argv: Sequence[str] | None = None,
) -> int:
    """Runs a job and returns its exit code.

    0 done, 1 data, storage or result not good enough, 2 wrong arguments or settings.

    `inputs` lists the input of the run (for its id) and fails before a session is opened when there is none.
    """
    given = parser(job).parse_args(argv)
    console = Console()
    try:
        settings = load(given.settings, given.set)
        listing = inputs(settings)
        spark, opened = open_session(job)
    except Exception as error:
        console.line(f"{job}: {one_line(error)}")
        return getattr(error, "exit_code", 1)
    if given.verbose:
        spark.sparkContext.setLogLevel("WARN")
    code = 0
    try:
        point_at_object_store(spark, settings)
        run = Run(job, settings, listing, spark, console)
        try:
            steps(run)
        finally:
            run.summary()
            _record(run, console)
    except Exception as error:
        if given.verbose:
            traceback.print_exc()
        console.line(f"{job}: {one_line(error)}")
        code = getattr(error, "exit_code", 1)
    finally:
        if opened:
            spark.stop()
        else:
            spark.catalog.clearCache()  # what this run kept is of no use to the next one of the session
    return code


def _record(run: Run, console: Console) -> None:
    """A run that cannot be recorded has failed; what made it fail before stays the message."""
    try:
        run.record()
    except Exception as error:
        if any(stage.status == "failed" for stage in run.stages):
            console.line(f"the run could not be recorded: {one_line(error)}")
        else:
            raise


def exit_with(code: int) -> None:
    """Ends the process with `code`, the way spark-submit hands it on."""
    sys.stderr.flush()
    raise SystemExit(code)
