"""The plan of the large stage: which task compares which cells, and which rows it must be sent for that.

It moves cost, never results: the answer to a row is merged over its cells, wherever these are. So counts may be
estimates. Costs are in pairs of the kernel.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from soundalike.numeric.lattice import Lattice

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# What it costs to send and place a row of a cell, in pairs.
ROW_COST = 3000

# Cells of a block stay in one sequence as long as together they cost more than this share of a task.
PIECE = 0.25

# A cell that costs more than this share of a task is answered in parts that cost less. Tasks are filled up to a limit,
# so one falls short of it by at most the next cell: the slowest stays within 1 / (1 - 1/4) of the others, near the 1.3
# that is aimed at. Only a part at the border of two tasks costs anything, see `cut`.
SPLIT_ABOVE = 0.25


@dataclass(frozen=True)
class BlockCells:
    """The cells of one block; a block that is searched exactly is one cell, and its centers may have no rows.

    `queries`, `base` (cells,): rows answered in each cell and rows they are compared with, estimated. `centers`
    (cells, d + 1).
    """

    queries: Ints
    base: Ints
    centers: Lattice


@dataclass(frozen=True)
class Copies:
    """Copies of rows, one for each task that needs the row, by row, then task: `row`, `task` (copies,).

    `answers` (copies,): tasks that answer this row; in the others it is only compared with.
    """

    row: Ints
    task: Ints
    answers: Ints


@dataclass(frozen=True)
class CellTasks:
    """Where the cells of one block are: part p of cell c in task `task_of[part_offsets[c] + p]`.

    A part is given all rows of the cell, and answers those with hash mod parts = p. Parts in the same task are one: it
    is given the rows once. `tasks[task_offsets[c] : task_offsets[c + 1]]` are those of a cell, each once.
    """

    part_offsets: Ints  # (cells + 1,)
    task_of: Ints  # (parts of all cells,)
    task_offsets: Ints  # (cells + 1,)
    tasks: Ints

    @property
    def parts(self) -> Ints:
        """(cells,)"""
        return np.diff(self.part_offsets)

    def route(self, rows: Ints, cells: Ints, part_hash: npt.NDArray[np.uint64]) -> Copies:
        """The copies that rows need which are in these cells.

        Args:
            rows, cells: pairs as `Model.assign` gives them: rows ascending, the nearest cell first.
            part_hash: (n,) a hash of each row's id, the same wherever the row is seen.
        """
        part = (part_hash[rows] % self.parts[cells].astype(np.uint64)).astype(np.int64)
        asked_in = self.task_of[self.part_offsets[cells] + part]
        count = np.diff(self.task_offsets)[cells]
        pair = np.repeat(np.arange(len(rows)), count)
        place = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
        task = self.tasks[self.task_offsets[cells][pair] + place]

        tasks = int(self.task_of.max(initial=0)) + 1
        row, task = np.divmod(np.unique(rows[pair] * tasks + task), tasks)
        answers = np.bincount(np.unique(rows * tasks + asked_in) // tasks, minlength=len(part_hash))
        return Copies(row, task, answers[row])

    def held(self, task: int, cells: Ints, part_hash: npt.NDArray[np.uint64]) -> tuple[Flags, Flags]:
        """(n, copies) which of its cells a row finds in this task, and in which of them it is answered here.

        Args:
            task: whose rows these are.
            cells: (n, copies), -1 beyond the last of a row.
            part_hash: as for `route`.
        """
        is_here = np.zeros(len(self.parts), dtype=np.bool_)
        is_here[np.repeat(np.arange(len(is_here)), np.diff(self.task_offsets))[self.tasks == task]] = True
        known = np.maximum(cells, 0)
        here = (cells >= 0) & is_here[known]
        part = (part_hash[:, np.newaxis] % self.parts[known].astype(np.uint64)).astype(np.int64)
        return here, here & (self.task_of[self.part_offsets[known] + part] == task)


@dataclass(frozen=True)
class Plan:
    """What each task costs, and where the cells of each block are."""

    costs: Ints  # (tasks,) in pairs, descending; there may be fewer tasks than were asked for
    blocks: tuple[CellTasks, ...]  # in the order they were given


def plan(blocks: Sequence[BlockCells], tasks: int) -> Plan:
    """Deals the cells of all blocks to at most `tasks` tasks of about equal cost, cells near each other to the same.

    Raises:
        ValueError: `tasks` is below 1.
    """
    if tasks < 1:
        raise ValueError(f"a plan for {tasks} tasks; expected at least 1")
    if not blocks:
        return Plan(np.zeros(0, dtype=np.int64), ())
    starts = np.cumsum([0, *(len(block.base) for block in blocks)])
    base, queries = (np.concatenate([getattr(block, name) for block in blocks]) for name in ("base", "queries"))
    cost = queries * base + ROW_COST * base
    share = int(cost.sum()) / tasks
    ordered = [
        start + in_sequence(block.centers, cost[start : start + len(block.base)], PIECE * share)
        for start, block in zip(starts.tolist(), blocks, strict=False)
    ]
    sequence = np.concatenate(ordered)

    # A part that answers fewer rows costs more to send than to answer.
    most = np.maximum(queries // ROW_COST, 1)
    parts = np.clip(np.ceil(cost / max(SPLIT_ABOVE * share, 1.0)).astype(np.int64), 1, most)
    cell = np.repeat(sequence, parts[sequence])
    again = np.diff(cell, prepend=-1) == 0
    answering = queries[cell] * base[cell] // parts[cell]
    sending = ROW_COST * base[cell]
    piece = cut(np.where(again, answering, answering + sending), np.where(again, sending, 0), tasks)

    sent = ~again | (np.diff(piece, prepend=-1) != 0)
    costs = np.bincount(piece, answering + np.where(sent, sending, 0)).astype(np.int64)
    rank = np.argsort(-costs, kind="stable")
    number = np.empty_like(rank)
    number[rank] = np.arange(len(rank))

    by_cell = np.argsort(cell, kind="stable")
    cell, task, sent = cell[by_cell], number[piece[by_cell]], sent[by_cell]
    part_offsets = np.searchsorted(cell, np.arange(starts[-1] + 1))
    task_offsets = np.searchsorted(cell[sent], np.arange(starts[-1] + 1))
    return Plan(
        costs[rank],
        tuple(
            CellTasks(*_of_block(part_offsets, task, start, stop), *_of_block(task_offsets, task[sent], start, stop))
            for start, stop in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
        ),
    )


def in_sequence(centers: Lattice, cost: Ints, limit: float) -> Ints:
    """The cells (cells,) of a block in an order that keeps near ones together: halves along the principal direction of
    the centers, equal in cost, and so on in each half until one costs `limit` at most.
    """
    return _halved(np.arange(len(cost)), centers, cost, limit)


def _halved(cells: Ints, centers: Lattice, cost: Ints, limit: float) -> Ints:
    if len(cells) < 2 or cost[cells].sum() <= limit:
        return cells
    points = centers[cells].astype(np.float64)
    spread = points - points.mean(axis=0)
    direction = np.linalg.eigh(spread.T @ spread)[1][:, -1]
    # An eigenvector has no sign of its own.
    direction *= np.sign(direction[np.abs(direction).argmax()])
    cells = cells[np.argsort(spread @ direction, kind="stable")]
    before = np.cumsum(cost[cells])
    half = np.abs(2 * before[:-1] - before[-1]).argmin() + 1
    return np.concatenate([_halved(side, centers, cost, limit) for side in (cells[:half], cells[half:])])


def cut(costs: Ints, extra: Ints, pieces: int) -> Ints:
    """The piece (items,) of each item of a sequence: at most `pieces` runs, the costliest of which costs the least.

    Args:
        costs: (items,) of each item behind the one before it.
        extra: (items,) what it costs more if a piece begins with it. From one item to the next it grows by no more than
            the cost of the one, so that it never pays to end a piece early.
        pieces: at least 1.
    """
    before = np.concatenate([[0], np.cumsum(costs)])
    low, high = max(int((costs + extra).max(initial=0)), -(-int(before[-1]) // pieces)), int(before[-1])
    while low < high:
        middle = (low + high) // 2
        if _ends(before, extra, middle, pieces)[-1] == len(costs):
            high = middle
        else:
            low = middle + 1
    return np.searchsorted(_ends(before, extra, low, pieces), np.arange(len(costs)), side="right")


def _ends(before: Ints, extra: Ints, limit: int, pieces: int) -> list[int]:
    """Ends of at most `pieces` runs, each as long as the limit allows; the last is short of all if that is too low."""
    ends = [0]
    while ends[-1] < len(extra) and len(ends) <= pieces:
        start = ends[-1]
        ends.append(int(np.searchsorted(before, before[start] + limit - extra[start], side="right")) - 1)
    return ends[1:] or [0]


def _of_block(offsets: Ints, values: Ints, start: int, stop: int) -> tuple[Ints, Ints]:
    """Of the ragged rows `start` to `stop`: their offsets from 0, and their values."""
    return offsets[start : stop + 1] - offsets[start], values[offsets[start] : offsets[stop]]
