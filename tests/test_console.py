"""Progress and the closing table, on a terminal and in a log."""

import io

import pytest

from soundalike.console import Console


class Clock:
    """A clock that stands still until a test moves it."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_log_gets_plain_lines() -> None:
    out = io.StringIO()
    with Console(out, Clock()).progress("archives", 3) as progress:
        progress.advance("10 documents")
        progress.advance("20 documents")
    # The lines between come at most every ten seconds.
    assert out.getvalue() == "archives: 0 of 3\narchives: 2 of 3 (20 documents)\n"


def test_a_terminal_is_redrawn_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDALIKE_TERMINAL", "1")
    out = io.StringIO()
    with Console(out, Clock()).progress("archives", 2) as progress:
        progress.advance()
    assert out.getvalue() == "\r\x1b[Karchives: 0 of 2\r\x1b[Karchives: 1 of 2\r\x1b[Karchives: 1 of 2\n"


def test_rate_and_time_left_in_a_log_with_a_line_every_ten_seconds() -> None:
    out, clock = io.StringIO(), Clock()
    with Console(out, clock).progress("archives", 30) as progress:
        for _ in range(4):
            clock.now += 5
            progress.advance()
        clock.now += 7_200
        progress.advance()
    assert out.getvalue().splitlines() == [
        "archives: 0 of 30",
        "archives: 2 of 30, 12.0/min, 2 min 20 s left",
        "archives: 4 of 30, 12.0/min, 2 min 10 s left",
        "archives: 5 of 30, 2.5/h, 10 h 01 min left",
        "archives: 5 of 30, 2.5/h, 10 h 01 min left",
    ]


def test_what_was_done_before_is_no_part_of_the_rate() -> None:
    out, clock = io.StringIO(), Clock()
    with Console(out, clock).progress("slices", 1_000, 900, "already committed") as progress:
        clock.now += 20
        progress.at(940, 1_000, "40,000 playlists")
    assert out.getvalue().splitlines() == [
        "slices: 900 of 1000 (already committed)",
        "slices: 940 of 1000, 2.0/s, 30 s left (40,000 playlists)",
        "slices: 940 of 1000, 2.0/s, 30 s left (40,000 playlists)",
    ]


def test_a_total_that_grows_from_nothing_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDALIKE_TERMINAL", "1")
    out, clock = io.StringIO(), Clock()
    with Console(out, clock).progress("tasks", 0) as progress:
        clock.now += 2
        progress.at(4, 8)
        clock.now += 1
        progress.at(4, 100)
        clock.now += 1
        progress.at(100, 100)
    assert out.getvalue().removesuffix("\n").split("\r\x1b[K")[1:] == [
        "tasks: 0 of 0",
        "tasks: 4 of 8, 2.0/s, 2 s left",
        "tasks: 4 of 100, 1.3/s, 1 min 12 s left",
        "tasks: 100 of 100, 25.0/s",
        "tasks: 100 of 100, 25.0/s",
    ]


def test_a_table_is_aligned() -> None:
    out = io.StringIO()
    Console(out).table(["stage", "rows"], [["tracks", "1,000"], ["x", "-"]])
    assert out.getvalue() == "stage    rows\ntracks  1,000\nx           -\n"
