"""Planted rejects: documents that fail a rule of profile `default`, alone or beside a valid submission."""

from collections.abc import Callable

from soundalike.samples.plan import Json, Submission
from soundalike.samples.plants import Plant, audio, drop, output, planted, put, redate, replaced, tag, undate, untag
from soundalike.samples.round import Round

Change = Callable[[Submission], None]


def _edit(*edits: Callable[[Json], None]) -> Change:
    return lambda sub: sub.edits.extend(edits)


def _bytes(rewrite: Callable[[bytes], bytes]) -> Change:
    def change(sub: Submission) -> None:
        sub.rewrite = rewrite

    return change


def _nested(data: bytes) -> bytes:
    return data.replace(b'"file_name":', b'"comment":' + b"[" * 120 + b"]" * 120 + b',"file_name":', 1)


def _lowlevel(doc: Json) -> None:
    doc["lowlevel"] = {"average_loudness": 0.8, "dissonance": {"mean": 0.45}}
    doc["rhythm"], doc["tonal"] = {"bpm": 120.2}, {"key_key": "A"}
    del doc["highlevel"]


def _undated_without_length(sub: Submission) -> None:
    undate(sub)
    sub.edits.append(drop("metadata", "audio_properties", "length"))


def _odd_and_empty(sub: Submission) -> None:
    sub.path, sub.odd, sub.rewrite = f"highlevel/lost/{sub.member[:8]}.json", True, lambda data: b""


def _placeholder_without_label(sub: Submission) -> None:
    redate(sub, None, date=["0000-00-00"])
    sub.edits.append(put(" ", "highlevel", "genre_dortmund", "value"))


_NOT_UTF8 = replaced(b'"analysis_sample_rate"', b'"caf\xe9":1,"analysis_sample_rate"')
# (name, rule, detail, change, with a valid sibling); the first are one per rule, for small samples.
Case = tuple[str, str, str | None, Change, bool]
FIRST_CASES: tuple[Case, ...] = (
    ("json_empty", "json_invalid", None, _bytes(lambda data: b""), False),
    ("metadata_null", "metadata_missing", None, _edit(put(None, "metadata")), False),
    ("highlevel_empty", "highlevel_missing", None, _edit(put({}, "highlevel")), True),
    ("mbid_absent", "mbid_missing", None, _edit(untag("musicbrainz_recordingid")), False),
    ("mbid_braces", "mbid_malformed", None, lambda s: s.edits.append(
        tag("musicbrainz_recordingid", ["{" + s.recording.mbid + "}"])), False),
    ("title_empty", "title_missing", None, _edit(tag("title", [])), True),
    ("bright_absent", "probability_missing", "timbre.bright",
     _edit(drop("highlevel", "timbre", "all", "bright")), False),
    ("happy_text", "probability_invalid", "mood_happy.happy", _edit(output("mood_happy", "happy", "0.5")), False),
    ("length_absent", "length_missing", None, _edit(drop("metadata", "audio_properties", "length")), True),
    ("dortmund_null", "genre_label_missing", None, _edit(put(None, "highlevel", "genre_dortmund", "value")), False),
)  # fmt: skip
FURTHER_CASES: tuple[Case, ...] = (
    ("json_cut", "json_invalid", None, _bytes(lambda data: data[: len(data) // 2]), True),
    ("json_not_utf8", "json_invalid", None, _bytes(_NOT_UTF8), False),
    ("json_list", "json_invalid", None, _bytes(lambda data: b"[" + data + b"]"), False),
    ("json_nan", "json_invalid", None, _bytes(replaced(b'"equal_loudness":0', b'"equal_loudness":NaN')), False),
    ("json_deep", "json_invalid", None, _bytes(_nested), False),
    ("json_twice", "json_invalid", None, _bytes(lambda data: data + b"\n" + data), True),
    ("json_empty_odd_name", "json_invalid", None, _odd_and_empty, False),
    ("tags_empty", "metadata_missing", None, _edit(put({}, "metadata", "tags")), True),
    ("tags_null", "metadata_missing", None, _edit(put(None, "metadata", "tags")), False),
    ("metadata_absent", "metadata_missing", None, _edit(drop("metadata")), False),
    ("both_missing", "metadata_missing", None, _edit(put(None, "metadata"), put({}, "highlevel")), False),
    ("highlevel_null", "highlevel_missing", None, _edit(put(None, "highlevel")), False),
    ("lowlevel_document", "highlevel_missing", None, _edit(_lowlevel), False),
    ("mbid_empty_list", "mbid_missing", None, _edit(tag("musicbrainz_recordingid", [])), False),
    ("mbid_blank", "mbid_missing", None, _edit(tag("musicbrainz_recordingid", ["  "])), False),
    ("mbid_short", "mbid_malformed", None, lambda s: s.edits.append(
        tag("musicbrainz_recordingid", [s.recording.mbid[:-1]])), False),
    ("mbid_words", "mbid_malformed", None, _edit(tag("musicbrainz_recordingid", ["not an mbid"])), False),
    ("title_blank", "title_missing", None, _edit(tag("title", ["  "])), False),
    ("title_absent", "title_missing", None, _edit(untag("title")), False),
    ("danceability_absent", "probability_missing", "danceability.danceable",
     _edit(drop("highlevel", "danceability")), True),
    ("party_null", "probability_missing", "mood_party.party", _edit(output("mood_party", "party", None)), False),
    ("tonal_true", "probability_invalid", "tonal_atonal.tonal", _edit(output("tonal_atonal", "tonal", True)), False),
    ("sad_above_one", "probability_invalid", "mood_sad.sad", _edit(output("mood_sad", "sad", 1.5)), True),
    ("relaxed_negative", "probability_invalid", "mood_relaxed.relaxed",
     _edit(output("mood_relaxed", "relaxed", -0.25)), False),
    ("length_text", "length_missing", None, _edit(audio("length", "200.5")), False),
    ("length_null", "length_missing", None, _edit(audio("length", None)), False),
    ("length_true", "length_missing", None, _edit(audio("length", True)), False),
    ("length_absent_undated", "length_missing", None, _undated_without_length, False),
    ("rosamerica_blank", "genre_label_missing", None, _edit(put(" ", "highlevel", "genre_rosamerica", "value")), True),
    ("rosamerica_absent", "genre_label_missing", None, _edit(drop("highlevel", "genre_rosamerica", "value")), False),
    ("dortmund_model_absent", "genre_label_missing", None, _edit(drop("highlevel", "genre_dortmund")), False),
    ("dortmund_blank_placeholder_date", "genre_label_missing", None, _placeholder_without_label, False),
    # two faults in one document: the first rule in the order of the rules is the only counter
    ("mbid_before_title", "mbid_malformed", None, _edit(tag("musicbrainz_recordingid", ["{}"]), untag("title")), False),
    ("title_before_length", "title_missing", None,
     _edit(untag("title"), drop("metadata", "audio_properties", "length")), False),
    ("missing_before_invalid", "probability_missing", "timbre.bright",
     _edit(output("danceability", "danceable", "0.5"), drop("highlevel", "timbre", "all", "bright")), False),
    ("invalid_before_label", "probability_invalid", "voice_instrumental.instrumental",
     _edit(output("voice_instrumental", "instrumental", 2), put(" ", "highlevel", "genre_rosamerica", "value")), False),
)  # fmt: skip


def _adder(rule: str, detail: str | None, change: Change, sibling: bool) -> Callable[[Round], None]:
    def add(r: Round) -> None:
        for sub in planted(r, submissions=2 if sibling else 1)[-1:]:
            sub.rule, sub.detail = rule, detail
            change(sub)

    return add


def _plant(name: str, rule: str, detail: str | None, change: Change, sibling: bool) -> Plant:
    return Plant(name, 2 if sibling else 1, _adder(rule, detail, change, sibling))


FIRST: tuple[Plant, ...] = tuple(_plant(*case) for case in FIRST_CASES)
FURTHER: tuple[Plant, ...] = tuple(_plant(*case) for case in FURTHER_CASES)
