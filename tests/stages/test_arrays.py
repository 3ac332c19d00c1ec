import numpy as np
import pyarrow as pa
import pytest

from soundalike.stages import arrays


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
def test_lists_to_a_matrix_with_slices_and_nulls(kind: pa.DataType) -> None:
    column = pa.array([[9, 9], [1, 2], None, [3, None], [5, 6], [9, 9]], type=pa.list_(kind)).slice(1, 4)

    matrix = arrays.to_matrix(column, 2)

    assert matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix, [[1, 2], [np.nan, np.nan], [3, np.nan], [5, 6]])


def test_null_lists_that_hide_values_are_left_out() -> None:
    column = pa.ListArray.from_arrays(
        pa.array([0, 2, 4, 6]), pa.array([1.0, 2, 8, 8, 3, 4]), mask=pa.array([False, True, False])
    )

    np.testing.assert_array_equal(arrays.to_matrix(column, 2), [[1, 2], [np.nan, np.nan], [3, 4]])


def test_one_width_is_demanded() -> None:
    with pytest.raises(ValueError, match="a vector has 3 values, expected 2"):
        arrays.to_matrix(pa.array([[1.0, 2.0], [1.0, 2.0, 3.0]]))
    with pytest.raises(ValueError, match="a vector has 0 values, expected 2"):
        arrays.to_matrix(pa.array([[]], type=pa.list_(pa.float64())), 2)
    assert arrays.to_matrix(pa.array([[1.0, 2.0, 3.0]])).shape == (1, 3)
    assert arrays.to_matrix(pa.nulls(3, pa.list_(pa.float32())), 0).shape == (3, 0)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_matrix_to_lists(kind: type) -> None:
    matrix = np.array([[1, 2], [3, 4], [5, 6]], dtype=kind)

    assert arrays.from_matrix(matrix).to_pylist() == [[1, 2], [3, 4], [5, 6]]
    column = arrays.from_matrix(matrix, np.array([True, False, True]))
    assert column.to_pylist() == [[1, 2], None, [5, 6]]
    assert column.type.value_type == pa.from_numpy_dtype(kind)


def test_rows_of_numbers_and_back() -> None:
    lattice = np.array([[1, -2, 3], [7, 7, 7], [4, 5, -600]], dtype=np.int16)
    column = arrays.from_rows(lattice, np.array([True, False, True]))

    assert column.to_pylist() == [b"\x01\x00\xfe\xff\x03\x00", None, b"\x04\x00\x05\x00\xa8\xfd"]
    np.testing.assert_array_equal(arrays.to_rows(column.slice(2, 1)), [[4, 5, -600]])
    np.testing.assert_array_equal(arrays.to_rows(column.drop_null()), lattice[[0, 2]])
    assert arrays.to_rows(column.slice(0, 0)).shape == (0, 0)
    with pytest.raises(ValueError, match="1 nulls; expected one, none"):
        arrays.to_rows(column)
    with pytest.raises(ValueError, match="have 2 lengths"):
        arrays.to_rows(pa.array([b"\x01\x00", b"\x01\x00\x02\x00"]))


def test_rows_of_doubles_and_back() -> None:
    column = arrays.from_rows(np.array([[1.0, -0.5], [2.0, 0.25]], dtype=">f8"))

    assert column[0].as_py() == b"\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\xe0\xbf"
    np.testing.assert_array_equal(arrays.to_rows(column, "<f8"), [[1, -0.5], [2, 0.25]])


def test_bytes_of_a_slice() -> None:
    column = arrays.binary(b"abcdef", np.array([0, 2, 2, 6]))

    assert column.to_pylist() == [b"ab", b"", b"cdef"]
    assert bytes(arrays.bytes_of(column.slice(1))) == b"cdef"
    assert bytes(arrays.bytes_of(column.slice(0, 2))) == b"ab"
    assert bytes(arrays.bytes_of(pa.array([], pa.binary()))) == b""


def test_lists_of_whole_numbers_and_back() -> None:
    column = arrays.from_int_lists(np.array([1, -1, 258]), np.array([2, 0, 1]))

    assert column.to_pylist() == [b"\x01\0\0\0\xff\xff\xff\xff", b"", b"\x02\x01\0\0"]
    values, lengths = arrays.to_int_lists(column.slice(1))
    assert (values.tolist(), lengths.tolist()) == ([258], [0, 1])


def test_neighbors_and_back() -> None:
    ids, close = pa.array(["x", "b", "c", "a"]).slice(1), np.array([0.9, 0.8, 0.7])

    column = arrays.from_neighbor_lists(ids, close, np.array([2, 0, 1]))

    first, second, third = ({"neighbor_id": i, "similarity": s} for i, s in (("b", 0.9), ("c", 0.8), ("a", 0.7)))
    assert column.to_pylist() == [[first, second], [], [third]]
    lengths, neighbor_ids, similarity = arrays.from_neighbors(column.slice(1))
    assert (lengths.tolist(), neighbor_ids.to_pylist(), similarity.tolist()) == ([0, 1], ["a"], [0.7])
    assert arrays.from_neighbors(pa.nulls(2, column.type))[0].tolist() == [0, 0]


def test_padding() -> None:
    assert arrays.padded(np.array([4, 5, 6]), np.array([2, 0, 1]), -1).tolist() == [[4, 5], [-1, -1], [6, -1]]
    assert arrays.padded(np.array([], dtype=int), np.array([0, 0]), -1).shape == (2, 0)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 100])
def test_runs_span_batches_of_any_size(size: int) -> None:
    keys = [("g", "a"), ("g", "a"), ("g", "a"), ("g", "b"), ("h", "b"), ("h", "b"), ("h", "c")]
    table = pa.table({"scope": [k[0] for k in keys], "block": [k[1] for k in keys], "n": range(7)})

    runs = list(arrays.block_runs(table.to_batches(max_chunksize=size), ("scope", "block")))

    assert [arrays.single(run["n"]).to_pylist() for run in runs] == [[0, 1, 2], [3], [4, 5], [6]]


def test_no_rows_are_no_runs() -> None:
    empty = pa.RecordBatch.from_pydict({"scope": pa.array([], pa.string()), "block": pa.array([], pa.string())})

    assert list(arrays.block_runs([], ("scope", "block"))) == []
    assert list(arrays.block_runs([empty], ("scope", "block"))) == []


def test_slices_of_equal_keys_and_bounded_length() -> None:
    batch = pa.RecordBatch.from_pydict({"k": [1, 1, 1, 2, 1], "n": range(5)})

    assert [run["n"].to_pylist() for run in arrays.runs(batch, ("k",))] == [[0, 1, 2], [3], [4]]
    assert [run["n"].to_pylist() for run in arrays.runs(batch, ("k",), 2)] == [[0, 1], [2], [3], [4]]
    assert list(arrays.runs(batch.slice(0, 0), ("k",))) == []


def test_rows_are_parted_wherever_they_stand() -> None:
    batch = pa.RecordBatch.from_pydict({"k": ["b", "a", "b", "a"], "l": [1, 1, 1, 2], "n": range(4)})

    def parts(rows: pa.RecordBatch) -> list:
        return sorted((key, part.column("n").to_pylist()) for key, part in arrays.parted(rows, ("k", "l")))

    assert parts(batch) == [(("a", 1), [1]), (("a", 2), [3]), (("b", 1), [0, 2])]
    assert parts(batch.slice(1, 2)) == [(("a", 1), [1]), (("b", 1), [2])]
    assert parts(batch.slice(0, 0)) == []


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_no_table_ends_inside_a_run(size: int) -> None:
    table = pa.table({"block": [0, 0, 0, 0, 1, 1], "id": [b"a", b"a", b"a", b"b", b"b", b"c"], "n": range(6)})
    empty = table.slice(0, 0).combine_chunks().to_batches() or [table.to_batches()[0].slice(0, 0)]

    tables = list(arrays.whole_runs([*empty, *table.to_batches(max_chunksize=size), *empty], ("block", "id")))

    assert [n for rows in tables for n in rows["n"].to_pylist()] == list(range(6))
    ends = {0, 3, 4, 5, 6}
    assert {int(rows["n"][0].as_py()) for rows in tables} <= ends
    assert len(tables) == {1: 4, 2: 3, 3: 2, 100: 2}[size]
    assert list(arrays.whole_runs(empty, ("block", "id"))) == []
