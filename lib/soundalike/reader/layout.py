"""Text in cells of a terminal: widths, cutting, aligned columns.

A wide or full-width character (Unicode's East Asian Width W or F) takes two cells, a combining mark none.
"""

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """A column: its heading, its side, and the fewest cells it may be cut to (None = it is never cut)."""

    text: str
    right: bool = False
    floor: int | None = None


def clean(text: str) -> str:
    """The text with control characters and line breaks as blanks, without outer blanks.

    Titles are foreign, and a terminal obeys them.
    """
    return "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text).strip()


def cells(text: str) -> int:
    """Cells that `text` takes."""
    return sum(map(_cell, text))


def cut(text: str, limit: int) -> str:
    """`text` within `limit` cells (1 or more); what is cut off becomes an ellipsis. A mark stays with its letter."""
    if cells(text) <= limit:
        return text
    used = kept = 0
    for char in text:
        used += _cell(char)
        if used > limit - 1:
            break
        kept += 1
    return text[:kept].rstrip() + "…"


def pad(text: str, width: int, right: bool = False) -> str:
    """`text` filled with blanks to `width` cells, on its left when `right`."""
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks


def table(headings: tuple[Heading, ...], rows: list[tuple[str, ...]], limit: int | None) -> list[str]:
    """Lines of a table with a line of headings; a row has one text per heading.

    With `limit` (cells of a line), gaps shrink to one blank and then the widest column that may be cut is cut first,
    down to its floor; lines stay longer than `limit` when that is not enough.
    """
    rows = [tuple(heading.text for heading in headings), *(tuple(map(clean, row)) for row in rows)]
    widths = [max(cells(row[column]) for row in rows) for column in range(len(headings))]
    gap = 2
    if limit is not None and sum(widths) + gap * (len(widths) - 1) > limit:
        gap = 1
        room = limit - gap * (len(widths) - 1)
        floors = [
            width if heading.floor is None else heading.floor for heading, width in zip(headings, widths, strict=True)
        ]
        while sum(widths) > room:
            spare = [column for column in range(len(widths)) if widths[column] > floors[column]]
            if not spare:
                break
            widths[max(spare, key=lambda column: (widths[column], -column))] -= 1
    lines = []
    for row in rows:
        parts = [
            pad(cut(text, width), width, heading.right)
            for text, width, heading in zip(row, widths, headings, strict=True)
        ]
        lines.append((" " * gap).join(parts).rstrip())
    return lines


def _cell(char: str) -> int:
    # Hangul vowels and finals of decomposed syllables join the syllable's first letter, which is wide.
    if unicodedata.category(char) in ("Mn", "Me", "Cf") or "\u1160" <= char <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
