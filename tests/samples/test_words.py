"""No two titles or names of the invented catalogue are alike, also when folded."""

import unicodedata

from soundalike.samples.words import artist_name, named_id, title


def fold(text: str) -> str:
    marks = [c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)]
    return " ".join("".join(marks).lower().split())


def test_titles_and_artists_stay_apart_when_folded():
    for make, numbers in ((title, range(60_000)), (artist_name, range(30_000))):
        assert len({fold(make(number)) for number in numbers}) == len(numbers)


def test_titles_do_not_repeat_after_the_vocabulary_is_used_up():
    lap = 48 * 64 * 40 * 8
    assert title(5 + lap) == f"{title(5)} No. 2"
    assert title(5 + lap - 1) != title(5)


def test_names_that_break_careless_code_come_first():
    assert {"三千院ナギ starring 釘宮理恵", "Skatebård", "Beyoncé"} <= {artist_name(number) for number in range(16)}


def test_ids_are_mbids_of_seed_kind_and_number():
    ids = {named_id(seed, kind, n) for seed in (1, 2) for kind in ("artist", "release") for n in range(100)}
    assert len(ids) == 400
    assert all(len(i) == 36 and [len(part) for part in i.split("-")] == [8, 4, 4, 4, 12] for i in ids)
    assert named_id(1, "artist", 0) == named_id(1, "artist", 0)
