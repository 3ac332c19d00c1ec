"""Arrow columns to numpy arrays and back: the only module that does it.

Slices and nulls are respected, and no row passes through Python.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.integer[Any]]


# Rows with lists in them that are worked on at a time: their texts stay far below Arrow's 2 GB per column.
_ROWS = 4096


def small(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of few, none of them empty."""
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS):
            yield batch.slice(start, _ROWS)


def block_runs(batches: Iterable[pa.RecordBatch], keys: tuple[str, ...]) -> Iterator[pa.Table]:
    """One table, of one chunk per column, for each run of equal `keys`; a run may span batches."""
    held: list[pa.RecordBatch] = []
    current: tuple[Any, ...] | None = None
    for batch in batches:
        for run in runs(batch, keys):
            key = tuple(run.column(name)[0].as_py() for name in keys)
            if held and key != current:
                yield pa.Table.from_batches(held).combine_chunks()
                held = []
            current = key
            held.append(run)
    if held:
        yield pa.Table.from_batches(held).combine_chunks()


def runs(batch: pa.RecordBatch, keys: tuple[str, ...], most: int | None = None) -> Iterator[pa.RecordBatch]:
    """The batch in slices of equal `keys`, of at most `most` rows."""
    bounds = [*changes(batch, keys), batch.num_rows] if batch.num_rows else []
    for start, stop in pairwise(bounds):
        step = most or stop - start
        for first in range(start, stop, step):
            yield batch.slice(first, min(step, stop - first))


def parted(batch: pa.RecordBatch, keys: tuple[str, ...]) -> Iterator[tuple[tuple[Any, ...], pa.RecordBatch]]:
    """The rows of the batch by their `keys`, wherever they stand; inside a part in the order of the batch."""
    if not batch.num_rows:
        return
    code = np.zeros(batch.num_rows, dtype=np.int64)
    for name in keys:
        column = batch.column(name).dictionary_encode()
        code = code * len(column.dictionary) + column.indices.to_numpy()
    order = np.argsort(code, kind="stable")
    bounds = np.flatnonzero(np.diff(code[order], prepend=-1))
    rows = batch.take(pa.array(order)) if len(bounds) > 1 else batch
    for start, stop in pairwise([*bounds.tolist(), batch.num_rows]):
        part = rows.slice(start, stop - start)
        yield tuple(part.column(name)[0].as_py() for name in keys), part


def whole_runs(batches: Iterable[pa.RecordBatch], keys: tuple[str, ...]) -> Iterator[pa.Table]:
    """All rows in order, as tables of one chunk per column that no run of equal `keys` spans; about a batch each."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        joined = pa.Table.from_batches([*held, batch]).combine_chunks()
        last = changes(joined, keys)[-1]
        if last:
            yield joined.slice(0, last).combine_chunks()
        held = joined.slice(last).to_batches()
    if held:
        yield pa.Table.from_batches(held).combine_chunks()


def changes(rows: pa.RecordBatch | pa.Table, keys: tuple[str, ...]) -> list[int]:
    """Rows at which a run of equal `keys` starts; rows are at least one."""
    return [0, *_changes([single(rows.column(key)) for key in keys])]


def _changes(columns: list[pa.Array]) -> list[int]:
    """Rows at which a value of any column differs from the row before."""
    changed = np.zeros(len(columns[0]) - 1, dtype=bool)
    for column in columns:
        changed |= pc.not_equal(column.slice(1), column.slice(0, len(column) - 1)).to_numpy(zero_copy_only=False)
    return [int(row) + 1 for row in np.flatnonzero(changed)]


def single(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """The one array of a column of a batch, or of a table that was combined."""
    if isinstance(column, pa.Array):
        return column
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def to_matrix(column: pa.Array, width: int | None = None) -> npt.NDArray[np.float64]:
    """Lists of float or double as (n, width) float64: a null list is a row of NaN, a null element NaN.

    Without `width` that of the first list counts; (n, 0) if there is none.

    Raises:
        ValueError: a list of another width.
    """
    lengths = pc.list_value_length(column).drop_null().to_numpy()
    if width is None:
        width = int(lengths[0]) if len(lengths) else 0
    wrong = lengths[lengths != width]
    if len(wrong):
        raise ValueError(f"a vector has {wrong[0]} values, expected {width}; all vectors of a table need one width")
    # flatten() leaves out null lists and what lies outside a slice.
    values = column.flatten().to_numpy(zero_copy_only=False)
    matrix = np.full((len(column), width), np.nan)
    matrix[column.is_valid().to_numpy(zero_copy_only=False)] = values.reshape(-1, width) if width else 0.0
    return matrix


def from_matrix(matrix: npt.NDArray[Any], is_valid: npt.NDArray[np.bool_] | None = None) -> pa.ListArray:
    """Rows (n, d) as lists of the matrix's own float type; rows that are not valid as null."""
    valid = np.ones(len(matrix), dtype=bool) if is_valid is None else is_valid
    offsets = offsets_of(valid * matrix.shape[1])
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(np.ascontiguousarray(matrix[valid]).ravel()), mask=pa.array(~valid)
    )


def to_rows(column: pa.Array, kind: str = "<i2") -> npt.NDArray[Any]:
    """A binary column without nulls, all of one length, as rows (n, width) of numpy type `kind`; (0, 0) for no rows.

    Raises:
        ValueError: a null, or values of different lengths.
    """
    if not len(column):
        return np.empty((0, 0), dtype=kind)
    lengths = np.unique(pc.binary_length(column).drop_null().to_numpy())
    if column.null_count or len(lengths) != 1:
        raise ValueError(f"binary rows have {len(lengths)} lengths, {column.null_count} nulls; expected one, none")
    return np.frombuffer(bytes_of(column), dtype=kind).reshape(len(column), -1)


def from_rows(rows: npt.NDArray[Any], is_valid: npt.NDArray[np.bool_] | None = None) -> pa.BinaryArray:
    """Rows (n, width) as binary values, little-endian; rows that are not valid as null."""
    valid = np.ones(len(rows), dtype=bool) if is_valid is None else is_valid
    offsets = offsets_of(valid * (rows.itemsize * rows.shape[1]))
    data = np.ascontiguousarray(rows[valid], dtype=rows.dtype.newbyteorder("<")).tobytes()
    buffers = [pa.py_buffer(np.packbits(valid, bitorder="little").tobytes()), pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(rows), buffers)


def bytes_of(column: pa.Array) -> memoryview:
    """All values of a binary column without nulls, one after another."""
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32, count=len(column) + 1, offset=4 * column.offset)
    return memoryview(data or b"")[bounds[0] : bounds[-1]]


def binary(data: Any, offsets: Ints) -> pa.BinaryArray:
    """Values that stand one after another in `data`, between `offsets` (n + 1,)."""
    buffers = [None, pa.py_buffer(offsets.astype(np.int32).tobytes()), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def from_int_lists(values: Ints, lengths: Ints) -> pa.BinaryArray:
    """Lists of whole numbers, little-endian int32, one binary value each: the JVM reads no element of them."""
    return binary(np.ascontiguousarray(values, dtype="<i4").tobytes(), 4 * offsets_of(lengths))


def to_int_lists(column: pa.Array) -> tuple[npt.NDArray[np.int32], Ints]:
    """All numbers of `from_int_lists`' column, and the lengths (n,) of its lists."""
    return np.frombuffer(bytes_of(column), dtype="<i4"), pc.binary_length(column).to_numpy() // 4


def from_neighbor_lists(ids: pa.Array, similarity: npt.NDArray[np.float64], counts: Ints) -> pa.ListArray:
    """Lists of (neighbor_id, similarity) of these lengths `counts` (n,), one after another."""
    entries = pa.StructArray.from_arrays([ids, pa.array(similarity)], names=["neighbor_id", "similarity"])
    return pa.ListArray.from_arrays(pa.array(offsets_of(counts)), entries)


def from_neighbors(column: pa.Array) -> tuple[Ints, pa.Array, npt.NDArray[np.float64]]:
    """Lists of (neighbor_id, similarity) as list lengths (n,), all ids and all similarities; null = empty, or NaN."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    ids, similarity = column.flatten().flatten()
    return lengths, ids, similarity.to_numpy(zero_copy_only=False)


def padded(values: npt.NDArray[Any], lengths: Ints, fill: float) -> npt.NDArray[Any]:
    """Values of lists of these `lengths` (n,), one after another, as (n, longest); `fill` beyond the end of a list."""
    filled = np.arange(int(max(lengths, default=0))) < lengths[:, np.newaxis]
    result = np.full(filled.shape, fill, dtype=values.dtype)
    result[filled] = values
    return result


def offsets_of(lengths: Ints) -> npt.NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
