"""Whether drawn vectors have the properties of the recipe's acceptance table: `python -m benchmarks.knn_acceptance`."""

import sys
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.knn_vectors import SIZES, Floats, VectorSet, make_vectors

_QUERIES, _NEIGHBORS = 200, 100
# Cosine of the 1st, 10th and 100th neighbor in the whole set, then in the own genre; of random pairs; dimension; share
# of classifiers with a class above .99; exact duplicates.
TABLE = {
    ("base", 200_000): (0.961, 0.939, 0.906, 0.959, 0.934, 0.899, 0.544, 10.6, 0.226, 0),
    ("resub", 100_000): (0.970, 0.928, 0.887, 0.968, 0.923, 0.878, 0.539, 9.2, 0.226, 0),
    ("ident5", 100_000): (0.962, 0.936, 0.900, 0.960, 0.933, 0.893, 0.547, 10.2, 0.218, 4_999),
    ("big80", 100_000): (0.959, 0.932, 0.895, 0.958, 0.930, 0.891, 0.601, 10.9, 0.212, 0),
}
# Random pairs were measured from 200 rows, whose choice alone moves the mean by .006 in big80.
TOLERANCES = (*[0.01] * 6, 0.015, 1.5, 0.01, 0)


@dataclass(frozen=True)
class Properties:
    """Of one set; `cosines` (3) of the 1st, 10th and 100th neighbor, mean over 200 queries."""

    cosines: tuple[float, ...]
    own_cosines: tuple[float, ...]
    random: float
    dimension: float
    saturated: float
    duplicates: int

    def row(self) -> tuple[float, ...]:
        return (*self.cosines, *self.own_cosines, self.random, self.dimension, self.saturated, self.duplicates)


def measure(made: VectorSet) -> Properties:
    rng = np.random.Generator(np.random.PCG64(1))
    rows = len(made.ids)
    unit = made.x / np.linalg.norm(made.x, axis=1, keepdims=True)
    queries = rng.permutation(rows)[:_QUERIES]
    whole, own, dimensions = [], [], []
    for query in queries:
        cosine = unit @ unit[query]
        cosine[query] = -np.inf
        nearest = _largest(cosine)
        whole.append(nearest)
        dimensions.append(_dimension(nearest))
        own.append(_largest(cosine[made.genre == made.genre[query]]))
    one, other = rng.integers(0, rows, (2, 100_000))
    return Properties(
        _at_ranks(whole),
        _at_ranks(own),
        float((unit[one] * unit[other]).sum(axis=1).mean()),
        float(np.nanmedian(dimensions)),
        _saturated(made.x),
        rows - len(np.unique(np.ascontiguousarray(made.x).view(np.dtype((np.void, made.x.shape[1] * 4))))),
    )


def _largest(cosine: Floats) -> Floats:
    """The hundred largest, falling; -inf where there are fewer."""
    if len(cosine) > _NEIGHBORS:
        cosine = np.partition(cosine, -_NEIGHBORS)[-_NEIGHBORS:]
    found = np.full(_NEIGHBORS, -np.inf, dtype=np.float32)
    found[: len(cosine)] = np.sort(cosine)[::-1]
    return found


def _at_ranks(nearest: list[Floats]) -> tuple[float, ...]:
    found = np.array(nearest)[:, [0, 9, 99]].astype(np.float64)
    return tuple(float(column[np.isfinite(column)].mean()) for column in found.T)


def _dimension(nearest: Floats) -> float:
    """Maximum-likelihood estimate of the intrinsic dimension from the distances of a row's neighbors."""
    distance = np.sqrt(np.maximum(2.0 - 2.0 * nearest.astype(np.float64), 0.0))
    if not 0.0 < distance[0] < distance[-1] < np.inf:
        return float("nan")
    return float((len(distance) - 1) / np.log(distance[-1] / distance[:-1]).sum())


def _saturated(x: Floats) -> float:
    """Share of classifiers with a class above 0.99."""
    starts = np.cumsum((0, *SIZES))
    return float(np.mean([x[:, a:b].max(axis=1) > 0.99 for a, b in pairwise(starts)]))


def main() -> int:
    failed = 0
    for (variant, rows), expected in TABLE.items():
        found = measure(make_vectors(rows, variant)).row()
        wrong = [abs(f - e) > t for f, e, t in zip(found, expected, TOLERANCES, strict=True)]
        failed += any(wrong)
        print(f"{variant} {rows:,}: {'differs' if any(wrong) else 'agrees'}")
        print("  found    " + " ".join(f"{value:8.3f}" for value in found))
        print("  expected " + " ".join(f"{value:8.3f}" for value in expected))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
