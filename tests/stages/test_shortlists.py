"""The nearest rows of a block's queries, found in the parts of it that partitions hold."""

import numpy as np
import pyarrow as pa

from soundalike.numeric.lattice import encode, to_lattice
from soundalike.stages.shortlists import _nearest_of_block, _nearest_of_partition, questions_of


def test_lists_of_partitions_merge_to_those_of_the_block() -> None:
    random = np.random.default_rng(2)
    points = random.normal(size=(400, 6))
    points[100:130] = points[5]
    lattice, _ = to_lattice(points)
    rows = [
        {"scope": "genre", "block": block, "track_id": f"{block}{i:03}", "lattice": encode(lattice[i]),
         "vector": points[i].tolist()}
        for block in "ab" for i in range(400)
    ]  # fmt: skip
    queries = [0, 5, 110, 399]
    questions = questions_of([row for row in rows if int(row["track_id"][1:]) in queries])
    part = random.integers(0, 3, len(rows))
    lists = []
    for number in range(3):
        given = pa.Table.from_pylist([row for row, its in zip(rows, part, strict=True) if its == number])
        lists += _nearest_of_partition(given.to_batches(37), questions, 9)
    keys = [(key, "ascending") for key in ("scope", "block", "query", "kind")]
    exchanged = pa.Table.from_batches(lists).combine_chunks().sort_by(keys).to_batches(5)

    found = [row for batch in _nearest_of_block(exchanged, 9) for row in batch.to_pylist()]

    wide, units = lattice.astype(np.int64), points / np.linalg.norm(points, axis=1, keepdims=True)
    expected = set()
    for row in queries:
        others = np.array([other for other in range(400) if other != row])
        distance = ((wide[row] - wide[others]) ** 2).sum(axis=1)
        # Equal points have equal cosines; rounded, so that these sums tie too.
        away = -np.round(units[others] @ units[row], 12)
        expected |= {*others[np.lexsort((others, distance))][:9], *others[np.lexsort((others, away))][:9]}
    assert sorted((row["block"], row["track_id"]) for row in found) == [
        (block, f"{block}{i:03}") for block in "ab" for i in sorted(expected)
    ]
