"""Copies of a row at equal recall, from labels alone: how many buckets each family needs on one block of vectors.

Recall here is the share of a query's true neighbors that share a bucket with it; no list is made.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.neighbors.truth import seeded_queries
from soundalike.numeric.cells import KmeansOverlap
from soundalike.numeric.families import Hyperplane, Model, mean
from soundalike.numeric.lattice import Lattice, to_lattice

Ints = npt.NDArray[np.int64]

RECALL = 0.97
OVERLAPS = (0, 4, 8, 12, 16, 20, 24, 28, 32)
LEAF, BITS, TABLES, SEED = 1024, (4, 6, 8, 10, 12, 14), 96, 2022
# Queries for recall, and those of them for which all compared rows are counted.
_QUERIES, _COUNTED = 1000, 100


def true_neighbors(vectors: npt.NDArray[np.float32], queries: Ints, n: int) -> Ints:
    """(q, n) row numbers of the nearest other rows, in no order."""
    unit = vectors.astype(np.float64)
    found = []
    for part in np.array_split(queries, max(1, len(queries) // 64)):
        cosine = unit[part] @ unit.T
        cosine[np.arange(len(part)), part] = -np.inf
        found.append(np.argpartition(-cosine, n - 1, axis=1)[:, :n])
    return np.concatenate(found).astype(np.int64)


def label_table(model: Model, lattice: Lattice) -> Ints:
    """(m, copies) the buckets of each row, -1 where it is in fewer."""
    table = np.full((len(lattice), model.copies), -1, dtype=np.int64)
    for start in range(0, len(lattice), 10_000):
        rows, buckets = model.assign(lattice[start : start + 10_000])
        first = np.searchsorted(rows, rows)
        table[rows + start, np.arange(len(rows)) - first] = buckets
    return table


def shared(table: Ints, queries: Ints, others: Ints) -> npt.NDArray[np.bool_]:
    """(q, n) whether each of `others` (q, n) shares a bucket with its query."""
    ours, theirs = table[queries][:, np.newaxis, :, np.newaxis], table[others][:, :, np.newaxis, :]
    return np.asarray(((ours == theirs) & (ours >= 0)).any(axis=(2, 3)))


def compared(table: Ints, queries: Ints) -> float:
    """Rows, on average, that share a bucket with a query, each counted once, itself not."""
    flat = table.ravel()
    order = np.argsort(flat, kind="stable")
    ordered, total = flat[order], 0
    for query in queries:
        buckets = table[query][table[query] >= 0]
        first, last = np.searchsorted(ordered, buckets), np.searchsorted(ordered, buckets, side="right")
        entries = [order[a:b] for a, b in zip(first.tolist(), last.tolist(), strict=True)]
        total += len(np.unique(np.concatenate(entries) // table.shape[1])) - 1
    return total / len(queries)


def copies_at_recall(vectors: npt.NDArray[np.float32], n: int, tables: int = TABLES) -> dict[str, Any]:
    """Both families on one block: copies of a row and rows compared with it where recall reaches `RECALL`.

    Cells of `LEAF` rows, more and more overlap. Hyperplanes of each of `BITS`, as many tables as needed, `tables` at
    most: fewer bits need fewer copies and compare more rows, so those count that compare no more rows than cells do.
    `ratio` is the fewest such copies over those of cells; None: none reaches the recall.
    """
    lattice, _ = to_lattice(vectors)
    queries = seeded_queries(len(vectors), _QUERIES)
    true = true_neighbors(vectors, queries, min(n, len(vectors) - 1))
    cells = _of_cells(lattice, queries, true)
    planes = [_of_planes(lattice, queries, true, bits, tables) for bits in BITS]
    copies = {"kmeans_overlap": cells["copies"] if cells["recall"] >= RECALL else None, "hyperplane": None}
    fair = [p["copies"] for p in planes if p["recall"] >= RECALL and p["compared"] <= cells["compared"]]
    copies["hyperplane"] = min(fair, default=None)
    of_cells, of_planes = copies["kmeans_overlap"], copies["hyperplane"]
    return {
        "recall": RECALL, "rows": len(vectors), "copies": copies,
        "ratio": of_planes / of_cells if of_planes and of_cells else None, "cells": cells, "planes": planes,
    }  # fmt: skip


def _of_cells(lattice: Lattice, queries: Ints, true: Ints) -> dict[str, float]:
    """The least overlap that reaches the recall, or the most there is."""
    for e in OVERLAPS:
        table = label_table(KmeansOverlap.fit(lattice, leaf=LEAF, e=e), lattice)
        recall = float(shared(table, queries, true).mean())
        if recall >= RECALL:
            break
    copies = float((table >= 0).sum() / len(table))
    return {"e": e, "leaf": LEAF, "copies": copies, "recall": recall, "compared": compared(table, queries[:_COUNTED])}


def _of_planes(lattice: Lattice, queries: Ints, true: Ints, bits: int, tables: int) -> dict[str, float]:
    """The fewest tables that reach the recall, or all."""
    stated = {"bits": str(bits), "tables": str(tables), "seed": str(SEED)}
    table = label_table(Hyperplane(stated, mean(lattice)), lattice)
    together = np.zeros(true.shape, dtype=bool)
    for count in range(1, tables + 1):
        # A bucket is of one table, so each table adds to what the former found.
        together |= shared(table[:, count - 1 : count], queries, true)
        if together.mean() >= RECALL:
            break
    met = compared(table[:, :count], queries[:_COUNTED])
    return {"bits": bits, "copies": float(count), "recall": float(together.mean()), "compared": met}
