import numpy as np

from soundalike.numeric.lattice import to_lattice
from soundalike.numeric.scaling import normalize
from soundalike.numeric.shortlist import Shortlist, ordered


def test_nearest_rows_whatever_the_chunks() -> None:
    random = np.random.default_rng(3)
    points = random.normal(size=(500, 7))
    points[200:230] = points[3]  # ties by D and by cosine
    lattice, _ = to_lattice(points)
    units, _ = normalize(points)
    queries = np.array([0, 3, 210, 499])
    numbers = random.permutation(500)  # decide between rows that tie
    wide = lattice.astype(np.int64)
    cosine = np.zeros((4, 500))
    for column in units.T:
        cosine += column[queries, np.newaxis] * column

    for step in (1, 13, 64, 500):
        found = Shortlist(lattice[queries], units[queries], np.ones(4, dtype=bool), 9)
        for first in range(0, 500, step):
            inside = np.flatnonzero((queries >= first) & (queries < first + step))
            found.add(
                lattice[first : first + step],
                units[first : first + step],
                numbers[first : first + step],
                (inside, queries[inside] - first),
            )
        for position, row in enumerate(queries):
            others = np.array([other for other in range(500) if other != row])
            distance = ((wide[row] - wide[others]) ** 2).sum(axis=1) // 2
            by_distance = others[np.lexsort((numbers[others], distance))][:9]
            assert found.by_distance.place[found.by_distance.query == position].tolist() == by_distance.tolist()
            by_cosine = others[np.lexsort((numbers[others], -cosine[position, others]))][:9]
            assert found.by_cosine.place[found.by_cosine.query == position].tolist() == by_cosine.tolist()


def test_order_of_numbers_is_the_order_of_their_bits() -> None:
    values = np.array([-1.0, -0.5, -1e-300, 0.0, 1e-300, 0.25, 1.0])

    keys = ordered(values)

    assert (np.diff(keys) > 0).all()
    assert ordered(np.array([-0.0]))[0] == keys[3]


def test_in_a_dense_set_few_rows_are_looked_at_and_the_nearest_are_among_them() -> None:
    random = np.random.default_rng(8)
    points = 1 + 0.02 * random.normal(size=(4000, 54))
    lattice, (units, _) = to_lattice(points)[0], normalize(points)
    found = Shortlist(lattice[:5], units[:5], np.ones(5, dtype=bool), 9)
    found.add(lattice, units, np.arange(4000), (np.arange(5), np.arange(5)))

    cosine = np.zeros((5, 4000))
    for column in units.T:
        cosine += column[:5, np.newaxis] * column
    cosine[np.arange(5), np.arange(5)] = -1
    for query in range(5):
        best = np.lexsort((np.arange(4000), -cosine[query]))[:9]
        assert found.by_cosine.place[found.by_cosine.query == query].tolist() == best.tolist()
    # All rows are within 2e-3 of each other by cosine, less than an error that knew nothing of their distance.
    limits = Shortlist(lattice[:5], units[:5], np.ones(5, dtype=bool), 9)
    distance = ((lattice[:5, np.newaxis].astype(np.int64) - lattice) ** 2).sum(axis=2) // 2
    near = distance <= limits._limits(distance.astype(np.float32), slice(0, 5))[:, np.newaxis]
    assert near.sum(axis=1).max() < 2000
