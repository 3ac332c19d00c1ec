"""What `make run` ends with: one neighbor list and the ledger, both dumps held against the truth of the sample.

Exit code 1 on a difference.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from soundalike.reader import Ledger, Reader
from soundalike.reader.command import main as soundalike


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", required=True, help="root of the tables")
    parser.add_argument("--truth", required=True, type=Path, help="truth.json of the sample they were made from")
    arguments = parser.parse_args(argv)
    truth = json.loads(arguments.truth.read_text(encoding="utf-8"))
    code = soundalike(["neighbors", truth["twins"][0][0], "--root", arguments.root])
    print()
    code = soundalike(["ledger", "--root", arguments.root]) or code
    print()
    reader = Reader(arguments.root)
    ledger = reader.ledger()
    same = agree("counters of the documents", truth["ledger"], counted(ledger, "acousticbrainz"))
    if "playlists" in truth:
        planted = planted_counters(truth["playlists"])
        same = agree("counters of the playlists", planted, counted(ledger, "mpd")) and same
        found = reader.playlist_statistics(ledger.run_id)
        same = agree("statistics of the playlists", truth["playlists"]["statistics"], found) and same
    return code if same else 1


def counted(ledger: Ledger, source: str) -> Mapping[str, int]:
    """The counters of a source; none when the run did not read it."""
    return next((entry.counters for entry in ledger.entries if entry.source == source), {})


def planted_counters(playlists: Mapping[str, Any]) -> dict[str, int]:
    """The ledger's counters and every integrity rule that was broken, its fields summed up as in the ledger."""
    counters = dict(playlists["ledger"])
    for rule, count in playlists["integrity"].items():
        name = rule.partition(" ")[0]
        counters[name] = counters.get(name, 0) + count
    return counters


def agree(what: str, planted: Mapping[str, float], found: Mapping[str, float]) -> bool:
    """Says whether every planted number was found, and if not, which ones differ."""
    wrong = {name: (value, found.get(name)) for name, value in planted.items() if found.get(name) != value}
    for name, (expected, number) in wrong.items():
        print(f"{what}: {name}: found {number}, planted {expected}", file=sys.stderr)
    if not wrong:
        print(f"All {len(planted)} {what} equal the planted truth.")
    return not wrong


if __name__ == "__main__":
    sys.exit(main())
