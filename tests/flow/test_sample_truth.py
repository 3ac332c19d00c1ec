"""The pipeline over generated archives, judged by the truth that was planted in them."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark


def test_ledger_equals_the_planted_counters_and_closes(reference: Path, rows: Any, sample: Any) -> None:
    found = {
        row["counter"]: row["value"]
        for row in rows(reference, "operations/ledger")
        if row["source"] == "acousticbrainz"
    }
    assert found == sample[1]["ledger"] | {"skipped_other": 0, "member_truncated": 0}
    refused = found["duplicates"] + found["missing"] + found["undated_dropped"] + found["no_artist"]
    assert found["input"] == refused + found["kept"]


def test_every_refused_document_is_a_reject_with_its_rule(reference: Path, rows: Any, sample: Any) -> None:
    expected = {(r["archive"], r["member_pos"]): r["rule"] for r in sample[1]["rejects"]}
    rejects = [row for row in rows(reference, "silver/rejects") if row["source"] == "acousticbrainz"]
    assert {(r["archive"], r["member_pos"]): r["rule"] for r in rejects} == expected
    details = {
        (r["archive"], r["member_pos"]): r["detail"]
        for r in sample[1]["rejects"]
        if r["rule"].startswith("probability")
    }
    assert {key: r["detail"] for r in rejects if (key := (r["archive"], r["member_pos"])) in details} == details


def test_recordings_are_the_planted_ones(reference: Path, rows: Any, sample: Any) -> None:
    found = {row["mbid"]: row for row in rows(reference, "silver/recordings")}
    for mbid, expected in sample[1]["recordings"].items():
        assert {name: found[mbid][name] for name in expected} == expected


@pytest.mark.parametrize("planted, column", [("near_dups", "near_dup_group"), ("audio_dups", "audio_dup_group")])
def test_duplicate_groups_are_the_planted_ones(
    reference: Path, rows: Any, sample: Any, planted: str, column: str
) -> None:
    groups: dict[str, list[str]] = {}
    for row in rows(reference, "silver/recordings"):
        if row[column] is not None:
            groups.setdefault(row[column], []).append(row["mbid"])
    assert sorted(map(sorted, groups.values())) == sorted(map(sorted, sample[1][planted]))
    assert all(name == min(group) for name, group in groups.items())


def test_planted_twins_are_each_others_nearest_neighbor(reference: Path, rows: Any, sample: Any) -> None:
    lists = {(row["scope"], row["track_id"]): row["neighbors"] for row in rows(reference, "gold/track_neighbors")}
    assert sample[1]["twins"]
    for one, other in sample[1]["twins"]:
        for scope in ("genre", "genre_decade"):
            assert lists[scope, one][0]["neighbor_id"] == other
            assert lists[scope, other][0]["neighbor_id"] == one


def test_tracks_without_a_vector_or_trust_have_no_lists(reference: Path, rows: Any, sample: Any) -> None:
    vectors = rows(reference, "silver/track_vectors")
    assert sorted(row["track_id"] for row in vectors if row["vector"] is None) == sorted(sample[1]["no_vector"])
    listed = {row["track_id"] for row in rows(reference, "gold/track_neighbors") if row["scope"] == "genre"}
    assert listed == {row["track_id"] for row in vectors if row["vector"] is not None and row["is_trusted"]}


def test_scaled_features_have_mean_zero_and_population_deviation_one(reference: Path, rows: Any) -> None:
    (scaler,) = [row for row in rows(reference, "gold/feature_scalers") if row["genre"] == "*"]
    fitted = [r["features"] for r in rows(reference, "silver/track_vectors") if r["features"] and r["is_trusted"]]
    assert scaler["n"] == len(fitted)
    for column, (mean, sd) in enumerate(zip(scaler["mean"], scaler["sd"], strict=True)):
        scores = [(features[column] - mean) / sd for features in fitted]
        assert sum(scores) / len(scores) == pytest.approx(0, abs=1e-9)
        assert sum(s * s for s in scores) / len(scores) == pytest.approx(1, abs=1e-9)


def test_a_second_run_does_nothing_and_changes_nothing(
    reference: Path, content: Any, rows: Any, run_pipeline: Any
) -> None:
    before = content(reference)
    assert run_pipeline(reference) == 0
    assert {k: v for k, v in content(reference).items() if k != "operations/runs"} == {
        k: v for k, v in before.items() if k != "operations/runs"
    }
    again = {row["stage"]: row["status"] for row in rows(reference, "operations/runs") if row["attempt"] == 2}
    assert again == dict.fromkeys(
        (
            "ingest_acousticbrainz",
            "recordings",
            "ingest_mpd.slices",
            "ingest_mpd.playlists",
            "tracks",
            "clusters",
            "assign",
            "neighbors.prepare",
        ),
        "skipped",
    )
