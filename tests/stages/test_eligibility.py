"""Who is eligible, and tables of vectors that are refused."""

from typing import Any

import pytest

from soundalike.errors import SoundalikeError
from soundalike.stages.eligibility import (
    dimensions_of,
    eligibility_counters,
    representatives,
    tracks_from_vectors,
    vector_profile,
    with_lattice,
)

pytestmark = pytest.mark.spark

SCHEMA = (
    "track_id string, recording_key string, genres array<string>, decade int, is_trusted boolean, vector array<float>"
)
SCOPES = ("genre", "genre_decade", "global", "decade")


def test_eligibility_is_counted_by_the_first_reason(spark: Any) -> None:
    good = [1.0, 2.0]
    frame = spark.createDataFrame(
        [
            ("fine", None, ["roc"], 1990, True, good),
            ("two genres", None, ["pop", "roc"], 1990, True, good),
            ("null", None, ["roc"], 1990, True, None),
            ("zero, untrusted", None, [], None, False, [0.0, 1e-9]),
            ("nan", None, ["roc"], 1990, True, [float("nan"), 1.0]),
            ("null inside", None, ["roc"], 1990, True, [None, 1.0]),
            ("untrusted", None, [], None, False, good),
            ("no genre", None, [], None, True, good),
            ("blank genres", None, ["", None], 1990, True, good),
            ("genres null", None, None, 1990, True, good),
            ("undated", None, ["roc"], None, True, good),
        ],
        SCHEMA,
    )
    tracks = with_lattice(tracks_from_vectors(frame), 2)

    def counted(strict: bool) -> dict[str, int]:
        return {row.counter: row.value for row in eligibility_counters(tracks, SCOPES, strict).collect()}

    assert counted(strict=True) == {
        "genre.eligible": 3, "genre.no_vector": 4, "genre.untrusted": 1, "genre.no_genre": 3, "genre.undated": 0,
        "genre_decade.eligible": 2, "genre_decade.no_vector": 4, "genre_decade.untrusted": 1,
        "genre_decade.no_genre": 3, "genre_decade.undated": 1,
        "global.eligible": 6, "global.no_vector": 4, "global.untrusted": 1, "global.no_genre": 0, "global.undated": 0,
        "decade.eligible": 4, "decade.no_vector": 4, "decade.untrusted": 1, "decade.no_genre": 0, "decade.undated": 2,
    }  # fmt: skip
    assert counted(strict=False)["genre.no_genre"] == 4
    assert {row[0] for row in representatives(tracks, ["genre"], True).select("track_id").collect()} == {
        "fine", "two genres", "undated",
    }  # fmt: skip
    placed = representatives(tracks, ["global", "decade"], True).select("scope", "block", "track_id").collect()
    anywhere = {"fine", "two genres", "no genre", "blank genres", "genres null", "undated"}
    assert sorted(map(tuple, placed)) == sorted(
        [("global", "*", track) for track in anywhere]
        + [("decade", "1990", track) for track in anywhere - {"no genre", "undated"}]
    )


def test_tables_that_do_not_fit_are_refused(spark: Any) -> None:
    frame = spark.createDataFrame([(1, ["x"], "1990")], "id bigint, vector array<string>, decade string")
    with pytest.raises(
        SoundalikeError,
        match="the table of vectors does not fit: track_id is missing; vector is array<string>, expected array<float> "
        "or array<double>; decade is string, expected tinyint or smallint or int or bigint; rename or cast its columns",
    ):
        tracks_from_vectors(frame)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([("a", [1.0, 2.0]), ("b", [1.0]), ("c", None)], "several widths: 1 for track b, 2 for track a; expected one"),
        ([("a", [1.0])], "vectors have 1 dimensions, expected 2 to 1000"),
        ([("a", [1.0] * 1001)], "vectors have 1001 dimensions, expected 2 to 1000"),
        ([("a", [1.0, 2.0]), (None, [1.0, 2.0])], "1 of 2 rows of the table of vectors have no track_id"),
    ],
)
def test_widths_and_ids_that_do_not_fit_are_refused(spark: Any, data: list, message: str) -> None:
    frame = spark.createDataFrame(data, "track_id string, vector array<double>")
    with pytest.raises(SoundalikeError, match=message):
        dimensions_of(vector_profile(tracks_from_vectors(frame)).first())
