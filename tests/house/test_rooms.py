"""Who may import whom, and what import-linter cannot see: names inside modules. Planted offenders show it bites."""

import ast
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "lib/soundalike"

# A stage is handed rows and returns rows: these names would reach for a session, a table or a clock.
# Spark's `.read` and `.write` are attributes; a file's `read()` is a call.
STAGE_NAMES = {
    "SparkSession", ".sparkSession", ".read", ".write", "writeTo", "current_timestamp", "current_date", "now", "today",
}  # fmt: skip
# What depends on the order of rows or on chance, anywhere in the package.
UNORDERED_NAMES = {"monotonically_increasing_id", "rand", "randn", "shuffle"}
# Scripts are started by hand on machines without Spark.
SCRIPTS_MAY_IMPORT = {
    "boto3",
    "cryptography",
    "soundalike.contracts",
    "soundalike.samples",
    "soundalike.settings",
    "soundalike.reader",
    "soundalike.errors",
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter on a copy of the code, with the contracts of pyproject.toml."""
    code = "import sys; sys.path[:0] = ['lib', '.']; from importlinter.cli import lint_imports_command as run; run()"
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the code and its contracts, to plant offenders in."""
    shutil.copytree(ROOT / "lib", tmp_path / "lib", ignore=shutil.ignore_patterns("conf", "__pycache__", "*.egg-info"))
    shutil.copytree(ROOT / "jobs", tmp_path / "jobs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_rooms_are_kept(tree: Path):
    told = lint(tree)
    assert told.returncode == 0, told.stdout


def test_planted_offenders_are_found(tree: Path):
    offenders = {
        "numeric: numpy, scikit-learn and nothing else": ("lib/soundalike/numeric/planted.py", "import pyarrow"),
        "texts: one text in, one value out": ("lib/soundalike/texts/planted.py", "import locale"),
        "contracts are plain statements": ("lib/soundalike/contracts/planted.py", "from pyspark.sql import types"),
        "reader: what a service imports, without Spark": ("lib/soundalike/reader/planted.py", "import pyspark"),
        "samples share nothing with what reads them": (
            "lib/soundalike/samples/planted.py",
            "from soundalike import sources",
        ),
        "sources: foreign bytes to rows": ("lib/soundalike/sources/planted.py", "from soundalike import stages"),
        "stages: rows to rows, no files, no arguments, no clock": (
            "lib/soundalike/stages/planted.py",
            "import argparse",
        ),
        "storage: where tables live, not what is in them": (
            "lib/soundalike/storage/planted.py",
            "from soundalike import numeric",
        ),
        "jobs say which tables meet": ("jobs/planted.py", "import numpy"),
    }
    for where, line in offenders.values():
        (tree / where).write_text(line + "\n", encoding="utf-8")
    told = lint(tree)
    assert told.returncode == 1
    assert {name for name in offenders if f"{name} BROKEN" in told.stdout} == set(offenders)


def test_every_room_has_a_contract():
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    bound = {module for contract in linter["contracts"] for module in contract["source_modules"]}
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert {f"soundalike.{room}" for room in rooms - {"__init__"}} - bound == set()


def names(source: str) -> Iterator[str]:
    """Every name, imported name, called method, and attribute (with a dot before it) in a source text."""
    tree = list(ast.walk(ast.parse(source)))
    called = {id(node.func) for node in tree if isinstance(node, ast.Call)}
    for node in tree:
        if isinstance(node, ast.Attribute):
            yield node.attr if id(node) in called else f".{node.attr}"
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.name


def uses(folder: Path, forbidden: set[str]) -> list[str]:
    return [
        f"{path.relative_to(folder)}: {name}"
        for path in sorted(folder.rglob("*.py"))
        for name in sorted(forbidden.intersection(names(path.read_text(encoding="utf-8"))))
    ]


def test_stages_are_pure():
    assert uses(PACKAGE / "stages", STAGE_NAMES) == []


def test_no_order_by_chance():
    for room in ("stages", "sources", "numeric", "texts", "storage"):
        assert uses(PACKAGE / room, UNORDERED_NAMES) == []


def test_an_impure_stage_is_found(tmp_path: Path):
    (tmp_path / "planted.py").write_text("def rows(spark, file):\n    file.read()\n    return spark.read.table('x')\n")
    assert uses(tmp_path, STAGE_NAMES) == ["planted.py: .read"]


def imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def beyond(source: str, siblings: set[str]) -> list[str]:
    """Imports of a script that are neither standard library, another script, nor on the list."""
    return [
        name
        for name in imports(source)
        if name.split(".")[0] not in sys.stdlib_module_names | siblings
        and not any(name == may or name.startswith(f"{may}.") for may in SCRIPTS_MAY_IMPORT)
    ]


def test_scripts_need_no_spark():
    scripts = sorted((ROOT / "scripts").glob("*.py"))
    siblings = {path.stem for path in scripts}
    found = {path.name: beyond(path.read_text(encoding="utf-8"), siblings) for path in scripts}
    assert {name: list_ for name, list_ in found.items() if list_} == {}


def test_a_script_with_spark_is_found():
    assert beyond("import jars\nfrom pyspark.sql import SparkSession\nimport soundalike.run", {"jars"}) == [
        "pyspark.sql",
        "soundalike.run",
    ]


def test_nothing_of_the_product_needs_the_benchmarks():
    for folder in ("lib", "jobs", "scripts"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            assert not [n for n in imports(path.read_text(encoding="utf-8")) if n.split(".")[0] == "benchmarks"], path
