"""Who is searched, who inherits, and tables of vectors that are refused."""

from typing import Any

import numpy as np
import pytest

from soundalike.contracts.staging import SEARCHED_TRACKS
from soundalike.errors import SoundalikeError
from soundalike.stages.eligibility import (
    catalog_of,
    dimensions_of,
    inheriting,
    places,
    repeated_tracks,
    representatives,
    rows_of_blocks,
    searched_tracks,
    tracks_from_vectors,
    vector_profile,
    width_of,
)

pytestmark = pytest.mark.spark

SCHEMA = (
    "track_id string, recording_key string, genres array<string>, decade int, is_trusted boolean, vector array<float>"
)
SCOPES = ("genre", "genre_decade", "global", "decade")


def searched(frame: Any, catalog: Any = None, groups: tuple[int, ...] = (), precision: str = "coarse") -> Any:
    tracks = tracks_from_vectors(frame)
    return searched_tracks(tracks, width_of(tracks), groups, precision, catalog)


def rows(frame: Any) -> list[tuple]:
    return sorted((tuple(row) for row in frame.collect()), key=str)


def test_eligibility_is_counted_by_the_first_reason(spark: Any) -> None:
    good = [1.0, 2.0]
    frame = spark.createDataFrame(
        [
            ("fine", None, ["roc"], 1990, True, good),
            ("two genres", None, ["pop", "roc", "pop"], 1990, True, good),
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
    tracks = searched(frame)

    def counted(strict: bool) -> dict[str, int]:
        return dict(vector_profile(tracks, SCOPES, strict).first().counters)

    assert counted(strict=True) == {
        "genre.eligible": 3, "genre.no_vector": 4, "genre.untrusted": 1, "genre.no_genre": 3, "genre.undated": 0,
        "genre_decade.eligible": 2, "genre_decade.no_vector": 4, "genre_decade.untrusted": 1,
        "genre_decade.no_genre": 3, "genre_decade.undated": 1,
        "global.eligible": 6, "global.no_vector": 4, "global.untrusted": 1, "global.no_genre": 0, "global.undated": 0,
        "decade.eligible": 4, "decade.no_vector": 4, "decade.untrusted": 1, "decade.no_genre": 0, "decade.undated": 2,
    }  # fmt: skip
    assert counted(strict=False)["genre.no_genre"] == 4
    anywhere = {"fine", "two genres", "no genre", "blank genres", "genres null", "undated"}
    placed = places(tracks, SCOPES, strict=True).select("scope", "block", "track_id")
    assert rows(placed) == sorted(
        [("genre", "pop", "two genres")]
        + [("genre", "roc", track) for track in ("fine", "two genres", "undated")]
        + [("genre_decade", "pop|1990", "two genres")]
        + [("genre_decade", "roc|1990", track) for track in ("fine", "two genres")]
        + [("global", "*", track) for track in anywhere]
        + [("decade", "1990", track) for track in anywhere - {"no genre", "undated"}],
        key=str,
    )
    loose = {row.track_id for row in places(tracks, ["global"], strict=False).collect()}
    assert loose == anywhere | {"untrusted"}


def test_the_least_a_table_needs(spark: Any) -> None:
    frame = spark.createDataFrame([("a", [1.0, 0.0]), ("b", [3.0, 4.0])], "track_id string, vector array<double>")

    assert rows(tracks_from_vectors(frame)) == [
        ("a", "a", [], None, True, [1.0, 0.0]), ("b", "b", [], None, True, [3.0, 4.0]),
    ]  # fmt: skip
    staged = searched(frame)
    assert [tuple(pair) for pair in staged.dtypes] == [(c.name, c.type) for c in SEARCHED_TRACKS.columns]
    # .6 and .8 times 2880, and the parity of their sum; their doubles as they are.
    second = sorted(staged.collect())[1]
    assert tuple(second)[:7] == ("b", "b", [], None, True, True, 2)
    assert np.frombuffer(second.lattice, dtype="<i2").tolist() == [1728, 2304, 0]
    assert np.frombuffer(second.units, dtype="<f8").tolist() == [0.6, 0.8]
    fine = sorted(searched(frame, precision="fine").collect())[1]
    assert np.frombuffer(fine.lattice, dtype="<i2").tolist() == [19200, 25600, 0]


def test_probabilities_are_reduced(spark: Any) -> None:
    # One group of two: the contrast (x0 - x1) / sqrt(2), and the constant sqrt(1/2): (.8, .2) -> (.6, 1) / sqrt(2).
    frame = spark.createDataFrame([("a", [0.8, 0.2]), ("b", None)], "track_id string, vector array<double>")

    staged = sorted(searched(frame, groups=(2,)).collect())

    expected = np.array([0.6, 1.0]) / np.sqrt(1.36)
    np.testing.assert_allclose(np.frombuffer(staged[0].units, dtype="<f8"), expected, rtol=1e-15)
    assert (staged[0].width, staged[1].width, staged[1].lattice, staged[1].units) == (2, None, None, None)


def test_groups_that_do_not_make_up_the_vectors_are_refused(spark: Any) -> None:
    frame = spark.createDataFrame([("a", [0.8, 0.2, 1.0])], "track_id string, vector array<double>")
    with pytest.raises(SoundalikeError, match=r"3 dimensions, but .* names groups of 4 in all"):
        searched(frame, groups=(2, 2))

    nothing = searched(frame.where("false"), groups=(2, 2))
    assert nothing.collect() == []


def test_a_recording_has_one_representative_in_each_block(spark: Any) -> None:
    # Recording k: k1 is of another genre and decade than k2 and k3, so k2 stands for it in roc.
    given = [
        ("k1", "k", ["pop"], 1980, True, [1.0, 0.0]),
        ("k3", "k", ["roc"], 2000, True, [1.0, 0.2]),
        ("k2", "k", ["roc"], 1990, True, [1.0, 0.1]),
        ("x", None, ["pop", "roc"], 2000, True, [0.0, 1.0]),
        ("k0", "k", ["roc"], 2000, False, [1.0, 0.3]),
    ]
    placed = places(searched(spark.createDataFrame(given, SCHEMA)), ("genre", "genre_decade", "global"), True)
    heirs = inheriting(placed)

    assert rows(heirs) == [
        ("genre", "roc", "k3", "k2"), ("global", "*", "k2", "k1"), ("global", "*", "k3", "k1"),
    ]  # fmt: skip
    searched_rows = representatives(placed, heirs)
    assert searched_rows.columns == placed.columns
    assert rows(searched_rows.select("scope", "block", "track_id")) == [
        ("genre", "pop", "k1"), ("genre", "pop", "x"), ("genre", "roc", "k2"), ("genre", "roc", "x"),
        ("genre_decade", "pop|1980", "k1"), ("genre_decade", "pop|2000", "x"), ("genre_decade", "roc|1990", "k2"),
        ("genre_decade", "roc|2000", "k3"), ("genre_decade", "roc|2000", "x"), ("global", "*", "k1"),
        ("global", "*", "x"),
    ]  # fmt: skip
    assert representatives(placed, None) is placed
    assert rows(rows_of_blocks(searched_rows).where("scope = 'genre'")) == [
        ("genre", "pop", 2, 2), ("genre", "roc", 2, 2),
    ]  # fmt: skip


def test_a_representative_is_in_the_catalog_if_any_member_is(spark: Any) -> None:
    # a: none of two is in it; b: the second and third of three; c: the only one; d: not.
    members = [("a1", "a"), ("a2", "a"), ("b1", "b"), ("b3", "b"), ("b2", "b"), ("c1", "c"), ("d1", "d")]
    frame = spark.createDataFrame([(t, key, None, None, True, [1.0, 2.0]) for t, key in members], SCHEMA)
    mine = [("b3",), ("b2",), ("b2",), ("c1",), ("elsewhere",), (None,)]
    catalog = catalog_of(spark.createDataFrame(mine, "track_id string"))
    assert rows(catalog) == [("b2",), ("b3",), ("c1",), ("elsewhere",)]

    staged = searched(frame, catalog)
    placed = places(staged, ["global"], True)
    heirs = inheriting(placed)

    assert {row.track_id: row.listed for row in staged.collect()} == {
        "a1": False, "a2": False, "b1": False, "b2": True, "b3": True, "c1": True, "d1": False,
    }  # fmt: skip
    assert rows(heirs) == [
        ("global", "*", "a2", "a1"), ("global", "*", "b1", "b2"), ("global", "*", "b3", "b2"),
    ]  # fmt: skip
    assert rows(representatives(placed, heirs).select("track_id")) == [("a1",), ("b2",), ("c1",), ("d1",)]
    assert rows(rows_of_blocks(representatives(placed, heirs))) == [("global", "*", 4, 2)]


def test_without_any_vector_there_is_nothing_to_search(spark: Any) -> None:
    frame = spark.createDataFrame([("a", None, ["roc"], 1990, True, None)], SCHEMA)
    staged = searched(frame, groups=(2, 2))

    assert width_of(tracks_from_vectors(frame)) == 0
    assert dimensions_of(vector_profile(staged, ["genre"], True).first()) == 0
    assert places(staged, SCOPES, True).collect() == []
    assert ("genre.no_vector", 1) in vector_profile(staged, ["genre"], True).first().counters


def test_the_profile_of_tracks(spark: Any) -> None:
    uuid = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
    frame = spark.createDataFrame(
        [(uuid, [1.0, 2.0, 3.0]), (uuid.upper(), [1.0, 2.0, 0.0]), ("b", None)], "track_id string, vector array<double>"
    )
    row = vector_profile(searched(frame), ["genre"], True).first()
    assert (row.tracks, row.unnamed, row.unpacked, row.dimensions, dimensions_of(row)) == (3, 0, 2, 3, 3)


def test_tables_that_do_not_fit_are_refused(spark: Any) -> None:
    frame = spark.createDataFrame([(1, ["x"], "1990")], "id bigint, vector array<string>, decade string")
    with pytest.raises(
        SoundalikeError,
        match="the table of vectors does not fit: track_id is missing; vector is array<string>, expected array<float> "
        "or array<double>; decade is string, expected tinyint or smallint or int or bigint; rename or cast its columns",
    ):
        tracks_from_vectors(frame)
    with pytest.raises(SoundalikeError, match="the table of candidates does not fit: track_id is missing"):
        catalog_of(frame)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([("a", [1.0, 2.0]), ("b", [1.0]), ("c", None)], "several widths: 1 for track b, 2 for track a; expected one"),
        ([("a", [1.0, 2.0]), ("b", []), ("c", None)], "several widths: 0 for track b, 2 for track a; expected one"),
        ([("a", [])], "vectors have 0 dimensions, expected 2 to 1000"),
        ([("a", [1.0])], "vectors have 1 dimensions, expected 2 to 1000"),
        ([("a", [1.0] * 1001)], "vectors have 1001 dimensions, expected 2 to 1000"),
        ([("a", [1.0] * 2000)], "vectors have 2000 dimensions, expected 2 to 1000"),
        ([("a", [1.0, 2.0]), (None, [1.0, 2.0])], "1 of 2 rows of the table of vectors have no track_id"),
    ],
)
def test_widths_and_ids_that_do_not_fit_are_refused(spark: Any, data: list, message: str) -> None:
    frame = spark.createDataFrame(data, "track_id string, vector array<double>").coalesce(1)
    with pytest.raises(SoundalikeError, match=message):
        dimensions_of(vector_profile(searched(frame), ["genre"], True).first())


def test_tracks_that_stand_twice_are_found(spark: Any) -> None:
    data = [(name, [1.0, 2.0]) for name in ("c", "a", "b", "d")]
    once = searched(spark.createDataFrame(data, "track_id string, vector array<double>"))
    assert repeated_tracks(once).collect() == []

    twice = [*data, ("c", [1.0, 0.0]), ("b", None)]
    staged = searched(spark.createDataFrame(twice, "track_id string, vector array<double>"))
    assert [row.track_id for row in repeated_tracks(staged).collect()] == ["b", "c"]
