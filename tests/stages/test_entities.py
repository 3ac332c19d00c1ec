"""Artists, albums and bridges on planted recordings: conflicts of names, unresolved artists, pairs that repeat."""

from typing import Any

import pytest

from soundalike.stages import entities

pytestmark = pytest.mark.spark

RECORDING = (
    "mbid string, artists array<struct<artist_id:string,artist_name:string>>, artist_ids array<string>, "
    "album_id string, album_name string"
)
# Artists by one letter each; `unresolved` has ids, but no list.
RECORDINGS: list[tuple[Any, ...]] = [
    ("r1", [("b", "Beyoncé")], ["b"], "lemonade", "Lemonade"),
    ("r2", [("b", "Beyonce")], ["b"], "lemonade", "Lemonade"),
    ("r3", [("b", "Beyoncé")], ["b"], "lemonade", "LEMONADE"),
    ("r4", [("b", "Beyoncé"), ("j", "Jay-Z")], ["b", "j"], "tour", "On the Run"),
    ("r5", [("j", "JAY-Z")], ["j"], "tour", "On The Run"),  # a tie: the smaller by code point, T before t
    # An id twice, once under each name: one recording, one pair, a vote for either name.
    ("r6", [("t", "Tony Levin"), ("t", "Levin")], ["t", "t"], None, None),
    ("r7", [("t", "Tony Levin")], ["t"], "nameless", None),
    ("r8", [("\uffff", "\U00010000"), ("z", "Z")], ["\uffff", "z"], "nameless", None),
    ("r9", [("\uffff", "\uffff")], ["\uffff"], "half", None),
    ("unresolved", None, ["b", "j"], "half", "Half named"),
    ("bare", None, None, None, None),
]


@pytest.fixture(scope="module", params=[1, 7])
def recordings(spark: Any, request: pytest.FixtureRequest) -> Any:
    rows = RECORDINGS if request.param == 1 else RECORDINGS[::-1]
    return spark.createDataFrame(rows, RECORDING).repartition(request.param)


def rows(frame: Any) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, frame.collect()))


def test_an_artist_has_the_name_most_recordings_give_it(recordings: Any) -> None:
    assert rows(entities.artists(recordings)) == [
        ("b", "Beyoncé", 1, 4),
        ("j", "JAY-Z", 1, 2),
        ("t", "Tony Levin", 1, 2),
        ("z", "Z", 0, 1),
        ("\uffff", "\uffff", 1, 2),  # by code point, not by UTF-16
    ]


def test_an_album_may_have_no_name(recordings: Any) -> None:
    assert rows(entities.albums(recordings)) == [
        ("half", "Half named", 0, 2),
        ("lemonade", "Lemonade", 1, 3),
        ("nameless", None, 0, 2),
        ("tour", "On The Run", 1, 2),
    ]


def test_bridges_are_unique_pairs_of_resolved_recordings(recordings: Any) -> None:
    assert rows(entities.recording_artists(recordings)) == [
        ("r1", "b"), ("r2", "b"), ("r3", "b"), ("r4", "b"), ("r4", "j"), ("r5", "j"), ("r6", "t"), ("r7", "t"),
        ("r8", "z"), ("r8", "\uffff"), ("r9", "\uffff"),
    ]  # fmt: skip
    assert rows(entities.recording_albums(recordings)) == [
        ("r1", "lemonade"), ("r2", "lemonade"), ("r3", "lemonade"), ("r4", "tour"), ("r5", "tour"), ("r7", "nameless"),
        ("r8", "nameless"), ("r9", "half"), ("unresolved", "half"),
    ]  # fmt: skip
    assert rows(entities.album_artists(recordings)) == [
        ("half", "\uffff"), ("lemonade", "b"), ("nameless", "t"), ("nameless", "z"), ("nameless", "\uffff"),
        ("tour", "b"), ("tour", "j"),
    ]  # fmt: skip
