"""The tree keeps its shape: a fixed top level, short files, no rooms without a name."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP = {
    ".ci", ".gitattributes", ".github", ".gitignore", "CHANGELOG.md", "LICENSE", "Makefile", "README.md", "benchmarks",
    "conf", "docs", "jobs", "lib", "pyproject.toml", "requirements.lock", "scripts", "tests",
}  # fmt: skip
LONGEST = 320  # about 300, said with room for the last function
LONGEST_TEST = 420  # cases stand one under the other: longer, but never harder to read
NO_NAMES = {"utils", "util", "helpers", "common", "misc", "manager"}


def files() -> list[Path]:
    """Every file of the tree that is or would be committed, relative to its root."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout: what belongs to the tree is unknown")
    names = listing.stdout.decode().split("\0")
    return sorted(Path(name) for name in names if name and (ROOT / name).exists())


def test_nothing_new_at_the_top_level():
    assert {path.parts[0] for path in files()} - TOP == set()


def test_code_is_in_files_one_can_read_at_a_sitting():
    long = {}
    for path in files():
        if path.suffix in (".py", ".sh"):
            lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
            if lines > (LONGEST_TEST if path.parts[0] == "tests" else LONGEST):
                long[str(path)] = lines
    assert long == {}


def test_every_module_is_named_for_an_idea():
    assert [str(path) for path in files() if NO_NAMES & {part.removesuffix(".py") for part in path.parts}] == []


def test_make_recipes_have_three_lines_or_fewer():
    recipe, longest = 0, 0
    for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines():
        recipe = recipe + 1 if line.startswith("\t") else 0
        longest = max(longest, recipe)
    assert 1 <= longest <= 3


def test_the_lock_pins_hashes_and_names_no_index():
    for name in ("requirements.lock", "conf/spark/jdk.lock", "benchmarks/neighbors/peers.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text and "--index" not in text and "--find-links" not in text
        pins = [line for line in text.splitlines() if line[:1].isalnum()]
        assert pins and all(line.endswith(" \\") and "==" in line for line in pins), name
        assert text.count("--hash=sha256:") >= len(pins)


def test_docs_of_the_tables_are_those_of_the_contracts():
    import describe_tables

    assert (ROOT / "docs/tables.md").read_text(encoding="utf-8") == describe_tables.text()
