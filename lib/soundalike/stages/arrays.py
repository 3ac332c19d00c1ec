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

from soundalike.numeric.lattice import Lattice, decode, encode

Ints = npt.NDArray[np.integer[Any]]


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
    offsets = _offsets(valid * matrix.shape[1])
    return pa.ListArray.from_arrays(
        pa.array(offsets), pa.array(np.ascontiguousarray(matrix[valid]).ravel()), mask=pa.array(~valid)
    )


def to_lattice_rows(column: pa.Array) -> Lattice:
    """A binary column without nulls, all of one length, as (n, width) int16; (0, 0) for no rows.

    Raises:
        ValueError: a null, or values of different lengths.
    """
    if not len(column):
        return np.empty((0, 0), dtype=np.int16)
    lengths = np.unique(pc.binary_length(column).drop_null().to_numpy())
    if column.null_count or len(lengths) != 1:
        raise ValueError(f"lattice rows have {len(lengths)} lengths, {column.null_count} nulls; expected one, none")
    return decode(_bytes(column), int(lengths[0]) // 2)


def from_lattice_rows(lattice: Lattice, is_valid: npt.NDArray[np.bool_]) -> pa.BinaryArray:
    """Rows (n, width) as binary values; rows that are not valid as null."""
    offsets = _offsets(is_valid * (2 * lattice.shape[1]))
    bits = np.packbits(is_valid, bitorder="little").tobytes()
    buffers = [pa.py_buffer(bits), pa.py_buffer(offsets.tobytes()), pa.py_buffer(encode(lattice[is_valid]))]
    return pa.Array.from_buffers(pa.binary(), len(lattice), buffers)


def _bytes(column: pa.Array) -> memoryview:
    """All values of a binary column without nulls, one after another."""
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32, count=len(column) + 1, offset=4 * column.offset)
    return memoryview(data or b"")[bounds[0] : bounds[-1]]


def _binary(data: Any, offsets: Ints) -> pa.BinaryArray:
    """Values that stand one after another in `data`, between `offsets` (n + 1,)."""
    buffers = [None, pa.py_buffer(offsets.astype(np.int32).tobytes()), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def from_int_lists(values: Ints, lengths: Ints) -> pa.BinaryArray:
    """Lists of whole numbers, little-endian int64, one binary value each: the JVM reads no element of them."""
    return _binary(np.ascontiguousarray(values, dtype="<i8").tobytes(), 8 * _offsets(lengths))


def to_int_lists(column: pa.Array) -> tuple[npt.NDArray[np.int64], Ints]:
    """All numbers of `from_int_lists`' column, and the lengths (n,) of its lists."""
    return np.frombuffer(_bytes(column), dtype="<i8"), pc.binary_length(column).to_numpy() // 8


def from_text_lists(texts: pa.StringArray, lengths: Ints) -> tuple[pa.BinaryArray, pa.BinaryArray]:
    """Lists of texts, one after another, as two binary values each: the bytes of its texts, and how many each has."""
    sizes = pc.binary_length(texts).to_numpy(zero_copy_only=False)
    bounds = _offsets(sizes)[_offsets(lengths)]
    return _binary(_bytes(texts), bounds), from_int_lists(sizes, lengths)


def to_texts(texts: pa.Array, sizes: pa.Array) -> pa.StringArray:
    """All texts of `from_text_lists`' columns."""
    offsets = _offsets(to_int_lists(sizes)[0])
    buffers = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(_bytes(texts))]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)


def to_neighbors(ids: pa.Array, rows: Ints, similarity: npt.NDArray[np.float64], counts: Ints) -> pa.ListArray:
    """Lists of (neighbor_id, similarity): the first `counts` (n,) entries of `rows` and `similarity` (n, k).

    `rows` are positions in `ids`.
    """
    filled = np.arange(rows.shape[1]) < np.asarray(counts)[:, np.newaxis]
    return from_neighbor_lists(ids.take(pa.array(rows[filled])), similarity[filled], counts)


def from_neighbor_lists(ids: pa.Array, similarity: npt.NDArray[np.float64], counts: Ints) -> pa.ListArray:
    """Lists of (neighbor_id, similarity) of these lengths `counts` (n,), one after another."""
    entries = pa.StructArray.from_arrays([ids, pa.array(similarity)], names=["neighbor_id", "similarity"])
    return pa.ListArray.from_arrays(pa.array(_offsets(counts)), entries)


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


def _offsets(lengths: Ints) -> npt.NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
