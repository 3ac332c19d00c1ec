"""Identifiers inside texts: MBIDs, names of archives and of their members, MD5 sums."""

import re
from typing import Literal, NamedTuple

MD5_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"

_MBID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_WHOLE_MBID = re.compile(_MBID)
# Numbers as the dump's writer spells them: no sign, no leading zero, so that a key has one name.
_DOCUMENT = re.compile(rf"({_MBID})-(0|[1-9][0-9]{{0,9}})\.json")
_MD5 = re.compile(r"[0-9a-fA-F]{32}")
_DUMP = re.compile(r"(acousticbrainz-(?:high|low)level-(sample-)?json-([0-9]{8}))(?:-.*)?\.tar\.zst", re.DOTALL)
_NUMBERED = re.compile(r"(?:.*-)?([0-9]{1,10})\.tar\.zst", re.DOTALL)
_DATE_LAST = re.compile(r".*-json-[0-9]{8}\.tar\.zst", re.DOTALL)

_INT_MAX = 2**31 - 1


class ArchiveName(NamedTuple):
    """What the base name of an archive says; None where it says nothing."""

    number: int | None  # what ends the name (`…-12.tar.zst`), unless it is the date of the dump
    dump: str | None  # the name up to and with the date: equal for the archives of one dump, not for its sample
    kind: Literal["full", "sample"] | None
    date: str | None  # of the dump, YYYYMMDD as written


def mbid(text: str | None) -> str | None:
    """The MBID in lower case if the trimmed text is one (8-4-4-4-12 hex digits, any case; no braces), else None."""
    if text is None:
        return None
    trimmed = text.strip()
    return trimmed.lower() if _WHOLE_MBID.fullmatch(trimmed) else None


def member_key(member: str) -> tuple[str, int] | tuple[None, None]:
    """(MBID in lower case, submission number) of a member named `<folders>/<mbid>-<n>.json`; whatever its folders.

    Any other name, and a number that does not fit a 32-bit integer, gives (None, None).
    """
    match = _DOCUMENT.fullmatch(member[member.rfind("/") + 1 :])
    if not match:
        return None, None
    number = int(match[2])
    return (match[1].lower(), number) if number <= _INT_MAX else (None, None)


def md5(text: str | None) -> Literal["ok", "reserved", "malformed", "absent"]:
    """What an `md5_encoded` is good for; only `ok` ones may group submissions, compared in lower case.

    `reserved` is the MD5 of nothing, `absent` None or blank, `malformed` whatever else is not 32 hex digits (any case).
    """
    if text is None or not text.strip():
        return "absent"
    if not _MD5.fullmatch(text):
        return "malformed"
    return "reserved" if text.lower() == MD5_OF_NOTHING else "ok"


def archive_name(name: str) -> ArchiveName:
    """Number and dump in an archive's base name: a number in any `….tar.zst`, the rest in a dump's own names only."""
    numbered = _NUMBERED.fullmatch(name)
    number = int(numbered[1]) if numbered and not _DATE_LAST.fullmatch(name) else None
    if number is not None and number > _INT_MAX:
        number = None
    dump = _DUMP.fullmatch(name)
    if not dump:
        return ArchiveName(number, None, None, None)
    return ArchiveName(number, dump[1], "sample" if dump[2] else "full", dump[3])
