"""What `make run` ends with: one neighbor list and the ledger, held against the truth of the sample.

Exit code 1 on a difference.
"""

import argparse
import json
import sys
from pathlib import Path

from soundalike.reader import Reader
from soundalike.reader.command import main as soundalike

SOURCE = "acousticbrainz"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", required=True, help="root of the tables")
    parser.add_argument("--truth", required=True, type=Path, help="truth.json of the sample they were made from")
    arguments = parser.parse_args(argv)
    truth = json.loads(arguments.truth.read_text(encoding="utf-8"))
    code = soundalike(["neighbors", truth["twins"][0][0], "--root", arguments.root])
    print()
    code = soundalike(["ledger", "--root", arguments.root]) or code
    found = next(entry.counters for entry in Reader(arguments.root).ledger().entries if entry.source == SOURCE)
    wrong = {name: (value, found.get(name)) for name, value in truth["ledger"].items() if found.get(name) != value}
    for name, (expected, counted) in wrong.items():
        print(f"{name}: counted {counted}, planted {expected}", file=sys.stderr)
    if not wrong:
        print(f"\nAll {len(truth['ledger'])} counters equal the planted truth.")
    return 1 if wrong else code


if __name__ == "__main__":
    sys.exit(main())
