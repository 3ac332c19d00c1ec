"""Reading one document: every rule of profile `default`, the traps of the dump, trust."""

import copy
import json
from typing import Any

import pytest

from soundalike.contracts.acousticbrainz import ELEVEN, MODELS, model_offsets
from soundalike.sources.acousticbrainz.documents import Reading, read_document

READING = Reading(max_member_bytes=1_000_000, first_year=1860, last_year=2023)
MBID = "62c2e20a-559e-422f-a44c-9afa7882f0c4"
OTHER = "00000000-0000-4000-8000-000000000001"


def document() -> dict[str, Any]:
    """A valid one. The first class of each model has the largest probability."""
    models = {}
    for model, classes in MODELS.items():
        rest = (1 - 0.6) / (len(classes) - 1)
        models[model] = {
            "all": dict(zip(classes, [0.6] + [rest] * (len(classes) - 1), strict=True)),
            "value": classes[0],
        }
    build = {"essentia_build_sha": "8e24b98b", "essentia_git_sha": "v2.1"}
    return {
        "highlevel": models,
        "metadata": {
            "audio_properties": {"length": 331.5, "codec": "flac", "lossless": 1, "bit_rate": 0, "md5_encoded": "a" * 32},
            "tags": {
                "musicbrainz_recordingid": [MBID], "title": ["Enter Sandman"], "artist": ["Metallica"], "date": ["1991-08-12"],
                "musicbrainz_artistid": [OTHER], "genre": ["Metal"],
            },
            "version": {"highlevel": build, "lowlevel": build},
        },
    }  # fmt: skip


def read(changed: dict[str, Any] | str | bytes, utf8_valid: bool = True) -> dict[str, Any]:
    text = changed if isinstance(changed, str) else json.dumps(changed)
    return read_document(text, len(text), utf8_valid, READING)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The valid document with the value at a dotted path; `...` removes it."""
    result = copy.deepcopy(document())
    *steps, last = path.split("/")
    place = result
    for step in steps:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return result


TAGS, AUDIO = "metadata/tags", "metadata/audio_properties"


@pytest.mark.parametrize(
    "path, value, rule",
    [
        ("metadata", ..., "metadata_missing"), ("metadata", None, "metadata_missing"), ("metadata", [], "metadata_missing"),
        (TAGS, {}, "metadata_missing"), (TAGS, None, "metadata_missing"),
        ("highlevel", ..., "highlevel_missing"), ("highlevel", None, "highlevel_missing"), ("highlevel", {}, "highlevel_missing"),
        (f"{TAGS}/musicbrainz_recordingid", ..., "mbid_missing"), (f"{TAGS}/musicbrainz_recordingid", [], "mbid_missing"),
        (f"{TAGS}/musicbrainz_recordingid", [" "], "mbid_missing"), (f"{TAGS}/musicbrainz_recordingid", [None, MBID], "mbid_missing"),
        (f"{TAGS}/musicbrainz_recordingid", ["{" + MBID + "}"], "mbid_malformed"),
        (f"{TAGS}/musicbrainz_recordingid", [MBID[:-1]], "mbid_malformed"),
        (f"{TAGS}/title", ..., "title_missing"), (f"{TAGS}/title", [""], "title_missing"), (f"{TAGS}/title", None, "title_missing"),
        ("highlevel/timbre", ..., "probability_missing"), ("highlevel/timbre/all/bright", None, "probability_missing"),
        ("highlevel/timbre/all/bright", "0.5", "probability_invalid"), ("highlevel/timbre/all/bright", True, "probability_invalid"),
        ("highlevel/timbre/all/bright", 1.00001, "probability_invalid"), ("highlevel/timbre/all/bright", -0.1, "probability_invalid"),
        (f"{AUDIO}/length", ..., "length_missing"), (f"{AUDIO}/length", "200", "length_missing"), (f"{AUDIO}/length", True, "length_missing"),
        (AUDIO, ..., "length_missing"),
        ("highlevel/genre_dortmund/value", None, "genre_label_missing"), ("highlevel/genre_rosamerica/value", " ", "genre_label_missing"),
        ("highlevel/genre_rosamerica", ..., "genre_label_missing"),
    ],
)  # fmt: skip
def test_rule(path: str, value: Any, rule: str) -> None:
    assert read(changed(path, value))["rule"] == rule


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '"x"',
        "null",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1}{"b": 2}',
        '{"a":' * 101 + "1" + "}" * 101,
    ],
)
def test_what_is_not_one_json_object(text: str) -> None:
    assert read(text)["rule"] == "json_invalid"


def test_a_hundred_levels_are_read() -> None:
    inner: Any = 1
    for _ in range(98):
        inner = {"a": inner}
    assert read(changed("metadata/x", inner))["rule"] is None
    assert read(changed("metadata/x", {"a": inner}))["rule"] == "json_invalid"


def test_bytes_that_are_not_utf8() -> None:
    assert read(document(), utf8_valid=False)["rule"] == "json_invalid"


def test_a_member_above_the_limit() -> None:
    found = read_document("", 1_000_001, True, READING)
    assert (found["rule"], found["detail"]) == ("member_too_large", "1000001 bytes, limit 1000000")


def test_the_first_failing_rule_is_the_only_one() -> None:
    both = changed("highlevel", {})
    both["metadata"] = None
    assert read(both)["rule"] == "metadata_missing"
    invalid_before_missing = changed("highlevel/danceability/all/danceable", "0.5")
    del invalid_before_missing["highlevel"]["timbre"]
    found = read(invalid_before_missing)
    assert (found["rule"], found["detail"]) == ("probability_missing", "timbre.bright")


@pytest.mark.parametrize("literal", ["1", "1.0", "1e0", "10E-1"])
def test_spellings_of_one(literal: str) -> None:
    text = json.dumps(document()).replace('"bright": 0.6', f'"bright": {literal}')
    assert read(text)["eleven"][10] == 1.0


def test_values_just_outside_the_range_are_clamped() -> None:
    assert read(changed("highlevel/timbre/all/bright", 1 + 9e-7))["eleven"][10] == 1.0
    assert read(changed("highlevel/timbre/all/bright", -9e-7))["eleven"][10] == 0.0


def test_escapes_and_raw_text_are_one_text() -> None:
    text = json.dumps(changed(f"{TAGS}/title", ["Skateb\u00e5rd album/remix"]))
    assert read(text.replace("/", "\\/"))["title"] == "Skateb\u00e5rd album/remix"
    assert (
        read(json.dumps(json.loads(text), ensure_ascii=False, indent=2) + "\n")["title"] == "Skateb\u00e5rd album/remix"
    )


def test_a_valid_document_in_columns() -> None:
    found = read(document())
    assert found["rule"] is None
    assert (found["mbid"], found["title"], found["artist_credit"]) == (MBID, "Enter Sandman", "Metallica")
    assert found["artists"] == [{"artist_id": OTHER, "artist_name": "Metallica"}]
    assert (str(found["release_date"]), found["release_decade"], found["date_source"]) == ("1991-08-12", 1990, "date")
    assert (found["duration_s"], found["codec"], found["lossless"], found["bit_rate"]) == (331.5, "flac", True, 0)
    assert (found["version_highlevel"], found["trust"], len(found["labels"]), found["counts"]) == (
        "8e24b98b",
        "trusted",
        18,
        {},
    )
    assert found["eleven"] == [0.6 if cls == MODELS[model][0] else 0.4 for model, cls in ELEVEN.values()]
    assert len(found["probabilities"]) == 71


def test_mbids_are_lower_cased_and_trimmed() -> None:
    assert read(changed(f"{TAGS}/musicbrainz_recordingid", [f" {MBID.upper()} "]))["mbid"] == MBID


def test_tag_keys_are_matched_in_any_case_and_bare_texts_are_lists() -> None:
    given = changed(f"{TAGS}/title", ...)
    given["metadata"]["tags"]["TITLE"] = "One"
    assert read(given)["title"] == "One"


@pytest.mark.parametrize(
    "path, value, counter, times",
    [
        ("highlevel/genre_tzanetakis", ..., "model_absent", 1), ("highlevel/gender/all", None, "model_absent", 1),
        ("highlevel/gender/all/male", "x", "model_invalid", 1), ("highlevel/timbre/all/dark", 1.5, "model_invalid", 1),
        ("highlevel/timbre/all/dim", 0.1, "unknown_class", 1), ("highlevel/timbre/value", "dark", "label_mismatch", 1),
        ("highlevel/timbre/value", "dim", "label_mismatch", 1), (f"{AUDIO}/length", 0, "length_not_positive", 1),
        (f"{AUDIO}/length", -3.5, "length_not_positive", 1), (f"{AUDIO}/lossless", "maybe", "lossless_other", 1),
        (f"{AUDIO}/md5_encoded", "d41d8cd98f00b204e9800998ecf8427e", "md5_reserved", 1),
        (f"{AUDIO}/md5_encoded", "xyz", "md5_malformed", 1), (f"{TAGS}/bpm", ["120 bpm"], "bpm_garbage", 1),
        (f"{TAGS}/date", ["1991", "", "1992", "1993"], "further_dates", 2), ("metadata/version", None, "version_missing", 1),
        ("metadata/version/lowlevel", ..., "version_missing", 1),
    ],
)  # fmt: skip
def test_counter(path: str, value: Any, counter: str, times: int) -> None:
    found = read(changed(path, value))
    assert (found["rule"], found["counts"]) == (None, {counter: times})


def test_a_missing_class_nulls_its_model_but_not_the_output_that_is_there() -> None:
    found = read(changed("highlevel/timbre/all/dark", ...))
    first = model_offsets()["timbre"]
    assert (found["probabilities"][first : first + 2], found["eleven"][10], found["counts"]) == ([None, None], 0.6, {})


def test_tag_variants() -> None:
    given = document()
    given["metadata"]["tags"] |= {"musicbrainz album release country": ["DE"]}
    assert (read(given)["release_country"], read(given)["counts"]) == ("DE", {})
    given["metadata"]["tags"] |= {"releasecountry": ["US"]}
    assert (read(given)["release_country"], read(given)["counts"]) == ("US", {"tag_variants_differ": 1})


@pytest.mark.parametrize(
    "tags, artists, credit",
    [
        ({"artist": ["A & B"], "musicbrainz_artistid": [MBID, OTHER]}, None, "A & B"),
        ({"artist": ["A & B"], "artists": ["A", "B"], "musicbrainz_artistid": [MBID, OTHER]}, [(MBID, "A"), (OTHER, "B")], "A & B"),
        ({"artist": ["A", "B"], "musicbrainz_artistid": [MBID.upper(), "nonsense"]}, [(MBID, "A")], "A; B"),
        ({"artist": ["A"], "musicbrainz_artistid": []}, None, "A"),
        ({"artist": ["A"], "musicbrainz_artistid": ["nonsense"]}, None, "A"),
        ({"artist": [], "artists": ["A", "B"], "musicbrainz_artistid": [MBID]}, None, "A; B"),
    ],
)  # fmt: skip
def test_artists(tags: dict[str, Any], artists: list[tuple[str, str]] | None, credit: str) -> None:
    given = document()
    del given["metadata"]["tags"]["musicbrainz_artistid"]
    given["metadata"]["tags"] |= tags
    found = read(given)
    pairs = found["artists"] and [(pair["artist_id"], pair["artist_name"]) for pair in found["artists"]]
    assert (pairs, found["artist_credit"]) == (artists, credit)


@pytest.mark.parametrize(
    "model, output, value, trust",
    [
        ("mood_relaxed", "relaxed", 0.80882, "collapsed"), ("mood_relaxed", "relaxed", 0.80892, "collapsed"),
        ("mood_relaxed", "relaxed", 0.80872, "collapsed"), ("mood_relaxed", "relaxed", 0.808635056019, "trusted"),
        ("mood_relaxed", "relaxed", 0.80893, "trusted"), ("gender", "female", 0.62213, "collapsed"),
        ("mood_electronic", "electronic", 0.97939, "collapsed"), ("mood_acoustic", "acoustic", 0.09559, "collapsed"),
        ("mood_sad", "sad", 0.35221, "collapsed"), ("timbre", "bright", 0.5, "undecided"), ("gender", "male", 0.5, "undecided"),
        ("moods_mirex", "Cluster1", 0.5, "trusted"),
    ],
)  # fmt: skip
def test_trust(model: str, output: str, value: float, trust: str) -> None:
    assert read(changed(f"highlevel/{model}/all/{output}", value))["trust"] == trust


def test_a_collapsed_submission_is_not_undecided() -> None:
    given = changed("highlevel/mood_sad/all/sad", 0.35221)
    given["highlevel"]["timbre"]["all"]["bright"] = 0.5
    assert read(given)["trust"] == "collapsed"


def test_dates_are_known_from_rule_12_on() -> None:
    assert read(changed(f"{AUDIO}/length", None))["date_status"] == "ok"
    assert "date_status" not in read(changed("highlevel", {}))
