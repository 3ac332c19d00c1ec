"""The truth of a sample, against its documents read with nothing but tarfile and json."""

import json
import re
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

NAME = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-(\d+)\.json")
MISSING = (
    "json_invalid", "metadata_missing", "highlevel_missing", "mbid_missing", "mbid_malformed", "title_missing",
    "probability_missing", "probability_invalid", "length_missing", "genre_label_missing",
)  # fmt: skip
PLANTED = (
    *MISSING, "unresolved_artist", "kept_undated", "submissions_without_date", "undecided", "collapsed",
    "member_name_odd", "duplicate_member", "duplicate_member_conflict", "mbid_differs", "label_mismatch",
    "tag_variants_differ", "length_not_positive", "bpm_garbage", "lossless_other", "unknown_class", "model_absent",
    "model_invalid", "further_dates", "md5_reserved", "md5_malformed", "same_audio", "version_missing",
    "near_dup_lacking_part", "skipped_file", "skipped_directory", "skipped_link",
)  # fmt: skip
NEVER = ("no_artist", "undated_dropped", "member_too_large", "date_unparseable", "artist_missing", "tag_shape")
AB11 = (
    ("danceability", "danceable"), ("mood_aggressive", "aggressive"), ("mood_happy", "happy"), ("mood_sad", "sad"),
    ("mood_relaxed", "relaxed"), ("mood_party", "party"), ("mood_acoustic", "acoustic"),
    ("mood_electronic", "electronic"), ("voice_instrumental", "instrumental"), ("tonal_atonal", "tonal"),
    ("timbre", "bright"),
)  # fmt: skip
SPIKES = {
    ("mood_relaxed", "relaxed"): 0.80882, ("mood_electronic", "electronic"): 0.97939,
    ("mood_acoustic", "acoustic"): 0.09559, ("gender", "female"): 0.62213, ("mood_sad", "sad"): 0.35221,
}  # fmt: skip


def first(tags: dict[str, Any], key: str) -> Any:
    """First element of a tag, whatever the case of its key; None where there is none."""
    value = {k.lower(): v for k, v in tags.items()}.get(key)
    return value if isinstance(value, str) else value[0] if value else None


@pytest.fixture(scope="module")
def rejected(sample):
    return {(r["archive"], r["member_pos"]): r for r in sample.truth["rejects"]}


@pytest.fixture(scope="module")
def valid(sample, rejected):
    """Recording -> its documents, rejects left out."""
    groups = defaultdict(list)
    for member in sample.documents:
        if (member.archive, member.position) not in rejected:
            document = json.loads(member.data)
            mbid = first(document["metadata"]["tags"], "musicbrainz_recordingid")
            groups[mbid.strip().lower()].append(document)
    return groups


@pytest.mark.parametrize(("documents", "archives", "seed"), [(50, 1, 1), (100, 4, 2), (700, 2, 3), (5000, 11, 4)])
def test_the_accounts_close_at_every_size(sample_of, documents, archives, seed):
    made = sample_of(documents, archives, seed)
    ledger = made.truth["ledger"]
    assert len(made.documents) == documents == ledger["input"] + ledger["duplicate_member"]
    assert ledger["missing"] == sum(ledger[rule] for rule in MISSING)
    assert ledger["input"] == ledger["duplicates"] + ledger["missing"] + ledger["kept"]
    assert ledger["recordings"] == ledger["kept"] + ledger["no_artist"]
    valid = ledger["recordings"] + ledger["duplicates"]
    assert valid == ledger["trusted"] + ledger["undecided"] + ledger["collapsed"]
    assert [ledger[counter] for counter in NEVER] == [0] * len(NEVER)
    assert all(ledger[rule] >= 1 for rule in MISSING)
    assert len(made.truth["twins"]) >= 2
    assert made.truth["arguments"] == {"documents": documents, "archives": archives, "seed": seed}


def test_every_kind_is_planted(sample):
    assert [counter for counter in PLANTED if sample.truth["ledger"][counter] == 0] == []
    assert set(sample.truth["ledger"]) == {
        *PLANTED, *NEVER, "input", "duplicates", "missing", "kept", "recordings", "trusted",
    }  # fmt: skip


def test_plants_grow_with_the_dump(sample, sample_of):
    larger = sample_of(10_000, 3, 7)
    assert larger.truth["ledger"]["json_invalid"] == 3 * sample.truth["ledger"]["json_invalid"]
    assert len(larger.truth["near_dups"]) == 3 * len(sample.truth["near_dups"])
    assert len(larger.truth["twins"]) == 6


def test_recordings_and_their_submissions(sample, valid):
    ledger = sample.truth["ledger"]
    assert len(valid) == ledger["recordings"]
    assert sum(len(group) - 1 for group in valid.values()) == ledger["duplicates"]
    assert 1.3 < sum(map(len, valid.values())) / len(valid) < 4


def test_rejects_fail_what_they_say(sample, rejected):
    def fault(data: bytes) -> str:
        try:
            document = json.loads(data, parse_constant=lambda text: 1 / 0)
        except (ValueError, ZeroDivisionError):
            return "json_invalid"
        if not isinstance(document, dict) or b"[" * 100 in data:
            return "json_invalid"
        if not (document.get("metadata") or {}).get("tags"):
            return "metadata_missing"
        if not document.get("highlevel"):
            return "highlevel_missing"
        tags, models = document["metadata"]["tags"], document["highlevel"]
        mbid = (first(tags, "musicbrainz_recordingid") or "").strip()
        if not mbid:
            return "mbid_missing"
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", mbid, re.IGNORECASE):
            return "mbid_malformed"
        if not (first(tags, "title") or "").strip():
            return "title_missing"
        outputs = [models.get(model, {}).get("all", {}).get(label) for model, label in AB11]
        if None in outputs:
            return "probability_missing"
        if not all(type(value) in (int, float) and -1e-6 <= value <= 1 + 1e-6 for value in outputs):
            return "probability_invalid"
        if type(document["metadata"]["audio_properties"].get("length")) not in (int, float):
            return "length_missing"
        labels = [models.get(model, {}).get("value") or "" for model in ("genre_dortmund", "genre_rosamerica")]
        return "" if all(label.strip() for label in labels) else "genre_label_missing"

    seen, found = {}, {}
    for member in sample.documents:
        name = NAME.fullmatch(member.info.name.rpartition("/")[2])
        rule, detail = fault(member.data), None
        if name and name.groups() in seen:
            rule, detail = "duplicate_member", "copy" if seen[name.groups()] == member.data else "conflict"
        elif name:
            seen[name.groups()] = member.data
        if rule:
            found[member.archive, member.position] = rule, detail
    assert found.keys() == rejected.keys()
    for place, (rule, detail) in found.items():
        assert rejected[place]["rule"] == rule
        if detail:
            assert rejected[place]["detail"] == detail
    assert Counter(rule for rule, _ in found.values()) == {
        rule: sample.truth["ledger"][rule] for rule in (*MISSING, "duplicate_member")
    }
    assert (
        sum(detail == "conflict" for _, detail in found.values())
        == (sample.truth["ledger"]["duplicate_member_conflict"])
    )
    details = {r["detail"] for r in rejected.values() if r["rule"].startswith("probability")}
    assert {"timbre.bright", "mood_happy.happy", "danceability.danceable", "mood_sad.sad"} <= details


def test_skipped_members_and_odd_names(sample):
    ledger, kinds = sample.truth["ledger"], Counter()
    for member in sample.members:
        if member.info.isdir():
            kinds["skipped_directory"] += 1
        elif member.info.issym() or member.info.islnk():
            kinds["skipped_link"] += 1
        elif not member.is_document:
            kinds["skipped_file"] += 1
        elif not NAME.fullmatch(member.info.name.rpartition("/")[2]):
            kinds["member_name_odd"] += 1
    assert kinds == {counter: ledger[counter] for counter in kinds}
    assert kinds["skipped_file"] == 3 + 2


def test_counters_of_tags_and_audio(sample, valid):
    found = Counter()
    for document in (document for group in valid.values() for document in group):
        metadata = document["metadata"]
        audio, tags, version = metadata["audio_properties"], metadata["tags"], metadata.get("version") or {}
        found["lossless_other"] += audio["lossless"] not in (0, 1)
        found["length_not_positive"] += audio["length"] <= 0
        found["md5_reserved"] += audio["md5_encoded"] == "d41d8cd98f00b204e9800998ecf8427e"
        found["md5_malformed"] += not re.fullmatch("[0-9a-f]{32}", audio["md5_encoded"])
        found["version_missing"] += not (version.get("highlevel") and version.get("lowlevel"))
        found["bpm_garbage"] += first(tags, "bpm") in ("128 BPM (approx.)", "0", "999", "140.5.2")
        for key in ("date", "originaldate"):
            value = tags.get(key)
            found["further_dates"] += isinstance(value, list) and sum(bool(v.strip()) for v in value[1:])
    assert found == {counter: sample.truth["ledger"][counter] for counter in found}


def test_trust_of_every_valid_submission(sample, valid):
    found = Counter()
    for document in (document for group in valid.values() for document in group):
        outputs = {(m, c): p for m, body in document["highlevel"].items() for c, p in body.get("all", {}).items()}
        near = [abs(outputs[output] - spike) for output, spike in SPIKES.items() if output in outputs]
        assert not any(0.0001 + 1e-6 < gap < 0.000109 for gap in near)  # nothing lands beside an edge by chance
        half = any(p == 0.5 for p in outputs.values())
        found["collapsed" if min(near) <= 0.0001 + 1e-9 else "undecided" if half else "trusted"] += 1
    assert found == {trust: sample.truth["ledger"][trust] for trust in ("trusted", "undecided", "collapsed")}


def test_labels_are_the_largest_but_where_planted(sample, valid):
    mismatches = 0
    for document in (document for group in valid.values() for document in group):
        for body in document["highlevel"].values():
            outputs = {c: p for c, p in body.get("all", {}).items() if type(p) in (int, float)}
            if outputs:
                mismatches += outputs.get(body["value"]) != max(outputs.values())
    assert mismatches == sample.truth["ledger"]["label_mismatch"]


def test_listed_recordings(sample, valid):
    listed = sample.truth["recordings"]
    assert len(listed) > 100
    for mbid, expected in listed.items():
        group = valid[mbid]
        assert len(group) == expected["submissions"]
        titles = Counter(first(d["metadata"]["tags"], "title") for d in group)
        assert titles[expected["title"]] == max(titles.values())
        labels = {d["highlevel"]["genre_rosamerica"]["value"] for d in group}
        assert expected["genre_rosamerica"] in labels
        assert expected["is_trusted"] == (expected["submissions_trusted"] > 0)
    years = [r["release_year"] for r in listed.values()]
    assert None in years
    assert all(1960 <= year <= 2019 for year in years if year is not None)
    assert any(r["submissions_trusted"] < r["submissions"] for r in listed.values() if r["is_trusted"])
    assert any(not r["is_trusted"] for r in listed.values())
    assert any(r["title"] == "[untitled]" for r in listed.values())


def test_bridges(sample, valid):
    """Ids count where a list of names is equally long; which list wins cannot matter: a recording has one set of ids."""

    def items(tags, key):
        value = {k.lower(): v for k, v in tags.items()}.get(key)
        return [value] if isinstance(value, str) else value or []

    artists, albums = set(), set()
    for mbid, group in valid.items():
        for tags in (document["metadata"]["tags"] for document in group):
            ids = items(tags, "musicbrainz_artistid")
            if ids and len(ids) in (len(items(tags, "artist")), len(items(tags, "artists"))):
                artists |= {(mbid, artist) for artist in ids}
            albums |= {mbid for _ in items(tags, "musicbrainz_albumid")[:1]}
    assert sample.truth["bridges"] == {"recording_artists": len(artists), "recording_albums": len(albums)}
    assert any(len(pairs) > 1 for pairs in Counter(mbid for mbid, _ in artists).items())


def test_equal_audio(sample, valid):
    owners = defaultdict(set)
    for mbid, group in valid.items():
        for document in group:
            md5 = document["metadata"]["audio_properties"]["md5_encoded"]
            if re.fullmatch("[0-9a-f]{32}", md5) and md5 != "d41d8cd98f00b204e9800998ecf8427e":
                owners[md5].add(mbid)
    groups = sorted(sorted(mbids) for mbids in owners.values() if len(mbids) > 1)
    assert groups == sorted(sample.truth["audio_dups"])
    assert {len(group) for group in groups} == {2, 3}


def test_near_duplicates_differ_in_spelling_only_and_by_seconds(sample, valid):
    groups = sample.truth["near_dups"]
    assert {len(group) for group in groups} == {2, 3, 4}
    for group in groups:
        documents = [valid[mbid][0]["metadata"] for mbid in group]
        titles = {d["tags"]["title"][0] for d in documents}
        assert len(titles) == len(group)
        lengths = sorted(d["audio_properties"]["length"] for d in documents)
        assert max(b - a for a, b in pairwise(lengths)) <= 1.0


def test_recordings_without_a_vector(sample, valid):
    mirex = {f"Cluster{i}" for i in range(1, 6)}

    def whole(document):
        outputs = document["highlevel"].get("moods_mirex", {}).get("all", {})
        return mirex <= outputs.keys() and min(outputs.values()) >= 0

    without = sorted(mbid for mbid, group in valid.items() if not any(map(whole, group)))
    listed = sample.truth["no_vector"]
    assert set(without) < set(listed)
    (kept_by_untrusted_only,) = set(listed) - set(without)
    assert [whole(document) for document in valid[kept_by_untrusted_only]].count(True) == 1


def test_twins_are_each_others_nearest(sample, valid):
    twins = sample.truth["twins"]
    vectors, genres = {}, {}
    for mbid, group in valid.items():
        models = group[0]["highlevel"]
        moods = models.get("moods_mirex", {}).get("all", {})
        if all(f"Cluster{i}" in moods for i in range(1, 6)):
            vectors[mbid] = [models[m]["all"][c] for m, c in AB11] + [moods[f"Cluster{i}"] for i in range(1, 6)]
            genres[mbid] = models["genre_rosamerica"]["value"]
    mbids, raw = list(vectors), np.array(list(vectors.values()))
    scaled = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    unit = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    at = {mbid: i for i, mbid in enumerate(mbids)}
    for pair in twins:
        for mbid, other in (pair, pair[::-1]):
            recording, its_twin = sample.truth["recordings"][mbid], sample.truth["recordings"][other]
            assert recording["is_trusted"] and recording["genre_rosamerica"] == its_twin["genre_rosamerica"]
            assert recording["release_year"] // 10 == its_twin["release_year"] // 10
            scores = unit @ unit[at[mbid]]
            assert scores[at[other]] > 0.99999
            rest = [scores[at[m]] for m in mbids if m not in pair and genres[m] == genres[mbid]]
            assert max(rest) < 0.95


def test_recordings_of_a_planted_cluster_sound_alike(sample, valid):
    """Within its genre, the recording with the nearest outputs is of the same cluster, where chance gives one in six."""
    genres = defaultdict(list)
    for mbid, (genre, cluster) in sample.truth["clusters"].items():
        models = valid[mbid][0]["highlevel"]
        moods = models.get("moods_mirex", {}).get("all", {})
        if sample.truth["recordings"][mbid]["is_trusted"] and len(moods) == 5:
            outputs = [models[m]["all"][c] for m, c in AB11] + [moods[f"Cluster{i}"] for i in range(1, 6)]
            genres[genre].append((cluster, outputs))
    same = count = 0
    for rows in genres.values():
        clusters, outputs = (np.array(column) for column in zip(*rows, strict=True))
        if len(clusters) < 2 * 6:
            continue
        distance = np.square(outputs[:, None] - outputs[None]).sum(axis=2)
        np.fill_diagonal(distance, np.inf)
        same += (clusters[distance.argmin(axis=1)] == clusters).sum()
        count += len(clusters)
    assert count >= 100
    assert same / count > 0.6
