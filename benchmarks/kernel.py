"""What the search costs, in CPU ns per compared pair, and what overlapping cells find.

    PYTHONPATH=.:lib .venv/bin/python benchmarks/kernel.py [--rows 100000] [--quick] [--json FILE]

One BLAS thread; the median of three runs. The first lines are the bare matrix product: no line can be below it.
Cells are those of `kmeans_overlap` with its defaults on the largest genre; pairs are all of each cell, known or not.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.knn_vectors import SIZES, make_vectors
from soundalike.numeric.cells import KmeansOverlap
from soundalike.numeric.kernel import nearest
from soundalike.numeric.lattice import PRECISIONS, Lattice, to_lattice

Floats = npt.NDArray[np.float64]

# First column of each of the first eleven two-class classifiers, then the five columns of the last classifier.
_NARROW = [*range(0, 22, 2), *range(66, 71)]

# Rows of the largest block that is searched exactly by default, and lengths of lists.
_BLOCK = 16_384
_LISTS = (10, 50, 100)


def narrow(probabilities: npt.ArrayLike) -> Floats:
    """16 columns, z-scored over the whole set."""
    chosen = np.asarray(probabilities, dtype=np.float64)[:, _NARROW]
    return np.asarray((chosen - chosen.mean(axis=0)) / chosen.std(axis=0))


def contrasts(probabilities: npt.ArrayLike) -> Floats:
    """The 54 numbers in 71 columns of 18 groups of sum 1: c - 1 Helmert contrasts of each group, and a constant."""
    wide = np.asarray(probabilities, dtype=np.float64)
    columns, start = [np.full(len(wide), np.sqrt(sum(1 / size for size in SIZES)))], 0
    for size in SIZES:
        before = wide[:, start].copy()
        for i in range(1, size):
            columns.append((before - i * wide[:, start + i]) / np.sqrt(i * (i + 1)))
            before += wide[:, start + i]
        start += size
    return np.stack(columns[1:] + columns[:1], axis=1)


def cpu(run: Callable[[], Any], pairs: float, times: int = 3) -> float:
    """CPU ns per pair."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return round(statistics.median(spent) / pairs * 1e9, 2)


def product(width: int, dtype: npt.DTypeLike) -> float:
    base: npt.NDArray[Any] = np.ones((2048, width + 2), dtype)
    queries: npt.NDArray[Any] = np.ones((width + 2, 256), dtype)
    out: npt.NDArray[Any] = np.empty((2048, 256), dtype)
    return cpu(lambda: [np.matmul(base, queries, out=out) for _ in range(50)], 50 * out.size)


def one_bucket(rows: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    return np.arange(rows), np.zeros(rows, dtype=np.int64)


def recall(lattice: Lattice, found: npt.NDArray[np.int32], k: int) -> float:
    """Share of the true k nearest; entries as near as the true last one count."""
    last = nearest(lattice, one_bucket(len(lattice)), k)[1][:, -1:]
    return round(float(((found >= 0) & (found <= last)).mean()), 4)


def in_cells(what: str, lattice: Lattice, leaf: int, k: int, with_recall: bool) -> dict[str, Any]:
    start = time.process_time()
    membership = KmeansOverlap.fit(lattice, leaf=leaf).assign(lattice)
    fitted = time.process_time()
    sizes = np.bincount(membership[1]).astype(float)
    pairs = float((sizes**2).sum())
    line = {
        "what": what, "N": k, "rows": len(lattice), "compared": round(pairs / len(lattice)),
        "copies": round(len(membership[0]) / len(lattice), 2),
        "ns": cpu(lambda: nearest(lattice, membership, k), pairs, 1 if with_recall else 3),
        "cells_us_per_row": round((fitted - start) / len(lattice) * 1e6, 2),
    }  # fmt: skip
    return line | {"recall": recall(lattice, nearest(lattice, membership, k)[1], k)} if with_recall else line


def all_pairs(what: str, lattice: Lattice, k: int, precision: str = "coarse") -> dict[str, Any]:
    rows, (scale, dtype) = len(lattice), PRECISIONS[precision]
    times = 3 if rows < 50_000 else 1
    ns = cpu(lambda: nearest(lattice, one_bucket(rows), k, scale=scale, dtype=dtype), rows**2, times)
    return {"what": f"{what}, {precision}", "N": k, "rows": rows, "compared": rows, "ns": ns}


def lines(rows: int, quick: bool) -> Iterator[dict[str, Any]]:
    sets = {variant: make_vectors(rows, variant) for variant in ("base", "ident5")}
    order = {variant: np.argsort(np.array(made.ids)) for variant, made in sets.items()}
    genre = {variant: made.genre[order[variant]] for variant, made in sets.items()}
    for columns in (narrow, contrasts):
        vectors = {variant: columns(made.x)[order[variant]] for variant, made in sets.items()}
        d = vectors["base"].shape[1]
        for precision, (_, dtype) in PRECISIONS.items():
            yield {"what": f"d={d} bare product, {precision}", "ns": product(d, dtype)}
        for precision, given in PRECISIONS.items():
            block = to_lattice(vectors["base"][:_BLOCK], *given)[0]
            for k in _LISTS:
                yield all_pairs(f"d={d} exact", block, k, precision)
        lattice, same = (to_lattice(vectors[variant])[0] for variant in ("base", "ident5"))
        by_size = np.argsort(-np.bincount(genre["base"])).tolist()
        for leaf in (512, 768, 1024, 2048):
            for k in _LISTS:
                yield in_cells(f"d={d} leaf {leaf}", lattice[genre["base"] == by_size[0]], leaf, k, False)
        for code in by_size[:3]:
            yield in_cells(f"d={d} leaf 768, genre {code}", lattice[genre["base"] == code], 768, 10, True)
        largest = np.bincount(genre["ident5"]).argmax()
        yield in_cells(f"d={d} leaf 768, ident5", same[genre["ident5"] == largest], 768, 10, False)
        yield all_pairs(f"d={d} exact, ident5", same[:_BLOCK], 10)
        if not quick:
            yield all_pairs(f"d={d} exact", lattice, 10)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--quick", action="store_true", help="leave out all rows against all")
    parser.add_argument("--json", type=Path, help="where to write the lines")
    given = parser.parse_args(arguments)
    names = ("what", "N", "rows", "compared", "copies", "ns", "cells_us_per_row", "recall")
    print(" | ".join(names))
    kept = []
    with threadpool_limits(limits=1):
        for line in lines(given.rows, given.quick):
            kept.append(line)
            print(" | ".join(str(line.get(name, "")) for name in names), flush=True)
    if given.json:
        given.json.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
