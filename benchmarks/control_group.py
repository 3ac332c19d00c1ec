"""A control group of its own for a measured command: the kernel counts its CPU, of processes that have ended too.

Spark's daemon ignores the end of its workers, so that their CPU reaches no parent: only a group counts it all.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
# The shell enters the group before it becomes the command; not being let in is no reason not to run.
_ENTER = 'echo $$ > "$0" 2> /dev/null; exec "$@"'


class ControlGroup:
    """A folder below this process's own group, of either version of control groups."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def entered_by(self, command: Sequence[str]) -> list[str]:
        """The command that runs `command` inside the group."""
        return ["/bin/sh", "-c", _ENTER, str(self._folder / "cgroup.procs"), *command]

    def cpu(self) -> float:
        """CPU seconds of all that ran in it so far."""
        first = self._folder / "cpuacct.usage"
        if first.is_file():
            return int(first.read_text()) / 1e9
        usage = dict(line.split() for line in (self._folder / "cpu.stat").read_text().splitlines())
        return int(usage["usage_usec"]) / 1e6


@contextlib.contextmanager
def control_group() -> Iterator[ControlGroup | None]:
    """A new group, removed at the end; None where this process may make none."""
    made = next(filter(None, map(_make, _own_groups())), None)
    try:
        yield ControlGroup(made) if made else None
    finally:
        if made:
            with contextlib.suppress(OSError):  # a process that outlives its command is still in it
                made.rmdir()


def _own_groups() -> Iterator[Path]:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if "cpuacct" in controllers.split(","):
                yield _MOUNT / "cpuacct" / path.lstrip("/")
            elif not controllers and (_MOUNT / "cgroup.controllers").is_file():
                yield _MOUNT / path.lstrip("/")


def _make(parent: Path) -> Path | None:
    folder = parent / f"soundalike-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError:
        return None
    return folder
