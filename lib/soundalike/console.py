"""What a person at the terminal sees: progress, plain lines in a log, a closing table.

It goes to standard error; spark-submit merges that of a Python job into its own standard output.
"""

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TextIO

# In a log a line per step would drown everything else.
_SECONDS_BETWEEN_LINES = 10.0


Clock = Callable[[], float]


class Progress:
    """Done of total of one long piece of work, its rate and the time left; safe to advance from several threads.

    The rate is that of what was done since the start: `done` counts what was there before. `clock` gives seconds.
    """

    def __init__(self, stream: TextIO, what: str, total: int, done: int, note: str, clock: Clock) -> None:
        self._stream, self._what, self._clock = stream, what, clock
        self._done, self._total, self._note = done, total, note
        self._before, self._started = done, clock()
        self._lock = threading.Lock()
        # Under spark-submit the stream is a pipe; scripts/submit.py says whether a terminal stands at its end.
        self._terminal = stream.isatty() or os.environ.get("SOUNDALIKE_TERMINAL") == "1"
        self._last_line = -math.inf

    def __enter__(self) -> "Progress":
        self._show(force=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._show(force=True)
        if self._terminal:
            self._stream.write("\n")
        self._stream.flush()

    def advance(self, note: str = "") -> None:
        with self._lock:
            done = self._done + 1
            self._done, self._note = done, note
        self._show(force=False)

    def at(self, done: int, total: int, note: str = "") -> None:
        """Sets done and total; shows them when they changed."""
        with self._lock:
            changed = (done, total, note) != (self._done, self._total, self._note)
            self._done, self._total, self._note = done, total, note
        if changed:
            self._show(force=False)

    def _show(self, force: bool) -> None:
        with self._lock:
            now = self._clock()
            text = f"{self._what}: {self._done} of {self._total}{self._pace(now - self._started)}"
            text += f" ({self._note})" if self._note else ""
            if self._terminal:
                self._stream.write(f"\r\x1b[K{text}")
            elif force or now - self._last_line >= _SECONDS_BETWEEN_LINES:
                self._last_line = now
                self._stream.write(f"{text}\n")
            self._stream.flush()

    def _pace(self, seconds: float) -> str:
        """`, 2.0/s, 15 s left`; empty while nothing was done, no time left when all is."""
        done = self._done - self._before
        if done <= 0 or seconds <= 0:
            return ""
        rate = done / seconds
        unit, name = next((u, n) for u, n in ((1, "s"), (60, "min"), (3600, "h")) if rate * u >= 1 or n == "h")
        left = self._total - self._done
        return f", {rate * unit:,.1f}/{name}" + (f", {_duration(left / rate)} left" if left > 0 else "")


def _duration(seconds: float) -> str:
    """Its two largest units, rounded up: `2 h 05 min`, `3 min 20 s`, `15 s`."""
    whole = math.ceil(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


class Console:
    def __init__(self, stream: TextIO | None = None, clock: Clock = time.monotonic) -> None:
        self._stream, self._clock = stream or sys.stderr, clock

    def line(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def progress(self, what: str, total: int, done: int = 0, note: str = "") -> Progress:
        return Progress(self._stream, what, total, done, note, self._clock)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows of text in aligned columns; the first column to the left, the others to the right."""
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        for row in [head, *rows]:
            cells = [
                text.ljust(w) if i == 0 else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))
            ]
            self.line("  ".join(cells).rstrip())
