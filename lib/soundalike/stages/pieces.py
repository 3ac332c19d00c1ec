"""The search of blocks that are cut: rows go to the pieces that hold their buckets, and lists of pieces are merged.

    representatives -> a copy of the row per piece -> partial lists -> answers

A piece is a range of a block's buckets and what a task holds at a time. Two rows that share buckets of several pieces
meet in each of them; their distance is the same everywhere, so the merge keeps the neighbor once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from soundalike.numeric.compared import compared
from soundalike.numeric.families import Indices, Model, family_of
from soundalike.numeric.kernel import check_arithmetic, nearest
from soundalike.numeric.lattice import decode, similarity
from soundalike.stages import arrays
from soundalike.stages.eligibility import BLOCK

ANSWERS = (
    "scope string, block string, track_id string, members array<string>, "
    "neighbors array<struct<neighbor_id:string,similarity:double>>, compared bigint"
)
# Rows of one Arrow batch that leaves the search: their neighbor ids stay far below Arrow's 2 GB of text per column.
ROWS_OUT = 4096

_COPIES = (
    "piece int, scope string, block string, track_id string, members array<string>, lattice binary, buckets binary"
)
# Texts and numbers as bytes: an element of an array costs the JVM a microsecond.
_PARTIALS = (
    "scope string, block string, track_id string, members array<string>, ids binary, id_sizes binary, "
    "distances binary, compared bigint"
)
# What a piece holds, about: rows, and copies of rows in buckets. Memory of a task follows the first.
PIECE_ROWS = 2**18
PIECE_COPIES = 2**19
# Rows that are assigned at a time: each leaves up to 32 copies.
_ROWS_ASSIGNED = 1024
# Entries of partial lists that one partition of the merge reads, about.
_MERGED_ENTRIES = 8_000_000


@dataclass(frozen=True)
class Route:
    """The model of a block of `rows` rows, and its pieces: numbers from `first` on."""

    model: Model
    rows: int
    first: int
    pieces: int

    def piece_of(self, buckets: Indices) -> Indices:
        return self.first + buckets * self.pieces // self.model.buckets


Routes = Mapping[tuple[str, str], Route]


def routes_of(models: Sequence[Any], piece_rows: int = PIECE_ROWS, piece_copies: int = PIECE_COPIES) -> Routes:
    """The routes of all blocks, by scope and block, from the rows of `models.fitted_models`."""
    routes, first = {}, 0
    for row in sorted(models, key=lambda row: (row["scope"], row["block"])):
        width = len(row["centers"][0]) // 2
        model = family_of(row["family"])(row["parameters"], decode(b"".join(row["centers"]), width))
        pieces = -(-row["rows"] * model.copies // piece_copies)
        if row["rows"] > piece_rows:
            pieces = model.copies * -(-row["rows"] // piece_rows)
        pieces = min(pieces, model.buckets)
        routes[row["scope"], row["block"]] = Route(model, row["rows"], first, pieces)
        first += pieces
    return routes


def answers_across_pieces(representatives: DataFrame, routes: Routes, top_n: int, parallelism: int) -> DataFrame:
    """The `top_n` nearest representatives of each representative among those that share a bucket with it.

    Columns scope, block, track_id, members, neighbors (nearest first; ties by id; never padded), compared (rows that
    share a bucket with it). `representatives`: of the blocks in `routes`.
    """
    pieces = sum(route.pieces for route in routes.values())
    entries = top_n * sum(route.rows * min(route.pieces, route.model.copies) for route in routes.values())
    return (
        representatives.select(*BLOCK, "track_id", "members", "lattice")
        .mapInArrow(partial(_to_pieces, routes=routes), _COPIES)
        .repartition(max(1, min(pieces, max(4 * parallelism, pieces // 8))), "piece")
        .sortWithinPartitions("piece", "track_id")
        .mapInArrow(partial(_answer_pieces, routes=routes, top_n=top_n), _PARTIALS)
        .repartition(max(4 * parallelism, entries // _MERGED_ENTRIES), *BLOCK, "track_id")
        .sortWithinPartitions(*BLOCK, "track_id")
        .mapInArrow(partial(_merge, top_n=top_n), ANSWERS)
    )


def _to_pieces(batches: Iterable[pa.RecordBatch], routes: Routes) -> Iterator[pa.RecordBatch]:
    """One copy of a row for each piece that holds a bucket of it; its members go with the first alone."""
    for batch in batches:
        for run in arrays.runs(batch, BLOCK, _ROWS_ASSIGNED):
            route = routes[run.column("scope")[0].as_py(), run.column("block")[0].as_py()]
            rows, buckets = route.model.assign(arrays.to_lattice_rows(run.column("lattice")))
            copies = np.unique(rows * route.pieces + (route.piece_of(buckets) - route.first))
            row = copies // route.pieces
            given = pa.array(row)
            first = np.diff(row, prepend=-1) != 0
            stated = arrays.from_int_lists(buckets, np.bincount(rows, minlength=run.num_rows))
            columns = [
                pa.array(route.first + copies % route.pieces, type=pa.int32()),
                *(run.column(name).take(given) for name in (*BLOCK, "track_id")),
                run.column("members").take(pa.array(row, mask=~first)),
                run.column("lattice").take(given),
                stated.take(given),
            ]
            yield pa.RecordBatch.from_arrays(
                columns, names=["piece", *BLOCK, "track_id", "members", "lattice", "buckets"]
            )


def _answer_pieces(batches: Iterable[pa.RecordBatch], routes: Routes, top_n: int) -> Iterator[pa.RecordBatch]:
    check_arithmetic()
    for piece in arrays.block_runs(batches, ("piece",)):
        route = routes[piece["scope"][0].as_py(), piece["block"][0].as_py()]
        ids = arrays.single(piece["track_id"])
        values, lengths = arrays.to_int_lists(arrays.single(piece["buckets"]))
        buckets = arrays.padded(values.astype(np.int64), lengths, -1)
        here = (buckets >= 0) & (route.piece_of(buckets) == piece["piece"][0].as_py())
        lattice = arrays.to_lattice_rows(arrays.single(piece["lattice"]))
        rows, distance, counts = nearest(lattice, (np.nonzero(here)[0], buckets[here]), top_n)
        met = compared(buckets, here)
        for start in range(0, len(ids), ROWS_OUT):
            part = slice(start, start + ROWS_OUT)
            filled = rows[part] >= 0
            texts, sizes = arrays.from_text_lists(ids.take(pa.array(rows[part][filled])), counts[part])
            given = piece.select([*BLOCK, "track_id", "members"]).slice(start, ROWS_OUT)
            columns = [
                *map(arrays.single, given.columns),
                texts,
                sizes,
                arrays.from_int_lists(distance[part][filled], counts[part]),
                pa.array(met[part]),
            ]
            names = [*given.schema.names, "ids", "id_sizes", "distances", "compared"]
            yield pa.RecordBatch.from_arrays(columns, names=names)


def _merge(batches: Iterable[pa.RecordBatch], top_n: int) -> Iterator[pa.RecordBatch]:
    """One row per track from its partial lists: the `top_n` smallest distinct (D, id)."""
    keys = (*BLOCK, "track_id")
    for partials in arrays.whole_runs(batches, keys):
        starts = np.array(arrays.changes(partials, keys))
        track = np.repeat(np.arange(len(starts)), np.diff([*starts, partials.num_rows]))
        distance, lengths = arrays.to_int_lists(arrays.single(partials["distances"]))
        texts = arrays.to_texts(arrays.single(partials["ids"]), arrays.single(partials["id_sizes"]))
        known = pc.unique(texts)
        known = known.take(pc.sort_indices(known))
        entry, rank = np.repeat(track, lengths), pc.index_in(texts, value_set=known).to_numpy()
        order = np.lexsort((rank, distance, entry))
        entry, distance, rank = entry[order], distance[order], rank[order]
        fresh = np.ones(len(entry), dtype=bool)
        fresh[1:] = (entry[1:] != entry[:-1]) | (rank[1:] != rank[:-1])
        entry, distance, rank = entry[fresh], distance[fresh], rank[fresh]
        kept = np.arange(len(entry)) - np.searchsorted(entry, entry) < top_n
        counts = np.bincount(entry[kept], minlength=len(starts))
        given = partials.select(keys).take(pa.array(starts))
        members = arrays.single(partials["members"])
        columns = [
            *map(arrays.single, given.columns),
            members.filter(members.is_valid()),
            arrays.from_neighbor_lists(known.take(pa.array(rank[kept])), similarity(distance[kept]), counts),
            pa.array(np.add.reduceat(arrays.single(partials["compared"]).to_numpy(), starts)),
        ]
        names = [*keys, "members", "neighbors", "compared"]
        yield pa.RecordBatch.from_arrays(columns, names=names)
