"""The figures of a benchmark as one table of three columns: what, figure, beside it."""

from collections.abc import Iterable, Iterator
from typing import Any

Row = tuple[str, str, str]


def table(results: dict[str, Any]) -> list[str]:
    """Lines for the screen."""
    return aligned(_rows(results))


def aligned(given: Iterable[Row]) -> list[str]:
    """Rows as lines of three columns, below a head."""
    rows = [("", "figure", "beside it"), *given]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return [f"{what:<{widths[0]}}  {figure:>{widths[1]}}  {beside}".rstrip() for what, figure, beside in rows]


def machine_rows(host: dict[str, Any]) -> Iterator[Row]:
    """`host`: of `measure.machine`."""
    yield "machine", f"{host['cores']} cores", f"{host['cpu']}; load {host['load_before']} before"
    versions = host["versions"]
    yield (
        "versions",
        f"Spark {versions['pyspark']}",
        ", ".join(f"{n} {v}" for n, v in versions.items() if n != "pyspark"),
    )


def _rows(results: dict[str, Any]) -> Iterator[Row]:
    yield from machine_rows(results["machine"])
    sample = results.get("sample", {})
    if sample:
        beside = f"{sample['archives']} archives; {sample['entries']:,} entries in {sample['slices']} slices"
        yield "sample", f"{sample['documents']:,} documents", beside
    parts = {
        "pipeline": _pipeline, "ingest": _ingest, "slices": _slices, "large_slice": _large_slice,
        "neighbors": _neighbors,
    }  # fmt: skip
    for part, rows in parts.items():
        if "failed" in results.get(part, {}):
            yield part, "failed", results[part]["failed"].splitlines()[0]
        elif part in results:
            yield from rows(results[part])


def _cost(found: dict[str, Any]) -> str:
    return (
        f"CPU {found['cpu_s']:,.0f} s, all processes {found['peak_pss_mb']:,.0f} MB, "
        f"largest worker {found['worker_peak_rss_mb']:,.0f} MB"
    )


def _pipeline(found: dict[str, Any]) -> Iterator[Row]:
    yield "pipeline", f"{found['wall_s']:,.1f} s", _cost(found)
    for stage, seconds in found["stage_s"].items():
        rows = found["rows_out"][stage]
        yield f"  {stage}", f"{seconds:,.1f} s", "" if rows is None else f"{rows:,} rows"


def _ingest(found: dict[str, Any]) -> Iterator[Row]:
    per_s = found["documents_per_s_and_core"]
    plain = per_s["plain_reader"]
    yield "ingest, one core", f"{per_s['ingest']:,.0f} documents/s", f"{found['ratio_to_plain_reader']:.2f} x plain"
    cost = (
        f"{found['documents_per_cpu_s']['ingest_with_start']:,.0f} per CPU s; {_cost(found['ingest_acousticbrainz'])}"
    )
    yield "  with Java's start", f"{per_s['ingest_with_start']:,.0f} documents/s", cost
    beside = f"{found['ratio_with_recordings']:.2f} x plain"
    yield "  and recordings", f"{per_s['ingest_and_recordings']:,.0f} documents/s", beside
    yield "  its reader alone", f"{per_s['reader_alone']:,.0f} documents/s", f"{found['ratio_of_readers']:.2f} x plain"
    beside = f"{found['documents_per_cpu_s']['plain_reader']:,.0f} per CPU s"
    yield "  plain: tarfile + json", f"{plain:,.0f} documents/s", beside


def _slices(found: dict[str, Any]) -> Iterator[Row]:
    per_s = found["slices_per_s"]
    ratios = f"{found['ratio']:.2f} x Spark's reader ({found['ratio_cpu']:.2f} by CPU)"
    beside = f"{ratios}, {found['slices']} slices, {found['entries']:,} entries"
    yield "slices, one core", f"{per_s['soundalike']:.2f} slices/s", beside
    yield "  Spark, multi-line JSON", f"{per_s['spark_json']:.2f} slices/s", ""


def _large_slice(found: dict[str, Any]) -> Iterator[Row]:
    size = f"{found['slice_bytes'] / 1e6:.1f} MB"
    beside = f"largest worker; limit {found['limit_mb']} MB; {found['wall_s']:.1f} s"
    yield f"one slice of {size}", f"{found['worker_peak_rss_mb']:,.0f} MB", beside


def _neighbors(found: dict[str, Any]) -> Iterator[Row]:
    for run in found["runs"]:
        stages = ", ".join(f"{name.removeprefix('neighbors.')} {s:.1f}" for name, s in run["stage_s"].items())
        yield f"neighbors, {run['family']}, N = {run['top_n']}", f"{run['wall_s']:,.1f} s", f"{stages}; {_cost(run)}"
        for scope, summary in run["scopes"].items():
            beside = (
                f"lowest bound {summary['lowest_ci']:.4f}; {summary['copies']:.0f} copies; largest bucket "
                f"{summary['largest_bucket']:,}; {summary['pairs_per_row']:,.0f} pairs a row"
            )
            yield f"  {scope}, {summary['rows']:,} rows", f"recall {summary['recall']:.4f}", beside
