"""The job `neighbors` end to end on one set, as a person runs it, measured by everything it leaves behind."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.dumps import rows_of, run_job
from benchmarks.knn_vectors import SIZES
from benchmarks.measure import Failed
from benchmarks.neighbors import events
from benchmarks.neighbors.content import table_hash
from benchmarks.neighbors.recall import judged_blocks
from benchmarks.neighbors.vectors import Drawn

MASTER = "local[2,4]"
DEFAULTS = {"neighbors.scopes": "genre"}
GROUPS = ",".join(map(str, SIZES))
# Settings for 71 class probabilities alone.
OF_PROBABILITIES = {"neighbors.probability_groups": GROUPS}
# Full truth up to here, genres of 300,000 rows: these pairs take two minutes in float64.
MOST_PAIRS = 2e10
SOME_QUERIES = 2_000

_OF_BLOCK = (
    "block", "rows", "family", "leaf", "e", "min", "max", "recall", "ci_low", "pairs_per_row", "short_lists",
    "lattice_recall", "passed",
)  # fmt: skip


def settings_of(profile: str, columns: int, top_n: int, floor: float, given: Sequence[str]) -> dict[str, str]:
    """The settings of a run; those given, `key=value`, win."""
    asked = DEFAULTS | {"neighbors.top_n": str(top_n), "neighbors.recall_floor": str(floor)}
    if profile == "wide" and columns == sum(SIZES):
        asked |= OF_PROBABILITIES
    return asked | dict(setting.split("=", 1) for setting in given)


def run(
    scratch: Path,
    vectors: Path,
    settings: Mapping[str, str],
    target: str = "local",
    master: str = MASTER,
    conf: Sequence[str] = (),
    with_log: bool = True,
) -> dict[str, Any]:
    """Runs the job on the files of `vectors` with tables below `scratch`, which are left for the judge.

    `with_log`: have Spark write what `events` reads, which costs it a second or two. A job that fails, as when a block
    is below the floor, gives `failed` and the certificates it wrote. One scope is looked at, the first.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    root, log = scratch / "tables", scratch / "events"
    log.mkdir(parents=True)
    logged = {"enabled": "true", "dir": f"file:{log}", "compress": "false", "rolling.enabled": "false"}
    options = [*(f"spark.eventLog.{name}={value}" for name, value in logged.items() if with_log), *conf]
    stated = [f"{name}={value}" for name, value in ({"neighbors.vectors": str(vectors)} | dict(settings)).items()]
    found: dict[str, Any] = {"settings": dict(settings)}
    try:
        cost = run_job("neighbors", root, *stated, target=target, master=master, conf=options)
    except Failed as error:
        return found | {"failed": str(error), "blocks": _blocks(root, scope_of(settings))}
    ran = sorted(rows_of(root, "operations/runs"), key=lambda row: row["started_at"])
    digest, lists = table_hash(root / "gold/track_neighbors")
    blocks = _blocks(root, scope_of(settings))
    rows = sum(block["rows"] for block in blocks)
    spark: dict[str, Any] = {}
    if with_log:
        with next(log.iterdir()).open(encoding="utf-8") as lines:
            spark = events.figures(events.read_stages(lines), ran, rows)
    pairs = sum(block["pairs_per_row"] * block["rows"] for block in blocks)
    if spark.get("kernel"):
        spark["kernel"] |= {
            "ns_per_compared_pair": spark["kernel"]["total_s"] / pairs * 1e9,
            "share_of_cpu": spark["kernel"]["total_s"] / cost.cpu,
        }
    return found | {
        **cost.figures(), "stage_s": {row["stage"]: row["seconds"] for row in ran}, "rows": rows, "lists": lists,
        "pairs_per_row": pairs / rows, "lowest_ci": min(b["ci_low"] for b in blocks if b["recall"] is not None),
        "content_hash": digest, "spark": spark, "blocks": blocks,
    }  # fmt: skip


def scope_of(settings: Mapping[str, str]) -> str:
    return settings["neighbors.scopes"].split(",")[0].strip()


def judge(scratch: Path, drawn: Drawn, scope: str, top_n: int, truth: str) -> dict[str, Any]:
    """The own truth beside the certificates of the run below `scratch`; `truth`: full, auto, or queries of a block."""
    pairs = sum(len(inside) ** 2 for inside in drawn.blocks(scope).values())
    queries = {"full": 0, "auto": 0 if pairs <= MOST_PAIRS else SOME_QUERIES}
    asked = queries[truth] if truth in queries else int(truth)
    lines = judged_blocks(scratch / "tables", drawn, scope, top_n, asked)
    weights = [line["rows"] for line in lines]
    covered = [line["coverage"] for line in lines if line["coverage"] is not None and line["recall"] < 1]
    return {
        "recall": _mean([line["recall"] for line in lines], weights),
        "recall_float": _mean([line["recall_float"] for line in lines], weights),
        "largest_deviation": max(line["deviation"] for line in lines),
        "mean_coverage": sum(covered) / len(covered) if covered else None, "blocks": lines,
    }  # fmt: skip


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)


def _blocks(root: Path, scope: str) -> list[dict[str, Any]]:
    if not (root / "operations/neighbor_certificates").is_dir():
        return []
    certificates = sorted(rows_of(root, "operations/neighbor_certificates"), key=lambda row: -row["rows"])
    return [{name: row[name] for name in _OF_BLOCK} for row in certificates if row["scope"] == scope]
