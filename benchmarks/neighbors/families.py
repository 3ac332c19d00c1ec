"""Neighbor lists of the synthetic vectors: recall, copies, largest bucket and seconds, per family, scope and length."""

import shutil
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.dumps import rows_of, run_job, stage_seconds
from benchmarks.knn_vectors import GENRES, VectorSet, write_vectors
from soundalike.numeric.families import FAMILIES
from soundalike.numeric.lattice import Lattice, decode, to_lattice

_ROWS_AT_A_TIME = 10_000


def neighbors(
    scratch: Path, rows: int, families: Sequence[str], scopes: Sequence[str], top_ns: Sequence[int]
) -> dict[str, Any]:
    """One run of the job per family and list length; a certificate below the floor is a figure here, not a failure."""
    vectors = scratch / "vectors"
    made = write_vectors(vectors, rows)
    lattice, _ = to_lattice(made.x)
    runs = []
    for family, top_n in product(families, top_ns):
        root = scratch / "neighbors"
        shutil.rmtree(root, ignore_errors=True)
        cost = run_job(
            "neighbors", root, f"neighbors.vectors={vectors}", f"neighbors.family={family}", f"neighbors.top_n={top_n}",
            f"neighbors.scopes={','.join(scopes)}", "neighbors.recall_floor=0",
        )  # fmt: skip
        blocks = _blocks(root, made, lattice)
        runs.append({
            "family": family, "top_n": top_n, **cost.figures(), "stage_s": stage_seconds(root),
            "scopes": {scope: summary([b for b in blocks if b["scope"] == scope]) for scope in scopes},
            "blocks": blocks,
        })  # fmt: skip
        shutil.rmtree(root)
    shutil.rmtree(vectors)
    return {"rows": rows, "variant": "base", "runs": runs}


def _blocks(root: Path, made: VectorSet, lattice: Lattice) -> list[dict[str, Any]]:
    """What certificates and models say of each block, and its copies per row and largest bucket."""
    models = {(model["scope"], model["block"]): model for model in rows_of(root, "gold/neighbor_models")}
    names = ("scope", "block", "rows", "family", "recall", "ci_low", "pairs_per_row", "short_lists", "passed")
    found = []
    for row in sorted(rows_of(root, "operations/neighbor_certificates"), key=lambda r: (r["scope"], r["block"])):
        model = models[row["scope"], row["block"]]
        copies, largest = buckets(model, lattice[members(made, row["scope"], row["block"])])
        parameters = {"parameters": dict(model["parameters"]), "copies": copies, "largest_bucket": largest}
        found.append({**{name: row[name] for name in names}, **parameters})
    return found


def members(made: VectorSet, scope: str, block: str) -> npt.NDArray[np.bool_]:
    """Which rows of the set are in a block."""
    genre, _, decade = block.partition("|")
    if scope == "decade":
        genre, decade = "", block
    inside = np.ones(len(made.ids), dtype=bool)
    if scope in ("genre", "genre_decade"):
        inside &= made.genre == GENRES.index(genre)
    if scope in ("decade", "genre_decade"):
        inside &= made.decade * 10 == int(decade)
    return inside


def buckets(model: dict[str, Any], lattice: Lattice) -> tuple[float, int]:
    """(buckets per row, rows of the largest bucket) of a block under its published model."""
    if model["family"] == "exact":
        return 1.0, len(lattice)
    family: Any = FAMILIES[model["family"]]
    centers = decode(b"".join(model["centers"]), lattice.shape[1])
    fitted = family(dict(model["parameters"]), centers)
    sizes = np.zeros(0, dtype=np.int64)
    for start in range(0, len(lattice), _ROWS_AT_A_TIME):
        counted = np.bincount(fitted.assign(lattice[start : start + _ROWS_AT_A_TIME])[1], minlength=len(sizes))
        counted[: len(sizes)] += sizes
        sizes = counted
    return float(sizes.sum() / len(lattice)), int(sizes.max())


def summary(blocks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of a scope: recall and pairs over rows, the worst lower bound, the most copies, the largest bucket."""
    rows = np.array([block["rows"] for block in blocks])
    # A block of one row has no neighbors and no recall.
    judged = [block for block in blocks if block["recall"] is not None]
    weights = [block["rows"] for block in judged]
    return {
        "blocks": len(blocks), "rows": int(rows.sum()),
        "recall": float(np.average([block["recall"] for block in judged], weights=weights)),
        "lowest_ci": min(block["ci_low"] for block in judged),
        "pairs_per_row": float(np.average([block["pairs_per_row"] for block in blocks], weights=rows)),
        "copies": max(block["copies"] for block in blocks),
        "largest_bucket": max(block["largest_bucket"] for block in blocks),
    }  # fmt: skip
