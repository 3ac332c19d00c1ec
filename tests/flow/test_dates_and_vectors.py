"""Every line of the date vectors, and the toy lists, through the jobs themselves."""

import datetime
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from soundalike.contracts.acousticbrainz import MODELS

pytestmark = pytest.mark.spark

DATA = Path(__file__).parents[1] / "data"
ESCAPES = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r", "s": " "}


def unescaped(text: str) -> str:
    out, i = "", 0
    while i < len(text):
        if text[i] != "\\":
            out, i = out + text[i], i + 1
        elif text[i + 1] == "u":
            out, i = out + chr(int(text[i + 2 : i + 6], 16)), i + 6
        else:
            out, i = out + ESCAPES[text[i + 1]], i + 2
    return out


def document(number: int, date: str) -> bytes:
    models = {
        model: {
            "all": {name: 1 / len(classes) + (0.01 if name == classes[0] else 0) for name in classes},
            "value": classes[0],
        }
        for model, classes in MODELS.items()
    }
    tags = {"musicbrainz_recordingid": [f"00000000-0000-4000-8000-{number:012d}"], "title": ["t"], "date": [date]}
    return json.dumps({"highlevel": models, "metadata": {"tags": tags, "audio_properties": {"length": 1.5}}}).encode()


def test_every_line_of_the_date_vectors(spark: Any, tmp_path: Path, rows: Any) -> None:
    from jobs.ingest_acousticbrainz import ingest_acousticbrainz, inputs
    from jobs.recordings import recordings

    from soundalike.run import Run, main

    with (DATA / "dates.tsv").open(newline="\n", encoding="ascii") as stream:
        lines = [line.rstrip("\n").split("\t") for line in stream][1:]
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for number, line in enumerate(lines):
            info = tarfile.TarInfo(f"00000000-0000-4000-8000-{number:012d}-0.json")
            content = document(number, unescaped(line[0]))
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    path = tmp_path / "acousticbrainz-highlevel-json-20220623-0.tar.zst"
    with pa.CompressedOutputStream(str(path), "zstd") as packed:
        packed.write(plain.getvalue())

    def steps(run: Run) -> None:
        ingest_acousticbrainz(run)
        recordings(run)

    argv = ["--set", f"storage.root={tmp_path}/tables", "--set", f"sources.acousticbrainz.uris={path}"]
    assert main("recordings", steps, inputs, argv) == 0
    found = {row["member_pos"]: row for row in rows(tmp_path / "tables", "silver/submissions")}
    assert len(found) == len(lines) > 40
    for number, (_, _, date, precision, flags) in enumerate(lines):
        row = found[number]
        read = (row["release_date"], row["date_precision"], row["date_flags"])
        expected = (
            datetime.date.fromisoformat(date) if date else None, precision or "none", flags.split(",") if flags else [],
        )  # fmt: skip
        assert read == expected, lines[number]


TOY = json.loads((DATA / "neighbors_toy.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "case", [case for case in TOY["cases"] if case["block_by"]["genre"]], ids=lambda case: str(case["name"])
)
def test_toy_lists_through_a_table_of_vectors(spark: Any, tmp_path: Path, rows: Any, case: dict[str, Any]) -> None:
    from jobs.ingest_acousticbrainz import inputs
    from jobs.neighbors import neighbors

    from soundalike.run import main

    given = [track for track in TOY["tracks"] if track["id"] not in case["exclude"]]
    (tmp_path / "own").mkdir()
    columns = {
        "track_id": [track["id"] for track in given], "vector": [track["vector"] for track in given],
        "genre": [track[f"genre_{case['block_by']['genre']}"] for track in given],
        "decade": [track["release_decade"] for track in given],
    }  # fmt: skip
    pq.write_table(pa.table(columns), tmp_path / "own/part.parquet")
    scope = "genre_decade" if case["block_by"]["decade"] else "genre"
    settings = {
        "storage.root": tmp_path,
        "neighbors.vectors": tmp_path / "own",
        "neighbors.scopes": scope,
        "neighbors.top_n": case["n"],
    }
    argv = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    assert main("neighbors", neighbors, inputs, argv) == 0
    (target,) = [row for row in rows(tmp_path, "gold/track_neighbors") if row["track_id"] == case["target"]]
    expected = case["expected_neighbors"]
    assert [neighbor["neighbor_id"] for neighbor in target["neighbors"]] == [neighbor["id"] for neighbor in expected]
    similarities = [neighbor["similarity"] for neighbor in target["neighbors"]]
    assert similarities == pytest.approx([neighbor["score"] for neighbor in expected], abs=1e-3)


def test_a_track_that_stands_twice_is_refused_even_where_it_inherits(
    spark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from jobs.ingest_acousticbrainz import inputs
    from jobs.neighbors import neighbors

    from soundalike.run import main

    (tmp_path / "own").mkdir()
    columns = {
        "track_id": ["a", "b", "b"],
        "recording_key": ["k"] * 3,
        "genre": ["roc"] * 3,
        "vector": [[1.0, 0.0]] * 3,
    }
    pq.write_table(pa.table(columns), tmp_path / "own/part.parquet")
    argv = [
        "--set",
        f"storage.root={tmp_path}",
        "--set",
        f"neighbors.vectors={tmp_path}/own",
        "--set",
        "neighbors.scopes=genre",
    ]
    assert main("neighbors", neighbors, inputs, argv) == 1
    assert capsys.readouterr().err.strip().splitlines()[-1] == (
        f"neighbors: track b stands twice in table {tmp_path}/own; a table of vectors has one row per track: remove the others"
    )


def test_without_an_eligible_track_nothing_is_published(
    spark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from jobs.ingest_acousticbrainz import inputs
    from jobs.neighbors import neighbors

    from soundalike.run import main

    (tmp_path / "own").mkdir()
    pq.write_table(pa.table({"track_id": ["a", "b"], "vector": [[1.0, 0.0]] * 2}), tmp_path / "own/part.parquet")
    assert (
        main(
            "neighbors",
            neighbors,
            inputs,
            [
                "--set",
                f"storage.root={tmp_path}",
                "--set",
                f"neighbors.vectors={tmp_path}/own",
                "--set",
                "neighbors.scopes=genre,genre_decade",
            ],
        )
        == 1
    )
    assert capsys.readouterr().err.strip().splitlines()[-1] == (
        "neighbors: no track is eligible in any scope (genre.no_genre 2, genre_decade.no_genre 2); nothing was published"
    )
    assert not (tmp_path / "gold").exists()
