"""The reader against tables written from the contracts."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import WriterProperties, write_deltalake

from soundalike.contracts.mpd import STATISTICS
from soundalike.contracts.tables import LEDGER, RUNS, TRACK_NEIGHBORS, TRACKS
from soundalike.errors import SoundalikeError
from soundalike.reader import LedgerEntry, Neighbor, NeighborList, Pair, Reader, Track

SANDMAN = "62c2e20a-559e-422f-a44c-9afa7882f0c4"
ONE, TWO, THREE, FOUR = (f"0000000{number}-0000-4000-8000-000000000000" for number in (1, 2, 3, 4))
LOST = "0000004d-0000-4000-8000-000000000000"


def test_lists_of_a_track_in_several_genres_and_scopes(published):
    lists = Reader(published.root).neighbors(SANDMAN)
    assert [(found.scope, found.block, len(found.neighbors)) for found in lists] == [
        ("genre", "met", 0),
        ("genre", "roc", 3),
        ("genre_decade", "met|1990", 1),
        ("genre_decade", "roc|1990", 4),
    ]
    assert lists[1] == NeighborList(
        scope="genre",
        block="roc",
        track_id=SANDMAN,
        neighbors=(Neighbor(TWO, 0.99993), Neighbor(ONE, 0.5), Neighbor(FOUR, -0.25)),
        inherited=False,
        method="exact",
        run_id="run-2",
        model_version="m1",
    )


def test_lists_of_one_scope_or_block(published):
    reader = Reader(published.root)
    assert [found.block for found in reader.neighbors(SANDMAN, scope="genre")] == ["met", "roc"]
    assert [found.scope for found in reader.neighbors(SANDMAN, block="roc")] == ["genre"]
    assert [found.block for found in reader.neighbors(SANDMAN, scope="genre_decade", block="roc|1990")] == ["roc|1990"]
    assert reader.neighbors(SANDMAN, scope="genre", block="roc|1990") == []
    assert reader.neighbors(ONE) == []
    assert reader.scopes() == ("genre", "genre_decade")


def test_pair_form(published):
    assert Reader(published.root).pairs(SANDMAN, scope="genre_decade") == [
        Pair("genre_decade", "met|1990", SANDMAN, 1, FOUR, 0.9),
        Pair("genre_decade", "roc|1990", SANDMAN, 1, ONE, 0.99447),
        Pair("genre_decade", "roc|1990", SANDMAN, 2, TWO, 0.9928600001),
        Pair("genre_decade", "roc|1990", SANDMAN, 3, THREE, 0.25),
        Pair("genre_decade", "roc|1990", SANDMAN, 4, LOST, -0.5),
    ]


def test_another_neighbor_table(published):
    published.write(
        TRACK_NEIGHBORS.named("gold/fma_neighbors"), [published.neighbors("genre", "Rock", "it's", ("2", 0.5))]
    )
    reader = Reader(published.root)
    assert [found.neighbors for found in reader.neighbors("it's", name="fma_neighbors")] == [(Neighbor("2", 0.5),)]
    assert reader.neighbors("x' OR '1'='1", name="fma_neighbors") == []


def test_tracks_in_the_order_asked_for(published):
    found = Reader(published.root).tracks([SANDMAN, LOST, TWO, SANDMAN])
    assert list(found) == [SANDMAN, TWO]
    assert found[TWO] == Track(
        track_id=TWO,
        source="acousticbrainz",
        title="三千院ナギ starring 釘宮理恵",
        artist="釘宮理恵",
        album=None,
        release_year=2005,
        release_decade=2000,
        genres=("pop", "roc"),
        duration_s=331.5,
        is_trusted=True,
        popularity=3,
        recording_key=TWO,
    )


def test_no_ids_need_no_table(empty):
    assert Reader(empty.root).tracks([]) == {}


def test_tracks_of_more_ids_than_one_scan_takes(empty):
    ids = [empty.mbid(number) for number in range(53)]
    empty.write(TRACKS, [empty.track(track_id, f"T{number}", None, None) for number, track_id in enumerate(ids)])
    found = Reader(empty.root).tracks(reversed(ids[:45]))
    assert [track.title for track in found.values()] == [f"T{number}" for number in range(44, -1, -1)]


def test_the_first_source_answers_for_an_id_of_two(empty):
    rows = [empty.track("1", title, None, None, source=title) for title in ("spotify", "fma")]
    empty.write(TRACKS, rows)
    assert Reader(empty.root).tracks(["1"])["1"].title == "fma"


def test_a_reader_stays_at_its_versions(published):
    reader = Reader(published.root)
    assert reader.version("gold/track_neighbors") == 0
    published.write(TRACK_NEIGHBORS, [published.neighbors("genre", "roc", SANDMAN)])
    assert len(reader.neighbors(SANDMAN)) == 4
    assert len(Reader(published.root).neighbors(SANDMAN)) == 1
    pinned = Reader(published.root, versions={"gold/track_neighbors": 0})
    assert (pinned.version("gold/track_neighbors"), len(pinned.neighbors(SANDMAN))) == (0, 4)


def sorted_lists(published, count: int) -> list[dict]:
    ids = [published.mbid(number) for number in range(count)]
    return [published.neighbors("genre", "roc", track_id, (ids[0], 0.5)) for track_id in ids]


def test_a_point_read_opens_one_file_and_one_row_group(empty):
    """What is not needed is destroyed first: files are removed, row groups of the one that is left are zeroed."""
    rows = sorted_lists(empty, 400)
    small = WriterProperties(max_row_group_size=10)
    for start in range(0, 400, 100):
        empty.write(TRACK_NEIGHBORS, rows[start : start + 100], mode="append", writer_properties=small)
    wanted = empty.mbid(234)  # third file, row group 3
    for file in empty.data_files("gold/track_neighbors"):
        metadata = pq.ParquetFile(file).metadata
        if pq.read_table(file, columns=["track_id"])["track_id"][0].as_py() != empty.mbid(200):
            file.unlink()
            continue
        assert metadata.num_row_groups == 10
        content = bytearray(file.read_bytes())
        for group in (group for group in range(10) if group != 3):
            for column in range(metadata.num_columns):
                chunk = metadata.row_group(group).column(column)
                start = chunk.dictionary_page_offset or chunk.data_page_offset
                content[start : start + chunk.total_compressed_size] = bytes(chunk.total_compressed_size)
        file.write_bytes(content)
    reader = Reader(empty.root)
    assert [found.neighbors for found in reader.neighbors(wanted)] == [(Neighbor(empty.mbid(0), 0.5),)]
    with pytest.raises(SoundalikeError, match=r"table gold/track_neighbors under .* cannot be read"):
        reader.neighbors(empty.mbid(245))
    with pytest.raises(SoundalikeError, match=r"table gold/track_neighbors under .* cannot be read"):
        reader.neighbors(empty.mbid(5))


@pytest.mark.parametrize("tie_breaker", ["\x7f", "\U0010ffff"])
def test_statistics_cut_to_32_characters_lose_no_track(empty, tie_breaker):
    """Spark's Delta cuts texts in the log's statistics, so a 36-character MBID is longer than its file's maximum."""
    tails = [f"00000001-0000-4000-8000-000000000{number:03d}" for number in range(40)]
    empty.write(TRACK_NEIGHBORS, [empty.neighbors("genre", "roc", track_id) for track_id in tails])
    log = Path(empty.root, "gold/track_neighbors/_delta_log/00000000000000000000.json")
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        if "add" in action:
            stats = json.loads(action["add"]["stats"])
            for bound, end in (("minValues", ""), ("maxValues", tie_breaker)):
                stats[bound]["track_id"] = stats[bound]["track_id"][:32] + end
            action["add"]["stats"] = json.dumps(stats)
    log.write_text("\n".join(json.dumps(action) for action in actions))
    assert [len(Reader(empty.root).neighbors(track_id)) for track_id in tails] == [1] * 40


def test_ledger_of_the_run_that_started_last(published):
    ledger = Reader(published.root).ledger()
    assert ledger.run_id == "run-2"  # run-3 started later and counted nothing
    assert [(entry.source, entry.profile) for entry in ledger.entries] == [
        ("acousticbrainz", "default"),
        ("neighbors", "track_neighbors"),
    ]
    assert ledger.entries[1].counters == {"genre.pairs": 1234567, "genre.eligible": 8}
    assert (ledger.entries[0].absent, ledger.entries[0].difference) == ((), 0)


def test_ledger_by_the_last_attempt_and_of_a_given_run(published):
    published.write(RUNS, [published.run("run-1", "2026-01-05T00:00:00Z", attempt=3)], mode="append")
    assert Reader(published.root).ledger().run_id == "run-1"
    assert Reader(published.root).ledger("run-2").run_id == "run-2"


def test_ledger_of_a_run_that_runs_does_not_know_counts_as_the_oldest(published):
    published.write(LEDGER, published.counters("zzz", "acousticbrainz", {"input": 1}), mode="append")
    assert Reader(published.root).ledger().run_id == "run-2"
    assert Reader(published.root).ledger("zzz").entries[0].counters == {"input": 1}


def test_ledger_of_an_unknown_run(published):
    with pytest.raises(SoundalikeError) as caught:
        Reader(published.root).ledger("run-9")
    assert str(caught.value) == (
        f"run 'run-9' has no rows in operations/ledger under {published.root}; it holds run-2, run-1"
    )


def test_empty_ledger(published):
    published.write(LEDGER, [])
    with pytest.raises(SoundalikeError) as caught:
        Reader(published.root).ledger()
    assert str(caught.value) == f"table operations/ledger under {published.root} is empty: run the job pipeline"


def test_ledger_entry_identity():
    counters = {"input": 13, "duplicates": 1, "missing": 2, "undated_dropped": 3, "no_artist": 0, "kept": 8}
    assert LedgerEntry("acousticbrainz", "default", "1", counters).difference == -1
    assert LedgerEntry("mpd", "official", "1", {"kept": 8, "missing": 0}).absent == (
        "input",
        "duplicates",
        "undated_dropped",
        "no_artist",
    )


def test_no_tables(empty):
    with pytest.raises(SoundalikeError) as caught:
        Reader(empty.root).tracks([SANDMAN])
    assert str(caught.value) == (
        f"no tables under {empty.root}: expected Delta tables such as gold/tracks; "
        "run the job pipeline, or name the root it wrote to (--root, SOUNDALIKE_ROOT)"
    )
    assert not Reader(empty.root).has("gold/tracks")


@pytest.mark.parametrize(
    ("read", "table", "job"),
    [
        (lambda reader: reader.tracks([ONE]), "gold/tracks", "tracks"),
        (lambda reader: reader.vectors(ONE), "silver/track_vectors", "tracks"),
        (lambda reader: reader.neighbors(ONE), "gold/track_neighbors", "neighbors"),
        (lambda reader: reader.neighbors(ONE, name="fma"), "gold/fma", "neighbors with --set neighbors.name=fma"),
        (lambda reader: reader.ledger(), "operations/ledger", "pipeline"),
    ],
)
def test_missing_table(empty, read, table, job):
    empty.write(RUNS, [])
    with pytest.raises(SoundalikeError) as caught:
        read(Reader(empty.root))
    assert str(caught.value) == f"no table {table} under {empty.root}: run the job {job}"


def test_missing_columns(empty):
    lists = empty.neighbors("genre", "roc", ONE)
    write_deltalake(
        f"{empty.root}/gold/track_neighbors",
        pa.Table.from_pylist([{name: lists[name] for name in ("scope", "block", "track_id", "method", "run_id")}]),
    )
    with pytest.raises(SoundalikeError) as caught:
        Reader(empty.root).neighbors(ONE)
    assert str(caught.value) == (
        f"table gold/track_neighbors under {empty.root} lacks neighbors, inherited, model_version: "
        "it was not written by this version; run the job neighbors again"
    )


def test_unreadable_file_is_one_line(published):
    for file in published.data_files("gold/tracks"):
        file.write_bytes(b"not parquet")
    with pytest.raises(SoundalikeError) as caught:
        Reader(published.root).tracks([ONE])
    message = str(caught.value)
    assert message.startswith(f"table gold/tracks under {published.root} cannot be read: ")
    assert "Parquet error" in message
    assert "\n" not in message and "\x1b" not in message


def test_a_version_that_is_not_there(published):
    with pytest.raises(SoundalikeError, match=r"^table gold/tracks under .* cannot be read: .*version 7"):
        Reader(published.root, versions={"gold/tracks": 7}).tracks([ONE])


def test_file_uri_and_relative_root(published, monkeypatch):
    assert len(Reader(f"file://{published.root}").neighbors(SANDMAN)) == 4
    monkeypatch.chdir(os.path.dirname(published.root))
    assert len(Reader("tables").neighbors(SANDMAN)) == 4


def test_many_threads_share_a_reader(published):
    reader = Reader(published.root)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: reader.pairs(SANDMAN), range(64)))
    assert found == [Reader(published.root).pairs(SANDMAN)] * 64
    assert len(found[0]) == 8


def test_playlist_statistics_are_those_of_the_run(published):
    with pytest.raises(SoundalikeError, match=f"no table {STATISTICS.name} .*: run the job ingest_mpd"):
        Reader(published.root).playlist_statistics("run-2")
    rows = [("run-1", "entries", 7.0), ("run-2", "entries", 17462.0), ("run-2", "mean_length", 35.0625)]
    published.write(STATISTICS, [dict(zip(STATISTICS.column_names, row, strict=True)) for row in rows])
    reader = Reader(published.root)
    assert reader.playlist_statistics("run-2") == {"entries": 17462.0, "mean_length": 35.0625}
    assert reader.playlist_statistics("run-3") == {}
