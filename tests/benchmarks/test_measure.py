"""What a measured command costs, and that a failed one gives no figures."""

import sys

import pytest
from benchmarks.measure import Failed, Process, machine, measured


def test_output_cpu_and_memory_of_a_command_and_its_children() -> None:
    held = "import time; held = bytearray(60_000_000); sum(i * i for i in range(4_000_000)); time.sleep(1)"
    code = f"import os, subprocess, sys; subprocess.run([sys.executable, '-c', '{held}']); print(len(os.sched_getaffinity(0)))"
    cost = measured([sys.executable, "-c", code], cores=1)
    assert (cost.code, cost.output) == (0, "1\n")
    assert cost.cpu > 0 and cost.wall >= 1
    assert cost.peak_pss_mb > 60
    assert cost.worker_peak_pss_mb == 0  # neither is a worker of Spark


def test_a_worker_is_known_by_its_command() -> None:
    assert Process("/venv/bin/python -m pyspark.daemon pyspark.worker").is_worker
    assert not Process("/venv/bin/python jobs/pipeline.py").is_worker


def test_a_failed_command_has_no_figures() -> None:
    with pytest.raises(Failed, match=r"ended with 3:\nno archive"):
        measured([sys.executable, "-c", "print('no archive'); raise SystemExit(3)"])


def test_the_machine_is_named_with_its_versions() -> None:
    found = machine(None)
    assert found["cores"] >= 1 and found["memory_mb"] > 0
    assert found["versions"]["pyspark"] == "4.1.1"
