"""How found statistics are compared with published ones."""

from soundalike.contracts.mpd import PUBLISHED_STATISTICS
from soundalike.stages.mpd_statistics import compared, differences, list_differences, next_days


def test_equal_statistics_differ_in_nothing() -> None:
    assert differences(PUBLISHED_STATISTICS | {"playlists_with_a_repeated_track": 7.0}) == []


def test_every_difference_is_listed() -> None:
    found = PUBLISHED_STATISTICS | {"entries": 66_346_427.0, "mean_length": 66.346427}
    assert differences(found) == [
        "entries 66,346,427 (published 66,346,428)",
        "mean_length 66.346427 (published 66.346428)",
    ]
    assert len(differences({})) == len(PUBLISHED_STATISTICS)


def test_lists_agree_label_by_label_in_any_order_of_ties() -> None:
    published = {"top_titles": [("b", 3), ("a", 3), ("c", 1)]}
    assert list_differences({"top_titles": {"a": 3, "b": 3, "c": 1, "d": 1}}, published) == []
    assert list_differences({"top_titles": {"a": 3, "c": 2}}, published) == [
        "top_titles b 0 (published 3)",
        "top_titles c 2 (published 1)",
    ]


def test_a_day_later() -> None:
    assert next_days([("2017-10-31", 5), ("2016-02-28", 1)]) == [("2017-11-01", 5), ("2016-02-29", 1)]


def test_the_day_histogram_agrees_in_either_reading() -> None:
    ours = {"modified_day": {"2017-11-01": 5}}
    for label, remark in (("2017-11-01", "as it stands"), ("2017-10-31", "one day later")):
        assert compared(PUBLISHED_STATISTICS, ours, {"modified_day": [(label, 5)]}) == (
            [],
            f"modified_day agrees with the published histogram, {remark}",
        )
    wrong, remark = compared(PUBLISHED_STATISTICS, ours, {"modified_day": [("2017-10-30", 5)], "edits": [("1", 1)]})
    assert wrong == ["edits 1 0 (published 1)", "modified_day 2017-10-31 0 (published 5)"]
    assert remark == "modified_day agrees with the published histogram in neither reading"


def test_without_published_lists_only_the_statistics_are_compared() -> None:
    assert compared(PUBLISHED_STATISTICS, {}, {})[0] == []
