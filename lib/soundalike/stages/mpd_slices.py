"""Slices -> the playlists and entries in them, as given."""

from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from soundalike.contracts.mpd import BRONZE_ENTRIES, BRONZE_PLAYLISTS
from soundalike.sources.files import ObjectStore
from soundalike.sources.mpd.listing import Slice
from soundalike.sources.mpd.slices import read_slice
from soundalike.stages.schemas import ddl

_GIVEN = {"slice_first", "slice_index", "pid"}
_ENTRY = ",".join(f"{c.name}:{c.type}" for c in BRONZE_ENTRIES.columns if c.name not in _GIVEN)


def playlists_of_slices(manifest: DataFrame, archive: str, slices: Sequence[Slice], store: ObjectStore) -> DataFrame:
    """One row per playlist with its entries in `tracks`; per slice one further row that carries `status` alone.

    `manifest` has one partition per slice, its `id` the index in `slices`: each is read by one task.
    """
    schema = f"{ddl(BRONZE_PLAYLISTS.columns)}, tracks array<struct<{_ENTRY}>>, status string"
    return manifest.mapInArrow(partial(_read, archive=archive, slices=slices, store=store), schema)


def _read(
    manifest: Iterator[pa.RecordBatch], archive: str, slices: Sequence[Slice], store: ObjectStore
) -> Iterator[pa.RecordBatch]:
    for batch in manifest:
        for index in batch.column("id").to_pylist():
            yield from read_slice(archive, slices[index], store)


def bronze_playlists(read: DataFrame) -> DataFrame:
    return read.where("status is null").select(*BRONZE_PLAYLISTS.column_names)


def bronze_entries(read: DataFrame) -> DataFrame:
    entries = read.where("status is null").select("slice_first", "slice_index", "pid", F.explode("tracks").alias("e"))
    return entries.select(*[F.col(c if c in _GIVEN else f"e.{c}").alias(c) for c in BRONZE_ENTRIES.column_names])
