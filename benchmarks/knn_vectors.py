"""Synthetic vectors in the shape of AcousticBrainz: eighteen classifiers over a latent world, genres of unequal size.

The draws stand in the order of the recipe for the neighbor benchmark, so equal arguments give equal rows wherever
numpy's PCG64 does. Normal draws are float64, cast to float32 before use; all arithmetic on them is float32.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

GENRES = ("cla", "roc", "rhy", "pop", "jaz", "hip", "dan", "spe", "unk")
SIZES = (*[2] * 12, 9, 5, 8, 10, 10, 5)
VARIANTS = (
    "base", "big80", "ident5", "resub", "resub_unlinked", "unif", "tiny", "collapsed", "dense", "shuffled", "plus1",
)  # fmt: skip
_LATENT, _CLUSTERS = 20, 400
_STARTS = np.cumsum((0, *SIZES))
_DECADES, _DECADE_SHARES = (196, 197, 198, 199, 200, 201, 0), (0.05, 0.09, 0.13, 0.20, 0.28, 0.15, 0.10)
TINY = {100: 1, 101: 2, 102: 5, 103: 11, 104: 41}
_FILES, _ROW_GROUP = 8, 65_536
_SHUFFLED_FILES, _SHUFFLED_ROW_GROUP = 3, 7_000


@dataclass(frozen=True)
class World:
    """What all sets share: classifiers, and clusters with their genre, center (20), weight and spread."""

    classifiers: tuple[tuple[Floats, Floats, np.float32], ...]
    genre: Integers
    center: Floats
    weight: npt.NDArray[np.float64]
    spread: Floats

    def probabilities(self, latent: Floats) -> Floats:
        """(n, 71) class probabilities of (n, 20) latent points."""
        out = np.empty((len(latent), _STARTS[-1]), dtype=np.float32)
        scale = np.float32(1.6 / np.sqrt(_LATENT))
        for start, (weights, bias, temperature) in zip(_STARTS, self.classifiers, strict=False):
            logits = (scale * (latent @ weights) + bias) * temperature
            raised = np.exp(logits - logits.max(axis=1, keepdims=True))
            out[:, start : start + len(bias)] = raised / raised.sum(axis=1, keepdims=True)
        return out


@dataclass(frozen=True)
class VectorSet:
    """n rows: `ids` and `keys` are n texts, `genre` and `decade` (year / 10, 0 = unknown) int64, `x` (n, d) float32."""

    ids: list[str]
    keys: list[str]
    genre: Integers
    decade: Integers
    x: Floats


def _normals(rng: np.random.Generator, *shape: int) -> Floats:
    return rng.standard_normal(shape).astype(np.float32)


def make_world() -> World:
    rng = np.random.Generator(np.random.PCG64(7))
    classifiers = []
    for size in SIZES:
        weights, bias = _normals(rng, _LATENT, size) * np.float32(1.1), _normals(rng, size) * np.float32(0.6)
        classifiers.append((weights, bias, np.float32(rng.uniform(0.8, 2.6))))
    shares = np.array((0.214, 0.201, 0.173, 0.137, 0.107, 0.083, 0.078, 0.006, 0.001))
    shares /= shares.sum()
    likely = np.maximum(shares, 0.01)
    genre = rng.choice(len(GENRES), _CLUSTERS, p=likely / likely.sum())
    genre[: len(GENRES)] = np.arange(len(GENRES))
    genre_center = _normals(rng, len(GENRES), _LATENT) * np.float32(0.7)
    center = genre_center[genre] + _normals(rng, _CLUSTERS, _LATENT) * np.float32(0.6)
    weight = np.minimum(1.0 + rng.pareto(1.16, _CLUSTERS), 60.0)
    weight *= (shares / np.bincount(genre, weight))[genre]
    spread = rng.uniform(0.5, 0.9, _CLUSTERS).astype(np.float32)
    return World(tuple(classifiers), genre, center, weight / weight.sum(), spread)


def make_vectors(rows: int, variant: str = "base") -> VectorSet:
    """The set of that name with `rows` rows; `plus1` has a hundredth more.

    Raises:
        ValueError: no such variant.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant {variant!r} is unknown; known: {', '.join(VARIANTS)}")
    world = make_world()
    drawn = {"resub_unlinked": "resub", "dense": "base", "shuffled": "base", "plus1": "base"}.get(variant, variant)
    rng = np.random.Generator(np.random.PCG64([11, rows, sum(map(ord, drawn))]))
    if variant == "big80":
        world = replace(world, weight=_one_large_genre(world))
    cluster, latent = _points(world, rng, rows)
    x, genre = world.probabilities(latent), world.genre[cluster]
    near = int(rows * (0.20 if drawn == "resub" else 0.02))
    source, target = rng.integers(0, rows, near), rng.choice(rows, near, replace=False)
    kept = ~np.isin(source, target)
    source, target = source[kept], target[kept]
    x[target] = world.probabilities(latent[source] + np.float32(0.01) * _normals(rng, len(source), _LATENT))
    genre[target] = genre[source]
    x, genre = _varied(variant, rng, x, genre)
    ids, decade = _names(rng, rows)
    keys = list(ids)
    if variant == "resub":
        for one, other in zip(target.tolist(), source.tolist(), strict=True):
            keys[one] = ids[other]
    made = VectorSet(ids, keys, genre, decade, x)
    if variant == "plus1":
        return _with_more(world, made)
    return _permuted(made) if variant == "shuffled" else made


def _points(world: World, rng: np.random.Generator, rows: int) -> tuple[Integers, Floats]:
    """Cluster (n,) and latent point (n, 20) of each row."""
    cluster = rng.choice(_CLUSTERS, rows, p=world.weight)
    return cluster, world.center[cluster] + _normals(rng, rows, _LATENT) * world.spread[cluster][:, None]


def _one_large_genre(world: World) -> npt.NDArray[np.float64]:
    """Weights that give four rows of five to genre 1."""
    large = world.genre == 1
    weight = np.where(large, 0.8 * world.weight / world.weight[large].sum(), 0.2 * world.weight)
    weight[~large] /= world.weight[~large].sum()
    return weight / weight.sum()


def _varied(variant: str, rng: np.random.Generator, x: Floats, genre: Integers) -> tuple[Floats, Integers]:
    """What a variant does to the rows before they get their ids."""
    rows = len(x)
    if variant == "ident5":
        alike = rng.choice(rows, int(0.05 * rows), replace=False)
        x[alike], genre[alike] = x[alike[0]], genre[alike[0]]
    elif variant == "unif":
        x = _unit(_normals(rng, rows, 54))
    elif variant == "tiny":
        genre[rows - sum(TINY.values()) :] = np.repeat(list(TINY), list(TINY.values()))
    elif variant == "collapsed":
        spikes = ((0.075, (0.80882, 0.19118)), (0.036, (0.97939, 0.02061)), (0.032, (0.09559, 0.90441)))
        for i, (share, outputs) in enumerate(spikes):
            x[rng.random(rows) < share, 2 * i : 2 * i + 2] = outputs
        undecided = np.flatnonzero(rng.random(rows) < 0.054)
        classifier = rng.integers(0, 12, len(undecided))
        x[undecided, 2 * classifier] = x[undecided, 2 * classifier + 1] = 0.5
    elif variant == "dense":
        unit = _unit(x)
        mean = unit.mean(axis=0)
        x = _unit(mean + np.float32(0.02) * (unit - mean))
    return x, genre


def _unit(x: Floats) -> Floats:
    return x / np.sqrt((x * x).sum(axis=1, keepdims=True))


def _names(rng: np.random.Generator, rows: int) -> tuple[list[str], Integers]:
    digits = rng.bytes(16 * rows).hex()
    ids = [
        f"{d[:8]}-{d[8:12]}-{d[12:16]}-{d[16:20]}-{d[20:]}"
        for d in (digits[i : i + 32] for i in range(0, 32 * rows, 32))
    ]
    return ids, rng.choice(_DECADES, rows, p=_DECADE_SHARES)


def _with_more(world: World, base: VectorSet) -> VectorSet:
    rows = len(base.ids)
    rng = np.random.Generator(np.random.PCG64([12, rows, 411]))
    cluster, latent = _points(world, rng, rows // 100)
    ids, decade = _names(rng, rows // 100)
    return VectorSet(
        base.ids + ids,
        base.keys + ids,
        np.concatenate([base.genre, world.genre[cluster]]),
        np.concatenate([base.decade, decade]),
        np.concatenate([base.x, world.probabilities(latent)]),
    )


def _permuted(base: VectorSet) -> VectorSet:
    order = np.random.Generator(np.random.PCG64(9)).permutation(len(base.ids))
    ids, keys = ([texts[i] for i in order] for texts in (base.ids, base.keys))
    return VectorSet(ids, keys, base.genre[order], base.decade[order], base.x[order])


def write_vectors(folder: Path, rows: int, variant: str = "base") -> VectorSet:
    """Writes the set as Parquet files that `neighbors.vectors` takes; files of an earlier set there are removed."""
    made = make_vectors(rows, variant)
    write_set(folder, made, variant)
    return made


def write_set(folder: Path, made: VectorSet, variant: str = "base", columns: Sequence[str] | None = None) -> None:
    """The files of `write_vectors` for a set that is at hand, all columns or those named."""
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("part-*.parquet"):
        stale.unlink()
    files, group = (_SHUFFLED_FILES, _SHUFFLED_ROW_GROUP) if variant == "shuffled" else (_FILES, _ROW_GROUP)
    table = _table(made) if columns is None else _table(made).select(columns)
    for i in range(files):
        first, last = table.num_rows * i // files, table.num_rows * (i + 1) // files
        pq.write_table(table.slice(first, last - first), folder / f"part-{i}.parquet", row_group_size=group)


def _table(made: VectorSet) -> pa.Table:
    """As the contract of `neighbors.vectors` has it: no genre and no decade are null."""
    width = made.x.shape[1]
    names = dict(enumerate(GENRES[:-1])) | {genre: str(genre) for genre in TINY}
    offsets = pa.array(np.arange(len(made.ids) + 1, dtype=np.int32) * width)
    return pa.table({
        "track_id": made.ids,
        "recording_key": made.keys,
        "vector": pa.ListArray.from_arrays(offsets, pa.array(made.x.ravel())),
        "genre": pa.array([names.get(genre) for genre in made.genre.tolist()], pa.string()),
        "decade": pa.array([10 * decade or None for decade in made.decade.tolist()], pa.int32()),
        "is_trusted": [True] * len(made.ids),
    })  # fmt: skip
