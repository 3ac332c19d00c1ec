"""What a Spark event log says of a run: bytes moved, spill, and how even the tasks of the kernel were.

The log must be one plain file: `spark.eventLog.compress=false`, `spark.eventLog.rolling.enabled=false`.
"""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

# Lines of these events alone are decoded: the others are ten times as many bytes.
_WANTED = ("SparkListenerStageCompleted", "SparkListenerTaskEnd")
_NOT_SEARCH = ("certify", "publish")


@dataclass
class SparkStage:
    """One attempt of a stage of Spark. `names`: its operators; `submitted`: seconds since 1970; `task_s`: run time of
    each task that succeeded and read or wrote anything, in seconds; the others bytes."""

    number: int
    names: frozenset[str] = frozenset()
    submitted: float = 0.0
    task_s: list[float] = field(default_factory=list)
    shuffle_read: int = 0
    shuffle_written: int = 0
    spilled_memory: int = 0
    spilled_disk: int = 0


def read_stages(lines: Iterable[str]) -> list[SparkStage]:
    """The completed stages of a log, in order of their numbers; failed tasks count for bytes, not for times."""
    stages: dict[tuple[int, int], SparkStage] = {}
    ended: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        if not any(f'"{name}"' in line[:60] for name in _WANTED):
            continue
        event = json.loads(line)
        if event["Event"] == "SparkListenerTaskEnd":
            ended[event["Stage ID"], event["Stage Attempt ID"]].append(event)
        else:
            info = event["Stage Info"]
            names = {json.loads(rdd["Scope"])["name"] for rdd in info["RDD Info"] if "Scope" in rdd}
            stage = SparkStage(info["Stage ID"], frozenset(names), info.get("Submission Time", 0) / 1000)
            stages[info["Stage ID"], info["Stage Attempt ID"]] = stage
    for key, stage in stages.items():
        for event in ended[key]:
            _count(stage, event)
    return [stages[key] for key in sorted(stages)]


def _count(stage: SparkStage, event: dict[str, Any]) -> None:
    metrics = event.get("Task Metrics") or {}
    read = metrics.get("Shuffle Read Metrics", {})
    got = read.get("Local Bytes Read", 0) + read.get("Remote Bytes Read", 0)
    written = metrics.get("Shuffle Write Metrics", {}).get("Shuffle Bytes Written", 0)
    stage.shuffle_read += got
    stage.shuffle_written += written
    stage.spilled_memory += metrics.get("Memory Bytes Spilled", 0)
    stage.spilled_disk += metrics.get("Disk Bytes Spilled", 0)
    # A task of an empty partition says nothing about how the work was cut.
    if event["Task End Reason"]["Reason"] == "Success" and (got or written):
        stage.task_s.append(metrics["Executor Run Time"] / 1000)


def kernel_stage(stages: Sequence[SparkStage], of_job: Sequence[dict[str, Any]] = ()) -> SparkStage | None:
    """The stage of the kernel: of those that read a shuffle and hold a mapInArrow, the one that ran longest.

    Stages submitted while the job certified or published do not count. `of_job`: rows of `operations/runs`.
    """
    asked = [
        stage for stage in stages
        if stage.shuffle_read and "MapInArrow" in stage.names and not _part_of(stage, of_job).endswith(_NOT_SEARCH)
    ]  # fmt: skip
    return max(asked, key=lambda stage: sum(stage.task_s), default=None)


def _part_of(stage: SparkStage, of_job: Sequence[dict[str, Any]]) -> str:
    """Name of the job's stage that was under way when this one was submitted; `start` before and between."""
    for row in of_job:
        started = row["started_at"].timestamp()
        if started <= stage.submitted < started + row["seconds"]:
            return str(row["stage"])
    return "start"


def figures(stages: Sequence[SparkStage], of_job: Sequence[dict[str, Any]], rows: int) -> dict[str, Any]:
    """Bytes per row of the input and in all, per stage of the job too, and the tasks of the kernel."""
    written: dict[str, float] = defaultdict(float)
    for stage in stages:
        written[_part_of(stage, of_job)] += stage.shuffle_written / rows
    found: dict[str, Any] = {
        "shuffle_written_per_row": round(sum(stage.shuffle_written for stage in stages) / rows, 1),
        "shuffle_read_per_row": round(sum(stage.shuffle_read for stage in stages) / rows, 1),
        "shuffle_written_per_row_of": {name: round(value, 1) for name, value in written.items() if value},
        "spilled_memory_bytes": sum(stage.spilled_memory for stage in stages),
        "spilled_disk_bytes": sum(stage.spilled_disk for stage in stages),
    }
    kernel = kernel_stage(stages, of_job)
    if kernel is None or not kernel.task_s:
        return found | {"kernel": None}
    median, slowest = statistics.median(kernel.task_s), max(kernel.task_s)
    return found | {
        "kernel": {
            "spark_stage": kernel.number, "part_of": _part_of(kernel, of_job), "tasks": len(kernel.task_s),
            "task_s": sorted(kernel.task_s), "total_s": round(sum(kernel.task_s), 3), "median_s": median,
            "slowest_s": slowest, "slowest_to_median": round(slowest / median, 3) if median else None,
            "shuffle_read_per_row": round(kernel.shuffle_read / rows, 1),
        }
    }  # fmt: skip
