"""faiss on blocks of vectors, one thread: build and the search of every row for its own list, CPU together.

Runs in build/peers, which has faiss and numpy and nothing of this product:
`build/peers/bin/python -m benchmarks.neighbors.faiss_peer N flat,ivf,hnsw FOLDER...`. A folder is a block: vectors.npy
(m, d) float32 of unit length, queries.npy (q,) row numbers, nth.npy (q,) squared distances of the true N-th. Prints one
JSON line for each point of a grid; a grid ends at the first recall of `ENOUGH`.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from benchmarks.neighbors.truth import ENOUGH, SLACK, TOLERANCE, hits

PROBES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
WIDTHS = (12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
LINKS, WIDTH_OF_BUILD = 16, 60
# With fewer queries Flat takes another path, five times as dear a pair.
FLAT_QUERIES = 4096

Floats = npt.NDArray[np.float32]


def timed(run: Callable[[], Any]) -> tuple[Any, float, float]:
    """(result, CPU s, wall s)."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    return result, time.process_time() - cpu, time.perf_counter() - wall


def ivf(vectors: Floats, lists: int) -> Any:
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(vectors.shape[1]), vectors.shape[1], lists)
    index.train(vectors)
    index.add(vectors)
    return index


def hnsw(vectors: Floats) -> Any:
    index = faiss.IndexHNSWFlat(vectors.shape[1], LINKS)
    index.hnsw.efConstruction = WIDTH_OF_BUILD
    index.add(vectors)
    return index


def flat(vectors: Floats) -> Any:
    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    return index


def set_probes(index: Any, probes: int) -> None:
    index.nprobe = probes


def set_width(index: Any, width: int) -> None:
    index.hnsw.efSearch = width


def grids(vectors: Floats, peers: list[str]) -> Iterator[tuple[str, Callable[[], Any], Any, tuple[int, ...]]]:
    """(system, how to build it, how to set its parameter, values)."""
    if "flat" in peers:
        yield "flat", partial(flat, vectors), None, (0,)
    root = int(np.sqrt(len(vectors)))
    if "ivf" in peers:
        for name, lists in (("ivf sqrt(n)", root), ("ivf 4 sqrt(n)", 4 * root)):
            probes = tuple(value for value in PROBES if value <= lists)
            yield name, partial(ivf, vectors, lists), set_probes, probes
    if "hnsw" in peers:
        yield "hnsw", partial(hnsw, vectors), set_width, WIDTHS


def without_self(found: npt.NDArray[np.int64], queries: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.int64]:
    """(q, n) lists of n + 1 entries without the query itself, or else without the last."""
    itself = found == queries[:, np.newaxis]
    itself[~itself.any(axis=1), -1] = True
    # A row of identical copies may be listed without itself, never twice.
    return found[~itself].reshape(len(found), n)


def points(folder: Path, n: int, peers: list[str]) -> Iterator[dict[str, Any]]:
    vectors, queries, nth = (np.load(folder / f"{name}.npy") for name in ("vectors", "queries", "nth"))
    rows = len(vectors)
    for system, build, set_parameter, values in grids(vectors, peers):
        index, build_cpu, build_wall = timed(build)
        # All rows ask, except in Flat, where every query costs the same.
        asked = np.arange(rows) if set_parameter or rows <= 2 * FLAT_QUERIES else np.arange(FLAT_QUERIES)
        for value in values:
            if set_parameter:
                set_parameter(index, value)
            (_, found), cpu, wall = timed(partial(index.search, vectors[asked], n + 1))
            if len(asked) < rows:  # queries of the truth may be others than those timed
                found = index.search(vectors[queries], n + 1)[1]
                cpu, wall = cpu * rows / len(asked), wall * rows / len(asked)
            else:
                found = found[queries]
            right = hits(vectors, queries, without_self(found, queries, n), nth, TOLERANCE, SLACK)
            recall = float(right.mean() / n)
            yield {
                "system": system, "block": folder.name, "rows": rows, "parameter": value, "N": n, "recall": recall,
                "cpu_s": build_cpu + cpu, "wall_s": build_wall + wall, "build_cpu_s": build_cpu,
            }  # fmt: skip
            if recall >= ENOUGH:
                break


def main(n: int, peers: list[str], folders: list[Path]) -> int:
    faiss.omp_set_num_threads(1)
    for folder in folders:
        for point in points(folder, n, peers):
            print(json.dumps(point | {"version": faiss.__version__}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2].split(","), [Path(path) for path in sys.argv[3:]]))
