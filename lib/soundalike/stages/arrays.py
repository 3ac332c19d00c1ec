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
        bounds = [0, *_changes([batch.column(key) for key in keys]), batch.num_rows] if batch.num_rows else []
        for start, stop in pairwise(bounds):
            run = batch.slice(start, stop - start)
            key = tuple(run.column(name)[0].as_py() for name in keys)
            if held and key != current:
                yield pa.Table.from_batches(held).combine_chunks()
                held = []
            current = key
            held.append(run)
    if held:
        yield pa.Table.from_batches(held).combine_chunks()


def _changes(columns: list[pa.Array]) -> list[int]:
    """Rows at which a value of any column differs from the row before."""
    changed = np.zeros(len(columns[0]) - 1, dtype=bool)
    for column in columns:
        changed |= pc.not_equal(column.slice(1), column.slice(0, len(column) - 1)).to_numpy(zero_copy_only=False)
    return [int(row) + 1 for row in np.flatnonzero(changed)]


def single(column: pa.ChunkedArray) -> pa.Array:
    """The one array of a column that `block_runs` made."""
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
    _, offsets, data = column.buffers()
    first = np.frombuffer(offsets, dtype=np.int32, count=1, offset=4 * column.offset)[0]
    return decode(memoryview(data)[first : first + int(lengths[0]) * len(column)], int(lengths[0]) // 2)


def from_lattice_rows(lattice: Lattice, is_valid: npt.NDArray[np.bool_]) -> pa.BinaryArray:
    """Rows (n, width) as binary values; rows that are not valid as null."""
    offsets = _offsets(is_valid * (2 * lattice.shape[1]))
    bits = np.packbits(is_valid, bitorder="little").tobytes()
    buffers = [pa.py_buffer(bits), pa.py_buffer(offsets.tobytes()), pa.py_buffer(encode(lattice[is_valid]))]
    return pa.Array.from_buffers(pa.binary(), len(lattice), buffers)


def to_neighbors(ids: pa.Array, rows: Ints, similarity: npt.NDArray[np.float64], counts: Ints) -> pa.ListArray:
    """Lists of (neighbor_id, similarity): the first `counts` (n,) entries of `rows` and `similarity` (n, k).

    `rows` are positions in `ids`.
    """
    filled = np.arange(rows.shape[1]) < np.asarray(counts)[:, np.newaxis]
    entries = pa.StructArray.from_arrays(
        [ids.take(pa.array(rows[filled])), pa.array(similarity[filled])], names=["neighbor_id", "similarity"]
    )
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
