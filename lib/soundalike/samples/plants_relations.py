"""Planted relations: later copies, equal audio, near-duplicates, twins; and members that are no documents."""

from collections.abc import Callable

from soundalike.samples.plan import Copy, Edit, Json, Oddment, Recording, Submission
from soundalike.samples.plants import Plant, planted, tag
from soundalike.samples.round import Round
from soundalike.samples.world import TWIN_GENRES

_RESERVED_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
_MOST_TWINS = 200  # places for 224 exist


# -- later copies of a member


def _conflict(doc: Json) -> None:
    """Another title and another year: whoever keeps the wrong copy shows it."""
    tags = doc["metadata"]["tags"]
    tags["title"], tags["date"], tags["originaldate"] = ["The wrong copy"], ["1961"], ["1961"]


def _copied(*copies: tuple[bool, Edit | None]) -> Callable[[Round], None]:
    def add(r: Round) -> None:
        sub = planted(r)[0]
        r.copies += [Copy(sub, same_archive, change) for same_archive, change in copies]

    return add


def _copied_reject(r: Round) -> None:
    """The first copy has no title and is refused for it; the later, sound one does not take its place."""
    sub = planted(r)[0]
    sub.rule, title = "title_missing", list(sub.tags["title"])
    sub.edits.append(tag("title", []))
    r.copies.append(Copy(sub, False, tag("title", title)))


# -- equal audio


def _md5(sub: Submission, text: str, counter: str | None = None) -> None:
    sub.md5 = text
    if counter is not None:
        sub.md5_usable = False
        sub.count(counter)


def _same_audio(submissions: int) -> Callable[[Round], None]:
    def add(r: Round) -> None:
        first, *others = planted(r, submissions=submissions)
        for sub in others:
            _md5(sub, first.md5)

    return add


def _audio_group(recordings: int) -> Callable[[Round], None]:
    def add(r: Round) -> None:
        subs = [planted(r)[0] for _ in range(recordings)]
        for sub in subs[1:]:
            _md5(sub, subs[0].md5)
        r.audio_dups.append(sorted(sub.recording.mbid for sub in subs))

    return add


def _useless_md5(text: str, counter: str) -> Callable[[Round], None]:
    """Equal in two recordings, and yet no group."""

    def add(r: Round) -> None:
        for _ in range(2):
            _md5(planted(r)[0], text, counter)

    return add


# -- near-duplicates


def _alike(r: Round, like: Recording, title: str, credit: str, duration: float) -> Recording:
    recording = r.recording()
    recording.title, recording.credit, recording.duration, recording.show = title, credit, duration, True
    recording.artists = ((credit, like.artists[0][1]),)
    r.submission(recording)
    return recording


def _near_dups(*shifts: float, grouped: int) -> Callable[[Round], None]:
    """Recordings of one credit and title up to accents, case and blanks, `shifts` seconds longer than the first.

    The first `grouped` of them, the base recording included, are one group.
    """

    def add(r: Round) -> None:
        base = r.recording()
        base.title, base.credit, base.duration = f"Déjà {base.title}", "Sigur Rós", float(int(base.duration))
        base.artists, base.show = ((base.credit, base.artists[0][1]),), True
        r.submission(base)
        spellings = (
            (base.title.upper(), "SIGUR RÓS"),
            (base.title.replace("Déjà ", "Deja  "), "Sigur Ros"),
            (base.title.replace("Déjà", "De\u0301ja\u0300"), "sigur  ro\u0301s"),
        )
        alike = [_alike(r, base, *spellings[i % 3], base.duration + shift) for i, shift in enumerate(shifts)]
        group = [base, *alike][:grouped]
        if len(group) > 1:
            r.near_dups.append(sorted(recording.mbid for recording in group))

    return add


# -- twins


def _twins(r: Round) -> None:
    """Two recordings of a genre and decade, nearly alike and far from all others: each the other's nearest neighbor."""
    number = r.dump.twins
    if number >= _MOST_TWINS:
        return
    r.dump.twins += 1
    pair = [r.recording(), r.recording()]
    for i, recording in enumerate(pair):
        recording.genre, recording.twin, recording.show = TWIN_GENRES[number % len(TWIN_GENRES)], number, True
        recording.releases, recording.year = pair[0].releases, pair[0].year
        for _ in range(1 + (number + i) % 2):
            r.submission(recording)
    r.twins.append(sorted(recording.mbid for recording in pair))


# -- members that are no documents


def _oddments(*members: tuple[str, str, str]) -> Callable[[Round], None]:
    """`members` are (path, kind, link target), a path gets the round's number. A hard link takes the file before it."""

    def add(r: Round) -> None:
        for path, kind, target in members:
            content = b"not a document\n" if kind == "file" else b""
            r.oddments.append(Oddment(path.format(number=f"{r.index:05d}"), kind, content, target))

    return add


FIRST: tuple[Plant, ...] = (
    Plant("twins", 3, _twins),
    Plant("near_dup_pair", 2, _near_dups(0.4, grouped=2)),
    Plant("audio_pair", 2, _audio_group(2)),
    Plant("same_audio", 2, _same_audio(2)),
    Plant("copy_in_another_archive", 2, _copied((False, None))),
    Plant("conflict_in_another_archive", 2, _copied((False, _conflict))),
    Plant("md5_reserved", 2, _useless_md5(_RESERVED_MD5, "md5_reserved")),
    Plant("md5_malformed", 2, _useless_md5("not a hash", "md5_malformed")),
    Plant("skipped", 0, _oddments(
        ("highlevel/README-{number}.txt", "file", ""), ("highlevel/empty-{number}", "directory", ""),
        ("highlevel/link-{number}.json", "symlink", "COPYING"),
    )),
)  # fmt: skip
FURTHER: tuple[Plant, ...] = (
    Plant("near_dup_chain", 3, _near_dups(0.9, 1.7, grouped=3)),
    Plant("near_dup_exactly_one_second", 2, _near_dups(1.0, grouped=2)),
    Plant("near_dup_pair_and_one_apart", 3, _near_dups(0.5, 4.0, grouped=2)),
    Plant("no_near_dup", 2, _near_dups(3.0, grouped=1)),
    Plant("near_dup_three_spellings", 4, _near_dups(0.25, 0.5, 0.75, grouped=4)),
    Plant("audio_triple", 3, _audio_group(3)),
    Plant("same_audio_thrice", 3, _same_audio(3)),
    Plant("md5_too_short", 2, _useless_md5("0123456789abcdef0123456789abcde", "md5_malformed")),
    Plant("copy_in_same_archive", 2, _copied((True, None))),
    Plant("conflict_in_same_archive", 2, _copied((True, _conflict))),
    Plant("copies_and_conflict", 4, _copied((False, None), (False, _conflict), (True, None))),
    Plant("copy_of_reject", 2, _copied_reject),
    Plant("skipped_more", 0, _oddments(
        ("highlevel/index-{number}.json.gz", "file", ""), ("highlevel/ff-{number}.json", "directory", ""),
        ("highlevel/hard-{number}.json", "hardlink", ""),
    )),
)  # fmt: skip
