"""Makes a small AcousticBrainz dump of invented documents, and playlists if asked for, with the truth in truth.json."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))  # works before anything is installed

from soundalike.samples.playlists import make_playlists
from soundalike.samples.sample import FEWEST_DOCUMENTS, make_sample


def at_least(least: int) -> Callable[[str], int]:
    """An argparse type: a whole number that is not below `least`."""

    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is too few: at least {least}")
        return value

    return number


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="make_sample.py", description=__doc__)
    result.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    result.add_argument(
        "--documents",
        type=at_least(FEWEST_DOCUMENTS),
        required=True,
        metavar="N",
        help=f"how many documents, planted ones and later copies included (at least {FEWEST_DOCUMENTS})",
    )
    result.add_argument("--archives", type=at_least(1), default=3, metavar="A", help="archives to deal them over (3)")
    result.add_argument("--seed", type=at_least(0), default=7, metavar="S", help="same seed, same bytes (7)")
    result.add_argument("--playlists", type=at_least(0), default=0, metavar="P", help="playlists to add, as slices (0)")
    return result


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    started = time.monotonic()
    truth = make_sample(args.out, args.documents, args.archives, args.seed)
    for archive in truth["archives"]:
        print(f"{archive['name']}  {archive['documents']:,} documents  sha256 {archive['sha256'][:12]}…")
    print(
        f"{truth['ledger']['recordings']:,} recordings, {len(truth['rejects']):,} rejects,"
        f" {len(truth['twins']):,} pairs of twins in {time.monotonic() - started:.1f} s:"
        f" {args.out / 'acousticbrainz'} and {args.out / 'truth.json'}"
    )
    if args.playlists:
        truth["playlists"] = make_playlists(args.out, args.playlists, args.seed)
        text = json.dumps(truth, ensure_ascii=False, indent=1) + "\n"
        (args.out / "truth.json").write_text(text, encoding="utf-8", newline="\n")
        print(f"{args.playlists:,} playlists: {args.out / 'mpd'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
