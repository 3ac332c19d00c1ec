"""Progress and the closing table, on a terminal and in a log."""

import io

import pytest

from soundalike.console import Console


def test_a_log_gets_plain_lines() -> None:
    out = io.StringIO()
    with Console(out).progress("archives", 3) as progress:
        progress.advance("10 documents")
        progress.advance("20 documents")
    # The lines between come at most every ten seconds.
    assert out.getvalue() == "archives: 0 of 3\narchives: 2 of 3 (20 documents)\n"


def test_a_terminal_is_redrawn_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDALIKE_TERMINAL", "1")
    out = io.StringIO()
    with Console(out).progress("archives", 2) as progress:
        progress.advance()
    assert out.getvalue() == "\r\x1b[Karchives: 0 of 2\r\x1b[Karchives: 1 of 2\r\x1b[Karchives: 1 of 2\n"


def test_a_table_is_aligned() -> None:
    out = io.StringIO()
    Console(out).table(["stage", "rows"], [["tracks", "1,000"], ["x", "-"]])
    assert out.getvalue() == "stage    rows\ntracks  1,000\nx           -\n"
