"""The `soundalike` command: print the neighbors of a track, or what a run counted. No Spark, no Java.

Exit codes: 0 done; 1 the tables have no answer (unknown track, no neighbors, missing table, counts that do not close);
2 wrong arguments. Errors are one line on stderr.
"""

import argparse
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from soundalike.contracts.tables import TRACK_NEIGHBORS, TRACKS
from soundalike.errors import SoundalikeError, UsageError
from soundalike.reader.layout import Heading, cells, clean, cut, table
from soundalike.reader.reasons import reason
from soundalike.reader.rows import PARTS, LedgerEntry, NeighborList, Track
from soundalike.reader.tables import Reader

DEFAULT_ROOT = "build/tables"
DEFAULT_NAME = TRACK_NEIGHBORS.name.removeprefix("gold/")
SCOPES = ("genre_decade", "genre", "decade", "global")  # the narrower first: it answers when nothing is asked for
EXAMPLE = "62c2e20a-559e-422f-a44c-9afa7882f0c4"

NEIGHBOR_HEADINGS = (
    Heading("rank", right=True),
    Heading("artist", floor=6),
    Heading("title", floor=6),
    Heading("year", right=True),
    Heading("genre", floor=5),
    Heading("similarity", right=True),
    Heading("MBID"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command on `argv` (default: the process's) and returns its exit code."""
    # deltalake's own log lines would stand between the user and the one line that matters; it reads this when imported.
    os.environ.setdefault("RUST_LOG", "error")
    try:
        arguments = _parser().parse_args(argv)
        answer: Callable[[argparse.Namespace], tuple[list[str], int]] = arguments.answer
        lines, code = answer(arguments)
    except SystemExit as done:  # argparse after --help
        return int(done.code or 0)
    except SoundalikeError as error:
        print(f"soundalike: {clean(str(error))}", file=sys.stderr)
        return error.exit_code
    _print(lines)
    return code


def neighbors(arguments: argparse.Namespace) -> tuple[list[str], int]:
    """Lines for `soundalike neighbors`, and the exit code."""
    name = _name(arguments.name)
    track_id = _mbid(arguments.mbid) if name == DEFAULT_NAME else arguments.mbid.strip()
    reader = _reader(arguments)
    # Other neighbor tables may be all there is under their root: then ids stand alone.
    catalog = name == DEFAULT_NAME or reader.has(TRACKS.name)
    track = reader.tracks([track_id]).get(track_id) if catalog else None
    if track is None and name == DEFAULT_NAME:
        raise SoundalikeError(
            f"unknown MBID {track_id}: it is not in {TRACKS.name} under {reader.root}; check it, "
            "or run the pipeline on archives that hold it"
        )
    lists = reader.neighbors(track_id, scope=arguments.scope, name=name)
    shown = _answering(lists)
    if not shown:
        where = f"gold/{name}" + (f" (scope {arguments.scope})" if arguments.scope else "")
        why = reason(reader, track, lists, arguments.scope, name)
        raise SoundalikeError(f"no neighbors of {track_id} in {where}: {why}")
    listed = (entry.neighbor_id for found in shown for entry in found.neighbors[: arguments.top])
    known = reader.tracks(listed) if catalog else {}
    limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    lines = [_headline(track_id, track, limit)]
    for found in shown:
        rows = _rows(found, known, arguments.top)
        lines += ["", f"{found.scope} {found.block}: {len(rows)} of {len(found.neighbors)} neighbors"]
        if rows:
            lines += table(NEIGHBOR_HEADINGS, rows, limit)
    return lines, 0


def ledger(arguments: argparse.Namespace) -> tuple[list[str], int]:
    """Lines for `soundalike ledger`, and the exit code: 1 when an identity does not close."""
    found = _reader(arguments).ledger(arguments.run)
    lines = [f"run {found.run_id}"]
    closes = True
    for entry in found.entries:
        first = [name for name in ("input", *PARTS) if name in entry.counters]
        order = first + sorted(name for name in entry.counters if name not in first)
        lines += ["", f"{entry.source} (profile {entry.profile}, rules {entry.rules_version})"]
        headings = (Heading("counter"), Heading("value", right=True))
        lines += table(headings, [(name, f"{entry.counters[name]:,}") for name in order], None)
        if "input" in entry.counters:
            line, holds = _identity(entry)
            lines.append(line)
            closes = closes and holds
    return lines, 0 if closes else 1


def _identity(entry: LedgerEntry) -> tuple[str, bool]:
    formula = f"input = {' + '.join(PARTS)}"
    if entry.absent:
        return f"{formula}: cannot be checked, not counted: {', '.join(entry.absent)}", False
    total = f"{entry.counters['input']:,}"
    parts = " + ".join(f"{entry.counters[name]:,}" for name in PARTS)
    if entry.difference == 0:
        return f"{formula}: {total} = {parts}, closes", True
    summed = f"{entry.counters['input'] - entry.difference:,}"
    return f"{formula}: {total} is not {parts} = {summed}, DOES NOT CLOSE (difference {entry.difference:,})", False


def _answering(lists: list[NeighborList]) -> list[NeighborList]:
    """All lists of the narrowest scope that has a neighbor to show; empty when none has."""
    for scope in (*SCOPES, *sorted({one.scope for one in lists} - set(SCOPES))):
        found = [one for one in lists if one.scope == scope]
        if any(one.neighbors for one in found):
            return found
    return []


def _headline(track_id: str, track: Track | None, limit: int | None) -> str:
    if track is None:
        return clean(track_id)
    head = clean(f"{track.artist} – {track.title}" if track.artist is not None else track.title)
    year = "undated" if track.release_year is None else str(track.release_year)
    tail = clean(f", {year}, {'/'.join(track.genres) or 'no genre'}, {track_id}")
    return (head if limit is None else cut(head, max(limit - cells(tail), 6))) + tail


def _rows(found: NeighborList, known: dict[str, Track], top: int) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for rank, neighbor in enumerate(found.neighbors[:top], start=1):
        track = known.get(neighbor.neighbor_id)
        artist = title = year = genre = "-"
        if track is not None:
            artist, title, genre = track.artist or "-", track.title, "/".join(track.genres) or "-"
            year = "-" if track.release_year is None else str(track.release_year)
        rows.append((str(rank), artist, title, year, genre, f"{neighbor.similarity:.6f}", neighbor.neighbor_id))
    return rows


def _mbid(text: str) -> str:
    mbid = text.strip().lower()
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", mbid) is None:
        raise UsageError(f"malformed MBID {text!r}: expected 8-4-4-4-12 hexadecimal digits, such as {EXAMPLE}")
    return mbid


def _name(text: str) -> str:
    if re.fullmatch(r"[a-z0-9_]+", text) is None:
        raise UsageError(f"--name {text!r}: expected a table's name under gold/ (a-z, 0-9, _), such as {DEFAULT_NAME}")
    return text


def _top(text: str) -> int:
    if re.fullmatch(r"0*[1-9][0-9]{0,8}", text) is None:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, found {text!r}")
    return int(text)


def _reader(arguments: argparse.Namespace) -> Reader:
    root = arguments.root or os.environ.get("SOUNDALIKE_ROOT") or DEFAULT_ROOT
    return Reader(root, endpoint=arguments.endpoint, region=arguments.region, path_style=not arguments.virtual_hosted)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    about = "Exit codes: 0 done; 1 the tables have no answer, or counts do not close; 2 wrong arguments."
    parser = _Parser(prog="soundalike", description="Read the tables that soundalike publishes.", epilog=about)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    common = _Parser(add_help=False)
    common.add_argument(
        "--root",
        help=f"where the tables are: a path, file://, s3:// or s3a:// (default: SOUNDALIKE_ROOT, else {DEFAULT_ROOT})",
    )
    common.add_argument(
        "--endpoint", metavar="URL", help="of an S3-compatible server (default: AWS_ENDPOINT_URL, else AWS)"
    )
    common.add_argument("--region", help="S3 region (default: AWS_REGION, else the profile's)")
    common.add_argument(
        "--virtual-hosted", action="store_true", help="the S3 bucket stands in the host name, not in the path"
    )

    help_text = "print the tracks that sound like a track"
    one = commands.add_parser("neighbors", help=help_text, description=help_text.capitalize() + ".", parents=[common])
    one.add_argument("mbid", metavar="MBID", help=f"recording MBID, such as {EXAMPLE}; with --name any track id")
    one.add_argument(
        "--scope", choices=SCOPES, help="which lists (default: the first of these that has neighbors of the track)"
    )
    one.add_argument(
        "--top", metavar="N", type=_top, default=10, help="at most so many neighbors per list (default: 10)"
    )
    one.add_argument("--name", default=DEFAULT_NAME, help=f"neighbor table under gold/ (default: {DEFAULT_NAME})")
    one.set_defaults(answer=neighbors)

    help_text = "print what a run counted, per source, and whether every record is accounted for"
    one = commands.add_parser("ledger", help=help_text, description=help_text.capitalize() + ".", parents=[common])
    one.add_argument("--run", metavar="RUN_ID", help="default: the run that started last")
    one.set_defaults(answer=ledger)
    return parser


def _print(lines: list[str]) -> None:
    # Names are in every script; an output that cannot show one gets a question mark, not a crash.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough; the interpreter must not flush into the closed pipe at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
