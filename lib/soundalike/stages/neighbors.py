"""What becomes of the final lists: rows of the published table, and the figures of ledger and certificates."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from soundalike.contracts.tables import TRACK_NEIGHBORS
from soundalike.errors import SoundalikeError
from soundalike.numeric.lattice import PRECISIONS, similarity
from soundalike.stages import arrays
from soundalike.stages.eligibility import BLOCK
from soundalike.stages.models import Block
from soundalike.stages.tasks import Search

_LISTS = ", ".join(f"{column.name} {column.type}" for column in TRACK_NEIGHBORS.columns)
Last = tuple[int, bytes] | None
_INHERITED = "block int, id binary, heir binary"


@dataclass(frozen=True)
class Counts:
    """What is stored of a block: lists of its own, inherited ones, lists shorter than they could be, pairs compared."""

    listed: int
    inherited: int
    short_lists: int
    pairs: int | None


@dataclass(frozen=True)
class Made:
    """By which run lists are made, from which table, and the `model_version` of each block."""

    run_id: str
    vectors: str
    versions: tuple[str, ...]


def final_lists(partials: DataFrame, merged: DataFrame) -> DataFrame:
    """One list per representative: those that one task found, and those that were merged."""
    return partials.where("copies = 1").unionByName(merged)


def counts_of(lists: DataFrame, search: Search, inheriting: DataFrame | None) -> list[Counts]:
    """The figures of each block of the search."""
    stored = lists.groupBy("block").agg(
        F.count(F.lit(1)).alias("listed"),
        F.sum("compared").alias("pairs"),
        F.count_if(F.length("distances") < 4 * F.col("owed")).alias("short_lists"),
    )
    rows = {row["block"]: row for row in stored.collect()}
    heirs = heirs_of(inheriting)
    return [
        Counts(
            rows[number]["listed"] if number in rows else 0, heirs.get(block.key, 0),
            rows[number]["short_lists"] if number in rows else 0, rows[number]["pairs"] if number in rows else 0,
        )
        for number, block in enumerate(search.blocks)
    ]  # fmt: skip


def heirs_of(inheriting: DataFrame | None) -> dict[tuple[str, str], int]:
    """Lists that have to be inherited, by block."""
    if inheriting is None:
        return {}
    return {(row["scope"], row["block"]): row["count"] for row in inheriting.groupBy(*BLOCK).count().collect()}


def counts_of_published(lists: DataFrame, representatives: DataFrame, search: Search) -> list[Counts]:
    """As `counts_of`, of rows of `gold/track_neighbors`; what was compared is not known any more: pairs is None."""
    given = lists.select(*BLOCK, "track_id", "inherited", F.size("neighbors").alias("length"))
    asked = representatives.select(*BLOCK, "track_id", "listed")
    sizes = {block.key: block.listed for block in search.blocks}
    stored = (
        given.join(asked, on=[*BLOCK, "track_id"], how="left")
        .groupBy(*BLOCK, "inherited", "listed", "length")
        .count()
        .collect()
    )
    found = {key: [0, 0, 0] for key in sizes}
    for row in stored:
        key = row["scope"], row["block"]
        if key in found:
            owed = min(search.top_n, sizes[key] - bool(row["listed"]))
            found[key][row["inherited"]] += row["count"]
            found[key][2] += row["count"] * (not row["inherited"] and row["length"] < owed)
    counted = [found[block.key] for block in search.blocks]
    return [Counts(own, inherited, short, None) for own, inherited, short in counted]


def counters_of(blocks: Sequence[Block], counts: Sequence[Counts], scopes: Sequence[str]) -> dict[str, int]:
    """For the ledger, per scope: inherited, short_lists, pairs; zero too."""
    return {
        f"{scope}.{name}": sum(
            getattr(counted, name) for block, counted in zip(blocks, counts, strict=True) if block.scope == scope
        )
        for scope in scopes
        for name in ("inherited", "short_lists", "pairs")
    }


def published_lists(
    lists: DataFrame,
    inheriting: DataFrame | None,
    search: Search,
    made: Made,
    parts: int | None = None,
) -> DataFrame:
    """Rows of `gold/track_neighbors`.

    Args:
        lists: of `final_lists`.
        inheriting: of `eligibility.inheriting`, None if nobody does.
        search: what they were found by.
        made: by whom and from what.
        parts: partitions by ranges of (track_id, block), sorted by them; None = rows as they come.
    """
    own = lists.select("block", "id", "ids", "sizes", "distances", F.lit(False).alias("inherited"))
    if inheriting is not None:
        heirs = inheriting.select(*BLOCK, "track_id", "representative").mapInArrow(
            partial(_encoded, search=search), _INHERITED
        )
        taken = lists.join(heirs, on=["block", "id"], how="inner").select(
            "block", F.col("heir").alias("id"), "ids", "sizes", "distances", F.lit(True).alias("inherited")
        )
        own = own.unionByName(taken)
    if parts:
        own = own.repartitionByRange(parts, "id", "block").sortWithinPartitions("id", "block")
    return own.mapInArrow(partial(_decoded, search=search, made=made, in_order=bool(parts)), _LISTS)


def _encoded(batches: Iterable[pa.RecordBatch], search: Search) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        columns = [
            pa.array(search.position_of(batch.column("scope"), batch.column("block")), type=pa.int32()),
            search.ids.encode(batch.column("representative")),
            search.ids.encode(batch.column("track_id")),
        ]
        yield pa.RecordBatch.from_arrays(columns, names=["block", "id", "heir"])


def _decoded(batches: Iterable[pa.RecordBatch], search: Search, made: Made, in_order: bool) -> Iterator[pa.RecordBatch]:
    scale, last = PRECISIONS[search.precision][0], None
    scopes, names = search.names
    methods, versions = pa.array([block.model.family for block in search.blocks]), pa.array(made.versions)
    for rows in arrays.small(batches):
        block, ids = rows.column("block"), rows.column("id")
        if in_order:
            last = _refuse_repeats(block, ids, last, search, made.vectors)
        distance, counts = arrays.to_int_lists(rows.column("distances"))
        neighbors = search.ids.decode(search.ids.from_lists(rows.column("ids"), rows.column("sizes")))
        yield pa.RecordBatch.from_arrays(
            [
                scopes.take(block),
                names.take(block),
                search.ids.decode(ids),
                arrays.from_neighbor_lists(neighbors, similarity(distance, scale), counts),
                rows.column("inherited"),
                methods.take(block),
                pa.array([made.run_id] * len(block)),
                versions.take(block),
            ],
            names=TRACK_NEIGHBORS.column_names,
        )


def _refuse_repeats(block: pa.Array, ids: pa.Array, last: Last, search: Search, vectors: str) -> Last:
    """Rows come sorted, so that a track which stands twice in a block does so one after the other."""
    again = pc.and_(pc.equal(block[1:], block[:-1]), pc.equal(ids[1:], ids[:-1])).to_numpy(zero_copy_only=False)
    if again.any() or last == (block[0].as_py(), ids[0].as_py()):
        place = int(np.argmax(again)) + 1 if again.any() else 0
        raise repeats(search.ids.decode(ids[place : place + 1])[0], vectors)
    return block[-1].as_py(), ids[-1].as_py()


def repeats(track_id: object, vectors: str) -> SoundalikeError:
    return SoundalikeError(
        f"track {track_id} stands twice in table {vectors}; a table of vectors has one row per track: remove the others"
    )


def of_scope(lists: DataFrame, search: Search, scope: str) -> DataFrame:
    """The lists of the blocks of one scope."""
    inside = [number for number, block in enumerate(search.blocks) if block.scope == scope]
    # Blocks stand in the order of their scopes.
    return lists.where(F.col("block").between(min(inside, default=1), max(inside, default=0)))
