"""Planted trouble in valid documents' names, tags and audio properties."""

import unicodedata
from collections.abc import Callable

from soundalike.samples import words
from soundalike.samples.plan import Edit, Json, Submission
from soundalike.samples.plants import Plant, audio, drop, planted, put, redate, tag, untag
from soundalike.samples.round import Round
from soundalike.samples.tags import VARIANTS

_BARE_KEYS = ("title", "artist", "musicbrainz_recordingid", "musicbrainz_artistid", "album", "date", "originaldate")


def _one(name: str, change: Callable[[Round, Submission], None], dated: bool = True) -> Plant:
    def add(r: Round) -> None:
        change(r, planted(r, dated=dated)[0])

    return Plant(name, 1, add)


def _counted(name: str, counter: str, *edits: Edit, by: int = 1) -> Plant:
    def change(r: Round, sub: Submission) -> None:
        sub.edits.extend(edits)
        sub.count(counter, by)

    return _one(name, change)


def _plain(name: str, *edits: Edit) -> Plant:
    """Odd, but read like any other: nothing to count."""
    return _one(name, lambda r, sub: sub.edits.extend(edits))


# -- identity


def _other_mbid(r: Round, sub: Submission) -> None:
    """The tag names a recording of its own; the member name another, that has no other document."""
    sub.member = r.uuid()
    sub.count("mbid_differs")


def _joins_by_tag(r: Round) -> None:
    """A document filed under its own MBID is, by its tag, the second submission of a recording filed under another."""
    _, second = planted(r, submissions=2)
    second.member, second.number = r.uuid(), 0
    second.count("mbid_differs")


def _mixed_case(r: Round) -> None:
    _, second = planted(r, submissions=2)
    second.edits.append(tag("musicbrainz_recordingid", [second.recording.mbid.upper()]))


def _outer_blanks(r: Round, sub: Submission) -> None:
    sub.edits.append(tag("musicbrainz_recordingid", [f" {sub.recording.mbid.title()} "]))


def _odd_name(form: str) -> Callable[[Round, Submission], None]:
    def change(r: Round, sub: Submission) -> None:
        sub.path, sub.odd = f"highlevel/{sub.member[:2]}/{sub.member[2]}/{form.format(mbid=sub.member)}", True

    return change


def _elsewhere(r: Round, sub: Submission) -> None:
    sub.path = f"other/{sub.member}-{sub.number}.json"


def _long_path(r: Round, sub: Submission) -> None:
    folder = "a-folder-whose-name-makes-the-member-name-longer-than-a-tar-header-holds"
    sub.path = f"highlevel/{folder}/{sub.member[:2]}/{sub.member[2]}/{sub.member}-{sub.number}.json"


def _bare(r: Round, sub: Submission) -> None:
    def edit(doc: Json) -> None:
        tags = doc["metadata"]["tags"]
        for key in _BARE_KEYS:
            if key in tags:
                tags[key] = tags[key][0]

    sub.edits.append(edit)


def _capital_keys(r: Round, sub: Submission) -> None:
    def edit(doc: Json) -> None:
        tags = doc["metadata"]["tags"]
        doc["metadata"]["tags"] = {key.upper() if key != "file_name" else key: value for key, value in tags.items()}

    sub.edits.append(edit)


# -- artists, titles


def _without_artist(r: Round, sub: Submission) -> None:
    sub.edits.append(untag("artist", "artists", "musicbrainz_artistid"))
    sub.resolved = sub.credited = False


def _one_credit_two_ids(r: Round) -> None:
    sub = planted(r, shape="unequal")[0]
    sub.edits.append(tag("artist", ["Jay-Z & Beyonce"]))


def _alias(r: Round) -> None:
    """One artist id, two spellings of the name; the id's name is a matter of all its recordings."""
    for sub, name in zip(planted(r, submissions=3), ("Beyoncé", "Beyonce", "Beyoncé"), strict=True):
        sub.edits.append(tag("artist", [name]))


def _placeholder(title: str) -> Plant:
    def change(r: Round, sub: Submission) -> None:
        # a credit of its own: equal titles must not become near-duplicates by chance
        sub.edits += [tag("title", [title]), tag("artist", [f"{words.title(r.dump.titles)} Ensemble"])]
        sub.title = title

    return _one(f"placeholder {title}", change)


# -- dates


def _further_dates(r: Round, sub: Submission) -> None:
    redate(sub, 1999, date=["1999-05-04", "2003", " "])
    sub.count("further_dates")


def _further_dates_in_both(r: Round, sub: Submission) -> None:
    redate(sub, 1984, originaldate=["1984-1", "1985", "1986"], date=["2001", "2002-03-04"])
    sub.count("further_dates", 3)


def _dates(name: str, year: int | None, **tags: list[str]) -> Plant:
    return _one(name, lambda r, sub: redate(sub, year, **tags))


# -- tag variants


def _variants(differing: int, equal: int) -> Callable[[Round, Submission], None]:
    def change(r: Round, sub: Submission) -> None:
        for i, (first, second) in enumerate(VARIANTS):
            if i < differing:
                sub.edits += [tag(first, [f"one {i}"]), tag(second, [f"two {i}"])]
            elif i < differing + equal:
                sub.edits += [tag(first, ["same"]), tag(second, ["same"])]
        if differing:
            sub.count("tag_variants_differ", differing)

    return change


def _no_length(value: float, sibling: bool) -> Callable[[Round], None]:
    def add(r: Round) -> None:
        sub = planted(r, submissions=2 if sibling else 1)[-1]
        sub.edits.append(audio("length", value))
        sub.has_length = False
        sub.count("length_not_positive")

    return add


def _decomposed_title(r: Round, sub: Submission) -> None:
    """Text is kept as given: letters written as letter and combining mark stay so."""
    sub.title = unicodedata.normalize("NFD", f"Ænglagård é {sub.title}")
    sub.edits.append(tag("title", [sub.title]))


FIRST: tuple[Plant, ...] = (
    _one("mbid_differs", _other_mbid),
    Plant("mbid_mixed_case", 2, _mixed_case),
    _one("odd_name", _odd_name("{mbid}.json")),
    _counted("lossless_maybe", "lossless_other", audio("lossless", "maybe")),
    _counted("bpm_garbage", "bpm_garbage", tag("bpm", ["128 BPM (approx.)"])),
    Plant("length_zero", 1, _no_length(0, sibling=False)),
    _one("further_dates", _further_dates),
    _one("tag_variants_differ", _variants(1, 1)),
    _counted("version_null", "version_missing", put(None, "metadata", "version")),
    _one("date_unparseable", lambda r, sub: redate(sub, None, date=["YOLO"])),
    _one("without_artist", _without_artist),
    _placeholder("[untitled]"),
)
FURTHER: tuple[Plant, ...] = (
    Plant("mbid_differs_joins", 2, _joins_by_tag),
    _one("mbid_outer_blanks", _outer_blanks),
    _one("odd_name_number", _odd_name("{mbid}-x.json")),
    _one("odd_name_note", _odd_name("note on {mbid}-0.json")),
    _one("other_folder", _elsewhere),
    _one("long_path", _long_path),
    _plain("lossless_true", audio("lossless", True)),
    _plain("lossless_false", audio("lossless", False)),
    _counted("bpm_zero", "bpm_garbage", tag("bpm", ["0"])),
    _counted("bpm_too_high", "bpm_garbage", tag("bpm", ["999"])),
    _counted("bpm_two_points", "bpm_garbage", tag("bpm", ["140.5.2"])),
    Plant("length_negative", 1, _no_length(-1.0, sibling=False)),
    Plant("length_zero_sibling", 2, _no_length(0.0, sibling=True)),
    _one("further_dates_in_both", _further_dates_in_both),
    _one("tag_variants_all_differ", _variants(4, 0)),
    _one("tag_variants_equal", _variants(0, 4)),
    _counted("version_empty", "version_missing", put({}, "metadata", "version")),
    _counted("version_lowlevel_absent", "version_missing", drop("metadata", "version", "lowlevel")),
    _counted("version_highlevel_null", "version_missing", put(None, "metadata", "version", "highlevel")),
    _dates("date_placeholder", None, date=["0000-00-00"]),
    _dates("date_out_of_range", None, originaldate=["1000"], date=["2024-01-01"]),
    _dates("date_empty_list", None, date=[]),
    _dates("date_second_source", 2003, originaldate=["YOLO"], date=["23rd of February, 2003"]),
    _dates("date_range", 1999, date=["1999–2000"]),
    _dates("date_ambiguous", 1998, date=["05/06/1998"]),
    _dates("date_fullwidth", 2005, date=["２００５"]),
    _dates("date_multiple", 2016, date=["2016-01-01;2017-01-01"]),
    _dates("date_coarse_original_first", 1989, originaldate=["1989"], date=["1990-01-01"]),
    _dates("date_decade_edge", 1990, date=["1990-01-01"]),
    Plant("one_credit_two_ids", 1, _one_credit_two_ids),
    Plant("alias", 3, _alias),
    _placeholder("end credits"),
    _placeholder(" Finale "),
    _placeholder("[unknown]"),
    _placeholder("Finale (live)"),
    _plain("album_null", tag("album", None)),
    _plain("genre_sixteen_times", tag("genre", ["Genre; Data ; genre"] * 16)),
    _plain("genre_blank", tag("genre", [" ; ", ""])),
    _plain("track_of", tag("tracknumber", ["9/19"])),
    _plain("fingerprint", tag("acoustid_fingerprint", ["AQAD" + "tEmiRF9wfM" * 300])),
    _plain("performer_key", tag("performer:lead vocal", ["釘宮理恵"])),
    _one("bare_strings", _bare),
    _one("capital_keys", _capital_keys),
    _one("decomposed_title", _decomposed_title),
)
