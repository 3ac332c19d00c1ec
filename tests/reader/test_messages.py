"""What the `soundalike` command says on stderr when it cannot answer, word by word, and its exit codes."""

import pytest

from soundalike.contracts.tables import TRACK_NEIGHBORS, TRACKS

SANDMAN = "62c2e20a-559e-422f-a44c-9afa7882f0c4"
MALFORMED = "expected 8-4-4-4-12 hexadecimal digits, such as 62c2e20a-559e-422f-a44c-9afa7882f0c4\n"


def numbered(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def no_neighbors(number: int, why: str, scope: str = "") -> str:
    where = f" (scope {scope})" if scope else ""
    return f"soundalike: no neighbors of {numbered(number)} in gold/track_neighbors{where}: {why}\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["sandman"], 2, f"soundalike: malformed MBID 'sandman': {MALFORMED}"),
        ([""], 2, f"soundalike: malformed MBID '': {MALFORMED}"),
        ([SANDMAN + "0"], 2, f"soundalike: malformed MBID '{SANDMAN}0': {MALFORMED}"),
        ([SANDMAN.replace("-", "")], 2, f"soundalike: malformed MBID '{SANDMAN.replace('-', '')}': {MALFORMED}"),
        (["62c2e20a\n\x1b"], 2, f"soundalike: malformed MBID '62c2e20a\\n\\x1b': {MALFORMED}"),
        (
            [numbered(77)],
            1,
            f"soundalike: unknown MBID {numbered(77)}: it is not in gold/tracks under ROOT; check it, "
            "or run the pipeline on archives that hold it\n",
        ),
        (
            [numbered(5)],
            1,
            no_neighbors(
                5, "untrusted: no submission of it has a trusted classifier output; neighbors.strict=false admits it"
            ),
        ),
        ([numbered(6)], 1, no_neighbors(6, "no vector: at least one of its features is missing (feature set ab16)")),
        ([numbered(7)], 1, no_neighbors(7, "no vector: silver/track_vectors has no row for it; run the job tracks")),
        ([numbered(4)], 1, no_neighbors(4, "no genre: it is in no block")),
        (
            [numbered(3), "--scope", "genre_decade"],
            1,
            no_neighbors(3, "undated: it is in no block of a decade; try --scope genre", scope="genre_decade"),
        ),
        (
            [numbered(8)],
            1,
            no_neighbors(8, "alone in its block (genre spe, genre_decade spe|1910): no other recording is there"),
        ),
        (
            [numbered(8), "--scope", "genre"],
            1,
            no_neighbors(8, "alone in its block (genre spe): no other recording is there", scope="genre"),
        ),
        (
            [numbered(10)],
            1,
            no_neighbors(10, "its list is empty (genre cla): no other recording there shares a bucket with it"),
        ),
        (
            [numbered(9)],
            1,
            no_neighbors(9, "the lists are older than the track, or another run's: run the job neighbors"),
        ),
        (
            [SANDMAN, "--name", "fma"],
            1,
            "soundalike: no table gold/fma under ROOT: run the job neighbors with --set neighbors.name=fma\n",
        ),
        (
            [SANDMAN, "--name", "../x"],
            2,
            "soundalike: --name '../x': expected a table's name under gold/ (a-z, 0-9, _), such as track_neighbors\n",
        ),
    ],
)
def test_messages(published, command, words, code, message):
    expected = message.replace("ROOT", published.root)
    assert command("neighbors", *words, "--root", published.root) == (code, "", expected)


def test_a_scope_the_table_does_not_hold(published, command):
    published.write(TRACK_NEIGHBORS, [published.neighbors("genre", "roc", SANDMAN, (numbered(1), 0.5))])
    assert command("neighbors", SANDMAN, "--root", published.root, "--scope", "genre_decade") == (
        1,
        "",
        f"soundalike: no neighbors of {SANDMAN} in gold/track_neighbors (scope genre_decade): the table holds no scope "
        "genre_decade (it holds genre): run the job neighbors with neighbors.scopes=genre_decade\n",
    )


def test_reasons_without_the_vectors_table(empty, command):
    empty.write(
        TRACKS, [empty.track(numbered(1), "Shame", None, None, "roc"), empty.track(numbered(2), "B", None, None)]
    )
    empty.write(TRACK_NEIGHBORS, [empty.neighbors("genre_decade", "roc|1990", SANDMAN)])
    words = ("--root", empty.root, "--scope", "genre_decade")
    undated = "undated: it is in no block of a decade; try --scope genre"
    assert command("neighbors", numbered(1), *words) == (1, "", no_neighbors(1, undated, scope="genre_decade"))
    no_genre = no_neighbors(2, "no genre: it is in no block; try --scope global", scope="genre_decade")
    assert command("neighbors", numbered(2), *words) == (1, "", no_genre)


@pytest.mark.parametrize("words", [("neighbors", SANDMAN), ("ledger",)])
def test_root_without_tables(empty, command, words):
    assert command(*words, "--root", empty.root) == (
        1,
        "",
        f"soundalike: no tables under {empty.root}: expected Delta tables such as gold/tracks; "
        "run the job pipeline, or name the root it wrote to (--root, SOUNDALIKE_ROOT)\n",
    )


def test_missing_neighbor_table(empty, command):
    empty.write(TRACKS, [empty.track(SANDMAN, "Enter Sandman", "Metallica", 1991, "roc")])
    message = f"soundalike: no table gold/track_neighbors under {empty.root}: run the job neighbors\n"
    assert command("neighbors", SANDMAN, "--root", empty.root) == (1, "", message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "the following arguments are required: COMMAND; see soundalike --help"),
        (
            ("search",),
            "argument COMMAND: invalid choice: 'search' (choose from 'neighbors', 'ledger'); see soundalike --help",
        ),
        (("neighbors",), "the following arguments are required: MBID; see soundalike neighbors --help"),
        (
            ("neighbors", SANDMAN, "--top", "0"),
            "argument --top: expected a whole number from 1, found '0'; see soundalike neighbors --help",
        ),
        (
            ("neighbors", SANDMAN, "--scope", "year"),
            "argument --scope: invalid choice: 'year' (choose from 'genre_decade', 'genre', 'decade', 'global'); "
            "see soundalike neighbors --help",
        ),
        (("ledger", "--tables"), "unrecognized arguments: --tables; see soundalike --help"),
        (
            ("ledger", "--root", "gs://b"),
            "root gs://b: expected a path, file://, s3:// or s3a://, found gs://",
        ),
    ],
)
def test_wrong_arguments(command, words, message):
    assert command(*words) == (2, "", f"soundalike: {message}\n")


def test_ledger_of_an_unknown_run(published, command):
    message = f"run 'x' has no rows in operations/ledger under {published.root}; it holds run-2, run-1"
    assert command("ledger", "--root", published.root, "--run", "x") == (1, "", f"soundalike: {message}\n")
