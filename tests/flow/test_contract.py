"""Every published table against the contract, which stands apart from the code in tests/data/contract.tsv."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

DATA = Path(__file__).parents[1] / "data/contract.tsv"


STAMPS = {
    "soundalike.profile": "default",
    "soundalike.rules": "default-1",
    "soundalike.date_rules": "extended-1",
    "soundalike.probability_order": "ab71-v1",
    "soundalike.feature_set": "ab16",
}


def contract() -> dict[str, list[dict[str, str]]]:
    tables: dict[str, list[dict[str, str]]] = {}
    with DATA.open(newline="", encoding="utf-8") as stream:
        for line in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            tables.setdefault(line["table"], []).append(line)
    return tables


def test_the_published_tables_are_those_of_the_contract(reference: Path) -> None:
    published = {str(log.parent.relative_to(reference)) for log in reference.rglob("_delta_log")}
    assert published == set(contract())


@pytest.mark.parametrize("table", contract())
def test_table_has_its_columns_protocol_nulls_and_key(spark: Any, reference: Path, rows: Any, table: str) -> None:
    expected = contract()[table]
    path = reference / table
    found = spark.read.format("delta").load(str(path))
    names = [line["column"] for line in expected]
    assert found.dtypes[: len(names)] == [(line["column"], line["type"]) for line in expected]
    not_null = {field.name for field in found.schema.fields if not field.nullable}
    assert {line["column"] for line in expected if line["not_null"]} <= not_null
    detail = spark.sql(f"DESCRIBE DETAIL delta.`{path}`").collect()[0]
    assert (detail["minReaderVersion"], detail["minWriterVersion"]) in ((1, 2), (1, 3))
    properties = detail["properties"]
    stamps = {name: value for name, value in properties.items() if name.startswith("soundalike.")}
    assert stamps == ({} if table.startswith("bronze/") else STAMPS)
    key = [line["column"] for line in expected if line["key"]]
    twice = [k for k, n in Counter(tuple(row[c] for c in key) for row in rows(reference, table)).items() if n > 1]
    assert twice == []
    assert found.count() > 0
