"""Clusters judged by construction, by brute force and by scikit-learn itself on the same rows."""

import math

import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from soundalike.numeric.centers import exact_sum, in_canonical_order, nearest_center
from soundalike.numeric.kmeans import CountRule, distinct_rows, fit_clusters, starts

SIZE = CountRule("size", 60, 8, 512)
BLOBS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])


def blobs(sizes: tuple[int, ...] = (50, 30, 20), seed: int = 4) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.concatenate([center + random.normal(size=(n, 2)) for center, n in zip(BLOBS, sizes, strict=True)])


@pytest.mark.parametrize(
    ("n", "k"), [(1, 8), (127, 8), (144, 8), (145, 9), (180, 9), (181, 10), (20_000, 100), (522_000, 511), (2_000_000, 512)]
)  # fmt: skip
def test_the_size_rule(n: int, k: int) -> None:
    assert SIZE.clusters(n) == k


def test_the_fixed_rule_and_an_unknown_one() -> None:
    assert CountRule("fixed", 60, 8, 512).clusters(5) == 60
    with pytest.raises(ValueError, match="cluster policy 'elbow' is unknown; known: size, fixed"):
        CountRule("elbow", 60, 8, 512).clusters(5)


def test_starts() -> None:
    assert (starts(1), starts(100_000), starts(100_001)) == (10, 10, 1)


def test_three_planted_blobs_by_size() -> None:
    rows = blobs((20, 50, 30))
    fit = fit_clusters(rows, 3, seed=1)

    # Canonical: the blob of 50 rows is cluster 0, that of 30 is 1, that of 20 is 2.
    assert fit.centers == pytest.approx(BLOBS[[1, 2, 0]], abs=0.6)
    assert (fit.n, fit.k, fit.k_eff, len(fit.centers)) == (100, 3, 3, 3)
    assert fit.iterations >= 1
    means = [rows[20:70].mean(axis=0), rows[70:].mean(axis=0), rows[:20].mean(axis=0)]
    assert fit.centers == pytest.approx(np.array(means))
    assert fit.sse == pytest.approx(
        sum(((part - part.mean(axis=0)) ** 2).sum() for part in (rows[:20], rows[20:70], rows[70:]))
    )


def test_equal_sizes_stand_in_lexicographic_order() -> None:
    corners = np.array([[9.0, -1.0], [-9.0, 5.0], [9.0, -7.0], [-9.0, -5.0]])
    rows = np.repeat(corners, 3, axis=0)[::-1]

    assert in_canonical_order(rows, corners).tolist() == [[-9, -5], [-9, 5], [9, -7], [9, -1]]
    assert in_canonical_order(rows[:-3], corners).tolist() == [[-9, -5], [-9, 5], [9, -7], [9, -1]]
    assert in_canonical_order(rows[:-1], corners).tolist() == [[-9, -5], [-9, 5], [9, -7], [9, -1]]
    assert in_canonical_order(rows[3:], corners).tolist() == [[-9, 5], [9, -7], [9, -1], [-9, -5]]


def test_the_same_center_twice_is_one() -> None:
    centers = in_canonical_order(np.array([[0.0], [1.0]]), np.array([[0.0], [-0.0], [1.0], [0.0]]))

    assert centers.tolist() == [[0.0], [1.0]]
    assert not np.signbit(centers).any()


@pytest.mark.parametrize(
    ("rows", "k_eff"),
    [
        ([[0.5, 1.0]] * 5, 1),
        ([[0.0, 0.0]], 1),
        ([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [1.0, 1.0]], 3),
        ([[float(i), 0.0] for i in range(5)], 5),
    ],
)
def test_no_more_clusters_than_distinct_rows(rows: list, k_eff: int) -> None:
    given = np.array(rows)
    fit = fit_clusters(given, 60, seed=1)

    assert (fit.k, fit.k_eff, len(fit.centers), fit.sse) == (60, k_eff, k_eff, 0.0)
    cluster, square = nearest_center(given, fit.centers)
    assert fit.centers[cluster].tolist() == given.tolist()
    assert square.tolist() == [0.0] * len(given)


def test_distinct_rows() -> None:
    assert distinct_rows(np.empty((0, 2))) == 0
    assert distinct_rows(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [1.0, 1.0]])) == 3
    assert distinct_rows(np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 1.0]])) == 2
    assert distinct_rows(np.array([[0.0], [-0.0]])) == 1


def test_nearest_center_is_that_of_brute_force_in_any_part() -> None:
    random = np.random.default_rng(7)
    rows, centers = random.normal(size=(3000, 5)), random.normal(size=(100, 5))
    cluster, square = nearest_center(rows, centers)

    expected = ((rows[:, np.newaxis] - centers) ** 2).sum(axis=2)
    assert cluster.tolist() == expected.argmin(axis=1).tolist()
    assert square == pytest.approx(expected.min(axis=1), rel=1e-12)
    for start in range(0, 3000, 777):
        part = slice(start, start + 777)
        alone, apart = nearest_center(rows[part], centers)
        assert (alone.tolist(), apart.tolist()) == (cluster[part].tolist(), square[part].tolist())


def test_ties_go_to_the_lower_id() -> None:
    centers = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [1.0, 0.0]])
    cluster, square = nearest_center(np.array([[0.0, 0.0], [-1.0, 1.0], [1.0, 0.0]]), centers)

    assert cluster.tolist() == [0, 1, 0]
    assert square.tolist() == [1.0, 1.0, 0.0]


def test_exact_sum_has_no_order() -> None:
    values = np.random.default_rng(1).lognormal(sigma=12, size=999)
    assert len({exact_sum(np.random.default_rng(seed).permutation(values)) for seed in range(20)}) == 1
    assert exact_sum(np.array([1e100, 1.0, -1e100])) == 1.0


def test_same_rows_and_seed_same_bits_whatever_the_threads() -> None:
    rows = np.random.default_rng(2).normal(size=(4000, 11))
    found = set()
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            fit = fit_clusters(rows, 30, seed=5)
        found.add((fit.centers.tobytes(), fit.sse, fit.iterations))
    assert len(found) == 1
    assert fit_clusters(rows, 30, seed=6).centers.tobytes() != fit.centers.tobytes()


@pytest.mark.parametrize("k", [8, 45])
def test_sse_against_five_single_starts(k: int) -> None:
    rows = np.random.default_rng(3).normal(size=(2000, 11)) ** 3
    plain = sorted(
        KMeans(k, init="k-means++", n_init=1, random_state=seed).fit(rows).inertia_ for seed in range(100, 105)
    )
    fit = fit_clusters(rows, k, seed=1)

    assert fit.sse <= 1.01 * plain[2]
    assert fit.sse == pytest.approx(
        math.fsum(((rows - fit.centers[nearest_center(rows, fit.centers)[0]]) ** 2).ravel())
    )


def test_numbers_of_clusters_fall_in_size() -> None:
    rows = np.random.default_rng(6).normal(size=(1500, 3))
    fit = fit_clusters(rows, 27, seed=1)
    sizes = np.bincount(nearest_center(rows, fit.centers)[0], minlength=27)

    assert sizes.sum() == 1500
    assert (np.diff(sizes) <= 0).all()
    for first, second in zip(range(26), range(1, 27), strict=True):
        if sizes[first] == sizes[second]:
            assert tuple(fit.centers[first]) < tuple(fit.centers[second])
