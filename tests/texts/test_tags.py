"""Tag values as JSON gives them, and the numbers, genres and names in them."""

import pytest

from soundalike.texts.tags import (
    bpm,
    first,
    first_nonblank,
    genres,
    is_placeholder_title,
    near_duplicate_key,
    track_number,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["Enter Sandman"], "Enter Sandman"),
        ("Enter Sandman", "Enter Sandman"),  # bare
        (["a", "b"], "a"),
        ([" a\t"], " a\t"),  # as given
        (["Skateb\u00e5rd"], "Skateb\u00e5rd"),
        (["Skateba\u030ard"], "Skateba\u030ard"),  # not composed
        (None, None),
        ([], None),
        ("", None),
        (" \u3000", None),
        ([""], None),
        (["", "b"], None),  # the first element, not the first text
        ([None, "b"], None),
        ([None], None),
        ([5, "b"], None),
        (5, None),
        (True, None),
        (0.5, None),
        ({"a": "b"}, None),
        ([["a"]], None),
    ],
)
def test_first(value, expected):
    assert first(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["1999"], ("1999", 0)),
        ("1999", ("1999", 0)),
        (["", " ", "1999", "", "2000", "2001"], ("1999", 2)),
        ([" 1999 "], (" 1999 ", 0)),
        ([None, "1999"], ("1999", 0)),
        (["1999", None, [], {}, "\u3000"], ("1999", 0)),
        (["1999", "1999"], ("1999", 1)),
        ([1999], ("1999", 0)),
        (1999, ("1999", 0)),
        (20050714, ("20050714", 0)),
        ([0], ("0", 0)),
        (["1999", 2000], ("1999", 1)),
        ([1999.0, "2000"], ("2000", 0)),  # no integer
        ([True], (None, 0)),
        (False, (None, 0)),
        (None, (None, 0)),
        ([], (None, 0)),
        ("", (None, 0)),
        ([" ", ""], (None, 0)),
        ({"a": "1999"}, (None, 0)),
        ([["1999"]], (None, 0)),
    ],
)
def test_first_nonblank(value, expected):
    assert first_nonblank(value) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (["a; b; c"], ["a", "b", "c"]),
        (["Rock", "rock", "ROCK;Pop"], ["Rock", "Pop"]),
        (["Rock"] * 16, ["Rock"]),
        (["b", "a", "B", "c; a"], ["b", "a", "c"]),
        ([" ; ;", "", "\u3000", "\u00a0Jazz\t"], ["Jazz"]),
        (["genre", "Data", "Unknown"], ["genre", "Data", "Unknown"]),  # junk is dropped elsewhere
        (["Rock/Pop, Indie"], ["Rock/Pop, Indie"]),
        (["Hip  Hop", "hip hop"], ["Hip  Hop", "hip hop"]),  # inner blanks as given
        (["DISCO", "disco", "D\u0130SCO"], ["DISCO", "D\u0130SCO"]),  # I is i in no Turkish way
        ([], []),
    ],
)
def test_genres(raw, expected):
    assert genres(raw) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("124", (124.0, False)),
        (" 140.5\n", (140.5, False)),
        ("0124", (124.0, False)),
        ("1.2e2", (120.0, False)),
        ("+90", (90.0, False)),
        (".5", (0.5, False)),
        ("120.", (120.0, False)),
        ("400", (400.0, False)),
        ("400.0001", (None, True)),
        ("0", (None, True)),
        ("0.0", (None, True)),
        ("-120", (None, True)),
        ("1e999", (None, True)),
        ("1e-999", (None, True)),
        ("124 BPM", (None, True)),
        ("124 ", (124.0, False)),
        ("120,5", (None, True)),
        ("120-130", (None, True)),
        ("1_0", (None, True)),
        ("nan", (None, True)),
        ("inf", (None, True)),
        ("0x10", (None, True)),
        ("\uff11\uff12\uff10", (None, True)),
        ("e2", (None, True)),
        (".", (None, True)),
        ("fast", (None, True)),
        (None, (None, False)),
        ("", (None, False)),
        (" \t", (None, False)),
    ],
)
def test_bpm(text, expected):
    assert bpm(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6", 6),
        ("02", 2),
        ("9/19", 9),
        (" 09 / 19 ", 9),
        ("76/213", 76),
        ("5/", 5),
        ("5/x/7", 5),
        ("0", 0),
        ("00/12", 0),
        ("2147483647", 2147483647),
        ("2147483648", None),
        ("00000000000000000007/9", 7),
        ("9" * 5000, None),
        ("/19", None),
        ("A1", None),
        ("1A", None),
        ("1 of 12", None),
        ("1.5", None),
        ("-1", None),
        ("+1", None),
        ("1_0", None),
        ("\uff11", None),
        ("", None),
        (" ", None),
        (None, None),
    ],
)
def test_track_number(text, expected):
    assert track_number(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Enter Sandman", "enter sandman"),
        ("  Enter\t\u00a0 SANDMAN\u3000", "enter sandman"),
        ("Beyonc\u00e9", "beyonce"),
        ("BEYONCE\u0301", "beyonce"),
        ("Skateb\u00e5rd", "skatebard"),
        ("Bj\u00f6rk", "bjork"),
        ("\u0130STANBUL", "istanbul"),  # capital I with a dot: the dot is a mark
        ("DISCO", "disco"),  # the root locale's i
        ("d\u0131sco", "d\u0131sco"),
        ("M\u00d8", "m\u00f8"),  # a stroke is no mark
        ("Stra\u00dfe", "stra\u00dfe"),
        ("\u201cHeroes\u201d", "\u201cheroes\u201d"),
        ("\u4e09\u5343\u9662\u30ca\u30ae", "\u4e09\u5343\u9662\u30ca\u30ad"),  # gi is ki with a mark
        ("\ufb01n", "\ufb01n"),  # NFD, not NFKD
        ("A\u20dd", "a"),  # an enclosing mark
        ("\u0301", ""),
        (" \u3000", ""),
        ("", ""),
    ],
)
def test_near_duplicate_key(text, expected):
    assert near_duplicate_key(text) == expected


PLACEHOLDERS = ("[untitled]", "End Credits", "Finale", "[unknown]")


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("[untitled]", True),
        ("End Credits", True),
        ("Finale", True),
        ("[unknown]", True),
        (" FINALE\t", True),
        ("[Untitled]", True),
        ("end credits", True),
        ("Finale (live)", False),
        ("Grand Finale", False),
        ("untitled", False),
        ("End  Credits", False),
        ("", False),
    ],
)
def test_is_placeholder_title(title, expected):
    assert is_placeholder_title(title, PLACEHOLDERS) is expected


def test_placeholders_are_those_given():
    assert is_placeholder_title("outro", [" Outro "])
    assert not is_placeholder_title("Finale", [])
