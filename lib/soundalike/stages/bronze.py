"""Archives -> the documents in them, as given."""

from collections.abc import Iterator
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame

from soundalike.contracts.tables import BRONZE_SUBMISSIONS
from soundalike.sources.acousticbrainz.archives import read_archive
from soundalike.sources.acousticbrainz.listing import Archive
from soundalike.sources.files import ObjectStore
from soundalike.stages.schemas import ddl


def documents_of_archive(
    manifest: DataFrame, archive: Archive, store: ObjectStore, max_member_bytes: int, limit_documents: int
) -> DataFrame:
    """The documents of one archive, and one last row that carries `status` alone.

    `manifest` has one row: it is what makes the reading one task on an executor.
    """
    read = partial(
        _read, archive=archive, store=store, max_member_bytes=max_member_bytes, limit_documents=limit_documents
    )
    return manifest.coalesce(1).mapInArrow(read, f"{ddl(BRONZE_SUBMISSIONS.columns)}, status string")


def _read(
    manifest: Iterator[pa.RecordBatch],
    archive: Archive,
    store: ObjectStore,
    max_member_bytes: int,
    limit_documents: int,
) -> Iterator[pa.RecordBatch]:
    for batch in manifest:
        for _ in range(batch.num_rows):
            yield from read_archive(archive, store, max_member_bytes, limit_documents)
