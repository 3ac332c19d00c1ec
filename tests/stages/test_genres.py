"""Genres of recordings in both modes, by hand; groups too small to stay; what the version of the map names."""

from typing import Any

import pytest

from soundalike.contracts.acousticbrainz import model_offsets
from soundalike.stages import genres
from soundalike.stages.genres import GenreRule

LABEL = GenreRule("label", 0.25, 0.0)
# cla dan hip jaz pop rhy roc spe
EVEN = [0.125] * 8
SURE = [0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.9, 0.0]
SPLIT = [0.25, 0.05, 0.05, 0.1, 0.25, 0.05, 0.2, 0.05]


def test_the_map_version_names_what_decides_the_genres() -> None:
    assert LABEL.map_version == "rosamerica-label-1"
    assert GenreRule("label", 0.5, 0.0).map_version == LABEL.map_version  # no threshold in this mode
    assert GenreRule("threshold", 0.25, 0.0).map_version == "rosamerica-threshold-1,t=0.25"
    assert GenreRule("threshold", 0.5, 0.3).map_version == "rosamerica-threshold-1,t=0.5,floor=0.3"


@pytest.fixture(scope="module")
def recordings(spark: Any) -> Any:
    first = model_offsets()["genre_rosamerica"]

    def probabilities(values: list[float | None]) -> list[float | None]:
        return [values[i - first] if 0 <= i - first < 8 else 0.5 for i in range(71)]

    rows = [
        ("even", "jaz", probabilities(EVEN)), ("sure", "roc", probabilities(SURE)), ("split", "pop", probabilities(SPLIT)),
        ("odd", "polka", probabilities(SURE)),  # a label that is no class
        ("absent", "roc", probabilities([None] * 8)),  # a label without the model's probabilities
        ("silent", None, probabilities([None] * 8)),
    ]  # fmt: skip
    return spark.createDataFrame(rows, "mbid string, genre_rosamerica string, probabilities array<double>")


def placed(recordings: Any, rule: GenreRule) -> dict[str, dict[str, float]]:
    return {row["mbid"]: dict(row["placed"]) for row in genres.with_genres(recordings, rule).collect()}


@pytest.mark.spark
def test_mode_label(recordings: Any) -> None:
    assert placed(recordings, LABEL) == {
        "even": {"jaz": 0.125}, "sure": {"roc": 0.9}, "split": {"pop": 0.25}, "odd": {"polka": 0.0}, "absent": {"roc": 0.0},
        "silent": {},
    }  # fmt: skip


@pytest.mark.spark
def test_mode_threshold_takes_every_class_that_reaches_it_else_the_label(recordings: Any) -> None:
    assert placed(recordings, GenreRule("threshold", 0.25, 0.0)) == {
        "even": {"jaz": 0.125}, "sure": {"roc": 0.9}, "split": {"cla": 0.25, "pop": 0.25}, "odd": {"roc": 0.9},
        "absent": {"roc": 0.0}, "silent": {},
    }  # fmt: skip


@pytest.mark.spark
def test_a_label_below_the_confidence_floor_is_uncertain(recordings: Any) -> None:
    assert placed(recordings, GenreRule("label", 0.25, 0.25)) == {
        "even": {"uncertain": 0.125}, "sure": {"roc": 0.9}, "split": {"pop": 0.25}, "odd": {"uncertain": 0.0},
        "absent": {"uncertain": 0.0}, "silent": {},
    }  # fmt: skip
    # The floor is the label's: classes at the threshold are not measured by it.
    low = placed(recordings, GenreRule("threshold", 0.125, 0.9))
    assert (set(low["even"]), low["split"]) == (
        {"cla", "dan", "hip", "jaz", "pop", "rhy", "roc", "spe"},
        {"cla": 0.25, "pop": 0.25, "roc": 0.2},
    )
    assert low["absent"] == {"uncertain": 0.0}


@pytest.mark.spark
def test_groups_are_counted_on_tracks_with_features_and_the_dropped_lose_their_memberships(spark: Any) -> None:
    """101 rows of `roc`, 5 without features; `pop` has 100 of 100; one track is in both, one in none."""
    tracks = [(f"roc{i:03}", ["roc"], None if i < 5 else [1.0]) for i in range(100)]
    tracks += [
        ("both", ["pop", "roc"], [1.0]),
        *((f"pop{i:03}", ["pop"], [1.0]) for i in range(99)),
        ("none", [], [1.0]),
    ]
    features = spark.createDataFrame(tracks, "track_id string, genres array<string>, features array<double>")
    assert sorted(map(tuple, genres.genre_groups(features).collect())) == [("pop", 100, 100), ("roc", 101, 96)]

    given = [(track, [(genre, 0.5) for genre in names]) for track, names, _ in tracks]
    whole = spark.createDataFrame(given, "mbid string, placed array<struct<genre:string,weight:double>>")
    kept = genres.with_groups_kept(whole, ["roc"])
    rows = {(row["track_id"], row["genre"]): row["weight"] for row in genres.memberships(kept, "s", "v").collect()}
    expected = {(track, "pop"): 0.5 for track, names, _ in tracks if "pop" in names}
    assert rows == expected | {(track, "other"): 0.0 for track, names, _ in tracks if "pop" not in names}
    assert genres.membership_counters(kept).collect()[0].asDict() == {
        "tracks": 201, "tracks_with_genre": 100, "memberships": 201,
    }  # fmt: skip
    nothing = genres.with_groups_kept(whole, [])
    assert genres.membership_counters(nothing).collect()[0].asDict() == {
        "tracks": 201, "tracks_with_genre": 200, "memberships": 202,
    }  # fmt: skip
