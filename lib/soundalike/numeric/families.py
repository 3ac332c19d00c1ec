"""Hash families: which rows of a block are compared. Two rows are compared if and only if they share a bucket.

A family is a function `fit(sample) -> Model`, and a model assigns rows to buckets. What follows is the same for all.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from soundalike.numeric.cells import KmeansOverlap
from soundalike.numeric.lattice import Lattice

Indices = npt.NDArray[np.int64]


class Model(Protocol):
    """A fitted family of one block."""

    @property
    def family(self) -> str: ...

    @property
    def parameters(self) -> dict[str, str]:
        """What it was fitted with, as texts."""
        ...

    @property
    def centers(self) -> Lattice:
        """Cell centers (cells, d + 1); no rows if the family has none."""
        ...

    def assign(self, lattice: Lattice) -> tuple[Indices, Indices]:
        """Pairs (row, bucket): rows ascending, and within a row the nearest bucket first."""
        ...


class Exact:
    """One bucket: all rows of the block are compared."""

    family = "exact"

    def __init__(self, sample: Lattice) -> None:
        self.parameters: dict[str, str] = {}
        self.centers = sample[:0]

    def assign(self, lattice: Lattice) -> tuple[Indices, Indices]:
        rows = np.arange(len(lattice), dtype=np.int64)
        return rows, np.zeros_like(rows)


FAMILIES: dict[str, Callable[[Lattice], Model]] = {"exact": Exact, "kmeans_overlap": KmeansOverlap.fit}


def fit(family: str, sample: Lattice) -> Model:
    """The model of `family` on `sample` (rows of one block in id order).

    Raises:
        ValueError: no such family.
    """
    if family not in FAMILIES:
        raise ValueError(f"hash family {family!r} is unknown; known: {', '.join(FAMILIES)}")
    return FAMILIES[family](sample)


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
