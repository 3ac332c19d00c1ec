"""Track ids as bytes on their way through the search: lower-case UUIDs take 16, other ids their UTF-8.

In both forms the order of the bytes is the order of the ids.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from soundalike.stages import arrays

# What `Ids(packed=True)` takes, as a pattern for Spark's rlike, for which $ would end before a newline too.
UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\z"

_BYTES = 16
_DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_VALUES = np.zeros(256, dtype=np.uint8)
_VALUES[_DIGITS] = np.arange(16)
_PLACES = np.array([place for place in range(36) if place not in (8, 13, 18, 23)])
# Both digits of each byte, as one number; and where digits stand in the text: from, to, and hyphens before.
_PAIRS = np.column_stack([np.repeat(_DIGITS, 16), np.tile(_DIGITS, 16)]).view(np.uint16).ravel()
_GROUPS = ((0, 8, 0), (8, 12, 1), (12, 16, 2), (16, 20, 3), (20, 32, 4))
# Ids that are written at a time: they stay in the processor's cache.
_ROWS = 8192


@dataclass(frozen=True)
class Ids:
    """How the ids of one search travel: all `packed`, or all as they are."""

    packed: bool

    def encode(self, texts: pa.Array) -> pa.Array:
        """Ids (strings without nulls) as binary."""
        if not self.packed:
            return texts.cast(pa.binary())
        data = np.frombuffer(arrays.bytes_of(texts), dtype=np.uint8).reshape(-1, 36)
        digits = _VALUES[data[:, _PLACES]]
        packed = digits[:, ::2] << 4 | digits[:, 1::2]
        return arrays.binary(packed.tobytes(), _BYTES * np.arange(len(texts) + 1))

    def decode(self, data: pa.Array) -> pa.StringArray:
        """The ids that `encode` made these of."""
        if not self.packed:
            return data.cast(pa.string())
        packed = np.frombuffer(arrays.bytes_of(data), dtype=np.uint8).reshape(-1, _BYTES)
        texts = np.full((len(packed), 36), ord("-"), dtype=np.uint8)
        for row in range(0, len(packed), _ROWS):
            digits = np.take(_PAIRS, packed[row : row + _ROWS]).view(np.uint8)
            for start, stop, hyphens in _GROUPS:
                texts[row : row + _ROWS, start + hyphens : stop + hyphens] = digits[:, start:stop]
        offsets = 36 * np.arange(len(packed) + 1, dtype=np.int32)
        return pa.Array.from_buffers(pa.string(), len(packed), [None, pa.py_buffer(offsets), pa.py_buffer(texts)])

    def to_lists(self, ids: pa.Array, counts: npt.NDArray[np.int64]) -> tuple[pa.Array, pa.Array]:
        """Encoded `ids`, lists of these lengths (n,) one after another, as two binary columns: bytes and sizes."""
        ends = arrays.offsets_of(counts)
        if self.packed:
            return arrays.binary(arrays.bytes_of(ids), _BYTES * ends), arrays.binary(b"", 0 * ends)
        sizes = pa.compute.binary_length(ids).to_numpy(zero_copy_only=False).astype("<i4")
        return (
            arrays.binary(arrays.bytes_of(ids), arrays.offsets_of(sizes)[ends]),
            arrays.binary(sizes.tobytes(), 4 * ends),
        )

    def from_lists(self, data: pa.Array, sizes: pa.Array) -> pa.Array:
        """All encoded ids of the columns of `to_lists`, one after another."""
        values = arrays.bytes_of(data)
        if self.packed:
            return arrays.binary(values, np.arange(0, len(values) + 1, _BYTES))
        return arrays.binary(values, arrays.offsets_of(np.frombuffer(arrays.bytes_of(sizes), dtype="<i4")))
