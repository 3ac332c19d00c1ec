"""The figures of `python -m benchmarks.neighbors` as rows of one table: what, figure, beside it."""

from collections.abc import Iterator
from typing import Any

from benchmarks.neighbors.curves import TARGETS
from benchmarks.table import Row, machine_rows


def rows(results: dict[str, Any]) -> Iterator[Row]:
    yield from machine_rows(results["machine"])
    for run in results["runs"]:
        yield from _run(run)
    if "search" in results:
        yield from _search(results["search"])
    if "labels" in results:
        yield from _labels(results["labels"])


def _run(run: dict[str, Any]) -> Iterator[Row]:
    title = f"{run['variant']} {run['asked_rows']:,}, {run['profile']}, N = {run['top_n']}"
    if "failed" in run:
        yield title, "failed", run["failed"].splitlines()[-1]
        return
    cpu = ", ".join(f"{name} {seconds:.0f}" for name, seconds in run["cpu_s_of"].items())
    yield title, f"{run['wall_s']:,.1f} s", f"CPU {run['cpu_s']:,.0f} s ({run['cpu_from']}; sampled: {cpu})"
    stages = ", ".join(f"{name.removeprefix('neighbors.')} {s:.1f}" for name, s in run["stage_s"].items())
    yield (
        "  memory",
        f"{run['peak_pss_mb']:,.0f} MB",
        f"all processes; largest worker {run['worker_peak_rss_mb']:,.0f} MB",
    )
    yield "  stages, s", "", stages
    if spark := run["spark"]:
        beside = (
            f"written; read {spark['shuffle_read_per_row']:,.0f}; spilled {spark['spilled_disk_bytes'] / 1e6:,.0f} MB"
        )
        yield "  shuffle, bytes a row", f"{spark['shuffle_written_per_row']:,.0f}", beside
    if kernel := spark.get("kernel"):
        beside = (
            f"slowest / median of {kernel['tasks']} tasks; {kernel['total_s']:,.1f} task-s, "
            f"{kernel['share_of_cpu']:.0%} of the CPU; {kernel['ns_per_compared_pair']:.2f} ns a compared pair"
        )
        yield "  kernel", f"{kernel['slowest_to_median']}", beside
    yield "  certified, lowest bound", f"{run['lowest_ci']:.4f}", f"{run['pairs_per_row']:,.0f} compared a row"
    if judged := run.get("judged"):
        covered = judged["mean_coverage"]
        beside = f"float64 {judged['recall_float']:.4f}; certificate off by {judged['largest_deviation']:.4f} at most"
        yield (
            "  own truth",
            f"recall {judged['recall']:.4f}",
            beside + (f"; bound held in {covered:.1%}" if covered is not None else ""),
        )
    yield "  content", run["content_hash"][:16], f"{run['lists']:,} lists"


def _search(found: dict[str, Any]) -> Iterator[Row]:
    targets = " / ".join(f"{target:.2f}" for target in TARGETS)
    yield f"search alone, N = {found['N']}", "CPU us a row", f"at recall {targets}; times the product's"
    for line in found["compared"]:
        costs = " / ".join(_number(cost, "{:.1f}") for cost in line["cpu_us_per_row"].values())
        ratios = " / ".join(_number(ratio, "{:.2f}") for ratio in line["times_the_product"].values())
        yield f"  {line['block']} {line['rows']:,}, {line['system']}", costs, ratios


def _labels(found: dict[str, Any]) -> Iterator[Row]:
    cells, copies = found["cells"], found["copies"]["hyperplane"]
    beside = (
        f"hyperplanes {_number(copies, '{:.0f}')} copies at recall {found['recall']} and no more rows compared than by "
        f"cells, which need {cells['copies']:.2f} copies, {cells['compared']:,.0f} compared"
    )
    yield f"labels, {found['rows']:,} rows", _number(found["ratio"], "{:.1f} x"), beside


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
