"""Release dates from the free text of the tags `originaldate` and `date`.

Rule set `extended`: thirteen rules, tried in order; the numbers in the comments are theirs. No locale, no time zone, no
clock: a zone in the text is dropped, not applied. Month names are English, two-digit years are never read.
"""

import datetime
import re
import unicodedata
from typing import Literal, NamedTuple

Precision = Literal["day", "month", "year", "none"]
Source = Literal["originaldate", "date"]
Status = Literal["ok", "absent", "unparseable"]


class ReadDate(NamedTuple):
    """What one text says. Without a date: precision `none`, and no flag but `placeholder` or `out_of_range`."""

    date: datetime.date | None  # a missing month or day is 01
    precision: Precision
    flags: tuple[str, ...]  # sorted


class ReleaseDate(NamedTuple):
    """What the two date tags of one submission say together."""

    date: datetime.date | None
    year: int | None
    decade: int | None  # floor(year / 10) * 10
    precision: Precision
    source: Source | None
    status: Status
    flags: tuple[str, ...]  # sorted


class _Parts(NamedTuple):
    """A reading whose year is not yet held against the bounds, so it may still be one that no date can have (0000)."""

    year: int
    month: int
    day: int
    precision: Precision
    flag: str | None = None


_NAMES = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_COMPAT_MONTHS = {form: n for n, name in enumerate(_NAMES, 1) for form in (name, name[:3])}
_MONTHS = {**_COMPAT_MONTHS, "sept": 9}
_DAYS_IN_MONTH = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_SIGNS = {code: "-" for code in (*range(0x2010, 0x2016), 0x2212, 0xFF0D)} | {0xFF0F: "/", 0xFF0E: "."}
_PLACEHOLDERS = ("0000", "0001")

# Patterns see ASCII digits only (rule 1) and are matched against the whole text unless said otherwise.
_YEAR_FIRST = re.compile(r"([0-9]{4})(?:[-./]([0-9]{1,2})(?:[-./]([0-9]{1,2}))?)?")
_APPROXIMATE = re.compile(r"(?:circa|ca\.?|c\.?|~) ?(?=[0-9])")  # at the start
_HYPHENATED = r"[0-9]{4}(?:-[0-9]{1,2}){0,2}"
_RIGHT_YEAR = r"[12][0-9]{3}"  # a right side starting with 0 is a month for rule 12: `1999-0005`
_INTERVAL = re.compile(rf"({_HYPHENATED}) ?/ ?{_RIGHT_YEAR}(?:-[0-9]{{1,2}}){{0,2}}|([0-9]{{4}}) ?- ?{_RIGHT_YEAR}")
_WITH_TIME = re.compile(
    r"([0-9]{4})[-./]([0-9]{1,2})[-./]([0-9]{1,2})"
    r"[t ][0-9]{1,2}(?::[0-9]{1,2}(?::[0-9]{1,2}(?:[.,][0-9]+)?)?)?"
    r"(?: ?(?:z|[+-][0-9]{2}(?::?[0-9]{2})?))?"
)
_EIGHT_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_YEAR_LAST = re.compile(r"([0-9]{1,2})[-./](?:([0-9]{1,2})[-./])?([0-9]{4})")
_NUMBER_WITH_ENDING = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?|[0-9]{4}")

_COMPAT_ENDING = re.compile(r"(?<=[0-9])(?:st|nd|rd|th)")
_COMPAT_OF = re.compile(r"\bof\b")
_COMPAT_NAMED = re.compile(r"([0-9]{1,2}) ([a-z]+) ([0-9]{4})")
_COMPAT_TIME = re.compile(r"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})([t ])([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(z?)")
_COMPAT_INTEGER = re.compile(r" ?\+?[0-9]+(?:_[0-9]+)* ?")


def read_date(text: str | None, first_year: int = 1860, last_year: int = 2023) -> ReadDate:
    """Date of one text under rule set `extended`; both bounds are years that count as inside.

    None, empty and blank texts give no date and no flag.
    """
    if not text:
        return ReadDate(None, "none", ())
    plain = _normal(text)  # rule 1, but for the signs
    rest = plain if plain.isascii() else plain.translate(_SIGNS)
    flags: list[str] = []
    if ";" in rest:  # rule 2
        rest = next((piece for piece in map(str.strip, rest.split(";")) if piece), "")
        flags.append("multiple")
    if rest.startswith(_PLACEHOLDERS):  # rule 3
        return ReadDate(None, "none", ("placeholder",))
    found = _year_first(rest)  # rule 7 first, for speed: what it matches, rules 4 to 6 leave alone
    if found is None:
        shorter = _without_doubt(rest)  # rule 4
        if shorter != rest:
            flags.append("approximate")
        found = _interval(shorter)  # rule 5
        if found is not None:
            flags.append("range")
        else:
            found = (
                _with_time(shorter)
                or _year_first(shorter)
                or _eight_digits(shorter)
                or _year_last(shorter)
                or _named_month(shorter)
                or _lenient(shorter)
                # A dash mapped by rule 1 can spell the `00-00` that `compat` refuses, in a part it does not read
                # (`2005-07-14-00\u201300`). What has a date under `compat` must have it here.
                or (None if plain.isascii() else _lenient(plain))
            )
    if found is None:
        return ReadDate(None, "none", ())
    if not (first_year <= found.year <= last_year and found.year >= datetime.MINYEAR):  # rule 13
        return ReadDate(None, "none", ("out_of_range",))
    if found.flag is not None:
        flags.append(found.flag)
    return ReadDate(datetime.date(found.year, found.month, found.day), found.precision, tuple(sorted(flags)))


def release_date(
    originaldate: str | None, date: str | None, first_year: int = 1860, last_year: int = 2023
) -> ReleaseDate:
    """Date of a submission: `originaldate` if it yields one, even a coarser one, else `date`.

    Both texts are the first non-blank elements of their tags; None and blank are absent. Status `absent` means no
    non-blank text in either, `unparseable` some text and no date. Flags are those of the text used; without a date
    those of both together.
    """
    lost: set[str] = set()
    texts: tuple[tuple[Source, str | None], ...] = (("originaldate", originaldate), ("date", date))
    for source, text in texts:
        read = read_date(text, first_year, last_year)
        if read.date is not None:
            year = read.date.year
            return ReleaseDate(read.date, year, year // 10 * 10, read.precision, source, "ok", read.flags)
        lost.update(read.flags)
    absent = not any(text and text.strip() for _, text in texts)
    return ReleaseDate(None, None, None, "none", None, "absent" if absent else "unparseable", tuple(sorted(lost)))


def _normal(text: str) -> str:
    """ASCII digits, single blanks, none outside, lower case. Blanks and digits are Unicode's."""
    if not text.isascii():
        text = "".join([str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text])
    return " ".join(text.split()).lower()


def _without_doubt(text: str) -> str:
    if text.endswith("?"):
        text = text[:-1].rstrip()
    leading = _APPROXIMATE.match(text)
    return text[leading.end() :] if leading else text


def _parts(year: str, month: str | int | None, day: str | int | None) -> _Parts:
    """Parts of rules 5 to 11: month 0 leaves the year, day 0 the month, both unflagged; no real date, the year."""
    y, m, d = int(year), int(month or 0), int(day or 0)
    if m == 0:
        return _Parts(y, 1, 1, "year")
    if m > 12 or d > _days(y, m):
        return _Parts(y, 1, 1, "year", "invalid_part")
    if d == 0:
        return _Parts(y, m, 1, "month")
    return _Parts(y, m, d, "day")


def _days(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else _DAYS_IN_MONTH[month - 1]


def _interval(text: str) -> _Parts | None:
    match = _INTERVAL.fullmatch(text)
    return _year_first(match[1] or match[2]) if match else None


def _with_time(text: str) -> _Parts | None:
    match = _WITH_TIME.fullmatch(text)
    if not match:
        return None
    found = _parts(match[1], match[2], match[3])
    # The epoch, or the evening before it west of Greenwich: a zero that some program wrote as a date.
    if found[:4] in ((1969, 12, 31, "day"), (1970, 1, 1, "day")):
        return found._replace(flag="epoch_artifact")
    return found


def _year_first(text: str) -> _Parts | None:
    match = _YEAR_FIRST.fullmatch(text)
    return _parts(match[1], match[2], match[3]) if match else None


def _eight_digits(text: str) -> _Parts | None:
    match = _EIGHT_DIGITS.fullmatch(text)
    return _parts(match[1], match[2], match[3]) if match else None


def _year_last(text: str) -> _Parts | None:
    """Rules 9 (two parts before the year) and 10 (one)."""
    match = _YEAR_LAST.fullmatch(text)
    if not match:
        return None
    if match[2] is None:
        return _parts(match[3], match[1], None)
    a, b = int(match[1]), int(match[2])
    if 1 <= a <= 12 and 1 <= b <= 12 and a != b:
        return _Parts(int(match[3]), 1, 1, "year", "ambiguous")
    # The larger is the day. A zero, or two parts over 12, make a month of 0 or over 12: the year alone, as everywhere.
    return _parts(match[3], min(a, b), max(a, b))


def _named_month(text: str) -> _Parts | None:
    """Rule 11: one month by name, one four-digit number, at most one of 1-2 digits, in any order; nothing else."""
    months, years, days = [], [], []
    for word in re.split(r"[,./ -]", text):
        if word in ("", "of"):
            continue
        number = _NUMBER_WITH_ENDING.fullmatch(word)
        if word in _MONTHS:
            months.append(_MONTHS[word])
        elif number and number[1]:
            days.append(number[1])
        elif number:
            years.append(word)
        else:
            return None
    if len(months) != 1 or len(years) != 1 or len(days) > 1:
        return None
    return _parts(years[0], months[0], days[0] if days else None)


def _lenient(text: str) -> _Parts | None:
    """Rule 12: a hit of `compat`, with the precision of its number of parts."""
    hit = _compat(text)
    if hit is None:
        return None
    date, count = hit
    precision: Precision = "year" if count == 1 else "month" if count == 2 else "day"
    return _Parts(date.year, date.month, date.day, precision, "lenient")


def _compat(text: str) -> tuple[datetime.date, int] | None:
    """Date under rule set `compat` and its number of parts, or None. Needs a text through `_normal`.

    `compat` tries nine formats and then splits. Four of the nine (Y-M-D, Y-M, Y, Y.M.D) read as the splitting does;
    only the two with a named month and the three with a time need a pattern.
    """
    if text.startswith(_PLACEHOLDERS) or "00-00" in text:
        return None
    text = _COMPAT_OF.sub("", _COMPAT_ENDING.sub("", text)).replace(",", "")
    text = " ".join(text.split())
    named = _COMPAT_NAMED.fullmatch(text)
    if named and named[2] in _COMPAT_MONTHS:
        return _compat_date([int(named[3]), _COMPAT_MONTHS[named[2]], int(named[1])], 3)
    timed = _COMPAT_TIME.fullmatch(text)
    if timed:
        if int(timed[3]) > 23 or int(timed[4]) > 59 or int(timed[5]) > 60 or timed[2] + timed[6] == " z":
            return None
        text = timed[1]
    pieces = re.split(r"[-./]", text)
    # Pieces after the third are ignored, whatever they are.
    if not all(map(_COMPAT_INTEGER.fullmatch, pieces[:3])):
        return None
    # Leading zeros go before the conversion, which refuses thousands of digits; nothing above 9999 can be a part.
    digits = [piece.strip(" +").replace("_", "").lstrip("0") for piece in pieces[:3]]
    if any(len(piece) > 4 for piece in digits):
        return None
    return _compat_date([int(piece or 0) for piece in digits], len(pieces))


def _compat_date(parts: list[int], count: int) -> tuple[datetime.date, int] | None:
    year, month, day = (*parts, 1, 1)[:3]
    if year < 1000 or not 1 <= month <= 12 or not 1 <= day <= _days(year, month):
        return None
    return datetime.date(year, month, day), count
