"""The merge of the submissions of one recording: the worked cases, ties, and batches that cut through a recording."""

import datetime
from typing import Any

import pyarrow as pa
import pytest

from soundalike.contracts.acousticbrainz import ELEVEN, MODELS, model_offsets
from soundalike.contracts.tables import SUBMISSIONS
from soundalike.stages.recordings import _merge_batches, lower_median, most_frequent
from soundalike.stages.schemas import arrow_schema

SCHEMA = arrow_schema(SUBMISSIONS.columns)
MBID = "00000000-0000-4000-8000-00000000000{}"
ALBUM, OTHER_ALBUM = "a0000000-0000-4000-8000-000000000000", "b0000000-0000-4000-8000-000000000000"


def submission(mbid: int = 1, **given: Any) -> dict[str, Any]:
    """One valid submission; whatever a case does not name is the same everywhere."""
    row = {
        "archive_no": 0, "archive": "a", "member": "m", "member_pos": 0, "mbid": MBID.format(mbid), "mbid_differs": False,
        "title": "Title", "artist_credit": "Artist", "date_precision": "none", "date_status": "absent", "date_flags": [],
        "genre_tags": [], "trust": "trusted", "labels": {"genre_rosamerica": "roc", "genre_dortmund": "rock"},
        "probabilities": [0.25] * 71, "eleven": [0.25] * 11, "duration_s": 200.0,
    }  # fmt: skip
    return row | given


def dated(year: int, precision: str = "year", source: str = "date", **given: Any) -> dict[str, Any]:
    date = datetime.date(year, 1, 1)
    return submission(
        release_date=date, release_year=year, release_decade=year // 10 * 10, date_precision=precision, date_source=source,
        date_status="ok", **given,
    )  # fmt: skip


def merged(*rows: dict[str, Any], batch_rows: int = 1000) -> list[dict[str, Any]]:
    table = pa.Table.from_pylist(list(rows), SCHEMA)
    batches = table.to_batches(max_chunksize=batch_rows)
    return [row for batch in _merge_batches(iter(batches), ("Finale",)) for row in batch.to_pylist()]


def test_medians_and_modes() -> None:
    (row,) = merged(
        submission(eleven=[0.1] + [0.25] * 10, title="a", duration_s=100.0),
        submission(eleven=[0.9] + [0.25] * 10, title="b", duration_s=None),
        submission(eleven=[0.5] + [0.25] * 10, title="a", duration_s=201.0),
    )
    assert (row["danceability"], row["title"], row["duration_s"]) == (0.5, "a", 150.5)
    assert (row["submissions"], row["submissions_trusted"], row["is_trusted"]) == (3, 3, True)


def test_even_groups_take_the_mean_of_the_middle() -> None:
    (row,) = merged(submission(eleven=[0.1] + [0.25] * 10), submission(eleven=[0.9] + [0.25] * 10))
    assert row["danceability"] == 0.5


@pytest.mark.parametrize("titles, expected", [("aab", "a"), ("ab", "a"), ("ba", "a"), ("bba", "b"), ("Ba", "B")])
def test_title_ties_go_to_the_smallest_by_code_point(titles: str, expected: str) -> None:
    assert merged(*[submission(title=title) for title in titles])[0]["title"] == expected


def test_larger_models_are_means_divided_by_their_sum() -> None:
    first = model_offsets()["moods_mirex"]

    def mirex(place: int) -> list[float]:
        values = [0.25] * 71
        values[first : first + 5] = [float(i == place) for i in range(5)]
        return values

    (row,) = merged(submission(probabilities=mirex(0)), submission(probabilities=mirex(1)))
    assert row["probabilities"][first : first + 5] == [0.5, 0.5, 0.0, 0.0, 0.0]
    assert row["probabilities"][0] == 0.25


def test_an_absent_model_is_null_only_if_it_is_absent_everywhere() -> None:
    first = model_offsets()["moods_mirex"]
    without = [None if first <= i < first + len(MODELS["moods_mirex"]) else 0.25 for i in range(71)]
    alone = merged(submission(probabilities=without))[0]["probabilities"]
    assert [value is None for value in alone] == [value is None for value in without]
    (row,) = merged(submission(probabilities=without), submission(probabilities=[0.2] * 71))
    assert row["probabilities"][first] == pytest.approx(0.2)


def test_untrusted_submissions_speak_only_where_no_trusted_one_does() -> None:
    low, high = [0.1] * 11, [0.9] * 11
    labels = {"genre_rosamerica": "cla", "genre_dortmund": "jazz"}
    (row,) = merged(
        submission(eleven=low, duration_s=100.0),
        submission(eleven=high, trust="collapsed", labels=labels, title="x", duration_s=300.0),
        submission(eleven=high, trust="undecided", labels=labels, title="x", duration_s=300.0),
    )
    assert [row[name] for name in ELEVEN] == low
    assert (row["genre_rosamerica"], row["title"], row["duration_s"], row["submissions_trusted"]) == (
        "roc",
        "x",
        300.0,
        1,
    )
    (row,) = merged(submission(eleven=low, trust="collapsed"), submission(eleven=high, trust="undecided"))
    assert (row["danceability"], row["is_trusted"], row["submissions_trusted"]) == (0.5, False, 0)


def test_absent_labels_do_not_vote() -> None:
    both = {"genre_rosamerica": "roc", "genre_dortmund": "rock"}
    (row,) = merged(submission(labels=both), submission(labels=both), submission(labels=both | {"timbre": "dark"}))
    assert dict(row["labels"]) == {"genre_dortmund": "rock", "genre_rosamerica": "roc", "timbre": "dark"}


def test_artists_are_the_most_frequent_whole_set() -> None:
    one = [{"artist_id": "1", "artist_name": "A"}, {"artist_id": "2", "artist_name": "B"}]
    other = [{"artist_id": "0", "artist_name": "Z"}]
    (row,) = merged(
        submission(artists=one), submission(artists=one[::-1]), submission(artists=other), submission(artists=None)
    )
    assert (row["artists"], row["artist_status"]) == (one, "resolved")
    assert merged(submission(artists=other), submission(artists=one))[0]["artists"] == other
    (row,) = merged(submission(artist_ids=["2", "1"]), submission())
    assert (row["artists"], row["artist_status"], row["artist_ids"]) == (None, "unresolved", ["2", "1"])


def test_the_lower_median_date_of_the_worked_case() -> None:
    dates = [1999] * 3 + [2001] * 2 + [2005]
    (row,) = merged(*[dated(year) for year in dates])
    assert (row["release_year"], row["release_decade"], row["date_scope"]) == (1999, 1990, "recording")


def test_the_album_date_goes_before_that_of_the_recording() -> None:
    (row,) = merged(
        dated(2001, album_id=ALBUM, album_name="n"), dated(2003, album_id=ALBUM, album_name="m"), dated(1999), dated(1999), dated(1999),
        submission(album_id=OTHER_ALBUM, album_name="o"),
    )  # fmt: skip
    assert (row["album_id"], row["album_name"], row["release_year"], row["date_scope"]) == (ALBUM, "m", 2001, "album")


def test_an_undated_album_leaves_the_date_to_the_recording() -> None:
    (row,) = merged(submission(album_id=ALBUM), submission(album_id=ALBUM), dated(1984, album_id=OTHER_ALBUM))
    assert (row["album_id"], row["album_name"], row["release_year"], row["date_scope"]) == (
        ALBUM,
        None,
        1984,
        "recording",
    )


def test_of_equal_dates_the_finer_and_the_original_one_comes_first() -> None:
    (row,) = merged(dated(1999, "year", "originaldate"), dated(1999, "day", "date", date_flags=["range"]))
    assert (row["date_precision"], row["date_source"], row["date_flags"]) == ("day", "date", ["range"])
    (row,) = merged(dated(1999, "day", "date"), dated(1999, "day", "originaldate"))
    assert row["date_source"] == "originaldate"


def test_an_undated_recording() -> None:
    (row,) = merged(submission(), submission(date_status="unparseable", date_flags=["placeholder"]))
    assert (row["release_date"], row["date_status"], row["date_flags"], row["date_scope"]) == (
        None,
        "unparseable",
        [],
        None,
    )


def test_placeholder_titles_and_keys() -> None:
    rows = merged(
        submission(1, title=" finale "),
        submission(2, title="Finale (live)", artist_credit="Bj\u00f6rk"),
        submission(3, artist_credit=None),
    )
    assert [row["is_placeholder_title"] for row in rows] == [True, False, False]
    assert [row["credit_key"] for row in rows] == ["artist", "bjork", None]


@pytest.mark.parametrize("batch_rows", [1, 2, 3, 7])
def test_a_recording_may_span_batches(batch_rows: int) -> None:
    rows = [
        submission(mbid, title=title)
        for mbid, titles in ((1, "a"), (2, "bbc"), (3, "dd"), (4, "efef"))
        for title in titles
    ]
    found = merged(*rows, batch_rows=batch_rows)
    assert [(row["mbid"], row["title"], row["submissions"]) for row in found] == [
        (MBID.format(1), "a", 1), (MBID.format(2), "b", 3), (MBID.format(3), "d", 2), (MBID.format(4), "e", 4),
    ]  # fmt: skip


def test_no_vote_is_none() -> None:
    assert most_frequent([None, None]) is None
    assert lower_median([None]) is None
