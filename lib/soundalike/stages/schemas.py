"""Contract types (Spark's `simpleString`) as DDL and as Arrow types, for stages that go through Arrow batches."""

from collections.abc import Iterable

import pyarrow as pa

from soundalike.contracts.table import Column

_SCALARS = {
    "string": pa.string(), "int": pa.int32(), "bigint": pa.int64(), "boolean": pa.bool_(), "double": pa.float64(),
    "float": pa.float32(), "date": pa.date32(), "binary": pa.binary(),
}  # fmt: skip


def ddl(columns: Iterable[Column]) -> str:
    return ", ".join(f"`{column.name}` {column.type}" for column in columns)


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    return pa.schema([(column.name, arrow_type(column.type)) for column in columns])


def arrow_type(text: str) -> pa.DataType:
    """`array<struct<a:string,b:int>>` and the like as an Arrow type."""
    if text in _SCALARS:
        return _SCALARS[text]
    kind, _, inner = text.removesuffix(">").partition("<")
    parts = _split(inner)
    if kind == "array":
        return pa.list_(arrow_type(inner))
    if kind == "map":
        return pa.map_(arrow_type(parts[0]), arrow_type(parts[1]))
    if kind == "struct":
        return pa.struct([(name, arrow_type(kind)) for name, _, kind in (part.partition(":") for part in parts)])
    raise ValueError(f"type {text} is not known")


def _split(text: str) -> list[str]:
    """Parts at the commas outside any brackets."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character == "<") - (character == ">")
        if character == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]
