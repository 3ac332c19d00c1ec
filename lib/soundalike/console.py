"""What a person at the terminal sees: progress, plain lines in a log, a closing table.

It goes to standard error; spark-submit merges that of a Python job into its own standard output.
"""

import os
import sys
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TextIO

# In a log a line per step would drown everything else.
_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Done of total of one long piece of work; safe to advance from several threads."""

    def __init__(self, stream: TextIO, what: str, total: int) -> None:
        self._stream, self._what, self._total = stream, what, total
        self._done = 0
        self._note = ""
        self._lock = threading.Lock()
        # Under spark-submit the stream is a pipe; scripts/submit.py says whether a terminal stands at its end.
        self._terminal = stream.isatty() or os.environ.get("SOUNDALIKE_TERMINAL") == "1"
        self._last_line = 0.0

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
            now = time.monotonic()
            text = f"{self._what}: {self._done} of {self._total}{f' ({self._note})' if self._note else ''}"
            if self._terminal:
                self._stream.write(f"\r\x1b[K{text}")
            elif force or now - self._last_line >= _SECONDS_BETWEEN_LINES:
                self._last_line = now
                self._stream.write(f"{text}\n")
            self._stream.flush()


class Console:
    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def line(self, text: str) -> None:
        print(text, file=self._stream, flush=True)

    def progress(self, what: str, total: int) -> Progress:
        return Progress(self._stream, what, total)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Rows of text in aligned columns; the first column to the left, the others to the right."""
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
        for row in [head, *rows]:
            cells = [
                text.ljust(w) if i == 0 else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))
            ]
            self.line("  ".join(cells).rstrip())
