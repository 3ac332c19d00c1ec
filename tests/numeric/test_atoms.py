from collections.abc import Callable

import numpy as np
import pytest

from soundalike.numeric import atoms, kernel
from soundalike.numeric.lattice import PRECISIONS, to_lattice

Pairs = tuple[np.ndarray, np.ndarray]


def block(
    rows: int, share: float, precision: str = "coarse", large: bool = False, seed: int = 1
) -> tuple[np.ndarray, Pairs]:
    """A lattice of which `share` of the rows are copies, of one row or of many; equal rows are in equal buckets.

    Three coarse columns, so that different atoms are at equal distances.
    """
    rng = np.random.default_rng([seed, rows])
    vectors = rng.normal(size=(rows, 3))
    copies = rng.choice(rows, round(rows * share), replace=False)
    if len(copies):
        vectors[copies] = vectors[copies[0] if large else copies[rng.integers(0, -(-len(copies) // 9), len(copies))]]
    lattice, _ = to_lattice(np.round(vectors, 1), *PRECISIONS[precision])
    cells, which = np.unique(lattice, axis=0, return_inverse=True)
    order = [rng.permutation(7)[: rng.integers(1, 5)].tolist() for _ in cells]
    pairs = [(row, cell) for row, group in enumerate(which.tolist()) for cell in order[group]]
    return lattice, (np.array([row for row, _ in pairs]), np.array([cell for _, cell in pairs]))


def one_bucket(rows: int) -> Pairs:
    return np.arange(rows), np.zeros(rows, dtype=np.int64)


def assert_as_the_kernel(lattice: np.ndarray, membership: Pairs, k: int, **options: object) -> None:
    expected = kernel.nearest(lattice, membership, k, **options)  # type: ignore[arg-type]
    found = atoms.nearest(lattice, membership, k, **options)  # type: ignore[arg-type]
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows were given to the kernel, each time."""
    counts: list[int] = []
    search: Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]] = kernel.nearest

    def counting(lattice: np.ndarray, membership: Pairs, *given: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        counts.append(len(np.unique(membership[0])))
        return search(lattice, membership, *given)

    monkeypatch.setattr(kernel, "nearest", counting)
    return counts


def test_twelve_identical_vectors(searched: list[int]) -> None:
    lattice, _ = to_lattice(np.tile([0.3, -0.2, 0.9], (12, 1)))

    rows, distance, counts = atoms.nearest(lattice, one_bucket(12), 10)

    assert searched == [1]
    assert counts.tolist() == [10] * 12 and not distance.any()
    assert rows[0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert rows[5].tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]
    assert rows[11].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_two_atoms_at_one_distance_are_mixed_by_row() -> None:
    # Rows 1, 4, 5 and 2, 3, 6 are at D = 2880^2 from row 0; rows of an atom and of the next are not in row order.
    x, y, z = [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]
    lattice, _ = to_lattice([x, y, z, z, y, y, z])

    rows, distance, counts = atoms.nearest(lattice, one_bucket(7), 4)

    assert rows[0].tolist() == [1, 2, 3, 4] and distance[0].tolist() == [2880**2] * 4
    assert rows[4].tolist() == [1, 5, 0, 2] and distance[4].tolist() == [0, 0, 2880**2, 2880**2]
    assert rows[6].tolist() == [2, 3, 0, 1]
    assert counts.tolist() == [4] * 7


@pytest.mark.parametrize("k", [1, 10, 100])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("large", [True, False])
def test_lists_are_those_of_the_kernel(k: int, share: float, large: bool) -> None:
    lattice, membership = block(1500, share, large=large)
    rng = np.random.default_rng(7)
    asked = rng.random(len(membership[0])) < 0.7
    for listed in (None, rng.random(1500) < 0.4, np.zeros(1500, dtype=bool), np.arange(1500) == 700):
        assert_as_the_kernel(lattice, membership, k, listed=listed)
        assert_as_the_kernel(lattice, membership, k, listed=listed, asked=asked)


@pytest.mark.parametrize("precision", sorted(PRECISIONS))
def test_precision_and_tiles_are_handed_on(precision: str) -> None:
    scale, dtype = PRECISIONS[precision]
    lattice, membership = block(600, 0.5, precision)
    assert_as_the_kernel(lattice, membership, 12, scale=scale, dtype=dtype, tile=(17, 40))
    with pytest.raises(ValueError, match="float32 is exact below"):
        atoms.nearest(lattice, membership, 12, scale=32_000)


def test_short_blocks() -> None:
    for rows in (0, 1, 2, 5, 11):
        for share in (0.0, 1.0):
            lattice, _ = block(rows, share, large=True)
            assert_as_the_kernel(lattice, one_bucket(rows), 10)


def test_lists_do_not_depend_on_how_many_are_expanded_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lattice, membership = block(700, 0.6)
    monkeypatch.setattr(atoms, "_ROWS", 37)
    for entries in (1, 500, 5000):
        monkeypatch.setattr(atoms, "_ENTRIES", entries)
        assert_as_the_kernel(lattice, membership, 6)
        assert_as_the_kernel(lattice, membership, 6, listed=np.arange(700) % 3 == 0)


def test_rows_that_share_a_hash_alone_are_not_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    lattice, membership = block(400, 0.5)
    monkeypatch.setattr(atoms, "_marks", lambda rows: (rows[:, 0] > 0).astype(np.uint64))
    assert_as_the_kernel(lattice, membership, 8)
    monkeypatch.setattr(atoms, "_marks", lambda rows: np.zeros(len(rows), dtype=np.uint64))
    assert_as_the_kernel(lattice, membership, 8, listed=np.arange(400) % 4 > 0)
    # Sums instead of a hash: equal for patterns of as many buckets asked.
    monkeypatch.undo()
    monkeypatch.setattr(atoms, "_powers", lambda count: np.ones(count, dtype=np.uint64))
    assert_as_the_kernel(lattice, membership, 8, asked=np.arange(len(membership[0])) % 3 > 0)


def test_equal_rows_in_different_buckets_are_not_mixed() -> None:
    lattice, _ = to_lattice(np.tile([0.3, -0.2, 0.9], (60, 1)))
    rows = np.repeat(np.arange(60), 2)
    cells = np.where(np.arange(120) % 2, 5 + rows % 4, rows % 3)
    assert_as_the_kernel(lattice, (rows, cells), 7)
    # Row 1 is in one of the two buckets of row 0, row 2 in the other.
    assert_as_the_kernel(lattice, (np.delete(rows, [3, 4]), np.delete(np.arange(120) % 2, [3, 4])), 7)


def test_what_is_searched(searched: list[int]) -> None:
    lattice, _ = block(1000, 0.0)
    distinct = np.unique(lattice, axis=0)[:800]

    def count(rows: np.ndarray, **options: object) -> int:
        atoms.nearest(rows, one_bucket(len(rows)), 3, **options)  # type: ignore[arg-type]
        return searched.pop()

    assert count(distinct) == 800
    # Up to 1 % of the rows: as they are.
    assert count(np.concatenate([distinct[:792], distinct[:8]])) == 800
    assert count(np.concatenate([distinct[:791], distinct[:9]])) == 791
    assert count(np.tile(distinct[:80], (10, 1))) == 80
    # A part of a bucket's queries: of an atom, those that are asked and the others.
    assert count(np.tile(distinct[:80], (10, 1)), asked=np.arange(800) < 400) == 160


def test_pairs_that_do_not_ascend_are_refused() -> None:
    # Those that are left of them after the collapse do ascend.
    lattice, _ = block(6, 1.0, large=True)
    with pytest.raises(ValueError, match="must be in the order of rows"):
        atoms.nearest(lattice, (np.array([5, 3, 3, 5, 4]), np.zeros(5, dtype=np.int64)), 1)
