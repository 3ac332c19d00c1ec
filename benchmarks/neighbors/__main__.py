"""The neighbor lists end to end at several sizes, and the search alone beside faiss on the same vectors.

One table to the screen, all figures to build/bench/. Exit code 1 when a run fails or a part cannot be measured.
"""

import argparse
import json
import os
import shutil
import sys
from datetime import UTC, datetime
from itertools import product as pairs
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.__main__ import numbers, texts
from benchmarks.dumps import ROOT
from benchmarks.knn_vectors import VARIANTS
from benchmarks.measure import Failed, machine
from benchmarks.neighbors import peers, product, screen
from benchmarks.neighbors.curves import compare
from benchmarks.neighbors.labels import copies_at_recall
from benchmarks.neighbors.vectors import PROFILES, draw, write_blocks, write_table
from benchmarks.table import aligned
from soundalike.console import Console
from soundalike.version import code_version
from submit import environment

PARTS = ("runs", "search", "labels")
SCOPES = ("genre", "global")


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m benchmarks.neighbors", description=__doc__)
    add = result.add_argument
    add("--parts", type=texts, default=list(PARTS), help=f"what to measure: {', '.join(PARTS)}")
    add("--sizes", type=numbers, default=[100_000, 300_000, 1_000_000, 3_000_000], help="rows of the runs, by commas")
    add("--variants", type=texts, default=["base"], help=f"of {', '.join(VARIANTS)}, each at every size")
    add("--profile", choices=PROFILES, default="wide", help="width of the vectors (wide: 71 probabilities)")
    add("--top-n", type=numbers, default=[10], help="list lengths, by commas; the search alone takes the first (10)")
    add("--floor", type=float, default=0.987, help="neighbors.recall_floor (0.987)")
    add("--set", action="append", default=[], metavar="K=V", help="another setting of the job; may be repeated")
    add("--conf", action="append", default=[], metavar="K=V", help="an option of Spark; may be repeated")
    add("--target", default="local", help="target of scripts/submit.py (%(default)s)")
    add("--master", default=product.MASTER, help="Spark master (%(default)s)")
    add("--no-log", action="store_true", help="no event log: neither bytes nor tasks, and no cost of writing it")
    add("--truth", default="auto", help="own truth: none, full, queries of each block, or auto (full up to 2e10 pairs)")
    add("--peers", type=texts, default=list(peers.PEERS), help="faiss: flat,ivf,hnsw; empty = the product alone")
    add("--peer-rows", type=int, default=550_000, metavar="N", help="rows of the set that blocks are taken from")
    add("--peer-blocks", type=int, default=2, metavar="N", help="its largest genres (2); 0 = all")
    add("--queries", type=int, default=2_000, metavar="N", help="queries of each block for recall (2,000)")
    add("--out", type=Path, default=ROOT / "build/bench", metavar="DIR", help="build/bench")
    return result


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    for name, given, known in (
        ("parts", arguments.parts, PARTS), ("variants", arguments.variants, VARIANTS),
        ("peers", arguments.peers, peers.PEERS),
    ):  # fmt: skip
        if unknown := set(given) - set(known):
            parser().error(f"unknown {name} {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    settings = dict(setting.partition("=")[::2] for setting in arguments.set)
    if (scope := product.scope_of(product.DEFAULTS | settings)) not in SCOPES:
        parser().error(f"scope {scope!r} has no truth here; there are: {', '.join(SCOPES)}")
    console, out = Console(), arguments.out.resolve()
    given = {name: str(value) if isinstance(value, Path) else value for name, value in vars(arguments).items()}
    results: dict[str, Any] = {
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"), "code_version": code_version(),
        "arguments": given, "machine": machine(environment().get("JAVA_HOME")), "runs": [],
    }  # fmt: skip
    file = out / f"neighbors-{results['started_at'].replace(':', '')}.json"
    failed = False
    # The first, while the machine is as it was found: its figures are compared with each other.
    if {"search", "labels"} & set(arguments.parts):
        console.line("search alone: started")
        try:
            results |= _search(arguments, out / "neighbors-blocks")
        except Failed as error:
            console.line(f"search alone: {error}")
            failed = True
        _write(file, results)
    if "runs" in arguments.parts:
        for variant, size in pairs(arguments.variants, arguments.sizes):
            for run in _runs(arguments, out / "neighbors", variant, size, console):
                results["runs"].append(run)
                failed |= "failed" in run
                _write(file, results)
    for line in aligned(screen.rows(results)):
        print(line)
    print(f"\nAll figures: {file}")
    return int(failed)


def _search(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    n, found = arguments.top_n[0], {}
    drawn = draw(arguments.peer_rows, "base", arguments.profile)
    blocks = write_blocks(folder, drawn, arguments.peer_blocks, arguments.queries, n)
    del drawn
    if "search" in arguments.parts:
        lines = peers.search_alone(blocks, n, arguments.peers)
        found["search"] = {"N": n, "compared": compare(lines), "points": lines}
    if "labels" in arguments.parts:
        found["labels"] = copies_at_recall(np.load(blocks[0] / "vectors.npy"), n)
    shutil.rmtree(folder)
    return found


def _runs(arguments: argparse.Namespace, scratch: Path, variant: str, size: int, console: Console) -> Any:
    """The runs of one set, one for each length of lists."""
    drawn = draw(size, variant, arguments.profile)
    vectors = scratch / "vectors"
    write_table(vectors, drawn, variant)
    columns = drawn.made.x.shape[1]
    for top_n in arguments.top_n:
        # Vectors near one point are probabilities of nothing.
        given = ["neighbors.probability_groups=", *arguments.set] if variant == "dense" else arguments.set
        asked = product.settings_of(arguments.profile, columns, top_n, arguments.floor, given)
        named = {"variant": variant, "asked_rows": size, "profile": arguments.profile, "top_n": top_n}
        console.line(f"{variant} {size:,}, N = {top_n}: started")
        load = round(os.getloadavg()[0], 2)
        how = arguments.target, arguments.master, arguments.conf
        run = product.run(scratch / "run", vectors, asked, *how, not arguments.no_log)
        if "failed" not in run and arguments.truth != "none":
            run["judged"] = product.judge(scratch / "run", drawn, product.scope_of(asked), top_n, arguments.truth)
        console.line(f"{variant} {size:,}, N = {top_n}: {run.get('wall_s', 'failed')}")
        yield named | {"load_before": load} | run
    shutil.rmtree(scratch)


def _write(file: Path, results: dict[str, Any]) -> None:
    """After each part: hours of figures survive what comes later."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
