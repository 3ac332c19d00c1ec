"""The product's search alone, without Spark: lattice, cells, assignment and kernel in one process, block by block.

`python -m benchmarks.neighbors.algorithm N FOLDER...`, the folders as `faiss_peer` has them; `on_one_thread` of
`peers` sets the number of threads before numpy starts. Prints one JSON line for each size of cell and overlap, and one
for all pairs. `recall` is by the same rule as the peers', in float64, so that what the lattice costs counts too;
`recall_lattice` is of the true lists on the lattice, as the certificate counts.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.neighbors.truth import ENOUGH, SLACK, TOLERANCE, hits, nth_nearest
from soundalike.numeric.cells import KmeansOverlap
from soundalike.numeric.kernel import nearest
from soundalike.numeric.lattice import Lattice, to_lattice

LEAVES = (512, 768, 1024)
OVERLAPS = (0, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48)
# All pairs of a larger block take minutes.
MOST_ROWS_EXACT = 150_000


class Clock:
    """CPU seconds between calls."""

    def __init__(self) -> None:
        self._last = time.process_time()

    def lap(self) -> float:
        last, self._last = self._last, time.process_time()
        return self._last - last


def in_cells(vectors: npt.NDArray[np.float32], n: int, leaf: int, e: int) -> tuple[npt.NDArray[np.int32], Any]:
    """Lists (m, n) of row numbers, -1 beyond the end, and the CPU seconds of each step."""
    clock, seconds = Clock(), {}
    lattice, _ = to_lattice(vectors)
    seconds["lattice"] = clock.lap()
    model = KmeansOverlap.fit(lattice, leaf=leaf, e=e)
    seconds["fit"] = clock.lap()
    membership = model.assign(lattice)
    seconds["assign"] = clock.lap()
    found = nearest(lattice, membership, n)[0]
    seconds["kernel"] = clock.lap()
    sizes = np.bincount(membership[1]).astype(float)
    told = {"copies": len(membership[0]) / len(lattice), "pairs_per_row": float((sizes**2).sum() / len(lattice))}
    return found, {"steps_s": seconds, **told}


def all_pairs(vectors: npt.NDArray[np.float32], n: int) -> tuple[npt.NDArray[np.int32], Any]:
    clock, seconds = Clock(), {}
    lattice, _ = to_lattice(vectors)
    seconds["lattice"] = clock.lap()
    found = nearest(lattice, _one_bucket(lattice), n)[0]
    seconds["kernel"] = clock.lap()
    return found, {"steps_s": seconds, "copies": 1.0, "pairs_per_row": float(len(lattice))}


def _one_bucket(lattice: Lattice) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    rows = np.arange(len(lattice), dtype=np.int64)
    return rows, np.zeros_like(rows)


def points(folder: Path, n: int) -> Iterator[dict[str, Any]]:
    vectors, queries, nth = (np.load(folder / f"{name}.npy") for name in ("vectors", "queries", "nth"))
    lattice, _ = to_lattice(vectors)
    nth_on_lattice = nth_nearest(lattice, queries, n)

    def point(system: str, parameter: Any, found: npt.NDArray[np.int32], told: dict[str, Any]) -> dict[str, Any]:
        listed = found[queries].astype(np.int64)
        right = hits(vectors, queries, listed, nth, TOLERANCE, SLACK)
        on_lattice = hits(lattice, queries, listed, nth_on_lattice)
        spent = sum(told["steps_s"].values())
        return {
            "system": system, "block": folder.name, "rows": len(vectors), "parameter": parameter, "N": n,
            "recall": float(right.mean() / n), "recall_lattice": float(on_lattice.mean() / n), "cpu_s": spent, **told,
        }  # fmt: skip

    for leaf in LEAVES:
        for e in OVERLAPS:
            line = point("product", {"leaf": leaf, "e": e}, *in_cells(vectors, n, leaf, e))
            yield line
            if line["recall"] >= ENOUGH:
                break
    if len(vectors) <= MOST_ROWS_EXACT:
        yield point("product, all pairs", None, *all_pairs(vectors, n))


def main(n: int, folders: list[Path]) -> int:
    for folder in folders:
        for line in points(folder, n):
            print(json.dumps(line), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), [Path(path) for path in sys.argv[2:]]))
