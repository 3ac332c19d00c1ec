"""The synthetic vectors have the properties that the recipe measured, at a size that takes a second."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from benchmarks.knn_acceptance import measure
from benchmarks.knn_vectors import VARIANTS, VectorSet, make_vectors, write_vectors

ROWS = 20_000


@pytest.fixture(scope="module")
def base() -> VectorSet:
    return make_vectors(ROWS)


def duplicates(made: VectorSet) -> int:
    return len(made.x) - len(np.unique(made.x, axis=0))


def shares(made: VectorSet) -> np.ndarray:
    return np.bincount(made.genre, minlength=9) / len(made.ids)


def test_the_base_set_has_the_measured_properties(base: VectorSet) -> None:
    # Of 200,000 rows; nearer neighbors are farther in a tenth of the rows, so only what does not depend on n is held.
    expected = (0.2155, 0.1992, 0.1747, 0.1375, 0.1069, 0.0819, 0.0777, 0.0057, 0.0010)
    assert shares(base) == pytest.approx(expected, abs=0.01)
    found = measure(base)
    assert found.duplicates == 0
    assert (found.random, found.saturated) == (pytest.approx(0.544, abs=0.01), pytest.approx(0.226, abs=0.01))
    assert found.dimension == pytest.approx(10.6, abs=1.5)
    classifiers = np.split(base.x, np.cumsum((*[2] * 12, 9, 5, 8, 10, 10)), axis=1)
    assert base.x.shape == (ROWS, 71) and base.x.dtype == np.float32
    assert all(part.sum(axis=1) == pytest.approx(np.ones(ROWS), abs=1e-5) for part in classifiers)


def test_the_draws_are_those_of_the_recipe() -> None:
    """Its counts for 300,000 rows: 63 blocks of genre and decade, of 11 to 18,190 rows."""
    made = make_vectors(300_000)
    _, sizes = np.unique(np.column_stack([made.genre, made.decade]), axis=0, return_counts=True)
    assert (len(sizes), sizes.min(), sizes.max()) == (63, 11, 18_190)
    assert float((sizes.astype(np.float64) ** 2).sum()) == pytest.approx(2.57e9, rel=0.002)


def test_variants_do_what_their_names_say(base: VectorSet) -> None:
    made = {name: make_vectors(ROWS, name) for name in VARIANTS}
    assert shares(made["big80"])[1] == pytest.approx(0.802, abs=0.01)
    assert duplicates(made["ident5"]) == ROWS // 20 - 1
    linked = sum(key != own for key, own in zip(made["resub"].keys, made["resub"].ids, strict=True))
    assert linked / ROWS == pytest.approx(0.16, abs=0.01)
    assert made["resub_unlinked"].keys == made["resub"].ids == made["resub_unlinked"].ids
    assert made["unif"].x.shape == (ROWS, 54)
    assert np.bincount(made["tiny"].genre)[100:].tolist() == [1, 2, 5, 11, 41]
    assert duplicates(made["dense"]) == 0
    collapsed = made["collapsed"].x
    assert (collapsed[:, 0] == np.float32(0.80882)).mean() == pytest.approx(0.075, abs=0.01)
    assert (collapsed[:, 0:24:2] == 0.5).any(axis=1).mean() == pytest.approx(0.054, abs=0.01)
    assert sorted(made["shuffled"].ids) == sorted(base.ids) and made["shuffled"].ids != base.ids
    assert (len(made["plus1"].ids), made["plus1"].ids[:ROWS]) == (ROWS + ROWS // 100, base.ids)
    with pytest.raises(ValueError, match="'bigger' is unknown"):
        make_vectors(ROWS, "bigger")


def test_files_fit_the_contract_of_own_vectors(tmp_path: Path) -> None:
    made = write_vectors(tmp_path, 1_000)
    assert len(list(tmp_path.iterdir())) == 8
    table = pq.read_table(tmp_path)
    assert {field.name: str(field.type) for field in table.schema} == {
        "track_id": "string", "recording_key": "string", "vector": "list<element: float>", "genre": "string",
        "decade": "int32", "is_trusted": "bool",
    }  # fmt: skip
    rows = table.to_pylist()
    assert [row["track_id"] for row in rows] == made.ids
    assert rows[5]["vector"] == made.x[5].tolist()
    for row, genre, decade in zip(rows, made.genre.tolist(), made.decade.tolist(), strict=True):
        assert row["genre"] == ("cla", "roc", "rhy", "pop", "jaz", "hip", "dan", "spe", None)[genre]
        assert row["decade"] == (None if decade == 0 else 10 * decade)
