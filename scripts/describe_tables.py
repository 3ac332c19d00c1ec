"""Writes docs/tables.md from the contracts; `--check` only says whether it is current (exit code 1 if not)."""

import sys
from pathlib import Path

from soundalike.contracts import mpd, tables
from soundalike.contracts.table import Table

TARGET = Path(__file__).resolve().parent.parent / "docs/tables.md"
HEAD = """# Tables

Made from `lib/soundalike/contracts` by `scripts/describe_tables.py`. Every table is a Delta table at
`<storage.root>/<name>`, protocol (1,2), readable by any engine. Types are Spark's; `!` = no null. Keys are unique.
"""


def described(table: Table) -> str:
    facts = [f"Key: {', '.join(table.key)}."]
    if table.partition_by:
        facts.append(f"Partitioned by {', '.join(table.partition_by)}.")
    if table.sort_by:
        facts.append(f"Sorted by {', '.join(table.sort_by)}.")
    rows = [
        f"| `{c.name}` | `{c.type}`{'' if c.nullable else '!'} | {c.meaning.replace('|', chr(92) + '|')} |"
        for c in table.columns
    ]
    return "\n".join(
        [
            f"## `{table.name}`",
            "",
            f"{table.about} {' '.join(facts)}",
            "",
            "| column | type | meaning |",
            "|---|---|---|",
            *rows,
        ]
    )


def text() -> str:
    return "\n\n".join([HEAD.rstrip(), *(described(table) for table in (*tables.ALL, *mpd.ALL))]) + "\n"


def main(argv: list[str]) -> int:
    if argv == ["--check"]:
        current = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text()
        print(f"{TARGET.name} is {'current' if current else 'stale: run scripts/describe_tables.py'}")
        return 0 if current else 1
    TARGET.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
