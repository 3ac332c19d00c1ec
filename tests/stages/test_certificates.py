"""Certificates of lists as they are, and of lists that someone has spoiled."""

from typing import Any

import numpy as np
import pytest
from pyspark.sql import functions as F

from soundalike.stages import shortlists
from soundalike.stages.certificates import certificates
from soundalike.stages.eligibility import blocks_of, representatives, tracks_from_vectors, with_lattice
from soundalike.stages.models import fitted_models, neighbor_models, with_methods
from soundalike.stages.neighbors import answers_within_blocks, block_counts, neighbor_lists

pytestmark = pytest.mark.spark

TOP_N = 5
COLUMNS = [
    "run_id string", "name string", "scope string", "block string", "rows bigint", "queries bigint", "family string",
    "leaf bigint", "e bigint", "min bigint", "max bigint", "pairs_per_row double", "recall double", "recall_sd double",
    "n_effective double", "ci_low double", "ci_high double", "floor double", "passed boolean", "worst_query string",
    "lattice_recall double", "mean_similarity_loss double", "short_lists bigint", "share_nth_above_0999 double",
    "defect string",
]  # fmt: skip


SPOILED = [f"s{i}" for i in range(11)]


@pytest.fixture(scope="module")
def searched(spark: Any) -> Any:
    """Representatives and lists, computed once.

    Blocks: `roc` of 80 recordings and two inherited lists, the same tracks in each of SPOILED, `pop` of 4, `cla` of 1.
    """
    vectors = np.random.default_rng(11).normal(size=(85, 6)).tolist()
    genres = [["roc", *SPOILED]] * 80 + [["pop"]] * 4 + [["cla"]]
    data = [(f"t{i:02}", f"t{i:02}", genres[i], vectors[i]) for i in range(85)]
    data += [("u0", "t00", genres[0], vectors[1]), ("u1", "t00", genres[0], vectors[2])]
    frame = spark.createDataFrame(
        data, "track_id string, recording_key string, genres array<string>, vector array<double>"
    )
    found = representatives(with_lattice(tracks_from_vectors(frame), 6), ["genre"], True)
    blocks = with_methods(blocks_of(found), "exact", 0)
    models = neighbor_models(blocks, fitted_models(found, blocks, 2022, {}, 2), "mine", 6, {})
    lists = neighbor_lists(answers_within_blocks(found, TOP_N, 2), models, "run-1")
    return spark.createDataFrame(found.collect(), found.schema), spark.createDataFrame(lists.collect(), lists.schema)


def certified(searched: Any, lists: Any = None, **changes: Any) -> Any:
    found, own = searched
    lists = own if lists is None else lists
    options = {
        "run_id": "run-9", "name": "mine", "top_n": TOP_N, "cert_queries": 1000, "cert_seed": 1, "exact_max": 16384,
        "recall_floor": 0.98, "tasks": 2,
    }  # fmt: skip
    blocks = with_methods(blocks_of(found), "exact", 0)
    return certificates(found, lists, block_counts(blocks, lists, TOP_N), **(options | changes))


def by_block(rows: Any) -> dict[str, Any]:
    return {row.block: row for row in rows.collect()}


def test_sound_lists_pass(searched: Any) -> None:
    rows = certified(searched)
    found = by_block(rows)

    assert [f"{name} {kind}" for name, kind in rows.dtypes] == COLUMNS
    assert sorted(found) == sorted(["cla", "pop", "roc", *SPOILED])
    roc = found["roc"].asDict()
    assert 0.9 < roc.pop("lattice_recall") <= 1
    assert 0 <= roc.pop("mean_similarity_loss") < 1e-4
    assert roc == {
        "run_id": "run-9", "name": "mine", "scope": "genre", "block": "roc", "rows": 80, "queries": 80,
        "family": "exact", "leaf": None, "e": None, "min": None, "max": None, "pairs_per_row": 79.0, "recall": 1.0,
        "recall_sd": 0.0, "n_effective": 80.0, "ci_low": 1.0, "ci_high": 1.0, "floor": 0.98, "passed": True,
        "worst_query": "t00", "short_lists": 0, "share_nth_above_0999": 0.0, "defect": None,
    }  # fmt: skip
    assert (found["pop"].rows, found["pop"].recall, found["pop"].passed) == (4, 1.0, True)
    alone = found["cla"]
    assert (alone.rows, alone.pairs_per_row, alone.recall, alone.ci_low, alone.passed) == (1, 0.0, None, None, True)


def test_sampled_blocks_above_exact_max_meet_the_floor_or_fail(searched: Any) -> None:
    # 30 queries, all right: Wilson's lower bound is 30 / (30 + 1.645^2) = .9172.
    found = by_block(certified(searched, cert_queries=30, exact_max=79))
    assert (found["roc"].queries, found["roc"].recall, found["roc"].passed) == (30, 1.0, False)
    assert found["roc"].ci_low == pytest.approx(0.917262, abs=1e-6)
    assert found["roc"].defect is None
    assert found["pop"].passed

    assert by_block(certified(searched, cert_queries=30, exact_max=80))["roc"].passed


def entry(position: int, neighbor: str, similarity: str = "n.similarity") -> str:
    """SQL: the list with one entry replaced."""
    new = f"named_struct('neighbor_id', '{neighbor}', 'similarity', {similarity})"
    return f"transform(neighbors, (n, i) -> if(i = {position}, {new}, n))"


# Track, SQL for its list, defect.
FAULTS = [
    ("t07", "slice(neighbors, 1, 4)", "searched exactly, but true neighbors are missing"),
    ("t07", "transform(neighbors, n -> named_struct('neighbor_id', n.neighbor_id, 'similarity', n.similarity - 1e-9D))",
     "a similarity differs from the recomputed one"),
    ("t07", entry(0, "t07", "1D"), "the track itself is a neighbor"),
    ("t07", entry(4, "t81"), "a neighbor is not in this block"),
    ("t07", entry(4, "nobody"), "a neighbor is not in this block"),
    ("t07", entry(4, "u1"), "a neighbor is not the representative of its recording"),
    ("t00", entry(4, "u1"), "a track of the same recording is a neighbor"),
    ("t07", "reverse(neighbors)", "neighbors are not in the order of similarity, then id, each once"),
    ("t07", "concat(neighbors, slice(neighbors, 5, 1))", "more than 5 neighbors"),
]  # fmt: skip


def test_planted_defects_fail_their_block_and_name_the_track(searched: Any) -> None:
    spoiled = searched[1].where(
        "not (block = 's9' and track_id = 't07' or block = 's10' and track_id = 'u1' or block = 'cla')"
    )
    for block, (track, expression, _) in zip(SPOILED, FAULTS, strict=False):
        wrong = f"if(block = '{block}' and track_id = '{track}', {expression}, neighbors)"
        spoiled = spoiled.withColumn("neighbors", F.expr(wrong))

    found = by_block(certified(searched, spoiled))

    for block, (track, _, defect) in zip(SPOILED, FAULTS, strict=False):
        assert found[block].defect == f"{defect} (in 1 of 80 lists), first for track {track}"
    assert found["s9"].defect == "no list is stored (in 1 of 80 lists), first for track t07"
    assert found["s10"].defect == "80 own and 1 inherited lists are stored, expected 80 and 2"
    assert found["cla"].defect == "no list is stored (in 1 of 1 lists), first for track t84"
    assert [block for block in found if found[block].passed] == [block for block in found if block in ("roc", "pop")]


def test_dropped_results_of_many_tracks_fail(searched: Any) -> None:
    # What an engine does that loses a part of the block: every list without the neighbors t00 to t39.
    spoiled = searched[1].withColumn("neighbors", F.expr("filter(neighbors, n -> n.neighbor_id >= 't40')"))

    found = by_block(certified(searched, spoiled, cert_queries=20))["roc"]

    assert found.defect.startswith("searched exactly, but true neighbors are missing (in ")
    assert 0.3 < found.recall < 0.7 and found.recall_sd > 0 and not found.passed
    assert found.ci_low < found.recall < found.ci_high
    assert found.short_lists > 70


def test_queries_are_the_smallest_keyed_hashes(spark: Any, searched: Any) -> None:
    # The lists of all but the ten queries are cut: a certificate of ten must not notice.
    order = (
        searched[0]
        .where("block = 'roc'")
        .selectExpr("track_id", "xxhash64(7L, track_id) hash")
        .orderBy("hash")
        .collect()
    )
    asked = [row.track_id for row in order[:10]]
    kept = F.when(F.col("track_id").isin(asked), F.col("neighbors"))
    cut = searched[1].withColumn("neighbors", kept.otherwise(F.expr("slice(neighbors, 1, 4)")))

    assert by_block(certified(searched, cut, cert_queries=10, cert_seed=7))["roc"].recall == 1.0
    one_more = by_block(certified(searched, cut, cert_queries=11, cert_seed=7))["roc"]
    assert one_more.recall < 1.0
    assert one_more.worst_query == order[10].track_id


def test_blocks_judged_in_parts_get_the_certificates_of_whole_ones(searched: Any) -> None:
    found, lists = searched
    spoiled = lists.where("not (block = 's9' and track_id = 't07')")
    for number, (track, expression, _) in enumerate(FAULTS):
        wrong = f"if(block = 's{number}' and track_id = '{track}', {expression}, neighbors)"
        spoiled = spoiled.withColumn("neighbors", F.expr(wrong))
    blocks = with_methods(blocks_of(found), "exact", 0)
    large = shortlists.large(blocks, TOP_N, 10)
    for stored, queries in ((lists, 3), (spoiled, 1000)):
        asked = shortlists.asked_of(found, large, queries, 1)
        questions = shortlists.questions_of(asked.collect())
        parts = found.repartition(5, "track_id")
        seen = shortlists.judged_rows(parts, large, asked, questions, stored, TOP_N, 2)
        counts = block_counts(blocks, stored, TOP_N)
        options = {
            "run_id": "run-9", "name": "mine", "top_n": TOP_N, "cert_queries": queries, "cert_seed": 1,
            "exact_max": 16384, "recall_floor": 0.98, "tasks": 2,
        }  # fmt: skip
        in_parts = certificates(seen, stored, counts, **options)
        assert by_block(in_parts) == by_block(certified(searched, stored, cert_queries=queries))
        assert seen.where("block = 'roc'").count() < 30 or queries > 3


def test_tasks_and_batches_change_nothing(spark: Any, searched: Any) -> None:
    def collected(tasks: int) -> list:
        return sorted(certified(searched, tasks=tasks, cert_queries=17).collect(), key=lambda row: row.block)

    expected = collected(1)
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 9)
    try:
        assert collected(5) == expected
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
