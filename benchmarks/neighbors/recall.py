"""Published lists against the benchmark's own truth, block by block, and the certificate's figures beside it.

The certificate estimates recall from 1,000 queries; here all rows are asked, or more of them. Where all are, its lower
bound is put to the test: in how many of 1,000 samples of 1,000 queries does it hold?
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from benchmarks.dumps import rows_of
from benchmarks.neighbors.truth import SLACK, TOLERANCE, hits, nth_nearest, seeded_queries
from benchmarks.neighbors.vectors import Drawn, lattice_rows, units
from soundalike.numeric.certificate import wilson

Ints = npt.NDArray[np.int64]

SAMPLES, QUERIES, SEED = 1000, 1000, 3


def judged_blocks(root: Path, drawn: Drawn, scope: str, top_n: int, queries: int) -> list[dict[str, Any]]:
    """A line for each block of the scope with neighbors; `queries` = 0 asks all rows.

    `recall` is that on the lattice, tie-safe, as the certificate's is; `recall_float` that of unit vectors in float64,
    by the rule that peers are judged by. `lists` that lack entries count as they are.
    """
    models = {row["block"]: row for row in rows_of(root, "gold/neighbor_models") if row["scope"] == scope}
    certificates = rows_of(root, "operations/neighbor_certificates")
    certified = {row["block"]: row for row in certificates if row["scope"] == scope}
    lines = []
    for block, inside in sorted(drawn.blocks(scope).items(), key=lambda item: -len(item[1])):
        reach = min(top_n, len(inside) - 1)
        if reach < 1:
            continue
        unit = units(drawn.made.x[inside], models[block]["dimensions"])
        lattice = lattice_rows(unit, models[block]["lattice_scale"])
        asked = seeded_queries(len(inside), queries or len(inside))
        found = stored_lists(root, scope, block, [drawn.made.ids[row] for row in inside.tolist()], asked, top_n)
        right = hits(lattice, asked, found, nth_nearest(lattice, asked, reach))
        few = asked if queries else asked[seeded_queries(len(asked), 2000)]
        position = np.searchsorted(asked, few)
        near = hits(unit, few, found[position], nth_nearest(unit, few, reach), TOLERANCE, SLACK)
        recall, of_job = float(right.mean() / reach), certified[block]
        lines.append({
            "block": block, "rows": len(inside), "asked": len(asked), "recall": recall,
            "recall_float": float(near.mean() / reach), "family": of_job["family"], "certified": of_job["recall"],
            "ci_low": of_job["ci_low"], "deviation": abs(recall - of_job["recall"]),
            "bound_holds": of_job["ci_low"] <= recall,
            "coverage": coverage(right, reach) if len(asked) == len(inside) > QUERIES else None,
        })  # fmt: skip
    return lines


def stored_lists(root: Path, scope: str, block: str, ids: list[str], asked: Ints, top_n: int) -> Ints:
    """(q, top_n) row numbers of the published lists of the rows `asked` of a block, -1 beyond the end.

    `ids`: of the block's rows, in order. A neighbor that is none of them, as one of another block, is -1 too.
    """
    table = DeltaTable(str(root / "gold/track_neighbors"))
    known = pa.array(ids)
    place = np.full(len(ids), -1, dtype=np.int64)
    place[asked] = np.arange(len(asked))
    found = np.full((len(asked), top_n), -1, dtype=np.int64)
    wanted = (pc.field("scope") == scope) & (pc.field("block") == block)
    for batch in table.to_pyarrow_dataset().to_batches(columns=["track_id", "neighbors"], filter=wanted):
        row = _numbers(batch.column("track_id"), known)
        lists = batch.column("neighbors")
        entries = _numbers(lists.flatten().field("neighbor_id"), known)
        lengths = lists.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
        owner = np.repeat(np.where(row >= 0, place[row], -1), lengths)
        rank = np.arange(len(entries)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        kept = owner >= 0
        found[owner[kept], rank[kept]] = entries[kept]
    return found


def _numbers(ids: pa.Array, known: pa.Array) -> Ints:
    places = pc.index_in(ids.cast(pa.string()), value_set=known)
    return np.asarray(places.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)


def coverage(right: Ints, reach: int, samples: int = SAMPLES, queries: int = QUERIES, seed: int = SEED) -> float:
    """Share of samples of `queries` rows whose lower bound is not above the recall of all rows.

    The bound is the certificate's: Wilson's with the size n = r (1 - r) Q / w, w the variance over queries, kept
    between Q and Q N. `right` (m,): entries of each row's list that are true, of `reach`.
    """
    share, rng = right / reach, np.random.Generator(np.random.PCG64(seed))
    full, held = float(share.mean()), 0
    for _ in range(samples):
        drawn = share[rng.choice(len(share), queries, replace=False)]
        recall, spread = float(drawn.mean()), float(drawn.var())
        n = recall * (1 - recall) * queries / spread if spread else float(queries)
        low, _ = wilson(recall, min(max(n, float(queries)), float(queries * reach)))
        held += low <= full or math.isclose(low, full)
    return held / samples
