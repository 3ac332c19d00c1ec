"""Ids as bytes: their order is that of the ids, and nothing is lost on the way."""

import re
import uuid

import numpy as np
import pyarrow as pa
import pytest

from soundalike.stages.ids import UUID, Ids

UUIDS = [
    "00000000-0000-0000-0000-000000000000",
    "0a1b2c3d-4e5f-6789-abcd-ef0123456789",
    "7fffffff-ffff-ffff-ffff-ffffffffffff",
    "80000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
]
TEXTS = ["", "A", "B", "Z", "a", "aa", "b", "~", "ß", "é", "\ufffd", "\U0001d11e"]


def test_uuids_take_sixteen_bytes() -> None:
    encoded = Ids(True).encode(pa.array(UUIDS))

    assert encoded.to_pylist() == [uuid.UUID(text).bytes for text in UUIDS]
    assert encoded[1].as_py() == bytes.fromhex("0a1b2c3d4e5f6789abcdef0123456789")


def test_other_ids_take_their_utf8() -> None:
    assert Ids(False).encode(pa.array(["é", "", "A"])).to_pylist() == [b"\xc3\xa9", b"", b"A"]


@pytest.mark.parametrize(("packed", "texts"), [(True, UUIDS), (False, TEXTS), (False, UUIDS), (True, []), (False, [])])
def test_ids_come_back_from_any_slice(packed: bool, texts: list[str]) -> None:
    ids, column = Ids(packed), pa.array(["x" if not packed else UUIDS[2], *texts], pa.string()).slice(1)

    encoded = ids.encode(column)

    assert encoded.type == pa.binary()
    assert ids.decode(encoded).to_pylist() == texts
    assert ids.decode(encoded).type == pa.string()
    assert ids.decode(encoded.slice(1)).to_pylist() == texts[1:]


@pytest.mark.parametrize("packed", [True, False])
def test_bytes_are_ordered_as_ids_are(packed: bool) -> None:
    random = np.random.default_rng(1)
    texts = [str(uuid.UUID(bytes=random.bytes(16))) for _ in range(500)] if packed else TEXTS
    # Byte order of UTF-8, which for these is the order of code points.
    in_order = sorted(texts, key=lambda text: text.encode())
    ids = Ids(packed)

    encoded = ids.encode(pa.array(random.permutation(texts).tolist()))

    assert ids.decode(pa.array(sorted(encoded.to_pylist()), pa.binary())).to_pylist() == in_order


@pytest.mark.parametrize(("packed", "texts"), [(True, UUIDS), (False, TEXTS)])
def test_lists_of_ids_and_back(packed: bool, texts: list[str]) -> None:
    ids, counts = Ids(packed), np.array([2, 0, len(texts) - 3, 1])

    data, sizes = ids.to_lists(
        ids.encode(pa.array(["x", *texts] if not packed else [UUIDS[0], *texts]).slice(1)), counts
    )

    parts = [texts[:2], [], texts[2:-1], texts[-1:]]
    whole = [b"".join(uuid.UUID(t).bytes if packed else t.encode() for t in part) for part in parts]
    assert data.to_pylist() == whole
    assert [len(size) // 4 for size in sizes.to_pylist()] == ([0] * 4 if packed else counts.tolist())
    assert ids.decode(ids.from_lists(data, sizes)).to_pylist() == texts
    # Rows of lists are cut and put together on their way.
    assert ids.decode(ids.from_lists(data.slice(2, 1), sizes.slice(2, 1))).to_pylist() == texts[2:-1]
    assert ids.from_lists(data.slice(1, 1), sizes.slice(1, 1)).to_pylist() == []


def test_only_lower_case_uuids_are_packed() -> None:
    assert all(re.search(UUID.replace(r"\z", r"\Z"), text) for text in UUIDS)
    other = [UUIDS[1].upper(), UUIDS[1][:-1], UUIDS[1] + "0", UUIDS[1].replace("-", ""), "g" + UUIDS[1][1:], ""]
    assert not any(re.search(UUID.replace(r"\z", r"\Z"), text) for text in other)
