"""The hash of a published table: order and files do not matter, every value does."""

from typing import Any

import pyarrow as pa
import pytest
from benchmarks.neighbors.content import content_hash

NEIGHBORS = pa.list_(pa.struct([("neighbor_id", pa.string()), ("similarity", pa.float64())]))
ROWS: list[dict[str, Any]] = [
    {"track_id": "a", "neighbors": [("bb", 0.5), ("c", 0.25)]},
    {"track_id": "bb", "neighbors": [("a", 0.5)]},
    {"track_id": "c", "neighbors": []},
    {"track_id": "é", "neighbors": [("c", 0.125)]},
]


def batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    filled = [
        {"scope": "genre", "block": "roc", "inherited": False, "method": "exact", "model_version": "1", **row}
        | {"neighbors": [{"neighbor_id": i, "similarity": s} for i, s in row["neighbors"]]}
        for row in rows
    ]
    texts = ("scope", "block", "track_id", "method", "model_version")
    columns = {name: pa.array([row[name] for row in filled], pa.string()) for name in texts}
    columns["neighbors"] = pa.array([row["neighbors"] for row in filled], NEIGHBORS)
    columns["inherited"] = pa.array([row["inherited"] for row in filled])
    return pa.RecordBatch.from_pydict(columns)


def test_order_batches_and_slices_do_not_matter() -> None:
    expected = content_hash([batch(ROWS)])
    assert expected[1] == 4 and len(expected[0]) == 64
    assert content_hash([batch(ROWS[::-1])]) == expected
    assert content_hash([batch(ROWS[2:]), batch(ROWS[:2])]) == expected
    assert content_hash([batch(ROWS).slice(1), batch(ROWS).slice(0, 1)]) == expected


@pytest.mark.parametrize(
    "changed",
    [
        {"track_id": "a", "neighbors": [("c", 0.25), ("bb", 0.5)]},
        {"track_id": "a", "neighbors": [("b", 0.5), ("bc", 0.25)]},
        {"track_id": "a", "neighbors": [("bb", 0.5), ("c", 0.25000000000000006)]},
        {"track_id": "a", "neighbors": [("bb", 0.5)]},
        {"track_id": "a", "neighbors": [("bb", 0.5), ("c", 0.25)], "inherited": True},
        {"track_id": "a", "neighbors": [("bb", 0.5), ("c", 0.25)], "model_version": "2"},
    ],
)
def test_every_value_matters(changed: dict[str, Any]) -> None:
    assert content_hash([batch([changed, *ROWS[1:]])])[0] != content_hash([batch(ROWS)])[0]
