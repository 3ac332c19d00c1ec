"""What the job `neighbors` refuses, by the last line that it says; nothing is published then."""

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from soundalike.stages import neighbors
from soundalike.storage.store import Store

pytestmark = pytest.mark.spark

NAN = float("nan")
VECTORS = pa.list_(pa.float64())
GIVEN: dict[str, Any] = {"track_id": ["a", "b", "c"], "vector": [[1.0, 0.0, 0.5], [0.2, 1.0, 0.0], [0.0, 0.1, 1.0]]}


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.strip().splitlines()[-1]


# Name -> columns beside or in place of GIVEN's (None = without it), settings, message; {own} is the folder of the table.
TABLES: dict[str, tuple[dict[str, Any], dict[str, object], str]] = {
    "two widths": (
        {"vector": [[1.0, 0.0, 0.5], [0.2, 1.0], None]}, {},
        "vectors have several widths: 2 for track b, 3 for track a; expected one; the vector of a track without one is null",
    ),
    "no numbers": (
        {"vector": [[NAN, 1.0, 0.0], [0.0, 0.0, 0.0], [1.0, None, 0.0]]}, {},
        "no track is eligible in any scope (global.no_vector 3); nothing was published",
    ),
    "nobody of any scope": (
        {"is_trusted": [False, True, None], "genres": [["x"], [], None], "decade": [1990, 1990, None]},
        {"scopes": "genre,genre_decade"},
        "no track is eligible in any scope (genre.untrusted 1, genre.no_genre 2, genre_decade.untrusted 1, genre_decade.no_genre 2); nothing was published",
    ),
    "empty": (
        {"track_id": pa.array([], pa.string()), "vector": pa.array([], VECTORS)}, {},
        "table {own} has 0 tracks and no vector among them; there is nothing to search",
    ),
    "nulls": (
        {"vector": pa.array([None, None, None], VECTORS)}, {},
        "table {own} has 3 tracks and no vector among them; there is nothing to search",
    ),
    "no vector": (
        {"vector": ["1, 0", "0, 1", "1, 1"]}, {},
        "the table of vectors does not fit: vector is string, expected array<float> or array<double>; rename or cast its columns",
    ),
    "names by another name": (
        {"track_id": None, "id": ["a", "b", "c"]}, {},
        "the table of vectors does not fit: track_id is missing; rename or cast its columns",
    ),
    "one column": (
        {"vector": [[1.0], [2.0], [-1.0]]}, {}, "vectors have 1 dimensions, expected 2 to 1000",
    ),
    "too many columns": (
        {"vector": [[1.0] * 1001] * 3}, {}, "vectors have 1001 dimensions, expected 2 to 1000",
    ),
    "far too many columns": (
        {"vector": [[1.0] * 1100] * 3}, {}, "vectors have 1100 dimensions, expected 2 to 1000",
    ),
    "no id": (
        {"track_id": ["a", None, "c"]}, {}, "1 of 3 rows of the table of vectors have no track_id; remove or name them",
    ),
    "a track twice": (
        {"track_id": ["a", "b", "b"]}, {},
        "track b stands twice in table {own}; a table of vectors has one row per track: remove the others",
    ),
    "groups of other columns": (
        {}, {"probability_groups": (2, 2)},
        "vectors have 3 dimensions, but neighbors.probability_groups names groups of 4 in all; name the sizes of all groups in the order of the columns",
    ),
    "too many pairs": (
        {}, {"max_pairs": 8},
        "the search would compare 9 pairs, more than neighbors.max_pairs=8; of them block * of scope global needs 9; lower neighbors.recall_floor, leave out a scope, or raise neighbors.max_pairs",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_refused(
    search: Any, write_table: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    columns, settings, message = TABLES[name]
    given = {name: values for name, values in (GIVEN | columns).items() if values is not None}
    write_table(tmp_path / "own", given)
    assert search(tmp_path, **({"scopes": "global"} | settings)) == 1
    assert said(capsys) == "neighbors: " + message.format(own=tmp_path / "own")
    assert not (tmp_path / "gold").exists()


def test_a_catalog_without_ids_is_refused(
    search: Any, write_table: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(tmp_path / "own", GIVEN)
    write_table(tmp_path / "catalog", {"id": ["a"]})
    assert search(tmp_path, scopes="global", candidates=tmp_path / "catalog") == 1
    assert (
        said(capsys)
        == "neighbors: the table of candidates does not fit: track_id is missing; rename or cast its columns"
    )
    assert search(tmp_path, scopes="global", candidates=tmp_path / "nowhere") == 1
    assert said(capsys) == (
        f"neighbors: file:{tmp_path}/nowhere is neither a Delta nor a Parquet table; check neighbors.candidates"
    )


def test_a_vector_without_a_number_is_no_vector(search: Any, write_table: Any, published: Any, tmp_path: Path) -> None:
    vectors = [[1.0, 0.0], [0.0, NAN], [0.5, 1.0], [None, 1.0], [float("inf"), 0.0]]
    # One of the ids is not quite a UUID.
    ids = [f"{row:08}-2022-4022-8022-123456789abc" + "\n" * (row == 2) for row in range(5)]
    write_table(tmp_path / "own", {"track_id": ids, "vector": vectors})
    assert search(tmp_path, scopes="global") == 0
    found = {row["track_id"]: row["neighbors"] for row in published(tmp_path, "gold/track_neighbors")}
    assert {track: [n["neighbor_id"] for n in mine] for track, mine in found.items()} == {
        ids[0]: [ids[2]],
        ids[2]: [ids[0]],
    }
    (counted,) = published(tmp_path, "operations/ledger", counter="global.no_vector")
    assert counted["value"] == 3


def test_a_list_that_nobody_inherits_is_missed(
    search: Any, write_table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(tmp_path / "own", GIVEN | {"recording_key": ["a", "a", "c"]})
    made = neighbors.published_lists

    def without_heirs(lists: Any, inheriting: Any, *others: Any) -> Any:
        return made(lists, inheriting.where("track_id <> 'b'"), *others)

    monkeypatch.setattr(neighbors, "published_lists", without_heirs)
    assert search(tmp_path, scopes="global") == 1
    assert said(capsys) == (
        "neighbors: table gold/track_neighbors got 2 lists, 3 were found or have to be inherited; restore the version before "
        "and run again"
    )


def test_a_list_that_is_not_stored_is_missed(
    search: Any, write_table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(tmp_path / "own", GIVEN)
    replace = Store.replace

    def without_b(store: Store, table: Any, rows: Any, *others: Any, **named: Any) -> int:
        stored = rows.where("track_id <> 'b'") if table.name == "gold/track_neighbors" else rows
        return replace(store, table, stored, *others, **named)

    monkeypatch.setattr(Store, "replace", without_b)
    assert search(tmp_path, scopes="global") == 1
    assert re.sub("hash -?[0-9]+", "hash", said(capsys)) == (
        "neighbors: table gold/track_neighbors where scope is global holds 2 rows (hash), staged were 3 (hash); restore "
        "the version before and run again"
    )


def test_fewest_cells_above_most(search: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert search(tmp_path, cells_min=5, cells_max=(8, 4)) == 2
    assert (
        said(capsys)
        == "neighbors: setting 'neighbors.cells.min' must not be above 'neighbors.cells.max', found 5 and 4"
    )
