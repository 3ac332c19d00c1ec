"""Tags as submitters wrote them: lists, bare texts, numbers in texts, genres, titles.

A tag value is what JSON gave: a list is read element by element, anything else is a one-element list, null is an empty
one. Only texts count, and blank ones are absent; what is kept, is kept as given.
"""

import re
import unicodedata
from collections.abc import Iterable

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TRACK = re.compile(r"([0-9]+)\s*(?:/.*)?", re.DOTALL)
_MAX_BPM = 400.0
_INT_MAX = 2**31 - 1


def first(value: object) -> str | None:
    """The first element of a tag, untrimmed; None when there is none or it is null, blank or no text."""
    head = next(iter(_elements(value)), None)
    return head if isinstance(head, str) and head.strip() else None


def first_nonblank(value: object) -> tuple[str | None, int]:
    """The first non-blank element of a date tag, untrimmed, and how many further non-blank ones follow.

    (None, 0) without any. An integer is read as its text; other numbers, booleans and nested values are no texts.
    """
    found = [text for element in _elements(value) if (text := _text_or_integer(element)) and text.strip()]
    return (found[0], len(found) - 1) if found else (None, 0)


def genres(raw: Iterable[str]) -> list[str]:
    """Each text split at `;` and trimmed; empties and repeats (in any case) dropped; first order and spelling kept."""
    pieces: dict[str, str] = {}
    for text in raw:
        for piece in map(str.strip, text.split(";")):
            if piece:
                pieces.setdefault(piece.lower(), piece)
    return list(pieces.values())


def bpm(text: str | None) -> tuple[float | None, bool]:
    """(beats per minute, False) if the whole trimmed text is a number above 0 and at most 400, else (None, garbage?).

    None and blank are absent, which is no garbage. A number is decimal, with a point and ASCII digits.
    """
    trimmed = text.strip() if text else ""
    if not trimmed:
        return None, False
    if _NUMBER.fullmatch(trimmed) and 0.0 < (value := float(trimmed)) <= _MAX_BPM:
        return value, False
    return None, True


def track_number(text: str | None) -> int | None:
    """The number of `6`, `02` or `9/19`; None if the text before the first `/` is not a plain number of 32 bits."""
    match = _TRACK.fullmatch(text.strip()) if text else None
    digits = match[1].lstrip("0") or "0" if match else ""
    return int(digits) if 0 < len(digits) <= 10 and int(digits) <= _INT_MAX else None


def near_duplicate_key(text: str) -> str:
    """A name without its marks, case and outer blanks: NFD, combining marks removed, lower case, blanks collapsed.

    A text of blanks or marks alone gives the empty text, which is a lacking part and no key.
    """
    if not text.isascii():
        text = "".join([c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c)[0] != "M"])
    return " ".join(text.lower().split())


def is_placeholder_title(title: str, placeholders: Iterable[str]) -> bool:
    """Whether the whole trimmed title is one of the placeholders, in any case. `Finale (live)` is no `Finale`."""
    whole = title.strip().lower()
    return any(whole == placeholder.strip().lower() for placeholder in placeholders)


def _elements(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text_or_integer(element: object) -> str | None:
    if isinstance(element, int) and not isinstance(element, bool):
        return str(element)
    return element if isinstance(element, str) else None
