"""Tracks and blocks at the edges, all in one table of one genre for each case, under ids of two kinds."""

from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

pytestmark = pytest.mark.spark

TOP_N = 10
# Genre -> tracks in it, and how many of them are in the catalog.
SIZES = {"few": (4, 4), "full": (30, 30), "none": (5, 0), "single": (6, 1), "part": (40, 12), "same": (15, 15),
         "two": (2, 2), "opposite": (2, 2), "alone": (1, 1)}  # fmt: skip


def named(row: int, uuids: bool) -> str:
    """Ids in the order of rows."""
    return str(UUID(int=(row + 1) << 104 | 0xABCDEF)) if uuids else f"t{row:03}"


class Case:
    """What is searched: `rows[genre]` are positions in `vectors` in id order, `listed` says who is in the catalog."""

    def __init__(self) -> None:
        random = np.random.default_rng(14)
        self.genres: list[list[str]] = []
        self.listed: list[bool] = []
        for genre, (count, catalog) in SIZES.items():
            # Every third or so in the catalog, never just the first ones.
            chosen = set(random.permutation(count)[:catalog].tolist())
            self.genres += [[genre]] * count
            self.listed += [position in chosen for position in range(count)]
        self.vectors = random.normal(size=(len(self.genres), 6))
        self.vectors[self.of("same")] = self.vectors[self.of("same")[0]]
        self.vectors[self.of("opposite")[1]] = -3 * self.vectors[self.of("opposite")[0]]
        self.decades: list[int | None] = [1990] * len(self.genres)
        self.trusted = [True] * len(self.genres)
        full = self.of("full")
        self.genres[full[0]] = ["few", "full", "full", ""]  # of several genres
        self.decades[full[1]] = None  # undated
        self.trusted[full[2]] = False  # untrusted
        self.genres[full[3]] = []  # of no genre

    def of(self, genre: str) -> list[int]:
        return [row for row, genres in enumerate(self.genres) if genre in genres]

    def columns(self, uuids: bool) -> dict[str, Any]:
        vectors: list[Any] = [*self.vectors.tolist(), None, [0.0] * 6, [1.0, float("nan"), 0, 0, 0, 0]]
        extra = len(vectors) - len(self.genres)
        return {
            "track_id": [named(row, uuids) for row in range(len(vectors))], "vector": vectors,
            "genres": [*self.genres, *[["full"]] * extra], "decade": [*self.decades, *[1990] * extra],
            "is_trusted": [*self.trusted, *[None] * extra],
        }  # fmt: skip


@pytest.fixture(scope="module")
def case() -> Case:
    return Case()


@pytest.fixture(scope="module", params=[False, True], ids=["texts", "UUIDs"])
def searched(
    case: Case, search: Any, write_table: Any, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[Path, bool]:
    """Root, and whether ids are UUIDs. Searched in scopes genre and genre_decade, with the catalog."""
    root = tmp_path_factory.mktemp("edges")
    write_table(root / "own", case.columns(request.param))
    mine = [named(row, request.param) for row, listed in enumerate(case.listed) if listed]
    # A catalog may name tracks twice, not at all, and tracks that are nowhere.
    write_table(root / "catalog", {"track_id": [*mine, mine[0], None, "zzz"]})
    assert search(root, scopes="genre,genre_decade", candidates=root / "catalog") == 0
    return root, request.param


def test_every_list_is_a_brute_force_over_the_catalog_of_the_block(
    case: Case, searched: Any, lists_of: Any, to_grid: Any, half_squares: Any, nearest: Any
) -> None:
    root, uuids = searched
    ids = [named(row, uuids) for row in range(len(case.vectors))]
    distance, expected = half_squares(to_grid(case.vectors)), {}
    for scope in ("genre", "genre_decade"):
        for genre in SIZES:
            inside = [row for row in case.of(genre)
                      if case.trusted[row] and (scope == "genre" or case.decades[row] is not None)]  # fmt: skip
            for row in inside:
                others = np.array([o for o in inside if o != row and case.listed[o]], dtype=np.int64)
                block = genre if scope == "genre" else f"{genre}|1990"
                expected[scope, block, ids[row]] = nearest(row, others, distance, ids)
    assert lists_of(root) == expected


def test_lengths_and_similarities_by_hand(case: Case, searched: Any, lists_of: Any) -> None:
    root, uuids = searched
    lists = lists_of(root)

    def found(genre: str) -> list[list[tuple[str, float]]]:
        return [lists["genre", genre, named(row, uuids)] for row in case.of(genre) if case.trusted[row]]

    # Four tracks and the one of several genres; thirty without the untrusted one and the one without a genre.
    assert [len(mine) for mine in found("few")] == [4] * 5
    assert [len(mine) for mine in found("full")] == [10] * 28
    assert found("none") == [[]] * 5 and found("alone") == [[]]
    # The one in the catalog stands in all lists but its own.
    assert sorted(len(mine) for mine in found("single")) == [0, 1, 1, 1, 1, 1]
    # A catalog is no filter of longer lists: all are full.
    assert [len(mine) for mine in found("part")] == [10] * 40
    assert {similarity for mine in found("same") for _, similarity in mine} == {1.0}
    assert [i for i, _ in found("same")[3]] == [
        named(row, uuids) for row in case.of("same") if row != case.of("same")[3]
    ][:10]
    first, second = (named(row, uuids) for row in case.of("two"))
    assert [[i for i, _ in mine] for mine in found("two")] == [[second], [first]]
    assert [similarity for mine in found("opposite") for _, similarity in mine] == pytest.approx([-1, -1], abs=1e-3)


def test_who_has_no_list_is_counted(case: Case, searched: Any, lists_of: Any, published: Any) -> None:
    root, uuids = searched
    counted = {row["counter"]: row["value"] for row in published(root, "operations/ledger")}
    total = len(case.vectors)
    expected = {}
    for scope, undated in (("genre", 0), ("genre_decade", 1)):
        expected |= {f"{scope}.no_vector": 3, f"{scope}.untrusted": 1, f"{scope}.no_genre": 1, f"{scope}.undated": undated,
                     f"{scope}.eligible": total - 2 - undated, f"{scope}.inherited": 0, f"{scope}.short_lists": 0}  # fmt: skip
    assert {name: value for name, value in counted.items() if not name.endswith(".pairs")} == expected
    undated, untrusted, genreless = (named(case.of("full")[0] + i, uuids) for i in (1, 2, 3))
    of_track: dict[str, set[str]] = {}
    for scope, _, track in lists_of(root):
        of_track.setdefault(track, set()).add(scope)
    assert of_track[undated] == {"genre"} and not of_track.keys() & {untrusted, genreless}


def test_a_block_without_neighbors_has_no_recall(searched: Any, published: Any) -> None:
    certificates = {row["block"]: row for row in published(searched[0], "operations/neighbor_certificates")}
    for block in ("none", "alone", "none|1990"):
        found = certificates[block]
        assert (found["passed"], found["recall"], found["ci_low"], found["worst_query"]) == (True, None, None, None)
    assert (certificates["single"]["recall"], certificates["single"]["queries"]) == (1.0, 6)
    assert all(row["passed"] for row in certificates.values())
