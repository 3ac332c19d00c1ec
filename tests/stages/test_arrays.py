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


def test_lattice_rows_and_back() -> None:
    lattice = np.array([[1, -2, 3], [7, 7, 7], [4, 5, -600]], dtype=np.int16)
    column = arrays.from_lattice_rows(lattice, np.array([True, False, True]))

    assert column.to_pylist() == [b"\x01\x00\xfe\xff\x03\x00", None, b"\x04\x00\x05\x00\xa8\xfd"]
    np.testing.assert_array_equal(arrays.to_lattice_rows(column.slice(2, 1)), [[4, 5, -600]])
    np.testing.assert_array_equal(arrays.to_lattice_rows(column.drop_null()), lattice[[0, 2]])
    with pytest.raises(ValueError, match="1 nulls; expected one, none"):
        arrays.to_lattice_rows(column)
    with pytest.raises(ValueError, match="have 2 lengths"):
        arrays.to_lattice_rows(pa.array([b"\x01\x00", b"\x01\x00\x02\x00"]))


def test_neighbors_and_back() -> None:
    ids = pa.array(["x", "a", "b", "c"]).slice(1)
    rows, close = np.array([[1, 2], [-1, -1], [0, -1]]), np.array([[0.9, 0.8], [9, 9], [0.7, 9]])

    column = arrays.to_neighbors(ids, rows, close, np.array([2, 0, 1]))

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
