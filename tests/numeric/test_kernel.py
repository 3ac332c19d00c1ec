import numpy as np
import pytest

from soundalike.numeric import kernel
from soundalike.numeric.kernel import check_arithmetic, nearest
from soundalike.numeric.lattice import PRECISIONS, similarity, to_lattice


def random_lattice(rows: int, dimensions: int = 3, seed: int = 5) -> np.ndarray:
    return to_lattice(np.random.default_rng([seed, rows]).normal(size=(rows, dimensions)))[0]


def lists(lattice: np.ndarray, membership: tuple[np.ndarray, np.ndarray], k: int, **options: object) -> list:
    """Per row [(D, row), ...] as the kernel says."""
    rows, distance, counts = nearest(lattice, membership, k, **options)  # type: ignore[arg-type]
    for row in range(len(lattice)):
        assert (rows[row, counts[row] :] == -1).all() and (distance[row, counts[row] :] == -1).all()
    return [
        list(zip(distance[row, :count].tolist(), rows[row, :count].tolist(), strict=True))
        for row, count in enumerate(counts.tolist())
    ]


def brute_force(lattice: np.ndarray, asked: list[int], k: int, buckets: list[set[int]] | None = None) -> list:
    """The same by a double loop over int64, for the rows `asked`."""
    wide = lattice.astype(np.int64)
    answers = []
    for row in asked:
        others = [o for o in range(len(wide)) if o != row and (buckets is None or buckets[row] & buckets[o])]
        answers.append(sorted((int(((wide[row] - wide[other]) ** 2).sum()) // 2, other) for other in others)[:k])
    return answers


def one_bucket(rows: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(rows), np.zeros(rows, dtype=np.int64)


@pytest.mark.parametrize("k", [1, 10, 100])
def test_small_blocks_against_a_double_loop(k: int) -> None:
    for rows in sorted({1, 2, k, k + 1, k + 2}):
        lattice = random_lattice(rows)
        assert lists(lattice, one_bucket(rows), k) == brute_force(lattice, list(range(rows)), k)


@pytest.mark.parametrize("k", [1, 10, 100])
@pytest.mark.parametrize("rows", [2047, 2048, 2049])
def test_blocks_around_one_tile_against_a_double_loop(rows: int, k: int) -> None:
    # Three dimensions: distances repeat, so that ties are met at the end of lists too.
    lattice = random_lattice(rows)
    lattice[rows // 2 : rows // 2 + 200] = lattice[:200]
    asked = [0, 1, 199, 255, 256, rows // 2, rows - 2, rows - 1]

    answers = lists(lattice, one_bucket(rows), k)

    assert [answers[row] for row in asked] == brute_force(lattice, asked, k)


def test_tiles_change_nothing() -> None:
    lattice = random_lattice(700)
    whole = nearest(lattice, one_bucket(700), 13)
    for tile in [(1, 700), (7, 11), (700, 1), (64, 699), (1000, 1000)]:
        for mine, expected in zip(nearest(lattice, one_bucket(700), 13, tile=tile), whole, strict=True):
            np.testing.assert_array_equal(mine, expected)


def test_twelve_identical_vectors() -> None:
    lattice, _ = to_lattice(np.tile([0.3, -0.2, 0.9], (12, 1)))

    rows, distance, counts = nearest(lattice, one_bucket(12), 10)

    assert counts.tolist() == [10] * 12
    assert (similarity(distance) == 1.0).all()
    assert rows[0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert rows[5].tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]
    assert rows[11].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_blocks_shorter_than_the_list_are_not_padded() -> None:
    for rows, expected in [(1, 0), (2, 1), (5, 4), (11, 10)]:
        assert nearest(random_lattice(rows), one_bucket(rows), 10)[2].tolist() == [expected] * rows


def test_antipodal_rows_at_the_bound() -> None:
    # The widest lattice there is: 2880 / sqrt(1000) -> 91 in each column, D = 16,562,000 of 16,777,216.
    row = np.full(1000, 1 / np.sqrt(1000))
    odd = np.concatenate([row[:-1] * 1.0005, [0.0]])
    lattice, _ = to_lattice([row, -row, odd, -odd])

    assert lists(lattice, one_bucket(4), 3) == brute_force(lattice, [0, 1, 2, 3], 3)
    assert lists(lattice, one_bucket(4), 3)[0][-1] == (2 * 91**2 * 1000, 1)


def test_a_pair_in_two_buckets_stands_once() -> None:
    lattice = random_lattice(300)
    buckets = [{row % 3, 3 + row % 2} for row in range(300)]
    rows, cells = zip(*((row, cell) for row in range(300) for cell in sorted(buckets[row])), strict=True)

    answers = lists(lattice, (np.array(rows), np.array(cells)), 20)

    assert answers == brute_force(lattice, list(range(300)), 20, buckets)
    assert answers != brute_force(lattice, list(range(300)), 20)


def test_rows_without_a_common_bucket_have_no_neighbors() -> None:
    assert lists(random_lattice(3), (np.array([0, 1, 2]), np.array([7, 7, 8])), 5)[2] == []


def test_a_lattice_too_wide_for_float32_is_refused() -> None:
    with pytest.raises(ValueError, match="float32 is exact below"):
        nearest(np.zeros((2, 1101), dtype=np.int16), one_bucket(2), 1)
    with pytest.raises(ValueError, match="float32 is exact below"):
        nearest(np.zeros((2, 17), dtype=np.int16), one_bucket(2), 1, scale=32_000)


def test_arithmetic_check_accepts_this_machine_and_refuses_a_reduced_format(monkeypatch: pytest.MonkeyPatch) -> None:
    check_arithmetic()
    check_arithmetic("fine")
    operand = kernel.query_operand
    monkeypatch.setattr(kernel, "query_operand", lambda *given: operand(*given).astype(np.float16).astype(given[-1]))
    with np.errstate(over="ignore", invalid="ignore"):
        with pytest.raises(ArithmeticError, match=r"float32 matrix products differ .* reduced format"):
            check_arithmetic()
        with pytest.raises(ArithmeticError, match="float64 matrix products differ"):
            check_arithmetic("fine")


@pytest.mark.parametrize("k", [1, 10, 100])
def test_all_rows_equal_over_more_than_one_tile(k: int) -> None:
    lattice, _ = to_lattice(np.tile([0.3, -0.2, 0.9], (2100, 1)))

    rows, distance, counts = nearest(lattice, one_bucket(2100), k)

    assert (counts == k).all() and not distance.any()
    smallest = np.arange(k + 1)
    for row in (0, k, 255, 2047, 2048, 2099):
        assert rows[row].tolist() == smallest[smallest != row][:k].tolist()


@pytest.mark.parametrize("precision", sorted(PRECISIONS))
@pytest.mark.parametrize("k", [1, 10, 100])
def test_overlapping_buckets_with_many_equal_rows_against_a_double_loop(k: int, precision: str) -> None:
    # 5 % of the rows are one atom, larger than k, in up to three of the buckets 0..8; bucket 9 holds a single row.
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(2400, 4))
    rows[rng.choice(2400, 120, replace=False)] = rows[0]
    scale, dtype = PRECISIONS[precision]
    lattice, _ = to_lattice(rows, scale, dtype)
    order = [rng.permutation(9)[: 1 + row % 3].tolist() for row in range(2400)]
    order[17] = [9, 2]
    pairs = [(row, cell) for row, cells in enumerate(order) for cell in cells]
    membership = np.array([row for row, _ in pairs]), np.array([cell for _, cell in pairs])

    for tile in [(256, 2048), (100, 203)]:
        answers = lists(lattice, membership, k, tile=tile, scale=scale, dtype=dtype)
        asked = [0, 1, 17, 999, 2399, *np.flatnonzero((lattice == lattice[0]).all(axis=1)).tolist()[:12:4]]
        assert [answers[row] for row in asked] == brute_force(lattice, asked, k, [set(cells) for cells in order])


def test_a_row_is_answered_only_where_it_is_asked() -> None:
    lattice = random_lattice(90)
    rows, cells = np.repeat(np.arange(90), 2), np.tile([0, 1], 90) + 2 * (np.repeat(np.arange(90), 2) % 3)
    cells[1::2] %= 6
    asked = ((rows * 7 + cells) % 3 > 0) & (rows != 5)
    members = [set(rows[cells == cell].tolist()) for cell in range(6)]

    answers = lists(lattice, (rows, cells), 20, asked=asked)

    wide = lattice.astype(np.int64)
    for row in range(90):
        others = {other for cell in cells[(rows == row) & asked] for other in members[cell]} - {row}
        keys = sorted((int(((wide[row] - wide[other]) ** 2).sum()) // 2, other) for other in others)
        assert answers[row] == keys[:20]
    assert answers[5] == []


@pytest.mark.parametrize("k", [1, 10, 100])
@pytest.mark.parametrize("catalog", ["none", "one", "some", "all but one", "all"])
@pytest.mark.parametrize("everywhere", [True, False])
def test_only_listed_rows_stand_in_lists_and_all_rows_are_answered(k: int, catalog: str, everywhere: bool) -> None:
    # Bucket 6 is of rows in no catalog but "all" ones, and the home of some; bucket 7 is of a single row.
    rng = np.random.default_rng(3)
    lattice = random_lattice(400)
    lattice[300:330] = lattice[:30]
    order = [rng.permutation(6)[: 1 + row % 3].tolist() for row in range(400)]
    for row in range(200, 300, 9):
        order[row] = [6, *order[row]]
    order[5] = [7, 0]
    pairs = [(row, cell) for row, cells in enumerate(order) for cell in cells]
    rows, cells = np.array([row for row, _ in pairs]), np.array([cell for _, cell in pairs])
    listed = {
        "none": np.zeros(400, dtype=bool),
        "one": np.arange(400) == 17,
        "some": (rng.random(400) < 0.3) & np.array([6 not in cells for cells in order]),
        "all but one": np.arange(400) != 17,
        "all": np.ones(400, dtype=bool),
    }[catalog]
    asked = np.ones(len(rows), dtype=bool) if everywhere else (rows * 7 + cells) % 3 > 0

    wide = lattice.astype(np.int64)
    distance = ((wide[:, np.newaxis] - wide) ** 2).sum(axis=2) // 2
    expected = []
    for row in range(400):
        own = set(cells[(rows == row) & asked].tolist())
        others = [o for o in np.flatnonzero(listed).tolist() if o != row and own & set(order[o])]
        expected.append(sorted((int(distance[row, o]), o) for o in others)[:k])
    for tile in [(256, 2048), (30, 41)]:
        given = None if everywhere else asked
        assert lists(lattice, (rows, cells), k, tile=tile, asked=given, listed=listed) == expected
    assert any(expected) == (catalog != "none")


def test_parts_of_a_bucket_add_up() -> None:
    lattice, membership = random_lattice(500), one_bucket(500)
    whole = nearest(lattice, membership, 9)
    for part in range(3):
        asked = np.arange(500) % 3 == part
        for mine, expected in zip(nearest(lattice, membership, 9, asked=asked), whole, strict=True):
            np.testing.assert_array_equal(mine[asked], expected[asked])


def test_pairs_that_do_not_ascend_are_refused() -> None:
    with pytest.raises(ValueError, match="must be in the order of rows"):
        nearest(random_lattice(3), (np.array([0, 2, 1]), np.zeros(3, dtype=np.int64)), 1)


def test_fine_antipodal_rows_at_the_bound() -> None:
    row = np.full(1000, 1 / np.sqrt(1000))
    scale, dtype = PRECISIONS["fine"]
    lattice, _ = to_lattice([row, -row, [*row[:-1], 0.0]], scale, dtype)

    found = lists(lattice, one_bucket(3), 2, scale=scale, dtype=dtype)

    assert found == brute_force(lattice, [0, 1, 2], 2)
    assert found[0][-1] == (2 * 1012**2 * 1000, 1)
