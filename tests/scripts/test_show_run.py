"""How the tables of a run are held against the truth of its sample."""

import pytest

from show_run import agree, planted_counters


def test_equal_numbers_are_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert agree("counters", {"input": 3, "kept": 2}, {"input": 3, "kept": 2, "trusted": 1})
    assert capsys.readouterr().out == "All 2 counters equal the planted truth.\n"


def test_every_difference_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert not agree("counters", {"input": 3, "kept": 2, "missing": 0}, {"input": 3, "kept": 1})
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "counters: kept: found 1, planted 2\ncounters: missing: found None, planted 0\n"


def test_fields_of_an_integrity_rule_are_summed_up() -> None:
    broken = {"entry_field_missing album_name": 1, "entry_field_missing pos": 2, "name_blank": 1}
    playlists = {"ledger": {"playlists_kept": 5}, "integrity": broken}
    assert planted_counters(playlists) == {"playlists_kept": 5, "entry_field_missing": 3, "name_blank": 1}
