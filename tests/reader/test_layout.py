"""Widths, cutting and columns in cells of a terminal."""

import pytest

from soundalike.reader.layout import Heading, cells, clean, cut, pad, table


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("Shame", 5),
        ("三千院ナギ", 10),
        ("ﾅｷﾞ", 3),  # half-width katakana
        ("ＡＢ", 4),  # full-width Latin
        ("Beyonce\u0301", 7),
        ("Beyonc\u00e9", 7),
        ("한국", 4),
        ("\u1112\u1161\u11ab\u1100\u116e\u11a8", 4),  # the same two syllables, decomposed
        ("a\u200db", 2),
        ("–…", 2),
    ],
)
def test_cells(text, expected):
    assert cells(text) == expected


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("Shame", 5, "Shame"),
        ("Shame", 4, "Sha…"),
        ("Shame", 1, "…"),
        ("The Song", 5, "The…"),  # no blank before the ellipsis
        ("三千院ナギ", 10, "三千院ナギ"),
        ("三千院ナギ", 9, "三千院ナ…"),
        ("三千院ナギ", 8, "三千院…"),  # seven cells: half a character cannot be shown
        ("Beyonce\u0301s", 8, "Beyonce\u0301s"),
        ("Beyonce\u0301ss", 8, "Beyonce\u0301…"),  # the accent stays on its letter
    ],
)
def test_cut(text, limit, expected):
    assert cut(text, limit) == expected


def test_pad_counts_cells():
    assert pad("釘宮", 6) == "釘宮  "
    assert pad("釘宮", 6, right=True) == "  釘宮"


def test_clean_takes_what_a_terminal_obeys():
    assert clean("\na\tb\nc\x1b[31md\u2028e\x7f") == "a b c [31md e"


HEADINGS = (Heading("n", right=True), Heading("name", floor=4), Heading("title", floor=5), Heading("id"))
ROWS = [("1", "Metallica", "Enter Sandman", "x1"), ("10", "釘宮理恵", "", "x2")]


def test_table_without_limit():
    assert table(HEADINGS, ROWS, None) == [
        " n  name       title          id",
        " 1  Metallica  Enter Sandman  x1",
        "10  釘宮理恵                  x2",
    ]


def test_table_that_just_fits_is_not_cut():
    assert table(HEADINGS, ROWS, 32) == table(HEADINGS, ROWS, None)


def test_table_cuts_the_widest_first():
    assert table(HEADINGS, ROWS, 28) == [
        " n name      title        id",
        " 1 Metallica Enter Sandm… x1",
        "10 釘宮理恵               x2",
    ]
    assert table(HEADINGS, ROWS, 21) == [
        " n name    title   id",
        " 1 Metall… Enter…  x1",
        "10 釘宮理…         x2",
    ]


def test_table_never_cuts_below_the_floors():
    assert table(HEADINGS, ROWS, 3) == [
        " n name title id",
        " 1 Met… Ente… x1",
        "10 釘…        x2",
    ]


def test_table_last_column_leaves_no_blanks():
    assert table((Heading("a"), Heading("b")), [("1", ""), ("2", "bb")], None) == ["a  b", "1", "2  bb"]
