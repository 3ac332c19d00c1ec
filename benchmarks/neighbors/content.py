"""One hash of a published neighbor table: equal for equal rows in any order, files or partitions."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
from deltalake import DeltaTable

# All but run_id, which is another in every run.
COLUMNS = ("scope", "block", "track_id", "neighbors", "inherited", "method", "model_version")
_TEXTS = ("scope", "block", "track_id", "method", "model_version")


def content_hash(batches: Iterable[pa.RecordBatch]) -> tuple[str, int]:
    """(64 hex digits, rows): the sum of the SHA-256 of each row, modulo 2^256."""
    total = rows = 0
    for batch in batches:
        total += sum(int.from_bytes(hashlib.sha256(row).digest()) for row in _rows(batch))
        rows += batch.num_rows
    return f"{total % 2**256:064x}", rows


def _rows(batch: pa.RecordBatch) -> Iterable[bytes]:
    """Each row as bytes: its texts, the lengths of the neighbors' ids, the ids and the similarities."""
    texts = [batch.column(name).cast(pa.string()).to_pylist() for name in _TEXTS]
    lists = batch.column("neighbors")
    pairs = lists.flatten()
    ids = pairs.field("neighbor_id").cast(pa.large_binary())
    # An array may be a slice of its buffers; taken anew, it starts at the first byte.
    ids = pa.concat_arrays([ids, pa.array([b""], pa.large_binary())])
    starts = np.frombuffer(ids.buffers()[1], dtype=np.int64)[ids.offset : ids.offset + len(ids)]
    letters = memoryview(ids.buffers()[2])
    similarity = np.ascontiguousarray(pairs.field("similarity").to_numpy(zero_copy_only=False)).astype("<f8").tobytes()
    lengths = np.diff(starts).astype("<i4").tobytes()
    entries = lists.value_lengths().to_numpy(zero_copy_only=False)
    ends = np.cumsum(entries)
    inherited = batch.column("inherited").to_pylist()
    for i, (first, last) in enumerate(zip((ends - entries).tolist(), ends.tolist(), strict=True)):
        head = "\0".join([*[text[i] for text in texts], str(inherited[i])]).encode()
        yield b"\0".join([
            head, lengths[4 * first : 4 * last], letters[starts[first] : starts[last]],
            similarity[8 * first : 8 * last],
        ])  # fmt: skip


def table_hash(table: Path) -> tuple[str, int]:
    """`content_hash` of a Delta table, read in batches."""
    return content_hash(DeltaTable(str(table)).to_pyarrow_dataset().to_batches(columns=list(COLUMNS)))
