"""Runs a command and measures it: wall, CPU and memory of every process it starts; and says on what machine."""

import contextlib
import os
import platform
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.control_group import control_group

PACKAGES = ("pyspark", "delta-spark", "pyarrow", "numpy", "orjson", "deltalake", "pandas")
_TICKS = os.sysconf("SC_CLK_TCK")
_SECONDS_BETWEEN_SAMPLES = 0.2


@dataclass
class Process:
    """The last that was seen of one process: CPU seconds of its own, highest resident and highest shared-out kB."""

    command: str
    cpu: float = 0.0
    peak_rss_kb: int = 0
    peak_pss_kb: int = 0

    @property
    def is_worker(self) -> bool:
        """A Python worker of Spark, or the daemon that forks them."""
        return "pyspark.daemon" in self.command or "pyspark.worker" in self.command

    @property
    def kind(self) -> str:
        """workers, jvm, or driver: the job's own Python and the script that started it."""
        if self.is_worker:
            return "workers"
        return "jvm" if self.command.partition(" ")[0].endswith("java") else "driver"


@dataclass
class Cost:
    """Of one command: wall and CPU seconds, and the peaks of its processes together and of the largest worker in MB.

    `cpu_from`: control group, or samples where none can be made. `cpu_of`: by kind of process, always from samples.
    """

    code: int
    wall: float = 0.0
    cpu: float = 0.0
    peak_pss_mb: float = 0.0
    worker_peak_pss_mb: float = 0.0
    worker_peak_rss_mb: float = 0.0
    output: str = field(default="", repr=False)
    cpu_from: str = "samples"
    cpu_of: dict[str, float] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        return {
            "wall_s": round(self.wall, 3), "cpu_s": round(self.cpu, 2), "cpu_from": self.cpu_from,
            "cpu_s_of": {kind: round(cpu, 2) for kind, cpu in self.cpu_of.items()},
            "peak_pss_mb": round(self.peak_pss_mb, 1), "worker_peak_pss_mb": round(self.worker_peak_pss_mb, 1),
            "worker_peak_rss_mb": round(self.worker_peak_rss_mb, 1),
        }  # fmt: skip


class Failed(Exception):
    """A measured command ended with an error: its figures mean nothing."""


def measured(command: Sequence[str], cores: int = 0) -> Cost:
    """Runs the command in a session of its own, by which all its processes are found.

    `cores` > 0 binds them to so many of the cores this process may use. CPU is that of a control group; where none can
    be made, what each process had used when last seen, five times a second: one that lived shorter is missed.

    Raises:
        Failed: the exit code is not 0; the message ends with what the command said last.
    """
    allowed = set(sorted(os.sched_getaffinity(0))[:cores]) if cores else os.sched_getaffinity(0)
    with control_group() as group:
        cost = _watched(group.entered_by(command) if group else command, allowed)
        if group and (counted := group.cpu()):
            cost.cpu, cost.cpu_from = counted, "control group"
    if cost.code != 0:
        raise Failed(f"{' '.join(command[:6])} … ended with {cost.code}:\n{cost.output[-2000:]}")
    return cost


def _watched(command: Sequence[str], allowed: set[int]) -> Cost:
    seen: dict[tuple[int, str], Process] = {}
    highest, stop, started = [0], threading.Event(), time.monotonic()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, allowed)  # inherited by the child
    try:
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
    finally:
        os.sched_setaffinity(0, before)

    def watch() -> None:
        while not stop.wait(_SECONDS_BETWEEN_SAMPLES):
            highest[0] = max(highest[0], _sample(child.pid, seen))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        output = child.communicate()[0]
    except BaseException:
        child.terminate()
        child.wait()
        raise
    finally:
        stop.set()
        watcher.join()
    workers = [process for process in seen.values() if process.is_worker]
    cost = Cost(
        child.returncode, time.monotonic() - started, sum(process.cpu for process in seen.values()),
        highest[0] / 1024, max((w.peak_pss_kb for w in workers), default=0) / 1024,
        max((w.peak_rss_kb for w in workers), default=0) / 1024, output,
    )  # fmt: skip
    for process in seen.values():
        cost.cpu_of[process.kind] = cost.cpu_of.get(process.kind, 0.0) + process.cpu
    return cost


def cpu_of_session() -> float:
    """CPU seconds that the living processes of this process's session have used so far."""
    seen: dict[tuple[int, str], Process] = {}
    _sample(os.getsid(0), seen)
    return sum(process.cpu for process in seen.values())


def _sample(session: int, seen: dict[tuple[int, str], Process]) -> int:
    """Looks at every process of a session; the kB they hold together now, shared pages shared out."""
    together = 0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError):  # it has ended meanwhile
            # The name in brackets may hold blanks.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) != session:
                continue
            key = (int(folder.name), fields[19])
            process = seen.setdefault(key, Process(""))
            process.command = (folder / "cmdline").read_text().replace("\0", " ").strip() or process.command
            process.cpu = (int(fields[11]) + int(fields[12])) / _TICKS
            process.peak_rss_kb = max(process.peak_rss_kb, _kb(folder / "status", "VmHWM:"))
            shared_out = _kb(folder / "smaps_rollup", "Pss:")
            process.peak_pss_kb = max(process.peak_pss_kb, shared_out)
            together += shared_out
    return together


def _kb(file: Path, name: str) -> int:
    return next((int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith(name)), 0)


def machine(java_home: str | None) -> dict[str, Any]:
    """Where the figures were taken, and with what; `java_home` is that of the jobs, None = Java of the PATH."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    java_home = java_home or os.environ.get("JAVA_HOME")
    program = f"{java_home}/bin/java" if java_home else "java"
    java = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": _kb(Path("/proc/meminfo"), "MemTotal:") // 1024,
        "system": platform.platform(),
        "load_before": round(os.getloadavg()[0], 2),
        "versions": {
            "python": platform.python_version(),
            "java": java.splitlines()[0] if java else "unknown",
            **{name: version(name) for name in PACKAGES},
        },
    }
