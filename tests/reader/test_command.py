"""What the `soundalike` command prints, character by character."""

from pathlib import Path

import pytest

from soundalike.contracts.tables import LEDGER, RUNS, TRACK_NEIGHBORS

SANDMAN = "62c2e20a-559e-422f-a44c-9afa7882f0c4"


def numbered(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


WIDE = """\
Metallica – Enter Sandman, 1991, met/roc, 62c2e20a-559e-422f-a44c-9afa7882f0c4

genre_decade met|1990: 1 of 1 neighbors
rank  artist  title          year  genre  similarity  MBID
   1  -       Bad Obsession  1991  -        0.900000  00000004-0000-4000-8000-000000000000

genre_decade roc|1990: 4 of 4 neighbors
rank  artist                 title                         year  genre    similarity  MBID
   1  Stabbing Westward      Shame                         1996  roc        0.994470  00000001-0000-4000-8000-000000000000
   2  釘宮理恵               三千院ナギ starring 釘宮理恵  2005  pop/roc    0.992860  00000002-0000-4000-8000-000000000000
   3  Beyonce\u0301 & Café Tacvba  Re\u0301union                          -  pop        0.250000  00000003-0000-4000-8000-000000000000
   4  -                      -                                -  -         -0.500000  0000004d-0000-4000-8000-000000000000
"""


def test_neighbors_of_the_default_scope(published, command):
    assert command("neighbors", SANDMAN, "--root", published.root) == (0, WIDE, "")


NARROW = """\
Metallica – Enter Sandman, 1991, met/roc, 62c2e20a-559e-422f-a44c-9afa7882f0c4

genre met: 0 of 0 neighbors

genre roc: 2 of 3 neighbors
rank artist   title     year genre   similarity MBID
   1 釘宮理恵 三千院ナ… 2005 pop/roc   0.999930 00000002-0000-4000-8000-000000000000
   2 Stabbin… Shame     1996 roc       0.500000 00000001-0000-4000-8000-000000000000
"""


def test_neighbors_cut_to_a_terminal(published, command):
    words = ("neighbors", SANDMAN, "--root", published.root, "--scope", "genre", "--top", "2")
    assert command(*words, columns=84) == (0, NARROW, "")


def test_headline_cut_to_a_terminal(published, command):
    _, out, _ = command("neighbors", SANDMAN, "--root", published.root, columns=70)
    assert out.splitlines()[0] == "Metallica – Ente…, 1991, met/roc, 62c2e20a-559e-422f-a44c-9afa7882f0c4"


def test_headline_of_an_undated_track(published, command):
    _, out, _ = command("neighbors", numbered(3), "--root", published.root)
    assert out.splitlines()[0] == f"Beyonce\u0301 & Café Tacvba – Re\u0301union, undated, pop, {numbered(3)}"


def test_genre_answers_where_there_is_no_list_of_genre_and_decade(published, command):
    code, out, err = command("neighbors", numbered(3), "--root", published.root)
    assert (code, err) == (0, "")
    assert out.splitlines()[2:] == [
        "genre pop: 1 of 1 neighbors",
        "rank  artist    title                         year  genre    similarity  MBID",
        "   1  釘宮理恵  三千院ナギ starring 釘宮理恵  2005  pop/roc    0.750000  00000002-0000-4000-8000-000000000000",
    ]


def test_upper_case_and_outer_blanks(published, command):
    assert command("neighbors", f"  {SANDMAN.upper()}\n", "--root", published.root) == (0, WIDE, "")


def test_root_from_the_environment_and_the_default(published, command, monkeypatch, tmp_path):
    monkeypatch.setenv("SOUNDALIKE_ROOT", published.root)
    assert command("neighbors", SANDMAN) == (0, WIDE, "")
    monkeypatch.setenv("SOUNDALIKE_ROOT", "")
    (tmp_path / "build").mkdir()
    Path(published.root).rename(tmp_path / "build" / "tables")
    monkeypatch.chdir(tmp_path)
    assert command("neighbors", SANDMAN) == (0, WIDE, "")


def test_at_most_ten_unless_asked(published, command):
    pairs = [(numbered(number), 0.5) for number in range(100, 120)]
    published.write(TRACK_NEIGHBORS, [published.neighbors("genre", "roc", SANDMAN, *pairs)])
    ten = command("neighbors", SANDMAN, "--root", published.root)[1].splitlines()
    assert (ten[2], len(ten), ten[-1][:4]) == ("genre roc: 10 of 20 neighbors", 14, "  10")
    every = command("neighbors", SANDMAN, "--root", published.root, "--top", "99")[1].splitlines()
    assert (every[2], len(every), every[-1][:4]) == ("genre roc: 20 of 20 neighbors", 24, "  20")


def test_another_table_needs_no_catalog_and_takes_any_id(empty, command):
    fma = TRACK_NEIGHBORS.named("gold/fma")
    alone = empty.neighbors("genre", "Rock", "Track 6")
    empty.write(fma, [alone, empty.neighbors("global", "*", "Track 7", ("Track 8", 0.125))])
    assert command("neighbors", " Track 7 ", "--root", empty.root, "--name", "fma") == (
        0,
        "Track 7\n\n"
        "global *: 1 of 1 neighbors\n"
        "rank  artist  title  year  genre  similarity  MBID\n"
        "   1  -       -         -  -        0.125000  Track 8\n",
        "",
    )
    assert command("neighbors", "Track 6", "--root", empty.root, "--name", "fma") == (
        1,
        "",
        "soundalike: no neighbors of Track 6 in gold/fma: alone in its block (genre Rock): no other recording is there\n",
    )
    assert command("neighbors", "Track 9", "--root", empty.root, "--name", "fma") == (
        1,
        "",
        f"soundalike: no neighbors of Track 9 in gold/fma: it has no row there under {empty.root}; "
        "check the id, or run the job neighbors\n",
    )


LEDGER_TEXT = """\
run run-2

acousticbrainz (profile default, rules 1)
counter               value
input            29,460,584
duplicates       21,656,426
missing             280,377
undated_dropped           0
no_artist         2,262,676
kept              5,261,105
collapsed                12
title_missing             0
input = duplicates + missing + undated_dropped + no_artist + kept: \
29,460,584 = 21,656,426 + 280,377 + 0 + 2,262,676 + 5,261,105, closes

neighbors (profile track_neighbors, rules 1)
counter             value
genre.eligible          8
genre.pairs     1,234,567
"""


def test_ledger_of_the_newest_run(published, command):
    assert command("ledger", "--root", published.root) == (0, LEDGER_TEXT, "")


def test_ledger_that_cannot_be_checked(published, command):
    code, out, err = command("ledger", "--root", published.root, "--run", "run-1")
    assert (code, err) == (1, "")
    assert out.splitlines()[-1] == (
        "input = duplicates + missing + undated_dropped + no_artist + kept: cannot be checked, not counted: no_artist"
    )


def test_ledger_that_does_not_close(published, command):
    counted = {"input": 1013, "duplicates": 1, "missing": 2, "undated_dropped": 0, "no_artist": 5, "kept": 1008}
    published.write(LEDGER, published.counters("run-4", "acousticbrainz", counted), mode="append")
    published.write(RUNS, [published.run("run-4", "2026-01-04T00:00:00Z")], mode="append")
    code, out, err = command("ledger", "--root", published.root)
    assert (code, err) == (1, "")
    assert out.splitlines()[-1] == (
        "input = duplicates + missing + undated_dropped + no_artist + kept: "
        "1,013 is not 1 + 2 + 0 + 5 + 1,008 = 1,016, DOES NOT CLOSE (difference -3)"
    )


HELP = """\
usage: soundalike [-h] COMMAND ...

Read the tables that soundalike publishes.

positional arguments:
  COMMAND
    neighbors
              print the tracks that sound like a track
    ledger    print what a run counted, per source, and whether every record is accounted for

options:
  -h, --help  show this help message and exit

Exit codes: 0 done; 1 the tables have no answer, or counts do not close; 2 wrong arguments.
"""

HELP_NEIGHBORS = """\
usage: soundalike neighbors [-h] [--root ROOT] [--endpoint URL] [--region REGION] [--virtual-hosted]
                            [--scope {genre_decade,genre,decade,global}] [--top N] [--name NAME]
                            MBID

Print the tracks that sound like a track.

positional arguments:
  MBID                  recording MBID, such as 62c2e20a-559e-422f-a44c-9afa7882f0c4; with --name any
                        track id

options:
  -h, --help            show this help message and exit
  --root ROOT           where the tables are: a path, file://, s3:// or s3a:// (default:
                        SOUNDALIKE_ROOT, else build/tables)
  --endpoint URL        of an S3-compatible server (default: AWS_ENDPOINT_URL, else AWS)
  --region REGION       S3 region (default: AWS_REGION, else the profile's)
  --virtual-hosted      the S3 bucket stands in the host name, not in the path
  --scope {genre_decade,genre,decade,global}
                        which lists (default: the first of these that has neighbors of the track)
  --top N               at most so many neighbors per list (default: 10)
  --name NAME           neighbor table under gold/ (default: track_neighbors)
"""

HELP_LEDGER = """\
usage: soundalike ledger [-h] [--root ROOT] [--endpoint URL] [--region REGION] [--virtual-hosted]
                         [--run RUN_ID]

Print what a run counted, per source, and whether every record is accounted for.

options:
  -h, --help        show this help message and exit
  --root ROOT       where the tables are: a path, file://, s3:// or s3a:// (default: SOUNDALIKE_ROOT,
                    else build/tables)
  --endpoint URL    of an S3-compatible server (default: AWS_ENDPOINT_URL, else AWS)
  --region REGION   S3 region (default: AWS_REGION, else the profile's)
  --virtual-hosted  the S3 bucket stands in the host name, not in the path
  --run RUN_ID      default: the run that started last
"""


@pytest.mark.parametrize(
    ("words", "text"),
    [(("--help",), HELP), (("neighbors", "--help"), HELP_NEIGHBORS), (("ledger", "-h"), HELP_LEDGER)],
)
def test_help(command, monkeypatch, words, text):
    monkeypatch.setenv("COLUMNS", "103")
    assert command(*words) == (0, text, "")


def test_import_brings_neither_spark_nor_arrow(python):
    code, out, err = python(
        "-c",
        "import sys, soundalike.reader.command as command\n"
        "code = command.main(['ledger', '--help'])\n"
        "print(code, [name for name in ('pyspark', 'delta', 'deltalake', 'pyarrow', 'numpy') if name in sys.modules])",
    )
    assert (code, out.splitlines()[-1], err) == (0, "0 []", "")


def test_answering_brings_no_spark(published, python):
    code, out, err = python(
        "-c",
        "import sys, soundalike.reader.command as command\n"
        f"code = command.main(['neighbors', '{SANDMAN}', '--root', {published.root!r}])\n"
        "print(code, [name for name in ('pyspark', 'delta', 'pandas') if name in sys.modules])",
    )
    assert (code, out.splitlines()[-1], err) == (0, "0 []", "")


def test_module_as_a_command(published, python):
    words = ("-m", "soundalike.reader.command", "neighbors", SANDMAN, "--root", published.root)
    assert python(*words) == (0, WIDE, "")


def test_an_output_that_cannot_show_a_name(published, python):
    words = ("-m", "soundalike.reader.command", "neighbors", SANDMAN, "--root", published.root)
    code, out, err = python(*words, PYTHONIOENCODING="ascii")
    assert (code, err) == (0, "")
    assert out.startswith("Metallica ? Enter Sandman")


def test_a_reader_that_has_seen_enough(published, python):
    """`soundalike … | head -0`: no traceback, no complaint at exit."""
    program = (
        "import os, sys, soundalike.reader.command as command\n"
        "reading, writing = os.pipe()\n"
        "os.close(reading)\n"
        "os.dup2(writing, 1)\n"
        f"sys.exit(command.main(['neighbors', '{SANDMAN}', '--root', {published.root!r}]))"
    )
    assert python("-c", program) == (0, "", "")
