"""What the product and its peers are given: tables in one of several widths, and blocks of reduced unit vectors."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.kernel import contrasts, narrow
from benchmarks.knn_vectors import GENRES, SIZES, TINY, VectorSet, make_vectors, write_set
from benchmarks.neighbors.truth import nth_nearest, seeded_queries

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# The widths: all 71 columns; two narrow choices of them, z-scored; 155 mixtures of them, as wide as components come.
PROFILES = ("wide", "16", "11", "155")
# Only these have another recording_key than their id.
_LINKED = ("resub",)


def profiled(x: npt.NDArray[np.float32], profile: str) -> npt.NDArray[np.float32]:
    """The (n, 71) columns in the width of a profile.

    Raises:
        ValueError: the set has not the 71 columns that a narrow or mixed profile is made from.
    """
    if profile == "wide":
        return x
    if x.shape[1] != sum(SIZES):
        raise ValueError(f"profile {profile} is made from {sum(SIZES)} columns, this set has {x.shape[1]}")
    if profile == "155":
        mixture = np.random.Generator(np.random.PCG64(155)).standard_normal((x.shape[1], 155)).astype(np.float32)
        mixed = np.tanh((x - x.mean(axis=0)) / x.std(axis=0) @ mixture / np.float32(np.sqrt(x.shape[1])))
        return np.asarray(mixed - mixed.mean(axis=0), dtype=np.float32)
    return narrow(x)[:, : int(profile)].astype(np.float32)


@dataclass(frozen=True)
class Drawn:
    """A set. `order` (n,): its rows in the order of their ids; `keys` (n,): recording keys, None if all are the ids."""

    made: VectorSet
    order: Ints
    keys: npt.NDArray[np.bytes_] | None

    def blocks(self, scope: str) -> dict[str, Ints]:
        """Name to rows in the order of ids, of each recording of a block its representative alone.

        Raises:
            ValueError: the scope is neither genre nor global.
        """
        if scope == "global":
            return {"*": self._representatives(self.order)}
        if scope != "genre":
            raise ValueError(f"scope {scope} is not judged here; genre and global are")
        genre = self.made.genre[self.order]
        names = dict(enumerate(GENRES[:-1])) | {code: str(code) for code in TINY}  # tracks of the last have no genre
        found = {name: self.order[genre == code] for code, name in names.items()}
        return {name: self._representatives(inside) for name, inside in found.items() if len(inside)}

    def _representatives(self, inside: Ints) -> Ints:
        """The first of each recording in the order of ids."""
        return inside if self.keys is None else inside[np.sort(np.unique(self.keys[inside], return_index=True)[1])]


def draw(rows: int, variant: str, profile: str) -> Drawn:
    made = make_vectors(rows, variant)
    made = replace(made, x=profiled(made.x, profile))
    keys = np.array(made.keys, dtype="S36") if variant in _LINKED else None
    return Drawn(made, np.argsort(np.array(made.ids, dtype="S36")), keys)


def write_table(folder: Path, drawn: Drawn, variant: str) -> None:
    """The Parquet files for `neighbors.vectors`; recording_key only where it says something."""
    shutil.rmtree(folder, ignore_errors=True)
    names = ["track_id", "vector", "genre", "decade", *(["recording_key"] if variant in _LINKED else [])]
    write_set(folder, drawn.made, variant, names)


def units(x: npt.NDArray[np.float32], dimensions: int) -> Floats:
    """Unit vectors (n, dimensions) float64: of the columns themselves, or of the contrasts of 71 probabilities.

    Raises:
        ValueError: neither has that width.
    """
    wide = x.astype(np.float64)
    if dimensions != x.shape[1]:
        wide = contrasts(x) if x.shape[1] == sum(SIZES) else wide
        if dimensions != wide.shape[1]:
            raise ValueError(f"vectors of {x.shape[1]} columns cannot be those of {dimensions} dimensions")
    return np.asarray(wide / np.sqrt((wide * wide).sum(axis=1, keepdims=True)))


def reduced(x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What peers get: unit vectors, of 71 probabilities the 54 contrasts."""
    return units(x, 54 if x.shape[1] == sum(SIZES) else x.shape[1]).astype(np.float32)


def lattice_rows(unit: Floats, scale: int) -> npt.NDArray[np.int16]:
    """(n, d + 1): rint(scale x), and behind it the parity of the sum."""
    grid = np.rint(unit * scale)
    return np.column_stack([grid, grid.sum(axis=1) % 2]).astype(np.int16)


def write_blocks(folder: Path, drawn: Drawn, count: int, queries: int, n: int) -> list[Path]:
    """The `count` largest genres (0 = all) as the folders that `faiss_peer` and `algorithm` read, largest first."""
    shutil.rmtree(folder, ignore_errors=True)
    by_size: Sequence[tuple[str, Ints]] = sorted(drawn.blocks("genre").items(), key=lambda item: -len(item[1]))
    folders = []
    for name, inside in by_size[: count or None]:
        block = folder / name
        block.mkdir(parents=True)
        vectors = reduced(drawn.made.x[inside])
        asked = seeded_queries(len(vectors), queries)
        np.save(block / "vectors.npy", vectors)
        np.save(block / "queries.npy", asked)
        np.save(block / "nth.npy", nth_nearest(vectors, asked, n))
        folders.append(block)
    return folders
