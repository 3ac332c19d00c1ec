"""Unit vectors as small integers: from here on every distance is exact.

A row of the lattice is (g, p): g = the unit vector times `scale`, rounded half to even, and p = sum(g) mod 2, the
parity, which makes the squared length even. So D(u, v) = |u - v|^2 / 2 is an integer, and it is the only sort key.
"""

import numpy as np
import numpy.typing as npt

from soundalike.numeric.scaling import normalize

# Rows whose lengths are worked out at a time: they stay in the processor's cache.
_ROWS = 1024

SCALE = 2880

FINE_SCALE = 32_000

Lattice = npt.NDArray[np.int16]
FloatType = type[np.float32] | type[np.float64]
Floats = npt.NDArray[np.float32] | npt.NDArray[np.float64]

# The two precisions: a scale, and the float type of its matrix products.
PRECISIONS: dict[str, tuple[int, FloatType]] = {"coarse": (SCALE, np.float32), "fine": (FINE_SCALE, np.float64)}


def exact_below(dtype: FloatType) -> int:
    """Distances below this are exact in products of the type, whatever the order of a sum, and fit an int32."""
    return 2**24 if dtype is np.float32 else 2**31


def check_bound(scale: int, dimensions: int, dtype: FloatType = np.float32) -> None:
    """Refuses a scale at which a matrix product of lattice rows of `dimensions` columns may round.

    |v| <= scale + sqrt(d)/2 without the parity, so D and every partial sum of it stay within the bound below.

    Raises:
        ValueError: the bound reaches 2^24 (float32) or 2^31 (float64).
    """
    bound, limit = 2 * (scale + np.sqrt(dimensions) / 2) ** 2 + 2, exact_below(dtype)
    if bound >= limit:
        raise ValueError(
            f"lattice scale {scale} with {dimensions} dimensions: distances reach {bound:.0f}, "
            f"{dtype.__name__} is exact below {limit}; use a smaller scale or fewer dimensions"
        )


def to_lattice(
    rows: npt.ArrayLike, scale: int = SCALE, dtype: FloatType = np.float32
) -> tuple[Lattice, npt.NDArray[np.bool_]]:
    """Lattice rows (n, d + 1) int16 of `rows` (n, d), and which rows are vectors; the others are all zero.

    Rows are brought to unit length first. Only elementwise float64 steps: the result is the same on every machine.

    Raises:
        ValueError: scale and width break the exactness of products in `dtype`.
    """
    units, is_vector = normalize(rows)
    return quantize(units, is_vector, scale, dtype), is_vector


def quantize(
    units: npt.NDArray[np.float64], is_vector: npt.NDArray[np.bool_], scale: int = SCALE, dtype: FloatType = np.float32
) -> Lattice:
    """`to_lattice` of what `scaling.normalize` gave."""
    count, dimensions = units.shape
    check_bound(scale, dimensions, dtype)
    grid = np.rint(np.where(is_vector[:, np.newaxis], units, 0.0) * scale).astype(np.int16)
    parity = np.zeros(count, dtype=np.int16)
    for column in grid.T:
        parity ^= column & np.int16(1)
    return np.column_stack([grid, parity])


def similarity(distance: npt.ArrayLike, scale: int = SCALE) -> npt.NDArray[np.float64]:
    """1 - D / scale^2, float64: strictly decreasing in D, exactly 1 for equal lattice rows."""
    return np.asarray(1.0 - np.asarray(distance, dtype=np.float64) / float(scale * scale))


def half_squares(lattice: Lattice) -> npt.NDArray[np.int64]:
    """|v|^2 / 2 of each row (n,), an integer by the parity coordinate."""
    total = np.empty(len(lattice), dtype=np.int64)
    for start in range(0, len(lattice), _ROWS):
        rows = lattice[start : start + _ROWS].astype(np.int64)
        np.einsum("ij,ij->i", rows, rows, out=total[start : start + _ROWS])
    return total >> 1


def encode(lattice: Lattice) -> bytes:
    """The rows one after another, little-endian int16."""
    return np.ascontiguousarray(lattice, dtype="<i2").tobytes()


def decode(data: bytes | memoryview, width: int) -> Lattice:
    """Rows (n, width) from `encode`'s bytes; a read-only view of them."""
    return np.frombuffer(data, dtype="<i2").reshape(-1, width)
