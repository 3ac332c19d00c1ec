"""The job `certify`: it finds what is wrong with published lists, and changes nothing but the certificates."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

pytestmark = pytest.mark.spark

CERTIFICATES = "operations/neighbor_certificates"
# Of blocks of 260 and 140 rows. roc is searched by cells.
SETTINGS = {
    "scopes": "genre,global",
    "exact_max": 200,
    "cells_leaf": 20,
    "cells_e": 8,
    "cells_max": 3,
    "recall_floor": 0.5,
}
UNPUBLISHED = "the published lists are as they were"


@pytest.fixture(scope="module")
def good(search: Any, write_table: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of lists as the job neighbors made them."""
    root = tmp_path_factory.mktemp("good")
    random = np.random.default_rng(3)
    vectors = random.normal(size=(12, 8))[random.integers(0, 12, 400)] + 0.5 * random.normal(size=(400, 8))
    ids = [f"t{row:05}" for row in range(400)]
    columns = {"track_id": ids, "genre": ["roc"] * 260 + ["pop"] * 140, "vector": vectors.tolist(),
               "recording_key": ["t00000", "t00000", *ids[2:]]}  # fmt: skip
    write_table(root / "own", columns)
    assert search(root, **SETTINGS) == 0
    return root


@pytest.fixture
def root(good: Path, tmp_path: Path) -> Path:
    """A copy of `good`, so that each test has its own; vectors stay where the lists were made from."""
    for folder in ("gold", "operations"):
        shutil.copytree(good / folder, tmp_path / folder)
    return tmp_path


def versions(root: Path) -> dict[str, int]:
    found = {}
    for log in root.rglob("_delta_log"):
        if log.parent.parent.name == "gold":
            found[log.parent.name] = DeltaTable(str(log.parent)).version()
    return found


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.strip().splitlines()[-1]


def tamper(root: Path, track: str, change: Callable[[list[dict[str, Any]]], Any]) -> None:
    """Rewrites the list of one track in scope genre."""
    table = DeltaTable(str(root / "gold/track_neighbors"))
    rows = table.to_pyarrow_table()
    lines = rows.to_pylist()
    (line,) = (line for line in lines if (line["scope"], line["track_id"]) == ("genre", track))
    line["neighbors"] = change(line["neighbors"])
    write_deltalake(table, pa.Table.from_pylist(lines, schema=rows.schema), mode="overwrite")


def test_good_lists_pass_and_nothing_else_changes(
    good: Path, audit: Any, published: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before, made = versions(good), published(good, CERTIFICATES)
    assert audit(good, **SETTINGS) == 0
    found = published(good, CERTIFICATES)

    assert versions(good) == before and not list((good / "_staging").rglob("*.parquet"))
    added = [row for row in found if row not in made]
    assert len(made) == len(added) == 3 and len(found) == 6
    assert {row["run_id"] for row in added}.isdisjoint({row["run_id"] for row in made})
    # The same questions to the same lists: what differs is the run, and that nobody knows what was compared.
    unknown = {"run_id": "", "pairs_per_row": None}
    key = lambda row: (row["scope"], row["block"])  # noqa: E731
    assert sorted((row | unknown for row in added), key=key) == sorted((row | unknown for row in made), key=key)
    assert {row["block"]: row["family"] for row in added} == {
        "roc": "kmeans_overlap",
        "*": "kmeans_overlap",
        "pop": "exact",
    }
    stages = published(good, "operations/runs", run_id=added[0]["run_id"])
    assert [(row["job"], row["stage"], row["status"], row["rows_out"]) for row in stages] == [
        ("certify", "certify", "done", 3)
    ]


def swapped(mine: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [mine[1], mine[0], *mine[2:]]


def nudged(mine: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [mine[0] | {"similarity": float(np.nextafter(mine[0]["similarity"], 0))}, *mine[1:]]


@pytest.mark.parametrize(
    ("track", "change", "defect"),
    [
        ("t00300", swapped, "block pop of scope genre is not good enough: neighbors are not in the order of similarity, then id, each once (in 1 of 140 lists), first for track t00300"),
        ("t00017", nudged, "block roc of scope genre is not good enough: a similarity differs from the recomputed one (in 1 of 259 lists), first for track t00017"),
        ("t00301", lambda mine: mine[1:], "block pop of scope genre is not good enough: searched exactly, but true neighbors are missing (in 1 of 140 lists), first for track t00301"),
    ],
    ids=["order", "similarity", "neighbor"],
)  # fmt: skip
def test_a_tampered_list_is_found(
    root: Path,
    good: Path,
    audit: Any,
    published: Any,
    capsys: pytest.CaptureFixture[str],
    track: str,
    change: Any,
    defect: str,
) -> None:
    tamper(root, track, change)
    before = versions(root)
    assert audit(root, vectors=good / "own", **SETTINGS) == 1

    assert said(capsys) == f"certify: {defect}; 1 of 3 blocks failed, {UNPUBLISHED}"
    assert versions(root) == before
    own = {row["run_id"] for row in published(root, "operations/runs", job="certify", status="failed")}
    judged = [row for row in published(root, CERTIFICATES) if row["run_id"] in own]
    assert [row["block"] for row in judged if not row["passed"]] == [defect.split()[1]] and len(judged) == 3


def test_a_floor_above_what_is_reached(root: Path, good: Path, audit: Any, capsys: pytest.CaptureFixture[str]) -> None:
    before = versions(root)
    # The whole block is asked, so that recall is no estimate, yet it is below 1.
    assert audit(root, vectors=good / "own", **(SETTINGS | {"recall_floor": 1})) == 1
    message = said(capsys)
    assert message.startswith("certify: block roc of scope genre is not good enough: kmeans_overlap reaches recall 0.")
    assert f"below the floor 1.0; 2 of 3 blocks failed, {UNPUBLISHED}; search it exactly" in message
    assert versions(root) == before


def test_other_vectors_than_the_lists_were_made_from(
    root: Path, good: Path, audit: Any, write_table: Any, published: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(good / "own", tmp := root / "kept")
    extra = good / "own" / "part-9.parquet"
    extra.write_bytes((tmp / "part-0.parquet").read_bytes())
    try:
        assert audit(root, vectors=good / "own", **SETTINGS) == 1
    finally:
        extra.unlink()
    message = said(capsys)
    assert message.startswith(f"certify: {good / 'own'} is another table than the one the lists were made from (")
    assert message.endswith("); restore it or run the job neighbors again")
    assert {row["run_id"] for row in published(root, CERTIFICATES)} == {
        row["run_id"] for row in published(good, CERTIFICATES)
    }


def test_scopes_that_were_made_in_other_ways_are_judged_each_by_its_own(
    root: Path, good: Path, search: Any, audit: Any, write_table: Any, published: Any
) -> None:
    write_table(root / "catalog", {"track_id": [f"t{row:05}" for row in range(0, 400, 2)]})
    other = {"scopes": "global", "candidates": root / "catalog", "top_n": 7, "precision": "fine", "family": "exact"}
    assert search(root, vectors=good / "own", **other) == 0
    before = published(root, CERTIFICATES)
    assert audit(root, vectors=good / "own", recall_floor=0.5) == 0

    judged = {row["block"]: row for row in published(root, CERTIFICATES) if row not in before}
    assert {block: (row["family"], row["passed"]) for block, row in judged.items()} == {
        "roc": ("kmeans_overlap", True), "pop": ("exact", True), "*": ("exact", True),
    }  # fmt: skip


def test_lists_of_nobody(audit: Any, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(tmp_path, vectors=good / "own") == 1
    assert said(capsys) == (
        f"certify: table gold/track_neighbors is missing at file:{tmp_path}/gold/track_neighbors; run the job that writes it"
    )
