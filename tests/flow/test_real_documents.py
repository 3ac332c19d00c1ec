"""The 13 real high-level documents, and 62 low-level ones given to the same reader."""

import json
from pathlib import Path
from typing import Any

import pytest

from soundalike.contracts.acousticbrainz import MODELS, model_offsets

pytestmark = pytest.mark.spark

VALUES = json.loads((Path(__file__).parents[1] / "data/acousticbrainz_sample_values.json").read_text(encoding="utf-8"))
HIGH = "data/acousticbrainz/acousticbrainz-highlevel-json-20220623-real13.tar.zst"
LOW = "data/acousticbrainz/acousticbrainz-lowlevel-json-20220623-real62.tar.zst"


def ingested(archive: Path, root: Path) -> Path:
    from jobs.ingest_acousticbrainz import ingest_acousticbrainz, inputs
    from jobs.recordings import recordings

    from soundalike.run import Run, main

    def steps(run: Run) -> None:
        ingest_acousticbrainz(run)
        recordings(run)

    argv = ["--set", f"storage.root={root}", "--set", f"sources.acousticbrainz.uris={archive}"]
    assert main("recordings", steps, inputs, argv) == 0
    return root


@pytest.fixture(scope="module")
def high(spark: Any, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ingested(shared / HIGH, tmp_path_factory.mktemp("real13"))


def by_member(found: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any]]:
    return {(row["mbid_member"], row["submission_no"]): row for row in found}


def column_value(row: dict[str, Any], path: list[Any]) -> tuple[bool, Any]:
    """What silver/submissions holds for a path of the document, and whether it holds it at all."""
    if path[0] == "highlevel" and path[2] == "all":
        return True, row["probabilities"][model_offsets()[path[1]] + MODELS[path[1]].index(path[3])]
    if path[0] == "highlevel" and path[2] == "value":
        return True, dict(row["labels"])[path[1]]
    columns = {
        "length": "duration_s", "lossless": "lossless", "bit_rate": "bit_rate", "sample_rate": "sample_rate", "title": "title",
        "artist": "artist_credit", "musicbrainz_recordingid": "mbid", "genre": "genre_tags",
    }  # fmt: skip
    name = path[2] if path[0] == "metadata" else None
    return (name in columns, row[columns[name]]) if name in columns else (False, None)


@pytest.mark.parametrize(
    "case", VALUES["values"], ids=lambda case: f"{case['mbid_member'][:8]} {'.'.join(map(str, case['path']))}"
)
def test_value_of_a_real_document(high: Path, rows: Any, case: dict[str, Any]) -> None:
    key = (case["mbid_member"], case["submission_no"])
    value = json.loads(by_member(rows(high, "bronze/acousticbrainz_submissions"))[key]["json"])
    for step in case["path"]:
        value = value[step]
    assert value == case["value"]
    held, found = column_value(by_member(rows(high, "silver/submissions"))[key], case["path"])
    if held:
        assert found == case["value"]


@pytest.mark.parametrize("case", VALUES["absent"], ids=lambda case: ".".join(case["path"]))
def test_absent_in_a_real_document(high: Path, rows: Any, case: dict[str, Any]) -> None:
    found = by_member(rows(high, "bronze/acousticbrainz_submissions"))[(case["mbid_member"], 0)]
    value: Any = json.loads(found["json"])
    for step in case["path"]:
        assert isinstance(value, dict)
        value = value.get(step, {} if step != case["path"][-1] else None)
    assert value is None


def test_features_of_a_real_document(high: Path, rows: Any) -> None:
    derived = VALUES["derived"]
    submission = by_member(rows(high, "silver/submissions"))[(derived["mbid_member"], 0)]
    recording = next(row for row in rows(high, "silver/recordings") if row["mbid"] == submission["mbid"])
    first = model_offsets()["moods_mirex"]
    assert submission["eleven"] == derived["ab11"]
    assert submission["probabilities"][first : first + 5] == derived["moods_mirex_given"]
    assert recording["probabilities"][first : first + 5] == pytest.approx(derived["moods_mirex_normalized"], abs=1e-15)


def test_derived_columns_of_real_documents(high: Path, rows: Any) -> None:
    found = by_member(rows(high, "silver/submissions"))
    differs = found["00007960-9d81-4192-b548-ad33d6b0ca54", 0]
    assert (differs["mbid"], differs["mbid_differs"]) == ("2d45591d-8dd9-4e5b-8d18-06fae812c17a", True)
    assert (str(differs["release_date"]), differs["date_precision"]) == ("1998-01-01", "year")
    assert found["000ac04e-6fa7-47ad-b27f-aafe5ffa5830", 0]["bpm_tag"] == 140.0
    assert found["0000d8a7-8a9b-4b9d-a95c-038c6cb66547", 0]["date_source"] == "originaldate"
    assert {row["mbid_member"][:8]: row["trust"] for row in found.values() if row["trust"] != "trusted"} == {
        "00000baf": "undecided", "00007960": "undecided", "0010171e": "undecided",
    }  # fmt: skip


def test_ledger_of_the_13_documents(high: Path, rows: Any, shared: Path) -> None:
    cases = json.loads((shared / "vectors/accounting.json").read_text(encoding="utf-8"))["real_files"]["rows"]
    expected = next(
        case for case in cases if case["profile"] == "default" and case["archive"].endswith("real13.tar.zst")
    )
    ledger = {row["counter"]: row["value"] for row in rows(high, "operations/ledger")}
    for counter in ("input", "duplicates", "missing", "kept", "unresolved_artist", "collapsed", "undecided"):
        assert ledger[counter] == expected[counter], counter
    assert ledger["mbid_differs"] == expected["mbid_tag_differs_from_member"]
    assert ledger["skipped_file"] == expected["members_skipped"]
    assert ledger["input"] + ledger["skipped_file"] == expected["members"]
    submissions = rows(high, "silver/submissions")
    for column in ("date_status", "date_source", "date_precision", "release_decade", "codec"):
        counts = {
            str(value): [row[column] for row in submissions].count(value)
            for value in {row[column] for row in submissions}
        }
        assert counts == expected[column], column
    genres = [row["genre_rosamerica"] for row in rows(high, "silver/recordings")]
    assert {genre: genres.count(genre) for genre in set(genres)} == expected["genre_rosamerica"]


def test_low_level_documents_are_refused_each_with_its_rule(
    spark: Any, shared: Path, tmp_path: Path, rows: Any
) -> None:
    cases = json.loads((shared / "vectors/accounting.json").read_text(encoding="utf-8"))["real_files"]["rows"]
    expected = next(
        case for case in cases if case["profile"] == "default" and case["archive"].endswith("real62.tar.zst")
    )
    root = ingested(shared / LOW, tmp_path)
    ledger = {row["counter"]: row["value"] for row in rows(root, "operations/ledger")}
    assert {name: ledger[name] for name in ("input", "missing", "kept")} == {
        name: expected[name] for name in ("input", "missing", "kept")
    }
    rules = [row["rule"] for row in rows(root, "silver/rejects")]
    assert {rule: rules.count(rule) for rule in set(rules)} == expected["first_failing_rule"]
