"""What is read out of an event log: bytes, spill, and the tasks of the stage that is the kernel's."""

import json
from datetime import UTC, datetime
from typing import Any

from benchmarks.neighbors.events import figures, kernel_stage, read_stages

STARTED = datetime(2026, 1, 1, tzinfo=UTC)
AT = STARTED.timestamp()
OF_JOB = [
    {"stage": "neighbors.search", "started_at": STARTED, "seconds": 10.0},
    {"stage": "neighbors.certify", "started_at": datetime.fromtimestamp(AT + 10, UTC), "seconds": 5.0},
]


def completed(stage: int, submitted: float, *names: str) -> dict[str, Any]:
    rdds = [{"RDD ID": i, "Scope": json.dumps({"id": str(i), "name": name})} for i, name in enumerate(names)]
    info = {
        "Stage ID": stage,
        "Stage Attempt ID": 0,
        "Submission Time": int(submitted * 1000),
        "RDD Info": [*rdds, {"RDD ID": 9}],
    }
    return {"Event": "SparkListenerStageCompleted", "Stage Info": info}


def task(
    stage: int, ms: int, read: int = 0, written: int = 0, spilled: int = 0, reason: str = "Success"
) -> dict[str, Any]:
    metrics = {
        "Executor Run Time": ms, "Memory Bytes Spilled": 2 * spilled, "Disk Bytes Spilled": spilled,
        "Shuffle Read Metrics": {"Local Bytes Read": read, "Remote Bytes Read": 1 if read else 0},
        "Shuffle Write Metrics": {"Shuffle Bytes Written": written},
    }  # fmt: skip
    return {
        "Event": "SparkListenerTaskEnd", "Stage ID": stage, "Stage Attempt ID": 0,
        "Task End Reason": {"Reason": reason}, "Task Metrics": metrics,
    }  # fmt: skip


LOG = [
    {"Event": "SparkListenerLogStart", "Spark Version": "4.1.1"},
    task(0, 9000, written=1000), completed(0, AT + 1, "MapInArrow", "Scan parquet "),
    task(1, 1000, read=99), task(1, 2000, read=199), task(1, 1000, read=399), task(1, 1, read=0),
    task(1, 7000, read=99, reason="ExceptionFailure"), completed(1, AT + 4, "Exchange", "MapInArrow"),
    task(2, 1500, read=99, written=500, spilled=7), completed(2, AT + 6, "Exchange", "MapInArrow"),
    task(3, 8000, read=99), completed(3, AT + 11, "MapInArrow"),
    task(4, 8000, read=99), completed(4, AT + 7, "Sort"),
]  # fmt: skip


def test_the_kernel_is_the_longest_mapinarrow_behind_a_shuffle_outside_the_certificate() -> None:
    stages = read_stages(json.dumps(event) + "\n" for event in LOG)
    assert [stage.number for stage in stages] == [0, 1, 2, 3, 4]
    chosen = kernel_stage(stages, OF_JOB)
    assert chosen is not None and chosen.number == 1
    everywhere = kernel_stage(stages)
    assert everywhere is not None and everywhere.number == 3
    assert kernel_stage([]) is None


def test_figures_of_a_log() -> None:
    found = figures(read_stages(json.dumps(event) for event in LOG), OF_JOB, rows=10)
    assert (found["shuffle_written_per_row"], found["spilled_disk_bytes"], found["spilled_memory_bytes"]) == (
        150,
        7,
        14,
    )
    assert found["shuffle_read_per_row"] == 110  # 100 + 200 + 400 + 100 + 100 + 100 + 100
    assert found["shuffle_written_per_row_of"] == {"neighbors.search": 150}
    kernel = found["kernel"]
    # The empty and the failed task have no say in how even the work was cut.
    assert (kernel["tasks"], kernel["median_s"], kernel["slowest_s"], kernel["slowest_to_median"]) == (3, 1.0, 2.0, 2.0)
    assert kernel["part_of"] == "neighbors.search"


def test_a_log_without_a_kernel_has_none() -> None:
    assert figures(read_stages([json.dumps(LOG[0])]), OF_JOB, rows=10)["kernel"] is None
