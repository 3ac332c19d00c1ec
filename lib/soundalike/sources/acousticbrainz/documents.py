"""One document of the high-level dump -> a submission, or the first rule it fails.

Profile `default`. Rules, tag reading and trust: the accounting of published imports and the code that wrote the dump;
see docs/decisions.
"""

import math
from dataclasses import dataclass
from typing import Any

import orjson

from soundalike.contracts.acousticbrainz import COLLAPSED_OUTPUTS, ELEVEN, MODELS
from soundalike.texts import identifiers, tags
from soundalike.texts.dates import release_date

MAX_DEPTH = 100
_RANGE_SLACK = 1e-6
# Absolute difference of 0.0001, inclusive, in double.
_COLLAPSED_WITHIN = 0.0001 + 1e-9

_VARIANTS = (
    ("releasetype", "musicbrainz album type"),
    ("releasecountry", "musicbrainz album release country"),
    ("releasestatus", "musicbrainz album status"),
    ("musicbrainz_releasetrackid", "musicbrainz release track id"),
)


@dataclass(frozen=True)
class Reading:
    """What a profile lets through."""

    max_member_bytes: int
    first_year: int
    last_year: int


class _Refused(Exception):
    def __init__(self, rule: str, detail: str | None = None) -> None:
        self.rule, self.detail = rule, detail and detail[:200]


def read_document(text: str, raw_size: int, utf8_valid: bool, reading: Reading) -> dict[str, Any]:
    """The columns of silver/submissions that the document holds, plus `rule`, `detail`, `counts`.

    `rule` is None for a valid document. `date_status` is given from rule 12 on, also for a refused one.
    `counts` maps counter -> occurrences (only above zero).
    """
    found: dict[str, Any] = {"rule": None, "detail": None, "counts": {}}
    try:
        _read(text, raw_size, utf8_valid, reading, found)
    except _Refused as refused:
        found["rule"], found["detail"] = refused.rule, refused.detail
    return found


def _read(text: str, raw_size: int, utf8_valid: bool, reading: Reading, found: dict[str, Any]) -> None:
    if raw_size > reading.max_member_bytes:
        raise _Refused("member_too_large", f"{raw_size} bytes, limit {reading.max_member_bytes}")
    document = _parse(text, utf8_valid)
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        raise _Refused("metadata_missing", "metadata")
    tag_values = metadata.get("tags")
    if not isinstance(tag_values, dict) or not tag_values:
        raise _Refused("metadata_missing", "metadata.tags")
    highlevel = document.get("highlevel")
    if not isinstance(highlevel, dict) or not highlevel:
        raise _Refused("highlevel_missing")
    tag = _lower_keys(tag_values)
    given = tags.first(tag.get("musicbrainz_recordingid"))
    if given is None:
        raise _Refused("mbid_missing")
    mbid = identifiers.mbid(given)
    if mbid is None:
        raise _Refused("mbid_malformed", given)
    title = tags.first(tag.get("title"))
    if title is None:
        raise _Refused("title_missing")
    eleven = _eleven(highlevel)
    counts: dict[str, int] = found["counts"]
    found |= {"mbid": mbid, "title": title} | _dates(tag, reading, counts)
    audio = _object(metadata.get("audio_properties"))
    length = audio.get("length")
    if not isinstance(length, int | float) or isinstance(length, bool):
        raise _Refused("length_missing", None if length is None else repr(length))
    labels = {model: value for model in MODELS if (value := _label(highlevel.get(model))) is not None}
    for model in ("genre_dortmund", "genre_rosamerica"):
        if model not in labels:
            raise _Refused("genre_label_missing", model)
    probabilities, outputs = _probabilities(highlevel, labels, counts)
    found |= (
        _artists(tag) | _tag_fields(tag, counts) | _audio(audio, float(length), counts) | _versions(metadata, counts)
    )
    found |= {"labels": labels, "eleven": eleven, "probabilities": probabilities, "trust": _trust(outputs)}


def _parse(text: str, utf8_valid: bool) -> dict[str, Any]:
    if not utf8_valid:
        raise _Refused("json_invalid", "not UTF-8")
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _Refused("json_invalid", str(error)) from None
    if not isinstance(document, dict):
        raise _Refused("json_invalid", "the top level is not an object")
    # A real document opens fewer than 200 brackets; only a suspect one is walked.
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(document) > MAX_DEPTH:
        raise _Refused("json_invalid", f"more than {MAX_DEPTH} levels")
    return document


def _depth(document: dict[str, Any]) -> int:
    level: list[Any] = [document]
    depth = 0
    while level:
        depth += 1
        inner = (value for node in level for value in (node.values() if isinstance(node, dict) else node))
        level = [value for value in inner if isinstance(value, dict | list)]
    return depth


def _lower_keys(tag_values: dict[str, Any]) -> dict[str, Any]:
    """Keys lower-cased; of keys that differ in case alone, the lower-case one, else the first by code point, stands."""
    if all(key == key.lower() for key in tag_values):
        return tag_values
    lowered: dict[str, Any] = {}
    for key in sorted(tag_values, key=lambda k: (k != k.lower(), k)):
        lowered.setdefault(key.lower(), tag_values[key])
    return lowered


def _probability(value: object) -> float | None:
    """A number in 0…1 (clamped within 1e-6); None for anything else."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not -_RANGE_SLACK <= value <= 1 + _RANGE_SLACK:
        return None
    return min(1.0, max(0.0, float(value)))


def _classes(model: object) -> dict[str, Any] | None:
    values = model.get("all") if isinstance(model, dict) else None
    return values if isinstance(values, dict) else None


def _label(model: object) -> str | None:
    return _text(_object(model).get("value"))


def _eleven(highlevel: dict[str, Any]) -> list[float]:
    given = [
        (f"{model}.{output}", (_classes(highlevel.get(model)) or {}).get(output)) for model, output in ELEVEN.values()
    ]
    for name, value in given:
        if value is None:
            raise _Refused("probability_missing", name)
    read = []
    for name, value in given:
        probability = _probability(value)
        if probability is None:
            raise _Refused("probability_invalid", name)
        read.append(probability)
    return read


def _probabilities(
    highlevel: dict[str, Any], labels: dict[str, str], counts: dict[str, int]
) -> tuple[list[float | None], dict[tuple[str, str], float]]:
    """The 71 in order (a model with a class missing or bad is null), and every readable output by (model, class)."""
    ordered: list[float | None] = []
    outputs: dict[tuple[str, str], float] = {}
    for model, classes in MODELS.items():
        given = _classes(highlevel.get(model))
        if given is None:
            _count(counts, "model_absent")
            ordered += [None] * len(classes)
            continue
        if len(given) > len(classes) or not given.keys() <= set(classes):
            _count(counts, "unknown_class", len(given.keys() - set(classes)))
        read = [_probability(given.get(name)) for name in classes]
        outputs |= {(model, name): value for name, value in zip(classes, read, strict=True) if value is not None}
        if any(value is None and given.get(name) is not None for name, value in zip(classes, read, strict=True)):
            _count(counts, "model_invalid")
        ordered += read if None not in read else [None] * len(classes)
        largest = max((value for value in read if value is not None), default=None)
        if model in labels and largest is not None and outputs.get((model, labels[model])) != largest:
            _count(counts, "label_mismatch")
    return ordered, outputs


def _trust(outputs: dict[tuple[str, str], float]) -> str:
    if any(
        math.fabs(outputs[output] - value) <= _COLLAPSED_WITHIN
        for output, value in COLLAPSED_OUTPUTS.items()
        if output in outputs
    ):
        return "collapsed"
    undecided = any(value == 0.5 and len(MODELS[model]) == 2 for (model, _), value in outputs.items())
    return "undecided" if undecided else "trusted"


def _count(counts: dict[str, int], counter: str, times: int = 1) -> None:
    if times:
        counts[counter] = counts.get(counter, 0) + times


def _dates(tag: dict[str, Any], reading: Reading, counts: dict[str, int]) -> dict[str, Any]:
    originaldate, further = tags.first_nonblank(tag.get("originaldate"))
    date, more = tags.first_nonblank(tag.get("date"))
    _count(counts, "further_dates", further + more)
    read = release_date(originaldate, date, reading.first_year, reading.last_year)
    return {
        "release_date": read.date, "release_year": read.year, "release_decade": read.decade,
        "date_precision": read.precision, "date_source": read.source, "date_status": read.status,
        "date_flags": list(read.flags),
    }  # fmt: skip


def _texts(value: object) -> list[str | None]:
    """A tag as a list, blanks and anything but text as None; a bare string is a list of one."""
    items = value if isinstance(value, list) else [value]
    return [item if isinstance(item, str) and item.strip() else None for item in items]


def _artists(tag: dict[str, Any]) -> dict[str, Any]:
    """Pairs of id and name by position; a credit is never split."""
    credit = [name for name in _texts(tag.get("artist")) if name] or [
        name for name in _texts(tag.get("artists")) if name
    ]
    ids = _texts(tag.get("musicbrainz_artistid"))
    pairs = None
    if any(ids):
        for names in (_texts(tag.get("artist")), _texts(tag.get("artists"))):
            if len(names) == len(ids) and any(names):
                read = [(identifiers.mbid(i), name) for i, name in zip(ids, names, strict=True) if i and name]
                pairs = [{"artist_id": i, "artist_name": name} for i, name in dict.fromkeys(read) if i] or None
                break
    known = [i for i in (identifiers.mbid(i) for i in ids if i) if i]
    return {"artist_credit": "; ".join(credit) or None, "artists": pairs, "artist_ids": known or None}


def _tag_fields(tag: dict[str, Any], counts: dict[str, int]) -> dict[str, Any]:
    bpm, garbage = tags.bpm(tags.first(tag.get("bpm")))
    _count(counts, "bpm_garbage", int(garbage))
    for first, second in _VARIANTS:
        values = [tags.first(tag.get(first)), tags.first(tag.get(second))]
        if None not in values and values[0] != values[1]:
            _count(counts, "tag_variants_differ")
    given = tag.get("genre")
    genres = [text for text in (given if isinstance(given, list) else [given]) if isinstance(text, str)] or None
    album_id = tags.first(tag.get("musicbrainz_albumid"))
    country, other_country = _VARIANTS[1]
    return {
        "album_id": identifiers.mbid(album_id) if album_id else None,
        "album_name": tags.first(tag.get("album")),
        "genre_tags": tags.genres(genres or []), "genre_tags_raw": genres,
        "bpm_tag": bpm, "track_no": tags.track_number(tags.first(tag.get("tracknumber"))),
        "release_country": tags.first(tag.get(country)) or tags.first(tag.get(other_country)),
    }  # fmt: skip


def _audio(audio: dict[str, Any], length: float, counts: dict[str, int]) -> dict[str, Any]:
    _count(counts, "length_not_positive", int(length <= 0))
    lossless = audio.get("lossless")
    readable = lossless is None or isinstance(lossless, bool) or (type(lossless) is int and lossless in (0, 1))
    _count(counts, "lossless_other", int(not readable))
    md5 = _text(audio.get("md5_encoded"))
    kind = identifiers.md5(md5)
    if kind in ("reserved", "malformed"):
        _count(counts, f"md5_{kind}")
    return {
        "duration_s": length if length > 0 else None,
        "codec": _text(audio.get("codec")),
        "lossless": bool(lossless) if readable and lossless is not None else None,
        "bit_rate": _whole(audio.get("bit_rate")), "sample_rate": _whole(audio.get("sample_rate")),
        "md5_encoded": md5,
    }  # fmt: skip


def _whole(value: object) -> int | None:
    return value if type(value) is int and -(2**63) <= value < 2**63 else None


def _versions(metadata: dict[str, Any], counts: dict[str, int]) -> dict[str, Any]:
    versions = _object(metadata.get("version"))
    builds = {part: _object(versions.get(part)) for part in ("highlevel", "lowlevel")}
    _count(counts, "version_missing", int(not all(builds.values())))
    return {f"version_{part}": _text(build.get("essentia_build_sha")) for part, build in builds.items()}


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
