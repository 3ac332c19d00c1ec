"""Certificates: the lists of the judging questions, as they are stored, against the truth, block by block.

All that reaches the driver is of a bounded sample: the questions, their stored lists, and the tracks that these name.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from soundalike.numeric.cells import KmeansOverlap
from soundalike.numeric.certificate import OUTSIDE, PAD, StoredLists, Truth, Verdict, half_square_distances, judge
from soundalike.numeric.lattice import PRECISIONS, similarity
from soundalike.stages import arrays
from soundalike.stages.eligibility import BLOCK
from soundalike.stages.models import Block
from soundalike.stages.neighbors import Counts
from soundalike.stages.tasks import Search
from soundalike.stages.truth import Key, Nearest, Questions, by_block

# Makes rows in Spark of a table.
Framed = Callable[[pa.Table], DataFrame]

_STORED = "scope string, block string, track_id string, ids array<string>, similarities array<double>"
_TRACKS = (*BLOCK, "track_id", "recording_key", "listed", "lattice")
_HEIRS = (*BLOCK, "track_id")


@dataclass(frozen=True)
class Certificate:
    """A row of `operations/neighbor_certificates`, and what is wrong with the block (one line; None = nothing)."""

    row: tuple[Any, ...]
    passed: bool
    defect: str | None


def staged_lists(lists: DataFrame, asked: Mapping[Key, Questions], search: Search, framed: Framed) -> DataFrame:
    """Of `neighbors.final_lists` those of the judging questions: scope, block, track_id, ids, similarities.

    `framed`: makes rows in Spark of a table.
    """
    wanted = [_judging(asked[block.key]) for block in search.blocks]
    number = np.repeat(np.arange(len(wanted), dtype=np.int32), [len(ids) for ids in wanted])
    named = pa.table({"block": number, "id": search.ids.encode(pa.concat_arrays(wanted))})
    own = lists.select("block", "id", "ids", "sizes", "distances")
    return _semi_joined(own, framed(named)).mapInArrow(partial(_of_staged, search=search), _STORED)


def published_lists(lists: DataFrame, asked: Mapping[Key, Questions], framed: Framed) -> DataFrame:
    """As `staged_lists`, of rows of `gold/track_neighbors`."""
    own = lists.where("not inherited").select(*BLOCK, "track_id", "neighbors")
    wanted = _tracks_of({key: _judging(questions) for key, questions in asked.items()})
    return _semi_joined(own, framed(wanted)).mapInArrow(_of_published, _STORED)


def _picked(rows: DataFrame, columns: Sequence[str], wanted: DataFrame) -> dict[Key, pa.Table]:
    """By block, of rows of blocks, those that are `wanted`: few enough for the driver. `columns`: which to keep."""
    return by_block(_semi_joined(rows.select(*columns), wanted).toArrow())


def _tracks_of(ids: Mapping[Key, pa.Array]) -> pa.Table:
    """Columns scope, block, track_id from the ids of each block."""
    number = pa.array(np.repeat(np.arange(len(ids)), [len(of_block) for of_block in ids.values()]))
    names = [pa.array(part, pa.string()).take(number) for part in zip(*ids, strict=True)]
    return pa.table([*names, pa.concat_arrays(list(ids.values()))], names=[*BLOCK, "track_id"])


def _semi_joined(rows: DataFrame, wanted: DataFrame) -> DataFrame:
    """The rows that agree with one of `wanted` in all of its columns, which have to be of the same types.

    A hash of them decides: it is all that has to be known of `wanted` everywhere. If a row more passes by chance,
    nobody looks it up.
    """
    hashed = F.xxhash64(*wanted.columns).alias("hashed")
    return (
        rows.select("*", hashed).join(F.broadcast(wanted.select(hashed)), on="hashed", how="left_semi").drop("hashed")
    )


def _judging(asked: Questions) -> pa.Array:
    return asked.ids.filter(pa.array(asked.judging))


def _of_staged(batches: Iterable[pa.RecordBatch], search: Search) -> Iterator[pa.RecordBatch]:
    scale = PRECISIONS[search.precision][0]
    for batch in arrays.small(batches):
        distance, counts = arrays.to_int_lists(batch.column("distances"))
        ids = search.ids.decode(search.ids.from_lists(batch.column("ids"), batch.column("sizes")))
        key = (names.take(batch.column("block")) for names in search.names)
        yield _stored(key, search.ids.decode(batch.column("id")), counts, ids, similarity(distance, scale))


def _of_published(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in arrays.small(batches):
        lengths, ids, similarities = arrays.from_neighbors(batch.column("neighbors"))
        key = (batch.column(name) for name in BLOCK)
        yield _stored(key, batch.column("track_id"), lengths, ids, similarities)


def _stored(
    key: Iterable[pa.Array], tracks: pa.Array, lengths: Any, ids: pa.Array, similarities: Any
) -> pa.RecordBatch:
    offsets = pa.array(arrays.offsets_of(lengths))
    columns = [
        *key,
        tracks,
        pa.ListArray.from_arrays(offsets, ids),
        pa.ListArray.from_arrays(offsets, pa.array(similarities)),
    ]
    return pa.RecordBatch.from_arrays(columns, names=[*BLOCK, "track_id", "ids", "similarities"])


def judged(
    stored: DataFrame,
    places: DataFrame,
    inheriting: DataFrame | None,
    asked: Mapping[Key, Questions],
    truth: Mapping[tuple[Key, str], Nearest],
    search: Search,
    framed: Framed,
) -> list[Verdict]:
    """The verdict on each block of the search; positions in it are those of its judging questions.

    Args:
        stored: of `staged_lists` or `published_lists`.
        places: of `eligibility.places`.
        inheriting: of `eligibility.inheriting`; None if nobody does.
        asked: of `truth.questions`.
        truth: of `truth.answered`, for the same questions.
        search: what is judged.
        framed: makes rows in Spark of a table.
    """
    lists = by_block(stored.toArrow())
    named = {key: _named(questions, lists.get(key)) for key, questions in asked.items()}
    wanted = framed(_tracks_of(named))
    tracks = _picked(places, _TRACKS, wanted)
    heirs: dict[Key, pa.Table] = {}
    if inheriting is not None:
        heirs = _picked(inheriting, _HEIRS, wanted)
    result = []
    for block in search.blocks:
        key, questions = block.key, asked[block.key]
        ids = pc.unique(pa.concat_arrays([named[key], *(truth[key, kind].ids for kind in ("distance", "cosine")
                                                        if (key, kind) in truth)]))  # fmt: skip
        known = ids.take(pc.sort_indices(ids))
        mine = _stored_lists(questions, lists.get(key), tracks[key], heirs.get(key), known, search)
        result.append(
            judge(
                mine, _truth(questions, truth.get((key, "distance")), truth.get((key, "cosine")), known), search.top_n,
                block.is_exact, int(questions.judging.sum()) == block.rows, PRECISIONS[search.precision][0],
            )
        )  # fmt: skip
    return result


def _named(asked: Questions, lists: pa.Table | None) -> pa.Array:
    """The judging questions and all that their lists name."""
    judging = _judging(asked)
    return judging if lists is None else pc.unique(pa.concat_arrays([judging, arrays.single(lists["ids"]).flatten()]))


def _stored_lists(
    asked: Questions, lists: pa.Table | None, tracks: pa.Table, heirs: pa.Table | None, known: pa.Array, search: Search
) -> StoredLists:
    judging = _judging(asked)
    if lists is None:
        none = np.empty((len(judging), 0), dtype=np.int64)
        flags = none.astype(bool)
        return StoredLists(none, flags, flags, none, none.astype(float), np.ones(len(judging), dtype=bool))
    place = pc.index_in(judging, value_set=arrays.single(lists["track_id"]))
    missing = place.is_null().to_numpy(zero_copy_only=False)
    rows = lists.take(pc.fill_null(place, 0)).combine_chunks()
    ids = arrays.single(rows["ids"])
    lengths = np.where(missing, 0, pc.list_value_length(ids).to_numpy())
    entry = np.repeat(~missing, pc.list_value_length(ids).to_numpy())
    texts = ids.flatten().filter(pa.array(entry))
    similarities = arrays.single(rows["similarities"]).flatten().to_numpy()[entry]

    all_tracks = arrays.single(tracks["track_id"])
    found = pc.index_in(texts, value_set=all_tracks)
    listed = pc.fill_null(arrays.single(tracks["listed"]).take(found), False).to_numpy(zero_copy_only=False)
    at = pc.fill_null(found, 0).to_numpy()
    query = np.repeat(np.arange(len(judging)), lengths)
    query_at = pc.index_in(judging, value_set=all_tracks).to_numpy()[query]
    recordings = arrays.single(tracks["recording_key"])
    same = pc.equal(recordings.take(pa.array(at)), recordings.take(pa.array(query_at))).to_numpy(zero_copy_only=False)
    is_heir = (
        pc.is_in(texts, value_set=arrays.single(heirs["track_id"]))
        if heirs is not None
        else pa.array([False] * len(texts))
    )
    aliases = is_heir.to_numpy(zero_copy_only=False)
    lattice = arrays.to_rows(arrays.single(tracks["lattice"]))
    inside = found.is_valid().to_numpy(zero_copy_only=False) & (listed | aliases)
    numbers = np.where(inside, pc.index_in(texts, value_set=known).to_numpy(), OUTSIDE)
    distance = np.where(inside, half_square_distances(lattice[query_at], lattice[at]), -1)
    return StoredLists(
        rows=arrays.padded(numbers, lengths, PAD),
        aliases=arrays.padded(aliases & inside, lengths, False),
        own=arrays.padded(same & inside, lengths, False),
        distance=arrays.padded(distance, lengths, -1),
        similarity=arrays.padded(similarities, lengths, np.nan),
        missing=missing,
    )


def _truth(asked: Questions, near: Nearest | None, high: Nearest | None, known: pa.Array) -> Truth:
    """The lists of the judging questions alone."""
    count = int(asked.judging.sum())
    position = np.cumsum(asked.judging) - 1
    columns = []
    for kind in (near, high):
        if kind is None:
            columns.append((np.empty((count, 0), dtype=np.int64),) * 2 + (np.empty((count, 0)),))
            continue
        kept = asked.judging[kind.query]
        lengths = np.bincount(position[kind.query[kept]], minlength=count)
        numbers = pc.index_in(kind.ids, value_set=known).to_numpy().astype(np.int64)
        columns.append((
            arrays.padded(numbers[kept], lengths, PAD), arrays.padded(kind.distance[kept], lengths, 0),
            arrays.padded(kind.cosine[kept], lengths, 0.0),
        ))  # fmt: skip
    (rows, distance, cosine), (float_rows, _, float_cosine) = columns
    return Truth(rows, distance, cosine, float_rows, float_cosine)


def certificates(
    verdicts: Sequence[Verdict],
    search: Search,
    counts: Sequence[Counts],
    heirs: Mapping[Key, int],
    asked: Mapping[Key, Questions],
    *,
    run_id: str,
    name: str,
    exact_max: int,
    recall_floor: float,
) -> list[Certificate]:
    """Rows of `operations/neighbor_certificates`, one per block of the search.

    Args:
        verdicts: of `judged`.
        search: what is judged.
        counts: what is stored of each block.
        heirs: lists that have to be inherited, by block.
        asked: of `truth.questions`.
        run_id: of the certifying run.
        name: of the neighbor table.
        exact_max: `recall_floor` counts in blocks of more rows, and in all that are not searched exactly.
        recall_floor: lowest accepted `ci_low`. A defect fails any block.
    """
    return [
        _certificate(verdict, block, counted, heirs.get(block.key, 0), asked[block.key], run_id, name, exact_max,
                     recall_floor)
        for verdict, block, counted in zip(verdicts, search.blocks, counts, strict=True)
    ]  # fmt: skip


def _certificate(
    verdict: Verdict, block: Block, counted: Counts, heirs: int, asked: Questions, run_id: str, name: str,
    exact_max: int, recall_floor: float,
) -> Certificate:  # fmt: skip
    judging = _judging(asked)
    defect = verdict.defect and f"{verdict.defect}, first for track {judging[verdict.defect_at]}"
    if defect is None and (counted.listed, counted.inherited) != (block.rows, heirs):
        stored = f"{counted.listed} own and {counted.inherited} inherited lists are stored"
        defect = f"{stored}, expected {block.rows} and {heirs}"
    # A block of one has no recall: nothing is missing there.
    spared = block.is_exact and block.rows <= exact_max
    passed = defect is None and (spared or verdict.ci_low is None or verdict.ci_low >= recall_floor)
    cells = [int(block.model.parameters[p]) for p in ("leaf", "e", "min", "max")] if (
        block.model.family == KmeansOverlap.family) else [None] * 4  # fmt: skip
    compared = None if counted.pairs is None else counted.pairs / block.rows
    row = (
        run_id, name, *block.key, block.rows, len(judging), block.model.family, *cells, compared,
        verdict.recall, verdict.recall_sd, verdict.n_effective, verdict.ci_low, verdict.ci_high, recall_floor, passed,
        None if verdict.worst is None else judging[verdict.worst].as_py(), verdict.lattice_recall,
        verdict.mean_similarity_loss, counted.short_lists, verdict.share_nth_above_0999,
    )  # fmt: skip
    return Certificate(row, passed, defect)
