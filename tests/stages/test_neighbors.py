"""The neighbor engine on rows whose lists are known by construction or by a brute force of its own."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from soundalike.stages.eligibility import (
    blocks_of,
    dimensions_of,
    eligibility_counters,
    representatives,
    tracks_from_vectors,
    vector_profile,
    with_lattice,
)
from soundalike.stages.models import fitted_models, neighbor_models, with_methods
from soundalike.stages.neighbors import answers_within_blocks, block_counts, list_counters, neighbor_lists

pytestmark = pytest.mark.spark

SCHEMA = (
    "track_id string, recording_key string, genres array<string>, decade int, is_trusted boolean, vector array<float>"
)
SCOPES = ("genre", "genre_decade")


def search(frame: Any, scopes: Iterable[str] = SCOPES, top_n: int = 10, tasks: int = 3, strict: bool = True) -> Any:
    """All steps, from a table of vectors to rows of gold/track_neighbors."""
    tracks = tracks_from_vectors(frame)
    dimensions = dimensions_of(vector_profile(tracks).first())
    rows = representatives(with_lattice(tracks, dimensions), tuple(scopes), strict)
    return found_lists(rows, dimensions, top_n, tasks)


def found_lists(rows: Any, dimensions: int, top_n: int, tasks: int) -> Any:
    blocks, decided = with_methods(blocks_of(rows), "exact", 0), {"top_n": str(top_n)}
    models = neighbor_models(blocks, fitted_models(rows, blocks, 2022, decided, tasks), "mine", dimensions, decided)
    return neighbor_lists(answers_within_blocks(rows, top_n, tasks), models, "run-1")


def as_dict(lists: Any) -> dict[tuple[str, str, str], list[tuple[str, float]]]:
    collected = lists.collect()
    found = {(row.scope, row.block, row.track_id): [tuple(neighbor) for neighbor in row.neighbors] for row in collected}
    assert len(found) == len(collected)
    return found


def ids(lists: dict[tuple[str, str, str], list[tuple[str, float]]]) -> dict[tuple[str, str, str], str]:
    return {key: "".join(neighbor for neighbor, _ in neighbors) for key, neighbors in lists.items()}


def rows(count: int, prefix: str = "t", genre: str = "roc", seed: int = 3) -> list[tuple]:
    vectors = np.random.default_rng([seed, count]).normal(size=(count, 4))
    return [(f"{prefix}{i:04}", None, [genre], 1990, True, vector.tolist()) for i, vector in enumerate(vectors)]


TOY = json.loads((Path(__file__).parents[1] / "data/neighbors_toy.json").read_text())
BLOCKED = [case for case in TOY["cases"] if case["block_by"]["genre"] and case["n"] == 2]


def test_toy_cases(spark: Any) -> None:
    # Every case in blocks of its own, all in one search.
    given = [
        (
            track["id"],
            track["vector"],
            f"{case['name']} {track['genre_' + case['block_by']['genre']]}",
            track["release_decade"],
        )
        for case in BLOCKED
        for track in TOY["tracks"]
        if track["id"] not in case["exclude"]
    ]
    frame = spark.createDataFrame(given, "track_id string, vector array<double>, genre string, decade int")
    found = as_dict(search(frame, top_n=2))

    for case in BLOCKED:
        target = next(track for track in TOY["tracks"] if track["id"] == case["target"])
        scope, block = "genre", f"{case['name']} {target['genre_' + case['block_by']['genre']]}"
        if case["block_by"]["decade"]:
            scope, block = "genre_decade", f"{block}|{target['release_decade']}"
        mine, expected = found[scope, block, case["target"]], case["expected_neighbors"]
        assert [neighbor for neighbor, _ in mine] == [neighbor["id"] for neighbor in expected], case["name"]
        assert [s for _, s in mine] == pytest.approx([neighbor["score"] for neighbor in expected], abs=1e-3)


def test_toy_table(spark: Any) -> None:
    frame = spark.createDataFrame(
        [(t["id"], t["vector"], [t["genre_rosamerica"]], t["release_decade"]) for t in TOY["tracks"]],
        "track_id string, vector array<float>, genres array<string>, decade bigint",
    )
    found = as_dict(search(frame, scopes=["genre_decade"], top_n=2))

    assert ids(found) == {
        ("genre_decade", f"{line['genre']}|{line['decade']}", line["target"]): "".join(
            n["id"] for n in line["neighbors"]
        )
        for line in TOY["full_table_rosamerica_decade_n2"]
    }


def test_all_four_in_one_genre(spark: Any) -> None:
    frame = spark.createDataFrame(
        [(t["id"], t["vector"], "x") for t in TOY["tracks"]], "track_id string, vector array<double>, genre string"
    )
    lists = search(frame, top_n=3)

    assert ids(as_dict(lists)) == {("genre", "x", "A"): "BCD", ("genre", "x", "B"): "ACD", ("genre", "x", "C"): "BAD",
                                   ("genre", "x", "D"): "ABC"}  # fmt: skip
    assert lists.dtypes == [
        ("scope", "string"),
        ("block", "string"),
        ("track_id", "string"),
        ("neighbors", "array<struct<neighbor_id:string,similarity:double>>"),
        ("inherited", "boolean"),
        ("method", "string"),
        ("run_id", "string"),
        ("model_version", "string"),
        ("compared", "bigint"),
    ]
    first = lists.first()
    assert (first.inherited, first.method, first.run_id, len(first.model_version)) == (False, "exact", "run-1", 16)


def test_three_recordings_with_one_three_and_five_submissions(spark: Any) -> None:
    data = [("a1", "a", [1.0, 0.0, 0.0])]
    data += [(f"b{i}", "b", [0.9, 0.1 * i, 0.0]) for i in (3, 1, 2)]
    data += [(f"c{i}", "c", [0.0, 0.1 * i, 1.0]) for i in (5, 4, 1, 3, 2)]
    frame = spark.createDataFrame([(track, key, ["roc"], 1990, True, vector) for track, key, vector in data], SCHEMA)
    lists = search(frame, scopes=["genre"])
    found = as_dict(lists)

    expected = {("genre", "roc", "a1"): "b1c1"}
    expected |= {("genre", "roc", f"b{i}"): "a1c1" for i in (1, 2, 3)}
    expected |= {("genre", "roc", f"c{i}"): "b1a1" for i in (1, 2, 3, 4, 5)}
    assert ids(found) == expected
    assert {row.track_id for row in lists.where("inherited").collect()} == {"b2", "b3", "c2", "c3", "c4", "c5"}
    assert found["genre", "roc", "b3"] == found["genre", "roc", "b1"]


def test_the_representative_is_chosen_in_each_block(spark: Any) -> None:
    # Recording k: k1 is of another genre and decade than k2 and k3, so k2 stands for it in roc.
    frame = spark.createDataFrame(
        [
            ("k1", "k", ["pop"], 1980, True, [1.0, 0.0]),
            ("k2", "k", ["roc"], 1990, True, [1.0, 0.1]),
            ("k3", "k", ["roc"], 2000, True, [1.0, 0.2]),
            ("x", "x", ["pop", "roc"], 2000, True, [0.0, 1.0]),
            ("k0", "k", ["roc"], 2000, False, [1.0, 0.3]),
        ],
        SCHEMA,
    )
    assert ids(as_dict(search(frame))) == {
        ("genre", "pop", "k1"): "x",
        ("genre", "pop", "x"): "k1",
        ("genre", "roc", "k2"): "x",
        ("genre", "roc", "k3"): "x",
        ("genre", "roc", "x"): "k2",
        ("genre_decade", "pop|1980", "k1"): "",
        ("genre_decade", "pop|2000", "x"): "",
        ("genre_decade", "roc|1990", "k2"): "",
        ("genre_decade", "roc|2000", "k3"): "x",
        ("genre_decade", "roc|2000", "x"): "k3",
    }


def test_twelve_identical_vectors_in_byte_order(spark: Any) -> None:
    # Byte order of UTF-8: capitals, small letters, then what needs more bytes; U+FFFD before U+1D11E, unlike in UTF-16.
    names = ["A", "B", "Z", "a", "b", "z", "~", "é", "ß", "�", "\U0001d11e", "aa"]
    in_order = sorted(names, key=lambda name: name.encode())
    frame = spark.createDataFrame(
        [(n, [0.3, -0.2], "g") for n in names], "track_id string, vector array<double>, genre string"
    )

    found = as_dict(search(frame, top_n=10))

    for name in names:
        others = [other for other in in_order if other != name][:10]
        assert found["genre", "g", name] == [(other, 1.0) for other in others]


def test_blocks_of_one_two_five_and_eleven(spark: Any) -> None:
    data = [row for size in (1, 2, 5, 11) for row in rows(size, f"b{size}-", f"g{size}")]
    lengths: dict[str, set[int]] = {}
    for (_, block, _), neighbors in as_dict(search(spark.createDataFrame(data, SCHEMA), ["genre"], top_n=10)).items():
        lengths.setdefault(block, set()).add(len(neighbors))

    assert lengths == {"g1": {0}, "g2": {1}, "g5": {4}, "g11": {10}}


def brute_force(data: list[tuple], top_n: int) -> dict:
    """Lists of one block by float64 cosines. Valid where no two of them are closer than the lattice can tell."""
    units = np.array([row[-1] for row in data])
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    cosines = units @ units.T
    np.fill_diagonal(cosines, -2)
    return {
        row[0]: [data[j][0] for j in np.argsort(-line, kind="stable")[:top_n]]
        for row, line in zip(data, cosines, strict=True)
    }


def test_lists_against_float64(spark: Any) -> None:
    data = rows(60)
    found = as_dict(search(spark.createDataFrame(data, SCHEMA), ["genre"], top_n=7))
    expected = brute_force(data, 7)

    agreeing = [[n for n, _ in found["genre", "roc", track]] == expected[track] for track in expected]
    # A coarse lattice may swap near ties; with 60 spread points that is rare.
    assert sum(agreeing) >= 57


def test_nothing_depends_on_partitions_batches_or_order(spark: Any) -> None:
    data = [row for size in (1, 40, 333) for row in rows(size, f"b{size}-", f"g{size % 7}")]
    data += [(row[0] + "+", row[0], ["g4", "g1"], 1990, True, row[-1]) for row in data[5:25]]
    random = np.random.default_rng(8)
    hashes, versions = set(), set()
    # (tasks, partitions of the input, rows of an Arrow batch, adaptive execution)
    for tasks, parts, batch, adaptive in [(1, 1, 10_000, True), (2, 5, 7, False), (13, 3, 64, True)]:
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", batch)
        spark.conf.set("spark.sql.adaptive.enabled", str(adaptive).lower())
        try:
            shuffled = [data[i] for i in random.permutation(len(data))]
            lists = search(spark.createDataFrame(shuffled, SCHEMA).repartition(parts), top_n=12, tasks=tasks)
            collected = sorted(lists.collect(), key=lambda row: (row.scope, row.block, row.track_id))
        finally:
            spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
            spark.conf.unset("spark.sql.adaptive.enabled")
        hashes.add(hashlib.sha256(repr(collected).encode()).hexdigest())
        versions.update(row.model_version for row in collected)
        # 374 tracks of their own; 20 twins in two genres; two scopes.
        assert len(collected) == 2 * (374 + 2 * 20)
    assert (len(hashes), len(versions)) == (1, 1)


def test_a_track_of_several_genres_is_in_each(spark: Any) -> None:
    frame = spark.createDataFrame(
        [
            ("a", None, ["pop", "roc", "pop"], 1990, True, [1.0, 0.0]),
            ("b", None, ["pop"], 1990, True, [1.0, 0.1]),
            ("c", None, ["roc"], 1990, True, [1.0, 0.2]),
        ],
        SCHEMA,
    )
    found = ids(as_dict(search(frame, ["genre"])))

    assert found == {
        ("genre", "pop", "a"): "b",
        ("genre", "pop", "b"): "a",
        ("genre", "roc", "a"): "c",
        ("genre", "roc", "c"): "a",
    }


def test_counters_and_models(spark: Any) -> None:
    twin = ("t0000+", "t0000", ["roc"], None, True, [1.0, 2.0, 3.0, 4.0])
    data = [*rows(4), twin, *rows(1, "p", "pop")]
    frame = spark.createDataFrame(data, SCHEMA)
    whole = representatives(with_lattice(tracks_from_vectors(frame), 4), SCOPES, True)
    lists = search(frame, top_n=2)
    blocks = with_methods(blocks_of(whole), "exact", 0)

    counted = {(row.scope, row.block): (*row[2:4], *row[5:]) for row in block_counts(blocks, lists, 2).collect()}
    counters = {row.counter: row.value for row in list_counters(block_counts(blocks, lists, 2), SCOPES).collect()}
    # rows, members, listed, inherited, short_lists, pairs
    assert counted == {
        ("genre", "roc"): (4, 5, 4, 1, 0, 12),
        ("genre", "pop"): (1, 1, 1, 0, 0, 0),
        ("genre_decade", "roc|1990"): (4, 4, 4, 0, 0, 12),
        ("genre_decade", "pop|1990"): (1, 1, 1, 0, 0, 0),
    }
    assert counters == {
        "genre.inherited": 1, "genre.short_lists": 0, "genre.pairs": 12,
        "genre_decade.inherited": 0, "genre_decade.short_lists": 0, "genre_decade.pairs": 12,
    }  # fmt: skip

    decided = {"top_n": "2"}
    models = neighbor_models(blocks, fitted_models(whole, blocks, 2022, decided, 2), "mine", 4, decided)
    assert sorted(tuple(row)[1:3] for row in models.collect()) == sorted(counted)
    model = models.first()
    assert model.asDict() | {"scope": "", "block": ""} == {
        "name": "mine", "scope": "", "block": "", "model_version": lists.first().model_version, "family": "exact",
        "lattice_scale": 2880, "dimensions": 4, "parameters": {"top_n": "2"}, "centers": [],
    }  # fmt: skip
    assert [kind for _, kind in models.dtypes] == [
        "string", "string", "string", "string", "string", "int", "int", "map<string,string>", "array<binary>",
    ]  # fmt: skip


def test_short_lists_are_those_shorter_than_the_block_allows(spark: Any) -> None:
    lists = spark.createDataFrame(
        [
            ("genre", "roc", "a", ["b", "c"], False, 2),
            ("genre", "roc", "b", ["a"], False, 1),
            ("genre", "roc", "c", [], True, 0),
        ],
        "scope string, block string, track_id string, neighbors array<string>, inherited boolean, compared bigint",
    )
    blocks = spark.createDataFrame(
        [("genre", "roc", 3, 3), ("genre", "pop", 1, 1)], "scope string, block string, rows bigint, members bigint"
    )
    counted = {
        row.block: (row.listed, row.inherited, row.short_lists, row.pairs)
        for row in block_counts(blocks, lists, 10).collect()
    }

    assert counted == {"roc": (2, 1, 1, 3), "pop": (0, 0, 0, 0)}


def test_the_least_a_table_needs(spark: Any) -> None:
    frame = spark.createDataFrame([("a", [1.0, 0.0]), ("b", [1.0, 1.0])], "track_id string, vector array<double>")

    tracks = tracks_from_vectors(frame)

    assert [tuple(row) for row in tracks.collect()] == [
        ("a", "a", [], None, True, [1.0, 0.0]), ("b", "b", [], None, True, [1.0, 1.0]),
    ]  # fmt: skip
    assert search(frame).collect() == []


def test_without_any_vector_there_is_nothing_to_list(spark: Any) -> None:
    frame = spark.createDataFrame([("a", None, ["roc"], 1990, True, None)], SCHEMA)

    assert dimensions_of(vector_profile(tracks_from_vectors(frame)).first()) == 0
    assert search(frame).collect() == []
    counters = eligibility_counters(with_lattice(tracks_from_vectors(frame), 0), ["genre"], True).collect()
    assert {row.counter: row.value for row in counters}["genre.no_vector"] == 1


def test_a_track_that_stands_twice_is_refused(spark: Any) -> None:
    frame = spark.createDataFrame([*rows(3), *rows(1, "t", "roc", seed=4)], SCHEMA)
    with pytest.raises(Exception, match="track t0000 stands twice in block roc of scope genre"):
        search(frame, ["genre"]).collect()
