"""Hash families: which rows of a block are compared. Two rows are compared if and only if they share a bucket.

`fit` makes a model of a block from a sample of it; a model assigns rows to buckets. What follows is the same for all.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from soundalike.numeric.cells import KmeansOverlap
from soundalike.numeric.compared import compared
from soundalike.numeric.lattice import Lattice

Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Model(Protocol):
    """A fitted family of one block: all of it is `parameters` and `centers`, from which it is made again anywhere."""

    family: str
    parameters: dict[str, str]  # what it was fitted with, as texts
    centers: Lattice  # (centers, d + 1); no rows if the family has none

    def __init__(self, parameters: Mapping[str, str], centers: Lattice) -> None: ...

    @classmethod
    def fit(cls, sample: Lattice, rows: int, seed: int) -> Self: ...

    @property
    def buckets(self) -> int:
        """Buckets are numbered from 0 to here; not all need to hold a row."""
        ...

    @property
    def copies(self) -> int:
        """Buckets that a row is in, at most."""
        ...

    def assign(self, lattice: Lattice) -> tuple[Indices, Indices]:
        """Pairs (row, bucket): rows ascending, and within a row the nearest bucket first."""
        ...

    def compared(self, buckets: Indices, here: Flags, asked: Flags, listed: Flags) -> Indices:
        """(n,) listed rows that each row shares a bucket with, itself not counted.

        Args:
            buckets: (n, copies) of each row in the order of `assign`, -1 beyond the last.
            here: (n, copies), which of them are counted, so that parts of a block can be counted apart and added; all
                rows of such a bucket are given.
            asked: (n, copies), in which of them a row is counted.
            listed: (n,) rows that others are compared with.
        """
        ...


class Exact:
    """One bucket: all rows of the block are compared."""

    family = "exact"
    buckets = copies = 1

    def __init__(self, parameters: Mapping[str, str], centers: Lattice) -> None:
        self.parameters, self.centers = dict(parameters), centers

    @classmethod
    def fit(cls, sample: Lattice, rows: int, seed: int) -> Self:
        return cls({}, sample[:0])

    def assign(self, lattice: Lattice) -> tuple[Indices, Indices]:
        rows = np.arange(len(lattice), dtype=np.int64)
        return rows, np.zeros_like(rows)

    def compared(self, buckets: Indices, here: Flags, asked: Flags, listed: Flags) -> Indices:
        return (listed.sum() - listed) * asked.any(axis=1)


class Hyperplane:
    """Signs of random projections of the centered row: `tables` times `bits` of them, a bucket is (table, code).

    Bit j of table t is 1 if (v - center).r > 0; integers throughout, so the sign is exact. Ruling 42: tables of 32,
    bits = round(log2(rows / 512)), at least 1.
    """

    family = "hyperplane"

    def __init__(self, parameters: Mapping[str, str], centers: Lattice) -> None:
        self.parameters, self.centers = dict(parameters), centers
        self.bits, self.copies = int(parameters["bits"]), int(parameters["tables"])
        self._normals = projections(int(parameters["seed"]), self.copies, centers.shape[1])[:, : self.bits]

    @classmethod
    def fit(cls, sample: Lattice, rows: int, seed: int) -> Self:
        bits = min(max(1, round(math.log2(rows / ROWS_PER_CODE))), MOST_BITS)
        drawn = np.ascontiguousarray(projections(seed, TABLES, sample.shape[1]), dtype="<i8").tobytes()
        stated = {"bits": str(bits), "tables": str(TABLES), "seed": str(seed)}
        # The version of a model must change if another numpy draws other integers.
        return cls(stated | {"projections": hashlib.sha256(drawn).hexdigest()[:16]}, mean(sample))

    @property
    def buckets(self) -> int:
        return self.copies << self.bits

    def assign(self, lattice: Lattice) -> tuple[Indices, Indices]:
        normals = self._normals.reshape(-1, lattice.shape[1]).T.astype(np.float64)
        # Integers below 2^53: float64 products hold them exactly, in any order.
        above = lattice.astype(np.float64) @ normals > self.centers.astype(np.float64) @ normals
        powers = 1 << np.arange(self.bits, dtype=np.int64)
        codes = above.reshape(len(lattice), self.copies, self.bits) @ powers
        buckets = (np.arange(self.copies, dtype=np.int64) << self.bits) + codes
        return np.repeat(np.arange(len(lattice), dtype=np.int64), self.copies), buckets.ravel()

    def compared(self, buckets: Indices, here: Flags, asked: Flags, listed: Flags) -> Indices:
        return compared(buckets, here, listed=None if listed.all() else listed, asked=asked)


TABLES = 32
ROWS_PER_CODE = 512
# Of blocks with more than 6e9 rows.
MOST_BITS = 24


@lru_cache(maxsize=4)
def projections(seed: int, tables: int, width: int) -> Indices:
    """Integers (tables, MOST_BITS, width) in -127..127. A table of b bits uses its first b, so blocks share them."""
    return np.random.Generator(np.random.PCG64(seed)).integers(-127, 128, size=(tables, MOST_BITS, width))


def mean(sample: Lattice) -> Lattice:
    """The mean row (1, d + 1), each coordinate rounded to an integer, halves upward; zero for no rows."""
    total, count = sample.sum(axis=0, dtype=np.int64), max(len(sample), 1)
    return ((2 * total + count) // (2 * count)).astype(np.int16)[np.newaxis]


FAMILIES: dict[str, type[Model]] = {model.family: model for model in (Exact, KmeansOverlap, Hyperplane)}


def family_of(name: str) -> type[Model]:
    """The family of this name.

    Raises:
        ValueError: no such family.
    """
    if name not in FAMILIES:
        raise ValueError(f"hash family {name!r} is unknown; known: {', '.join(FAMILIES)}")
    return FAMILIES[name]


def model_version(model: Model, scale: int, dimensions: int, settings: Mapping[str, str]) -> str:
    """Hash (16 hex digits) of all that, besides the vectors, decides the lists of a block."""
    stated = {
        "family": model.family,
        "lattice_scale": scale,
        "dimensions": dimensions,
        "parameters": model.parameters | dict(settings),
        "centers": np.ascontiguousarray(model.centers, dtype="<i2").tobytes().hex(),
    }
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()[:16]
