"""The date of a submission: which of its two texts is used and what is said without one."""

import datetime

import pytest

from soundalike.texts.dates import ReleaseDate, release_date


def _dated(date, year, decade, precision, source, flags=()):
    return ReleaseDate(datetime.date.fromisoformat(date), year, decade, precision, source, "ok", flags)


def _undated(status, *flags):
    return ReleaseDate(None, None, None, "none", None, status, flags)


@pytest.mark.parametrize(
    ("originaldate", "date", "expected"),
    [
        ("2011", "2011-09-16", _dated("2011-01-01", 2011, 2010, "year", "originaldate")),  # the coarser one
        ("2014-03-31", "2014-04-04", _dated("2014-03-31", 2014, 2010, "day", "originaldate")),
        (None, "2005-07-14T13:45:30Z", _dated("2005-07-14", 2005, 2000, "day", "date")),
        ("", "1999", _dated("1999-01-01", 1999, 1990, "year", "date")),
        ("1990", None, _dated("1990-01-01", 1990, 1990, "year", "originaldate")),
        ("1989-12-31", None, _dated("1989-12-31", 1989, 1980, "day", "originaldate")),
        (None, "2000", _dated("2000-01-01", 2000, 2000, "year", "date")),
        # flags are those of the text used, not of the one that gave nothing
        ("0000", "1999?", _dated("1999-01-01", 1999, 1990, "year", "date", ("approximate",))),
        ("1000", "1999", _dated("1999-01-01", 1999, 1990, "year", "date")),
        ("1999-13", "0000", _dated("1999-01-01", 1999, 1990, "year", "originaldate", ("invalid_part",))),
        ("YOLO", "May 1998", _dated("1998-05-01", 1998, 1990, "month", "date")),
        (None, None, _undated("absent")),
        ("", " \u3000", _undated("absent")),
        ("YOLO", None, _undated("unparseable")),
        (None, ";", _undated("unparseable")),
        ("", "0000", _undated("unparseable", "placeholder")),
        ("2050", "0001-01-01", _undated("unparseable", "out_of_range", "placeholder")),
        ("0001-01-01", "2050", _undated("unparseable", "out_of_range", "placeholder")),
        ("0000", "0000-00-00", _undated("unparseable", "placeholder")),
        ("YOLO;x", "2050?;2060", _undated("unparseable", "out_of_range")),
    ],
)
def test_release_date(originaldate, date, expected):
    assert release_date(originaldate, date) == expected


def test_bounds_reach_both_texts():
    assert release_date("1999", "2001", first_year=2000) == _dated("2001-01-01", 2001, 2000, "year", "date")
    assert release_date("2001", "1999", last_year=1999) == _dated("1999-01-01", 1999, 1990, "year", "date")
