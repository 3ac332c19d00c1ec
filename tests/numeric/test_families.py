"""Families: which rows share a bucket, by plain Python integers; and what their version is made of."""

import hashlib
import math

import numpy as np
import pytest

from soundalike.numeric.compared import compared
from soundalike.numeric.families import Exact, Hyperplane, family_of, mean, model_version, projections
from soundalike.numeric.kernel import nearest
from soundalike.numeric.lattice import to_lattice


def random_lattice(rows: int, dimensions: int = 3, seed: int = 5) -> np.ndarray:
    return to_lattice(np.random.default_rng([seed, rows]).normal(size=(rows, dimensions)))[0]


def grouped(rows: int, dimensions: int = 6) -> np.ndarray:
    """Rows around eight centers in the positive orthant, where uncentered signs would all be alike."""
    random = np.random.default_rng([7, rows])
    centers = np.abs(random.normal(size=(8, dimensions))) + 1
    return to_lattice(centers[random.integers(0, 8, rows)] + 0.1 * random.normal(size=(rows, dimensions)))[0]


def table_buckets(model: Hyperplane, lattice: np.ndarray) -> np.ndarray:
    rows, buckets = model.assign(lattice)
    assert rows.tolist() == [row for row in range(len(lattice)) for _ in range(32)]
    return buckets.reshape(-1, 32)


def shared(buckets: np.ndarray) -> np.ndarray:
    """(n, n): the rows share a bucket in some table, themselves left out."""
    found = (buckets[:, np.newaxis] == buckets[np.newaxis]).any(axis=2)
    np.fill_diagonal(found, False)
    return found


def test_the_exact_family_compares_all() -> None:
    lattice = random_lattice(4)
    model = family_of("exact").fit(lattice, 4, 2022)

    rows, buckets = model.assign(lattice)

    assert isinstance(model, Exact)
    assert (rows.tolist(), buckets.tolist()) == ([0, 1, 2, 3], [0, 0, 0, 0])
    assert (model.centers.shape, model.parameters) == ((0, 4), {})
    with pytest.raises(ValueError, match=r"'hyperplan' is unknown; known: exact, kmeans_overlap, hyperplane"):
        family_of("hyperplan")


@pytest.mark.parametrize(
    ("rows", "bits"),
    # round(log2(rows / 512)), at least 1: 1448 = 512 * 2^1.4998, 1449 = 512 * 2^1.5008.
    [(1, 1), (512, 1), (1448, 1), (1449, 2), (16385, 5), (213_000, 9), (7_000_000, 14), (30_000_000, 16)],
)
def test_bits_follow_the_rows_of_the_block(rows: int, bits: int) -> None:
    model = Hyperplane.fit(random_lattice(5), rows, 2022)

    assert model.parameters | {"projections": ""} == {
        "bits": str(bits), "tables": "32", "seed": "2022", "projections": "",
    }  # fmt: skip
    assert model.buckets == 32 * 2**bits


def test_signs_are_those_of_whole_numbers() -> None:
    lattice = grouped(300)
    model = Hyperplane.fit(lattice[:100], 3000, 2022)
    normals = projections(2022, 32, 7).tolist()
    center = model.centers[0].tolist()

    found = table_buckets(model, lattice)

    for row in (0, 17, 299):
        difference = [int(a) - b for a, b in zip(lattice[row], center, strict=True)]
        for table in range(32):
            dots = [sum(a * r for a, r in zip(difference, normals[table][bit], strict=True)) for bit in range(3)]
            code = sum((dot > 0) << bit for bit, dot in enumerate(dots))
            assert found[row, table] == (table << 3) + code


def test_a_row_on_the_plane_is_not_above_it() -> None:
    lattice = grouped(50)
    model = Hyperplane({"bits": "4", "tables": "32", "seed": "1"}, lattice[7:8])

    assert (table_buckets(model, lattice)[7] == np.arange(32) << 4).all()


def test_projections_are_small_whole_numbers_that_no_block_decides() -> None:
    drawn = projections(2022, 32, 55)

    assert drawn.dtype == np.int64 and (drawn.min(), drawn.max()) == (-127, 127)
    assert (projections(2023, 32, 55) != drawn).mean() > 0.9
    # Two blocks of other sizes, samples and centers cut along the same directions.
    small, large = (Hyperplane.fit(grouped(rows), rows * 100, 2022) for rows in (20, 400))
    assert small.parameters["projections"] == large.parameters["projections"]
    assert (small.bits, large.bits) == (2, 6)
    same = [Hyperplane(model.parameters, small.centers) for model in (small, large)]
    codes = [table_buckets(model, grouped(200)) & 3 for model in same]
    np.testing.assert_array_equal(*codes)


def test_the_center_is_the_mean_in_whole_numbers() -> None:
    sample = np.array([[1, -1, 2880, 0], [2, -2, 2879, 0], [4, -2, 2880, 1]], dtype=np.int16)

    assert mean(sample).tolist() == [[2, -2, 2880, 0]]
    assert mean(sample[:2]).tolist() == [[2, -1, 2880, 0]]
    assert mean(sample[:0]).tolist() == [[0, 0, 0, 0]]
    assert mean(np.full((40_000, 3), 2880, dtype=np.int16)).tolist() == [[2880] * 3]


def test_centering_spreads_rows_of_the_positive_orthant() -> None:
    lattice = grouped(2000)
    centered = Hyperplane.fit(lattice, 4 * 2048, 2022)
    origin = Hyperplane(centered.parameters, np.zeros_like(centered.centers))

    largest = [np.unique(table_buckets(model, lattice), return_counts=True)[1].max() for model in (centered, origin)]

    assert largest[0] < 0.6 * len(lattice) < 0.9 * len(lattice) < largest[1]


def test_lists_are_a_brute_force_over_the_buckets() -> None:
    lattice = grouped(700)
    model = Hyperplane.fit(lattice, 100_000, 2022)
    may = shared(table_buckets(model, lattice))
    wide = lattice.astype(np.int64)
    distance = ((wide[:, np.newaxis] - wide[np.newaxis]) ** 2).sum(axis=2) // 2

    rows, found, counts = nearest(lattice, model.assign(lattice), 20)

    for row in range(700):
        others = np.flatnonzero(may[row])
        expected = others[np.lexsort((others, distance[row, others]))][:20]
        assert rows[row, : counts[row]].tolist() == expected.tolist()
        assert found[row, : counts[row]].tolist() == distance[row, expected].tolist()
    assert (~may).sum() > 700  # more than the rows themselves


def test_each_pair_is_counted_once() -> None:
    lattice = grouped(900)
    lattice[100:180] = lattice[0]
    buckets = table_buckets(Hyperplane.fit(lattice, 60_000, 2022), lattice)
    expected = shared(buckets).sum(axis=1)

    for tile in [(256, 4096), (64, 31), (2000, 50)]:
        assert compared(buckets, np.ones(buckets.shape, dtype=bool), tile).tolist() == expected.tolist()


def test_parts_of_a_block_count_apart_and_add_up() -> None:
    lattice = grouped(400)
    buckets = table_buckets(Hyperplane.fit(lattice, 60_000, 2022), lattice)
    expected = shared(buckets).sum(axis=1)
    part = buckets * 7 // (32 << 7)
    counted = np.zeros(400, dtype=np.int64)

    for number in range(7):
        rows = np.flatnonzero((part == number).any(axis=1))
        counted[rows] += compared(buckets[rows], part[rows] == number)

    assert counted.tolist() == expected.tolist()
    assert math.comb(400, 2) * 2 > expected.sum() > 0


def test_model_version_is_of_content_and_parameters() -> None:
    small, large = Exact.fit(random_lattice(4), 4, 1), Exact.fit(random_lattice(9), 9, 2)
    version = model_version(small, 2880, 3, {"top_n": "10"})

    stated = (
        b'{"centers": "", "dimensions": 3, "family": "exact", "lattice_scale": 2880, "parameters": {"top_n": "10"}}'
    )
    assert version == hashlib.sha256(stated).hexdigest()[:16]
    assert model_version(large, 2880, 3, {"top_n": "10"}) == version
    assert len({version, model_version(small, 2879, 3, {"top_n": "10"}), model_version(small, 2880, 4, {"top_n": "10"}),
                model_version(small, 2880, 3, {"top_n": "11"}), model_version(small, 2880, 3, {})}) == 5  # fmt: skip


def test_model_version_holds_what_was_fitted() -> None:
    lattice = grouped(50)
    model = Hyperplane.fit(lattice, 5000, 2022)
    version = model_version(model, 2880, 6, {})

    assert model_version(Hyperplane(model.parameters, model.centers), 2880, 6, {}) == version
    others = [Hyperplane.fit(lattice[1:], 5000, 2022), Hyperplane.fit(lattice, 9000, 2022),
              Hyperplane.fit(lattice, 5000, 2023)]  # fmt: skip
    assert len({version, *(model_version(other, 2880, 6, {}) for other in others)}) == 4
    drawn = Hyperplane(model.parameters | {"projections": "of another numpy"}, model.centers)
    assert model_version(drawn, 2880, 6, {}) != version
