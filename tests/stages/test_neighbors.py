"""From vectors to rows of the published table, whose lists are known by construction or by a brute force."""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soundalike.contracts.tables import TRACK_NEIGHBORS
from soundalike.stages import eligibility as places_of
from soundalike.stages.ids import Ids
from soundalike.stages.models import searched_blocks, version_of, with_families
from soundalike.stages.neighbors import (
    Counts,
    Made,
    counters_of,
    counts_of,
    counts_of_published,
    final_lists,
    heirs_of,
    of_scope,
    published_lists,
)
from soundalike.stages.tasks import Search, merged_lists, partial_lists, search_of

pytestmark = pytest.mark.spark

SCHEMA = (
    "track_id string, recording_key string, genres array<string>, decade int, is_trusted boolean, vector array<double>"
)
TOY = json.loads((Path(__file__).parents[1] / "data/neighbors_toy.json").read_text())
TOP_N = 10
# Byte order of UTF-8: capitals, small letters, then what needs more bytes; U+FFFD before U+1D11E, unlike in UTF-16.
IN_ORDER = ["_A", "_B", "_Z", "_a", "_aa", "_b", "_z", "_~", "_ß", "_é", "_\ufffd", "_\U0001d11e"]


@dataclass
class Found:
    """A search, what it stages, and what would be published."""

    inheriting: Any
    representatives: Any
    search: Search
    lists: Any
    published: Any
    rows: list[Any]

    def lists_of(self, scope: str, block: str) -> dict[str, str]:
        found = self.rows
        return {
            row.track_id: " ".join(n.neighbor_id for n in row.neighbors)
            for row in found if (row.scope, row.block) == (scope, block)
        }  # fmt: skip


def search(
    frame: Any,
    scopes: Iterable[str],
    top_n: int = TOP_N,
    factor: int = 1,
    catalog: Any = None,
) -> Found:
    """All steps. `factor`: as if there were so many times the rows, so that there are several tasks."""
    tracks = places_of.tracks_from_vectors(frame)
    staged = places_of.searched_tracks(tracks, places_of.width_of(tracks), (), "coarse", catalog)
    dimensions = places_of.dimensions_of(places_of.vector_profile(staged, ["genre"], True).first())
    placed = places_of.places(staged, tuple(scopes), True).persist()
    inheriting = places_of.inheriting(placed).persist()
    found = places_of.representatives(placed, inheriting).persist()
    known = with_families(places_of.rows_of_blocks(found), "exact", 0).collect()
    blocks = searched_blocks(known, [], dimensions + 1)
    inflated = [replace(block, sizes=block.sizes * factor, predicted=block.predicted * factor**2) for block in blocks]
    made = replace(search_of(inflated, Ids(False), top_n, "coarse", 1), blocks=tuple(blocks))
    partials = partial_lists(found, made).persist()
    lists = final_lists(partials, merged_lists(partials, made, 1)).persist()
    versions = [version_of(block, "coarse", dimensions, {"top_n": str(top_n)}) for block in blocks]
    published = published_lists(lists, inheriting, made, Made("run-1", "mine", tuple(versions)))
    rows = sorted(published.collect(), key=lambda row: (row.scope, row.block, row.track_id))
    return Found(inheriting, found, made, lists, published, rows)


def data() -> list[tuple]:
    """All cases in one table: each has genres of its own, so that its tracks are alone in their blocks."""
    rows = []
    for track in TOY["tracks"]:
        cases = [f"{case['name']} {track['genre_' + case['block_by']['genre']]}" for case in TOY["cases"]
                 if case["block_by"]["genre"] and track["id"] not in case["exclude"]]  # fmt: skip
        rows.append((track["id"], None, [*cases, "all four"], track["release_decade"], True, track["vector"]))
    rows += [("a1", "a", ["submissions"], 1990, True, [1.0, 0.0, 0.0])]
    rows += [(f"b{i}", "b", ["submissions"], 1990, True, [0.9, 0.1 * i, 0.0]) for i in (3, 1, 2)]
    rows += [(f"c{i}", "c", ["submissions"], 1990, True, [0.0, 0.1 * i, 1.0]) for i in (5, 4, 1, 3, 2)]
    # Recording k: k1 is of another genre and decade than k2 and k3, so k2 stands for it in `there`.
    rows += [("k1", "k", ["here"], 1980, True, [1.0, 0.0, 0.0]), ("k2", "k", ["there"], 1990, True, [1.0, 0.1, 0.0]),
             ("k3", "k", ["there"], 2000, True, [1.0, 0.2, 0.0]), ("k0", "k", ["there"], 2000, False, [1.0, 0.3, 0.0]),
             ("x", "x", ["here", "there"], 2000, True, [0.0, 1.0, 0.0])]  # fmt: skip
    rows += [(name, None, ["equal"], None, True, [0.3, -0.2, 0.0]) for name in IN_ORDER]
    rows += [("ga", None, ["one", "two", "one"], 1990, True, [1.0, 0.0, 0.0]),
             ("gb", None, ["one"], 1990, True, [1.0, 0.1, 0.0]), ("gc", None, ["two"], 1990, True, [1.0, 0.2, 0.0])]  # fmt: skip
    for size in (1, 2, 5, 11, 60):
        vectors = np.random.default_rng([3, size]).normal(size=(size, 3)).tolist()
        rows += [(f"s{size}-{i:02}", None, [f"s{size}"], None, True, vector) for i, vector in enumerate(vectors)]
    return rows


@pytest.fixture(scope="module")
def found(spark: Any) -> Iterator[Found]:
    yield search(spark.createDataFrame(data(), SCHEMA), ("genre", "genre_decade"))
    spark.catalog.clearCache()


def test_toy_cases(found: Found) -> None:
    for case in TOY["cases"]:
        if case["block_by"]["genre"]:
            target = next(track for track in TOY["tracks"] if track["id"] == case["target"])
            scope, block = "genre", f"{case['name']} {target['genre_' + case['block_by']['genre']]}"
            if case["block_by"]["decade"]:
                scope, block = "genre_decade", f"{block}|{target['release_decade']}"
            (row,) = [row for row in found.rows if tuple(row[:3]) == (scope, block, case["target"])]
            # No block of these cases has more than n others.
            expected = [(neighbor["id"], neighbor["score"]) for neighbor in case["expected_neighbors"]]
            assert [n.neighbor_id for n in row.neighbors] == [name for name, _ in expected]
            assert [n.similarity for n in row.neighbors] == pytest.approx([score for _, score in expected], abs=1e-3)
    name = "rosamerica_decade"
    for line in TOY["full_table_rosamerica_decade_n2"]:
        lists = found.lists_of("genre_decade", f"{name} {line['genre']}|{line['decade']}")
        assert lists[line["target"]] == " ".join(neighbor["id"] for neighbor in line["neighbors"])
    assert found.lists_of("genre", "all four") == {"A": "B C D", "B": "A C D", "C": "B A D", "D": "A B C"}


def test_rows_are_those_of_the_contract(found: Found) -> None:
    assert [tuple(pair) for pair in found.published.dtypes] == [(c.name, c.type) for c in TRACK_NEIGHBORS.columns]
    assert {(row.method, row.run_id, len(row.model_version)) for row in found.rows} == {("exact", "run-1", 16)}
    assert len({(row.scope, row.block, row.track_id) for row in found.rows}) == len(found.rows)


def test_three_recordings_with_one_three_and_five_submissions(found: Found) -> None:
    expected = {"a1": "b1 c1"} | {f"b{i}": "a1 c1" for i in (1, 2, 3)} | {f"c{i}": "b1 a1" for i in (1, 2, 3, 4, 5)}
    assert found.lists_of("genre", "submissions") == expected
    rows = [row for row in found.rows if row.block == "submissions"]
    assert {row.track_id for row in rows if row.inherited} == {"b2", "b3", "c2", "c3", "c4", "c5"}
    lists = {row.track_id: row.neighbors for row in rows}
    assert lists["b3"] == lists["b1"]


def test_the_representative_is_chosen_in_each_block(found: Found) -> None:
    assert found.lists_of("genre", "here") == {"k1": "x", "x": "k1"}
    assert found.lists_of("genre", "there") == {"k2": "x", "k3": "x", "x": "k2"}
    assert found.lists_of("genre_decade", "here|1980") == {"k1": ""}
    assert found.lists_of("genre_decade", "there|1990") == {"k2": ""}
    assert found.lists_of("genre_decade", "there|2000") == {"k3": "x", "x": "k3"}
    assert found.lists_of("genre", "one") == {"ga": "gb", "gb": "ga"}
    assert found.lists_of("genre", "two") == {"ga": "gc", "gc": "ga"}


def test_twelve_identical_vectors_in_byte_order(found: Found) -> None:
    lists = {row.track_id: [tuple(n) for n in row.neighbors] for row in found.rows if row.block == "equal"}
    assert lists == {name: [(other, 1.0) for other in IN_ORDER if other != name][:10] for name in IN_ORDER}


def test_blocks_of_one_two_five_and_eleven(found: Found) -> None:
    lengths = {
        size: {len(row.neighbors) for row in found.rows if row.block == f"s{size}"} for size in (1, 2, 5, 11, 60)
    }  # fmt: skip
    assert lengths == {1: {0}, 2: {1}, 5: {4}, 11: {10}, 60: {10}}


def test_lists_against_float64(found: Found) -> None:
    units = np.random.default_rng([3, 60]).normal(size=(60, 3))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    cosines = units @ units.T
    np.fill_diagonal(cosines, -2)
    mine = found.lists_of("genre", "s60")

    near = [" ".join(f"s60-{j:02}" for j in np.argsort(-line, kind="stable")[:10]) for line in cosines]
    # A coarse lattice may swap near ties; with 60 spread points that is rare.
    assert sum(mine[f"s60-{i:02}"] == expected for i, expected in enumerate(near)) >= 57


def test_tasks_partitions_batches_and_order_change_nothing(spark: Any, found: Found) -> None:
    given = data()
    shuffled = [given[i] for i in np.random.default_rng(8).permutation(len(given))]
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 7)
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    try:
        frame = spark.createDataFrame(shuffled, SCHEMA).repartition(3)
        other = search(frame, ("genre", "genre_decade"), factor=10_000)
        # As it is published: scope by scope.
        inside = of_scope(other.lists, other.search, "genre")
        versions = ["v"] * len(other.search.blocks)
        published = published_lists(inside, other.inheriting, other.search, Made("run-1", "mine", tuple(versions)), 2)
        laid = published.selectExpr("spark_partition_id() part", "track_id", "block").collect()
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
        spark.conf.unset("spark.sql.adaptive.enabled")

    assert (found.search.tasks, other.search.tasks > 2) == (1, True)
    assert other.rows == found.rows
    # Partitions by ranges of track and block, sorted by them.
    order = [(row.part, row.track_id.encode(), row.block.encode()) for row in laid]
    assert order == sorted(order)
    assert [key[1:] for key in order] == sorted(key[1:] for key in order)
    assert {key[0] for key in order} == {0, 1}
    assert len(order) == sum(row.scope == "genre" for row in found.rows)


def test_counters(found: Found) -> None:
    by_key = dict(
        zip([b.key for b in found.search.blocks], counts_of(found.lists, found.search, found.inheriting), strict=True)
    )

    assert by_key["genre", "submissions"] == Counts(listed=3, inherited=6, short_lists=0, pairs=6)
    assert by_key["genre", "equal"] == Counts(12, 0, 0, 132)
    assert by_key["genre", "s1"] == Counts(1, 0, 0, 0)
    assert by_key["genre_decade", "there|2000"] == Counts(2, 0, 0, 2)
    assert heirs_of(found.inheriting) == {
        ("genre", "submissions"): 6, ("genre", "there"): 1, ("genre_decade", "submissions|1990"): 6,
    }  # fmt: skip
    assert heirs_of(None) == {}
    published = counts_of_published(found.published, found.representatives, found.search)
    assert published == [replace(counted, pairs=None) for counted in by_key.values()]
    counters = counters_of(found.search.blocks, list(by_key.values()), ["genre", "genre_decade", "global"])
    decades = [counted.pairs for key, counted in by_key.items() if key[0] == "genre_decade"]
    assert {name: value for name, value in counters.items() if name != "genre.pairs"} == {
        "genre.inherited": 7, "genre.short_lists": 0, "genre_decade.inherited": 6, "genre_decade.short_lists": 0,
        "genre_decade.pairs": sum(decades), "global.inherited": 0, "global.short_lists": 0, "global.pairs": 0,
    }  # fmt: skip
    inside = of_scope(found.lists, found.search, "genre_decade").select("block").distinct().collect()
    assert {found.search.blocks[row.block].scope for row in inside} == {"genre_decade"}
    assert len(inside) == len(decades)
    assert of_scope(found.lists, found.search, "global").collect() == []


def test_lists_are_short_if_they_owe_more(spark: Any, found: Found) -> None:
    # Of the block at 0: two lists of three, one of two. Of that at 2: one that owes nothing.
    rows = [(0, b"\0" * 12, 3, 5), (0, b"\0" * 8, 3, 4), (0, b"", 1, 0), (2, b"", 0, 0)]
    lists = spark.createDataFrame(rows, "block int, distances binary, owed int, compared bigint")
    counts = counts_of(lists, found.search, None)
    assert counts[:3] == [Counts(3, 0, 2, 9), Counts(0, 0, 0, 0), Counts(1, 0, 0, 0)]


def test_a_catalog_is_listed_and_every_track_is_answered(spark: Any) -> None:
    # Recordings: a of a1 to a3, of which a2 and a3 are in the catalog; b of b1 and b2, of which none is; c, d in it.
    given = [("a1", "a", 10.0), ("a2", "a", 11.0), ("a3", "a", 12.0), ("b1", "b", 20.0), ("b2", "b", 21.0),
             ("c", None, 40.0), ("d", None, 80.0), ("e", None, 39.0)]  # fmt: skip
    rows = [
        (track, key, None, 1990, True, [math.cos(math.radians(at)), math.sin(math.radians(at)), 0.0])
        for track, key, at in given
    ]
    catalog = places_of.catalog_of(spark.createDataFrame([("a3",), ("a2",), ("c",), ("d",)], "track_id string"))

    found = search(spark.createDataFrame(rows, SCHEMA), ("decade", "global"), catalog=catalog)

    expected = {"a1": "c d", "a2": "c d", "a3": "c d", "b1": "a2 c d", "b2": "a2 c d", "c": "a2 d", "d": "c a2",
                "e": "c a2 d"}  # fmt: skip
    assert found.lists_of("global", "*") == found.lists_of("decade", "1990") == expected
    assert {row.track_id for row in found.rows if row.inherited} == {"a1", "a3", "b2"}
    counts = counts_of(found.lists, found.search, found.inheriting)
    # a2, c and d are compared with the other two of them, b1 and e with all three.
    assert counts == [Counts(5, 3, 0, 12)] * 2
    # Lists of the published table are as long as they can be: two of the three that are listed miss themselves.
    published = counts_of_published(found.published, found.representatives, found.search)
    assert published == [Counts(5, 3, 0, None)] * 2
    cut = found.published.selectExpr("scope", "block", "track_id", "inherited", "slice(neighbors, 1, 2) neighbors")
    assert [c.short_lists for c in counts_of_published(cut, found.representatives, found.search)] == [2, 2]
