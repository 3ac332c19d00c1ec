"""The plan of the large stage: by hand, against all possible cuts, and by the answers that come out of its tasks."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from soundalike.numeric.cells import KmeansOverlap
from soundalike.numeric.kernel import nearest
from soundalike.numeric.lattice import to_lattice
from soundalike.numeric.plan import BlockCells, CellTasks, cut, in_sequence, plan

NO_CENTERS = np.zeros((0, 3), dtype=np.int16)


def one_cell(queries: int, base: int) -> BlockCells:
    return BlockCells(np.array([queries]), np.array([base]), NO_CENTERS)


def hashes(count: int) -> np.ndarray:
    return np.random.default_rng(8).integers(0, 2**64, count, dtype=np.uint64)


def clustered(rows: int) -> np.ndarray:
    random = np.random.default_rng(2)
    points = random.normal(size=(12, 6))[random.integers(0, 12, rows)] + 0.5 * random.normal(size=(rows, 6))
    return to_lattice(points)[0]


def cells_of(fitted: KmeansOverlap, lattice: np.ndarray, factor: int) -> BlockCells:
    """As if the block had `factor` times the rows."""
    count = np.bincount(fitted.assign(lattice)[1], minlength=fitted.buckets) * factor
    return BlockCells(count, count, fitted.centers)


def test_a_sequence_is_cut_by_hand() -> None:
    nothing = np.zeros(5, dtype=np.int64)
    assert cut(np.array([4, 1, 1, 4, 2]), nothing, 2).tolist() == [0, 0, 0, 1, 1]
    assert cut(np.array([5, 5]), nothing[:2], 1).tolist() == [0, 0]
    assert cut(nothing, nothing, 3).tolist() == [0] * 5


def test_no_other_cut_is_better() -> None:
    random = np.random.default_rng(5)
    for _ in range(200):
        size, pieces = int(random.integers(1, 9)), int(random.integers(1, 5))
        costs = random.integers(0, 20, size)
        extra = np.zeros(size, dtype=np.int64)
        for i in range(1, size):
            extra[i] = random.integers(0, extra[i - 1] + costs[i - 1] + 1)

        found = cut(costs, extra, pieces)

        assert found[0] == 0 and set(np.diff(found).tolist()) <= {0, 1} and found[-1] < pieces

        def worst(bounds: tuple[int, ...], costs: np.ndarray = costs, extra: np.ndarray = extra) -> int:
            runs = pairwise((0, *bounds, len(costs)))
            return max(int(costs[start:stop].sum() + extra[start]) for start, stop in runs)

        possible = [worst(bounds) for more in range(min(pieces, size)) for bounds in combinations(range(1, size), more)]
        assert worst(tuple((np.flatnonzero(np.diff(found)) + 1).tolist())) == min(possible)


def test_near_cells_follow_one_another() -> None:
    # Two groups far apart in the first coordinate; within each, cells differ in the second.
    centers = np.array([[0, 6], [90, 2], [0, 2], [90, 4], [0, 4], [90, 6]], dtype=np.int16)
    equal = np.full(6, 10)
    assert in_sequence(centers, equal, 60).tolist() == [0, 1, 2, 3, 4, 5]
    halves = in_sequence(centers, equal, 30).tolist()
    assert sorted(map(sorted, (halves[:3], halves[3:]))) == [[0, 2, 4], [1, 3, 5]]
    # To the last cell: along the line, one way or the other.
    assert [in_sequence(centers[[0, 2, 4]], equal[:3], 1).tolist()] in ([[1, 2, 0]], [[0, 2, 1]])


def test_halves_are_equal_in_cost() -> None:
    # The first costs as much as the four others, so these stay together, and they differ most in the second coordinate.
    centers = np.array([[-200, 0], [10, 30], [11, 0], [12, 20], [13, 10]], dtype=np.int16)
    ordered = in_sequence(centers, np.array([40, 10, 10, 10, 10]), 39).tolist()
    ordered = ordered if ordered[0] == 0 else ordered[::-1]
    assert ordered in ([0, 2, 4, 3, 1], [0, 1, 3, 4, 2])


def test_small_blocks_share_tasks_and_none_is_cut() -> None:
    # 1,000 rows cost 1,000 * 1,000 + 3,000 * 1,000 = 4,000,000, so 3 of 12 in each of 4 tasks.
    found = plan([one_cell(1000, 1000)] * 12, 4)

    assert found.costs.tolist() == [12_000_000] * 4
    assert [found.blocks[i].task_of.tolist() for i in range(12)] == [[i // 3] for i in range(12)]


def test_tasks_are_numbered_by_falling_cost() -> None:
    found = plan([one_cell(10, 10), one_cell(1000, 1000), one_cell(100, 100)], 3)
    assert found.costs.tolist() == [4_000_000, 310_000, 30_100]
    assert [found.blocks[i].task_of.tolist() for i in range(3)] == [[2], [0], [1]]


def test_a_large_cell_is_answered_in_parts() -> None:
    # Parts are less than a quarter of a share: 4 * 2 + 1 if the block is all there is, for its whole cost is 2 shares.
    found = plan([one_cell(90_000, 90_000)], 2)
    block = found.blocks[0]

    assert block.parts.tolist() == [8]
    assert block.task_of.tolist() == [0] * 4 + [1] * 4
    assert block.tasks.tolist() == [0, 1]
    # Each has all the base and half of the queries.
    assert found.costs.tolist() == [45_000 * 90_000 + 3000 * 90_000] * 2


def test_parts_behind_one_another_are_sent_once() -> None:
    # 12,000 * 90,000 in four parts of 2.7e8 and 2.7e8 to send; 1,000 * 250,000 + 3,000 * 250,000 in one. If three parts
    # were in the first task: 2.7 + 3 * 2.7 against 2.7 + 2.7 + 10. If four: 13.5 against 10.
    found = plan([one_cell(12_000, 90_000), one_cell(1_000, 250_000)], 2)
    assert found.blocks[0].task_of.tolist() == [0] * 4
    assert found.costs.tolist() == [1_350_000_000, 1_000_000_000]


def test_a_part_answers_more_rows_than_it_costs_to_send() -> None:
    assert plan([one_cell(5_999, 90_000)], 9).blocks[0].parts.tolist() == [1]
    assert plan([one_cell(6_000, 90_000)], 9).blocks[0].parts.tolist() == [2]


def test_rows_of_a_large_cell_by_hand() -> None:
    # Cell 0 has three parts, in the tasks 4, 1, 1; cell 1 is in task 1.
    tasks = CellTasks(np.array([0, 3, 4]), np.array([4, 1, 1, 1]), np.array([0, 2, 3]), np.array([4, 1, 1]))
    # Row 0 in the cells 1, 0, row 1 in cell 0, row 2 in none of them, row 3 in cell 1.
    rows, cells = np.array([0, 0, 1, 3]), np.array([1, 0, 0, 1])

    copies = tasks.route(rows, cells, np.array([3, 5, 0, 0], dtype=np.uint64))

    assert (copies.row.tolist(), copies.task.tolist()) == ([0, 0, 1, 1, 3], [1, 4, 1, 4, 1])
    # Hash 3 is part 0, in task 4; hash 5 is part 2, in task 1.
    assert copies.answers.tolist() == [2, 2, 1, 1, 1]
    listed, three = np.array([[1, 0], [0, -1], [1, -1]]), np.array([3, 5, 0], dtype=np.uint64)
    here, asked = tasks.held(1, listed, three)
    assert here.tolist() == [[True, True], [True, False], [True, False]]
    assert asked.tolist() == [[True, False], [True, False], [True, False]]
    here, asked = tasks.held(4, listed, three)
    assert here.tolist() == [[False, True], [True, False], [False, False]]
    assert asked.tolist() == [[False, True], [False, False], [False, False]]


def test_no_rows_make_no_copies() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    copies = plan([one_cell(9, 9)], 2).blocks[0].route(nothing, nothing, nothing.astype(np.uint64))
    assert (len(copies.row), len(copies.task), len(copies.answers)) == (0, 0, 0)


@pytest.mark.parametrize(("tasks", "factor"), [(1, 1), (3, 1), (8, 400), (8, 20_000)])
def test_the_tasks_together_answer_as_one(tasks: int, factor: int) -> None:
    lattice, k = clustered(600), 9
    fitted = KmeansOverlap.fit(lattice, leaf=60)
    membership = fitted.assign(lattice)
    found = plan([one_cell(7000 * factor, 700), cells_of(fitted, lattice, factor)], tasks)
    # Batches, as they come.
    merged: list[set[tuple[int, int]]] = [set() for _ in lattice]
    needed: dict[int, list[tuple[int, list[int], list[bool]]]] = {}
    answered = np.zeros(len(lattice), dtype=np.int64)
    stated = np.zeros_like(answered)
    for first in range(0, 600, 250):
        rows, cells = fitted.assign(lattice[first : first + 250])
        copies = found.blocks[1].route(rows, cells, hashes(600)[first : first + 250])
        for i, (row, task) in enumerate(zip(copies.row.tolist(), copies.task.tolist(), strict=True)):
            own = cells[rows == row]
            here, is_asked = found.blocks[1].held(task, own[np.newaxis], hashes(600)[[first + row]])
            assert here.any()
            needed.setdefault(task, []).append((first + row, own[here[0]].tolist(), is_asked[here].tolist()))
            answered[first + row] += is_asked.any()
            stated[first + row] = copies.answers[i]

    compared = 0
    for sent in needed.values():
        ids = [row for row, _, _ in sent]
        assert ids == sorted(set(ids))
        local = np.repeat(np.arange(len(sent)), [len(cells) for _, cells, _ in sent])
        cells, asked = (np.array([value for copy in sent for value in copy[i]]) for i in (1, 2))
        rows, distance, counts = nearest(lattice[ids], (local, cells), k, asked=asked)
        compared += sum(int(asked[cells == cell].sum() * (cells == cell).sum()) for cell in np.unique(cells))
        for own, others, far, count in zip(ids, rows, distance, counts, strict=True):
            merged[own] |= {(int(far[j]), ids[others[j]]) for j in range(count)}

    rows, distance, counts = nearest(lattice, membership, k)
    expected = [[(int(distance[i, j]), int(rows[i, j])) for j in range(counts[i])] for i in range(len(lattice))]
    assert [sorted(answers)[:k] for answers in merged] == expected
    # No pair of a cell twice.
    assert compared == (np.bincount(membership[1]) ** 2).sum()
    assert stated.tolist() == answered.tolist()
    if factor > 400:
        assert found.blocks[1].parts.max() > 1


def test_costs_are_level_and_what_the_routes_say() -> None:
    lattice = clustered(4000)
    fitted = KmeansOverlap.fit(lattice, leaf=50)
    blocks = [one_cell(90_000, 90_000), cells_of(fitted, lattice, 12), one_cell(0, 0), one_cell(2500, 2600)]
    found = plan(blocks, 16)

    assert len(found.costs) == 16
    assert found.costs[0] <= 1.3 * np.median(found.costs)
    assert (np.diff(found.costs) <= 0).all()
    costs = [0.0] * 16
    for number, block in enumerate(blocks):
        tasks = found.blocks[number]
        for cell, (queries, base) in enumerate(zip(block.queries.tolist(), block.base.tolist(), strict=True)):
            of_parts = tasks.task_of[tasks.part_offsets[cell] : tasks.part_offsets[cell + 1]].tolist()
            assert tasks.tasks[tasks.task_offsets[cell] : tasks.task_offsets[cell + 1]].tolist() == list(
                dict.fromkeys(of_parts)
            )
            for task in of_parts:
                costs[task] += queries * base / len(of_parts)
            for task in set(of_parts):
                costs[task] += 3000 * base
    assert found.costs.tolist() == pytest.approx(costs, abs=1000)


def test_near_cells_are_in_the_same_task() -> None:
    lattice = clustered(4000)
    fitted = KmeansOverlap.fit(lattice, leaf=50)
    rows, cells = fitted.assign(lattice)
    block = cells_of(fitted, lattice, 12)
    copies = plan([block], 8).blocks[0].route(rows, cells, hashes(4000))

    shuffled = np.random.default_rng(1).permutation(8).repeat(-(-fitted.buckets // 8))[: fitted.buckets]
    by_chance = np.unique(rows * 8 + np.random.default_rng(1).permutation(shuffled)[cells])
    assert len(copies.row) < 0.8 * len(by_chance)


def test_the_same_plan_twice() -> None:
    lattice = clustered(1000)
    fitted = KmeansOverlap.fit(lattice, leaf=50)
    first, second = (plan([cells_of(fitted, lattice, 5)], 5) for _ in range(2))
    assert first.blocks[0].task_of.tolist() == second.blocks[0].task_of.tolist()


def test_nothing_to_plan() -> None:
    assert (plan([], 3).costs.tolist(), plan([], 3).blocks) == ([], ())
    assert plan([one_cell(0, 0)], 3).blocks[0].task_of.tolist() == [0]
    with pytest.raises(ValueError, match="a plan for 0 tasks; expected at least 1"):
        plan([], 0)
