"""Certificates of lists as they are, and of lists that someone has spoiled: staged ones and published ones."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from soundalike.contracts.tables import CERTIFICATES
from soundalike.numeric.cells import KmeansOverlap
from soundalike.numeric.lattice import similarity
from soundalike.stages import eligibility
from soundalike.stages.certificates import Certificate, certificates, judged, published_lists, staged_lists
from soundalike.stages.ids import Ids
from soundalike.stages.models import searched_blocks, with_families
from soundalike.stages.neighbors import Counts, counts_of, counts_of_published, heirs_of
from soundalike.stages.samples import sampled_rows
from soundalike.stages.tasks import Search, partial_lists, search_of
from soundalike.stages.truth import answered, questions

pytestmark = pytest.mark.spark

TOP_N = 5
SPOILED = [f"s{i}" for i in range(11)]
STAGED = (
    "block int, id binary, copies int, ids binary, sizes binary, distances binary, owed int, compared bigint"
)  # fmt: skip
# Per block and track: its neighbors and their D.
Lists = dict[tuple[str, str], list[tuple[str, int]]]


@dataclass
class Found:
    places: Any
    inheriting: Any
    representatives: Any
    families: Any
    search: Search
    lists: Lists


@pytest.fixture(scope="module")
def found(spark: Any) -> Found:
    """Lists, computed once.

    Blocks: `roc` of 80 recordings and two inherited lists, the same tracks in each of SPOILED, `pop` of 4, `cla` of 1.
    """
    vectors = np.random.default_rng(11).normal(size=(85, 6)).tolist()
    genres = [["roc", *SPOILED]] * 80 + [["pop"]] * 4 + [["cla"]]
    data = [(f"t{i:02}", f"t{i:02}", genres[i], vectors[i]) for i in range(85)]
    data += [("u0", "t00", genres[0], vectors[1]), ("u1", "t00", genres[0], vectors[2])]
    frame = spark.createDataFrame(
        data, "track_id string, recording_key string, genres array<string>, vector array<double>"
    )

    def kept(rows: Any) -> Any:
        return spark.createDataFrame(rows.collect(), rows.schema)

    tracks = eligibility.searched_tracks(eligibility.tracks_from_vectors(frame), 6, (), "coarse", None)
    places = kept(eligibility.places(tracks, ["genre"], True))
    inheriting = kept(eligibility.inheriting(places))
    representatives = kept(eligibility.representatives(places, inheriting))
    families = kept(with_families(eligibility.rows_of_blocks(representatives), "exact", 0))
    search = search_of(searched_blocks(families.collect(), [], 7), Ids(False), TOP_N, "coarse", 1)
    lists: Lists = {}
    for row in partial_lists(representatives, search).collect():
        ends = np.cumsum([0, *np.frombuffer(row.sizes, dtype="<i4")]).tolist()
        names = [bytes(row.ids[start:stop]).decode() for start, stop in pairwise(ends)]
        far = np.frombuffer(row.distances, dtype="<i4").tolist()
        lists[search.blocks[row.block].name, bytes(row.id).decode()] = list(zip(names, far, strict=True))
    return Found(places, inheriting, representatives, families, search, lists)


def staged_of(spark: Any, found: Found, lists: Lists) -> Any:
    """Rows of `contracts.staging`."""
    number = {block.name: i for i, block in enumerate(found.search.blocks)}
    rows = [
        (number[block], track.encode(), 1, "".join(name for name, _ in near).encode(),
         np.array([len(name.encode()) for name, _ in near], dtype="<i4").tobytes(),
         np.array([far for _, far in near], dtype="<i4").tobytes(),
         min(TOP_N, found.search.blocks[number[block]].rows - 1), found.search.blocks[number[block]].rows - 1)
        for (block, track), near in lists.items()
    ]  # fmt: skip
    return spark.createDataFrame(rows, STAGED)


def published_of(spark: Any, found: Found, lists: Lists) -> Any:
    """Rows of `gold/track_neighbors`, as far as they are read."""
    rows = [("genre", block, track, [(name, float(similarity(far))) for name, far in near], False)
            for (block, track), near in lists.items()]  # fmt: skip
    rows += [(row.scope, row.block, row.track_id, [], True) for row in found.inheriting.collect()]
    return spark.createDataFrame(
        rows,
        "scope string, block string, track_id string, "
        "neighbors array<struct<neighbor_id:string,similarity:double>>, inherited boolean",
    )


@pytest.fixture(scope="module")
def ask(found: Found) -> Callable[..., Any]:
    """The questions and their truth, computed once for each number of them."""
    known: dict[Any, Any] = {}

    def asked(judging: int = 1000, seed: int = 1) -> Any:
        if (judging, seed) not in known:
            mine = questions(
                sampled_rows(found.representatives, found.families, 50, judging, seed, 0, 2022), judging, 0
            )
            known[judging, seed] = mine, answered(found.representatives, mine, TOP_N, "coarse", 2)
        return known[judging, seed]

    return asked


def certified(
    found: Found, rows: Any, asked: Any, published: bool = False, search: Search | None = None, **changes: Any
) -> dict[str, Certificate]:
    search = search or found.search
    mine, truth = asked
    framed = rows.sparkSession.createDataFrame
    stored = published_lists(rows, mine, framed) if published else staged_lists(rows, mine, search, framed)
    verdicts = judged(stored, found.places, found.inheriting, mine, truth, search, framed)
    if published:
        counts = counts_of_published(rows, found.representatives, search)
    else:
        counts = counts_of(rows, search, found.inheriting)
    options: dict[str, Any] = {
        "run_id": "run-9", "name": "mine", "exact_max": 16384, "recall_floor": 0.98, "counts": counts,
    } | changes  # fmt: skip
    made = certificates(verdicts, search, heirs=heirs_of(found.inheriting), asked=mine, **options)
    return {block.name: certificate for block, certificate in zip(search.blocks, made, strict=True)}


def row_of(certificate: Certificate) -> dict[str, Any]:
    return dict(zip(CERTIFICATES.column_names, certificate.row, strict=True))


def test_lists_of_the_judging_questions_alone_are_brought(spark: Any, found: Found, ask: Callable[..., Any]) -> None:
    mine, _ = ask(7)
    wanted = sorted((*key, track) for key, asked in mine.items() for track in asked.ids.to_pylist())
    assert len(wanted) == 7 * (1 + len(SPOILED)) + 4 + 1
    framed = spark.createDataFrame
    for stored in (
        staged_lists(staged_of(spark, found, found.lists), mine, found.search, framed),
        published_lists(published_of(spark, found, found.lists), mine, framed),
    ):
        assert sorted((row.scope, row.block, row.track_id) for row in stored.collect()) == wanted


@pytest.mark.parametrize("published", [False, True])
def test_sound_lists_pass(spark: Any, found: Found, ask: Any, published: bool) -> None:
    rows = (published_of if published else staged_of)(spark, found, found.lists)
    made = certified(found, rows.repartition(3), ask(), published)

    assert sorted(made) == sorted(["cla", "pop", "roc", *SPOILED])
    roc = row_of(made["roc"])
    assert 0.9 < roc.pop("lattice_recall") <= 1
    assert 0 <= roc.pop("mean_similarity_loss") < 1e-4
    assert roc == {
        "run_id": "run-9", "name": "mine", "scope": "genre", "block": "roc", "rows": 80, "queries": 80,
        "family": "exact", "leaf": None, "e": None, "min": None, "max": None,
        "pairs_per_row": None if published else 79.0, "recall": 1.0, "recall_sd": 0.0, "n_effective": 80.0,
        "ci_low": 1.0, "ci_high": 1.0, "floor": 0.98, "passed": True, "worst_query": "t00", "short_lists": 0,
        "share_nth_above_0999": 0.0,
    }  # fmt: skip
    assert all(certificate.passed and certificate.defect is None for certificate in made.values())
    pop, alone = row_of(made["pop"]), row_of(made["cla"])
    assert (pop["rows"], pop["recall"], pop["ci_low"]) == (4, 1.0, 1.0)
    # A block of one has no recall.
    assert [alone[name] for name in ("rows", "recall", "ci_low", "worst_query")] == [1, None, None, None]


def test_sampled_blocks_meet_the_floor_or_fail(spark: Any, found: Found, ask: Any) -> None:
    rows = staged_of(spark, found, found.lists)
    # 30 queries, all right: Wilson's lower bound is 30 / (30 + 1.645^2) = .9172.
    made = certified(found, rows, ask(30), exact_max=79)
    roc = row_of(made["roc"])
    assert (roc["queries"], roc["recall"], roc["passed"]) == (30, 1.0, False)
    assert roc["ci_low"] == pytest.approx(0.917262, abs=1e-6)
    assert (made["roc"].defect, made["roc"].passed, made["pop"].passed, made["cla"].passed) == (None, False, True, True)
    assert certified(found, rows, ask(30), exact_max=80)["roc"].passed
    assert certified(found, rows, ask(30), exact_max=79, recall_floor=0.917)["roc"].passed

    # Whatever is not searched exactly must meet it, however few rows there are.
    stated = {"leaf": "40", "e": "7", "min": "1", "max": "3", "iterations": "8"}
    cells = KmeansOverlap(stated, np.zeros((1, 7), dtype=np.int16))
    blocks = tuple(replace(block, model=cells) for block in found.search.blocks)
    roc = row_of(certified(found, rows, ask(30), search=replace(found.search, blocks=blocks))["roc"])
    assert [roc[name] for name in ("family", "leaf", "e", "min", "max", "passed")] == [
        "kmeans_overlap",
        40,
        7,
        1,
        3,
        False,
    ]


def replaced(near: list[tuple[str, int]], position: int, name: str, far: int | None = None) -> list[tuple[str, int]]:
    return [*near[:position], (name, near[position][1] if far is None else far), *near[position + 1 :]]


# Track, what becomes of its list, defect.
FAULTS: list[tuple[str, Callable[[list[tuple[str, int]]], list[tuple[str, int]]], str]] = [
    ("t07", lambda near: near[:4], "searched exactly, but true neighbors are missing"),
    ("t07", lambda near: [(name, far + 1) for name, far in near], "a similarity differs from the recomputed one"),
    ("t07", lambda near: replaced(near, 0, "t07", 0), "the track itself is a neighbor"),
    ("t07", lambda near: replaced(near, 4, "t81"), "a neighbor is not in this block"),
    ("t07", lambda near: replaced(near, 4, "nobody"), "a neighbor is not in this block"),
    ("t07", lambda near: replaced(near, 4, "u1"), "a neighbor is not the representative of its recording"),
    ("t00", lambda near: replaced(near, 4, "u1"), "a track of the same recording is a neighbor"),
    ("t07", lambda near: near[::-1], "neighbors are not in the order of similarity, then id, each once"),
    ("t07", lambda near: [*near, near[4]], "more than 5 neighbors"),
]


def spoiled(found: Found) -> Lists:
    lists = {key: near for key, near in found.lists.items() if key not in (("s9", "t07"), ("cla", "t84"))}
    for block, (track, spoil, _) in zip(SPOILED, FAULTS, strict=False):
        lists[block, track] = spoil(lists[block, track])
    return lists


@pytest.mark.parametrize("published", [False, True])
def test_planted_defects_fail_their_block_and_name_the_track(
    spark: Any, found: Found, ask: Any, published: bool
) -> None:
    lists = spoiled(found)
    rows = (published_of if published else staged_of)(spark, found, lists)
    changes = {}
    if published:
        rows = rows.where("not (block = 's10' and track_id = 'u1')")
        bit = F.expr(
            "transform(neighbors, n -> named_struct('neighbor_id', n.neighbor_id, 'similarity', n.similarity - 1e-9D))"
        )
        rows = rows.withColumn(
            "neighbors", F.when(F.expr("block = 's1' and track_id = 't07'"), bit).otherwise(F.col("neighbors"))
        )
    else:
        counts = counts_of(rows, found.search, found.inheriting)
        at = [block.name for block in found.search.blocks].index("s10")
        changes["counts"] = [*counts[:at], Counts(80, 1, 0, 0), *counts[at + 1 :]]
    made = certified(found, rows, ask(), published, **changes)

    for block, (track, _, defect) in zip(SPOILED, FAULTS, strict=False):
        assert made[block].defect == f"{defect} (in 1 of 80 lists), first for track {track}"
    assert made["s9"].defect == "no list is stored (in 1 of 80 lists), first for track t07"
    assert made["s10"].defect == "80 own and 1 inherited lists are stored, expected 80 and 2"
    assert made["cla"].defect == "no list is stored (in 1 of 1 lists), first for track t84"
    assert {block for block in made if made[block].passed} == {"roc", "pop"}
    assert {block: row_of(made[block])["passed"] for block in made} == {block: made[block].passed for block in made}


def test_a_list_that_stands_twice_is_miscounted(spark: Any, found: Found, ask: Any) -> None:
    rows = staged_of(spark, found, found.lists)
    twice = rows.unionByName(rows.where("id = cast('t07' as binary)"))
    assert (
        certified(found, twice, ask(30))["roc"].defect == "81 own and 2 inherited lists are stored, expected 80 and 2"
    )


def test_dropped_results_of_many_tracks_fail(spark: Any, found: Found, ask: Any) -> None:
    # What an engine does that loses a part of the block: every list without the neighbors t00 to t39.
    lists = {key: [(name, far) for name, far in near if name >= "t40"] for key, near in found.lists.items()}
    for make, published in ((staged_of, False), (published_of, True)):
        made = certified(found, make(spark, found, lists), ask(20), published)["roc"]
        row = row_of(made)
        assert made.defect is not None
        assert made.defect.startswith("searched exactly, but true neighbors are missing (in ")
        assert 0.3 < row["recall"] < 0.7 and row["recall_sd"] > 0 and not row["passed"]
        assert row["ci_low"] < row["recall"] < row["ci_high"]
        assert row["short_lists"] > 70


def test_only_the_judging_questions_are_looked_at(spark: Any, found: Found, ask: Any) -> None:
    asked = ask(10, 7)
    mine = asked[0]["genre", "roc"]
    names = mine.ids.filter(pa.array(mine.judging)).to_pylist()
    assert len(names) == 10
    cut = {key: near if key[1] in names else near[:4] for key, near in found.lists.items()}
    assert row_of(certified(found, staged_of(spark, found, cut), asked)["roc"])["recall"] == 1.0

    # Questions that tune are none of the certificate's, wherever they stand.
    judging = mine.judging & (np.arange(10) != 3)
    fewer = {key: replace(one, judging=judging) if key == ("genre", "roc") else one for key, one in asked[0].items()}
    cut = {key: near[:4] if key[1] == names[3] else near for key, near in cut.items()}
    row = row_of(certified(found, staged_of(spark, found, cut), (fewer, asked[1]))["roc"])
    assert (row["recall"], row["queries"]) == (1.0, 9)
    row = row_of(certified(found, staged_of(spark, found, cut), asked)["roc"])
    assert (row["recall"], row["worst_query"]) == (0.98, names[3])
