"""Which family searches a block, and what was fitted and tuned for it: the rows of `gold/neighbor_models`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from soundalike.errors import SoundalikeError
from soundalike.numeric.cells import KmeansOverlap
from soundalike.numeric.families import Exact, Model, family_of, model_version
from soundalike.numeric.lattice import PRECISIONS, Lattice, decode, encode
from soundalike.numeric.tuning import tune
from soundalike.stages import arrays
from soundalike.stages.eligibility import BLOCK
from soundalike.stages.truth import Key, Nearest, Questions

Ints = npt.NDArray[np.int64]

# Cells of a block at most: beyond, assigning needs centers of centers (ruling 47).
MOST_CELLS = 4096

_FITTED = pa.schema(
    {
        "scope": pa.string(),
        "block": pa.string(),
        "family": pa.string(),
        "parameters": pa.map_(pa.string(), pa.string()),
        "centers": pa.list_(pa.binary()),
        "sizes": pa.list_(pa.int64()),
        "predicted": pa.float64(),
    }
)
_FITTED_IN_SPARK = (
    "scope string, block string, family string, parameters map<string,string>, centers array<binary>, "
    "sizes array<bigint>, predicted double"
)


@dataclass(frozen=True)
class Cells:
    """What `kmeans_overlap` may choose from, settings `neighbors.cells.*`; one value of each = nothing is tuned.

    `or_exact`: a block is searched exactly if no choice reaches the floor, or if that is cheaper.
    """

    leaf: tuple[int, ...]
    e: tuple[int, ...]
    most: tuple[int, ...]
    least: int
    iterations: int
    floor: float
    or_exact: bool


@dataclass(frozen=True)
class Tuning:
    """The tuning questions (q, d + 1) of one block and their true neighbors (q n, d + 1), n of each."""

    questions: Lattice
    neighbors: Lattice


@dataclass(frozen=True)
class Block:
    """A block and how it is searched. `sizes`: rows of each bucket, about. `predicted`: pairs of the kernel, about."""

    scope: str
    name: str
    rows: int
    listed: int
    model: Model
    sizes: Ints
    predicted: float

    @property
    def key(self) -> Key:
        return self.scope, self.name

    @property
    def is_exact(self) -> bool:
        return self.model.family == Exact.family


def with_families(blocks: DataFrame, family: str, exact_max: int) -> DataFrame:
    """`eligibility.rows_of_blocks` with `family`: the named one, or under `auto` by the size of the block."""
    # A small catalog makes few pairs.
    small = F.col("rows") * F.col("listed") <= exact_max * exact_max
    by_size = F.when(small, Exact.family).otherwise(KmeansOverlap.family)
    return blocks.withColumn("family", by_size if family == "auto" else F.lit(family))


def tunings(asked: Mapping[Key, Questions], truth: Mapping[tuple[Key, str], Nearest], top_n: int) -> dict[Key, Tuning]:
    """The tuning questions of the blocks that have some, with the lattice rows of their true neighbors.

    A block in which a question has fewer than `top_n` neighbors is not tuned.
    """
    result = {}
    for key, questions in asked.items():
        near, tuning = truth.get((key, "distance")), questions.lattice[~questions.judging]
        if near is not None and len(tuning) and len(near.lattice) == top_n * len(tuning):
            result[key] = Tuning(tuning, near.lattice)
    return result


def fitted(
    sampled: DataFrame,
    tunings: Mapping[Key, Tuning],
    starts: Mapping[Key, Lattice],
    cells: Cells,
    seed: int,
    tasks: int,
) -> DataFrame:
    """One row for each block that is not searched exactly at once: scope, block, family, what was fitted, sizes.

    Args:
        sampled: of `samples.sampled_rows`.
        tunings: of the blocks that are tuned.
        starts: first centers of the cells (ruling 40), by block; none = rows of the sample.
        cells: what is chosen from.
        seed: of what a family draws.
        tasks: partitions of the work; no result depends on it.
    """
    return (
        sampled.where((F.col("family") != Exact.family) & (F.col("is_fitted") | F.col("is_held_out")))
        .select(*BLOCK, "rows", "family", "is_held_out", "track_id", "lattice")
        .repartition(tasks, *BLOCK)
        .sortWithinPartitions(*BLOCK, "track_id")
        .mapInArrow(partial(_fit, tunings=tunings, starts=starts, cells=cells, seed=seed), _FITTED_IN_SPARK)
    )


def _fit(
    batches: Iterable[pa.RecordBatch],
    tunings: Mapping[Key, Tuning],
    starts: Mapping[Key, Lattice],
    cells: Cells,
    seed: int,
) -> Iterator[pa.RecordBatch]:
    for sample in arrays.block_runs(batches, BLOCK):
        key = sample["scope"][0].as_py(), sample["block"][0].as_py()
        lattice, rows = arrays.to_rows(arrays.single(sample["lattice"])), sample["rows"][0].as_py()
        family = sample["family"][0].as_py()
        model: Model
        if family == KmeansOverlap.family:
            held_out = sample["is_held_out"].to_numpy(zero_copy_only=False)
            kept, tested = lattice[~held_out], lattice[held_out]
            if min(len(kept), len(tested)) < 2:
                # A block of a few rows: hashes may have left nothing to fit on, or nothing to hold out.
                kept = tested = lattice
            cut = _fit_cells(kept, tested, rows, tunings.get(key), starts.get(key), cells)
            model = Exact({}, lattice[:0]) if cut is None else cut
        else:
            model, tested = family_of(family).fit(lattice, rows, seed), lattice
        sizes = _sizes(model, tested, rows)
        yield pa.RecordBatch.from_pylist(
            [
                {
                    "scope": key[0],
                    "block": key[1],
                    "family": model.family,
                    "parameters": list(model.parameters.items()),
                    "centers": [encode(center) for center in model.centers],
                    "sizes": sizes.tolist(),
                    "predicted": float((sizes.astype(np.float64) ** 2).sum()),
                }
            ],
            schema=_FITTED,
        )


def _fit_cells(
    kept: Lattice, held_out: Lattice, rows: int, tuning: Tuning | None, starts: Lattice | None, cells: Cells
) -> KmeansOverlap | None:
    """The cells that are searched most cheaply while the tuning questions' recall clears the floor; None = exactly.

    Where no choice clears it, or there are no questions to tell, the most overlap is taken, or under `or_exact` none.
    """
    models = [
        KmeansOverlap.fit(
            kept, rows, starts=starts, leaf=max(leaf, -(-rows // MOST_CELLS)), e=cells.e[0], least=cells.least,
            most=cells.most[0], iterations=cells.iterations,
        )
        for leaf in cells.leaf
    ]  # fmt: skip
    if len(cells.leaf) * len(cells.e) * len(cells.most) == 1:
        pairs = (_sizes(models[0], held_out, rows).astype(np.float64) ** 2).sum()
        return None if cells.or_exact and pairs >= rows**2 else models[0]
    chosen = None
    if tuning is not None and len(held_out) > 1:
        chosen = tune(
            models, cells.e, cells.most, cells.least, tuning.questions, tuning.neighbors, held_out, rows, cells.floor
        )
    if chosen is None and cells.or_exact:
        return None
    model = models[0] if chosen is None else next(m for m in models if m.parameters["leaf"] == str(chosen.leaf))
    e, most = (max(cells.e), max(cells.most)) if chosen is None else (chosen.e, chosen.most)
    return KmeansOverlap(model.parameters | {"e": str(e), "max": str(most)}, model.centers)


def _sizes(model: Model, sample: Lattice, rows: int) -> Ints:
    """(buckets,): rows of each bucket, as the sample has them; at least 1."""
    counts = np.zeros(model.buckets, dtype=np.int64)
    for start in range(0, len(sample), 1024):
        counts += np.bincount(model.assign(sample[start : start + 1024])[1], minlength=model.buckets)
    return np.maximum(counts * rows // max(len(sample), 1), 1)


def searched_blocks(blocks: Sequence[Any], fitted: Sequence[Any], width: int) -> list[Block]:
    """All blocks in the order of scope and block, from rows of `with_families` and of `fitted`."""
    models = {(row["scope"], row["block"]): row for row in fitted}
    result = []
    for row in sorted(blocks, key=lambda row: (row["scope"], row["block"])):
        known = models.get((row["scope"], row["block"]))
        if known is None or known["family"] == Exact.family:
            model: Model = Exact({}, np.empty((0, width), dtype=np.int16))
            sizes, predicted = np.array([row["rows"]]), float(row["rows"]) * row["listed"]
        else:
            centers = decode(b"".join(known["centers"]), width)
            model = family_of(known["family"])(known["parameters"], centers)
            sizes, predicted = np.array(known["sizes"]), known["predicted"] * row["listed"] / row["rows"]
        result.append(Block(row["scope"], row["block"], row["rows"], row["listed"], model, sizes, predicted))
    return result


def published_blocks(blocks: Sequence[Any], models: Sequence[Any]) -> list[Block]:
    """As `searched_blocks`, from rows of `gold/neighbor_models`; nothing is known of the sizes of buckets.

    Raises:
        SoundalikeError: a block has no model.
    """
    known = {(row["scope"], row["block"]): row for row in models}
    result = []
    for row in sorted(blocks, key=lambda row: (row["scope"], row["block"])):
        if (row["scope"], row["block"]) not in known:
            raise SoundalikeError(
                f"gold/neighbor_models has no row for block {row['block']} of scope {row['scope']}; run the job "
                "neighbors again"
            )
        model = known[row["scope"], row["block"]]
        width = model["dimensions"] + 1
        centers = (
            decode(b"".join(model["centers"]), width) if model["centers"] else np.empty((0, width), dtype=np.int16)
        )
        made = family_of(model["family"])(model["parameters"], centers)
        result.append(
            Block(
                row["scope"], row["block"], row["rows"], row["listed"], made, np.ones(made.buckets, dtype=np.int64), 0.0
            )
        )
    return result


def version_of(block: Block, precision: str, dimensions: int, settings: Mapping[str, str]) -> str:
    """`model_version` of a block: `settings` are what else decides its lists."""
    return model_version(block.model, PRECISIONS[precision][0], dimensions, settings)


def model_row(block: Block, name: str, precision: str, dimensions: int, settings: Mapping[str, str]) -> tuple[Any, ...]:
    """A row of `gold/neighbor_models`."""
    return (
        name, *block.key, version_of(block, precision, dimensions, settings), block.model.family,
        PRECISIONS[precision][0], dimensions, block.model.parameters | dict(settings),
        [encode(center) for center in block.model.centers],
    )  # fmt: skip
