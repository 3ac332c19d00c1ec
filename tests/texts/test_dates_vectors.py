"""Rule set `extended`, and the reading `compat` inside it, on the published vectors."""

import datetime
import re
from pathlib import Path

import pytest

from soundalike.texts.dates import ReadDate, _compat, _normal, read_date

VECTORS = Path(__file__).parents[1] / "data" / "dates.tsv"


def _unescape(text: str) -> str:
    plain = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r", "\\s": " "}
    return re.sub(r"\\u([0-9a-fA-F]{4})|\\.", lambda m: chr(int(m[1], 16)) if m[1] else plain[m[0]], text)


def _vectors() -> list[list[str]]:
    header, *lines = VECTORS.read_bytes().decode("ascii").removesuffix("\n").split("\n")
    rows = [line.split("\t") for line in lines]
    assert header.split("\t") == ["input", "compat_date", "extended_date", "extended_precision", "extended_flag"]
    assert all(len(row) == 5 for row in rows)
    return rows


@pytest.mark.parametrize("row", _vectors(), ids=lambda row: row[0] or "(empty)")
def test_vectors_extended(row):
    text, _, date, precision, flags = row
    day = datetime.date.fromisoformat(date) if date else None
    expected = ReadDate(day, precision or "none", tuple(flags.split(",")) if flags else ())
    assert read_date(_unescape(text)) == expected


@pytest.mark.parametrize("row", _vectors(), ids=lambda row: row[0] or "(empty)")
def test_vectors_compat(row):
    hit = _compat(_normal(_unescape(row[0])))
    assert (hit[0].isoformat() if hit else "") == row[1]


def test_vectors_are_all_there():
    assert len(_vectors()) == 43
    assert _unescape("\\\\s\\s\\u2013\\t\\n\\r") == "\\s \u2013\t\n\r"
