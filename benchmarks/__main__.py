"""`make bench`: the product beside what one would use instead; figures to build/bench/, one table to the screen.

Exit code 1 when a measured command fails or a worker needs more memory than it may.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import dumps
from benchmarks.measure import Failed, machine
from benchmarks.neighbors.families import neighbors
from benchmarks.table import table
from soundalike.console import Console
from soundalike.version import code_version
from submit import environment

PARTS = ("pipeline", "ingest", "slices", "large_slice", "neighbors")


def texts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def numbers(value: str) -> list[int]:
    return [int(part) for part in texts(value)]


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    result.add_argument("--documents", type=int, default=100_000, metavar="N", help="generated documents (100,000)")
    result.add_argument(
        "--entries", type=int, default=1_000_000, metavar="N", help="playlist entries, about (1,000,000)"
    )
    result.add_argument("--vectors", type=int, default=100_000, metavar="N", help="synthetic vectors (100,000)")
    result.add_argument("--families", type=texts, default=["hyperplane", "exact"], help="of neighbors.family")
    result.add_argument("--scopes", type=texts, default=["genre", "global"], help="of neighbors.scopes")
    result.add_argument("--top-n", type=numbers, default=[10, 50], help="list lengths, by commas (10,50)")
    result.add_argument("--parts", type=texts, default=list(PARTS), help=f"what to measure: {', '.join(PARTS)}")
    result.add_argument("--out", type=Path, default=dumps.ROOT / "build/bench", metavar="DIR", help="build/bench")
    return result


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser().error(f"unknown parts {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    console, out = Console(), arguments.out.resolve()
    given = {name: str(value) if isinstance(value, Path) else value for name, value in vars(arguments).items()}
    results: dict[str, Any] = {
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"), "code_version": code_version(),
        "arguments": given, "machine": machine(environment().get("JAVA_HOME")), "seconds": {},
    }  # fmt: skip

    @cache
    def sample() -> dumps.Sample:
        return dumps.Sample(out / "sample", arguments.documents, arguments.entries)

    if set(arguments.parts) & {"pipeline", "ingest", "slices"}:
        started = time.monotonic()
        console.line("sample: started")
        results["sample"] = sample().sizes
        results["seconds"]["sample"] = time.monotonic() - started
    measures: dict[str, Callable[[], dict[str, Any]]] = {
        "pipeline": lambda: dumps.pipeline(sample(), out), "ingest": lambda: dumps.ingest(sample(), out),
        "slices": lambda: dumps.slices(sample(), out), "large_slice": lambda: dumps.large_slice(out),
        "neighbors": lambda: neighbors(
            out, arguments.vectors, arguments.families, arguments.scopes, arguments.top_n
        ),
    }  # fmt: skip
    code = 0
    for part in (part for part in PARTS if part in arguments.parts):
        started = time.monotonic()
        console.line(f"{part}: started")
        try:
            results[part] = measures[part]()
        except Failed as error:
            console.line(f"{part}: {error}")
            results[part], code = {"failed": str(error)}, 1
        results["seconds"][part] = time.monotonic() - started
        console.line(f"{part}: {results['seconds'][part]:.0f} s")
    if not results.get("large_slice", {}).get("below_limit", True):
        console.line(f"large_slice: a worker needed more than {dumps.WORKER_LIMIT_MB} MB")
        code = 1
    results["machine"]["load_after"] = round(os.getloadavg()[0], 2)
    file = out / f"{results['started_at'].replace(':', '')}.json"
    file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for line in table(results):
        print(line)
    print(f"\nAll figures: {file}")
    return code


if __name__ == "__main__":
    sys.exit(main())
