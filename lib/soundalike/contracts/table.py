"""What a table is: its name, its columns in order, its key and the way it is laid out.

Types are Spark's `simpleString` texts, so that one statement feeds the check on read, the check before a commit,
the table's DDL (NOT NULL, comments) and `docs/tables.md`.
"""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Column:
    """One column: `nullable` False means NOT NULL in the table; `meaning` is one line, units included."""

    name: str
    type: str
    nullable: bool
    meaning: str


@dataclass(frozen=True)
class Table:
    """One published table.

    `name` is `<layer>/<table>` below the storage root. Columns stand in this order; `key` columns are unique together.
    Rows are written sorted by `sort_by` (range partitioned), or as they come when it is empty.
    """

    name: str
    about: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    sort_by: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = field(default=())

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def is_staged(self) -> bool:
        return self.name.startswith("_staging/")

    def named(self, name: str) -> "Table":
        """The same contract under another name."""
        return replace(self, name=name)

    def staged(self, run_id: str) -> "Table":
        """The same columns below `_staging`: a table of one commit, which nobody but that run reads."""
        return replace(self, name=f"_staging/{run_id}/{self.name}", partition_by=(), sort_by=())

    def differences(self, found: list[tuple[str, str]]) -> list[str]:
        """What is wrong with columns `found` [(name, simpleString)]; empty = it holds. Further columns may follow."""
        wrong = []
        for position, column in enumerate(self.columns):
            if position >= len(found):
                wrong.append(f"column {column.name} {column.type} is missing")
            elif found[position] != (column.name, column.type):
                wrong.append(
                    f"column {position + 1} is {' '.join(found[position])}, expected {column.name} {column.type}"
                )
        return wrong


def columns(text: str) -> tuple[Column, ...]:
    """Columns from lines of `name type[!] meaning`; `!` = no null."""
    parsed = []
    for line in text.strip().splitlines():
        name, kind, meaning = line.split(None, 2)
        parsed.append(Column(name, kind.removesuffix("!"), not kind.endswith("!"), meaning.strip()))
    return tuple(parsed)
