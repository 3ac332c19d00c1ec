"""K-means of one genre: how many clusters, and where their centers are.

scikit-learn does the fitting, in one thread and on rows in a given order, so that one kind of machine gives one result.
What is published besides (numbering, sse) is computed here, see `centers`.
"""

import math
import warnings
from dataclasses import dataclass

import numpy as np

from soundalike.numeric.centers import Floats, exact_sum, in_canonical_order, nearest_center

INIT = "k-means++"

# Above so many rows a start takes minutes, and ten of them would be most of a run.
_MANY_ROWS = 100_000
_STARTS = 10


@dataclass(frozen=True)
class CountRule:
    """`size`: k = round(sqrt(n / 2)), held within k_min..k_max. `fixed`: k, whatever n is."""

    policy: str
    k: int
    k_min: int
    k_max: int

    def clusters(self, n: int) -> int:
        """Number of clusters to ask for with `n` rows.

        Raises:
            ValueError: no such policy.
        """
        if self.policy == "fixed":
            return self.k
        if self.policy == "size":
            # sqrt(n / 2) is never halfway between two whole numbers.
            return min(max(round(math.sqrt(n / 2)), self.k_min), self.k_max)
        raise ValueError(f"cluster policy {self.policy!r} is unknown; known: size, fixed")


@dataclass(frozen=True)
class Fit:
    """`centers` (k_found, d) are distinct and in canonical order.

    k were asked for, k_eff = min(k, distinct rows) were fitted.
    """

    n: int
    k: int
    k_eff: int
    iterations: int
    sse: float
    centers: Floats


def starts(n: int) -> int:
    """Starts of a fit on `n` rows; the one with the smallest sse is kept."""
    return _STARTS if n <= _MANY_ROWS else 1


def fit_clusters(rows: Floats, k: int, seed: int) -> Fit:
    """At most `k` clusters of scaled `rows` (n, d), n at least 1. The order of the rows is part of the result."""
    # Here and not above: the import takes seconds (scipy, pandas), and only a process that fits needs it.
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    k_eff = min(k, distinct_rows(rows))
    model = KMeans(k_eff, init=INIT, n_init=starts(len(rows)), random_state=seed)
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # Fewer distinct centers than asked for are no accident here: they are counted.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows)
    centers = in_canonical_order(rows, model.cluster_centers_)
    _, squares = nearest_center(rows, centers)
    return Fit(len(rows), k, k_eff, int(model.n_iter_), exact_sum(squares), centers)


def distinct_rows(rows: Floats) -> int:
    """Number of different `rows` (n, d)."""
    if not len(rows):
        return 0
    ordered = rows[np.lexsort(rows.T)]
    return 1 + int((ordered[1:] != ordered[:-1]).any(axis=1).sum())
