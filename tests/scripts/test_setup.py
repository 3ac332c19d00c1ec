"""Set-up: which Python, which Java, and the script in front of Java. Nothing here needs a network."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

import setup

ROOT = Path(__file__).resolve().parents[2]


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def java_that_says(home: Path, version: str) -> Path:
    """A java that answers -XshowSettings like a real one, and otherwise prints its arguments one a line."""
    return executable(
        home / "bin/java",
        f"""#!/bin/sh
case "$1" in
  -XshowSettings:properties) echo "    java.home = {home}"; echo "    java.specification.version = {version}" ;;
  *) echo called >> {home}/calls; for argument do echo "<$argument>"; done ;;
esac
""",
    )


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set-up works in a folder of its own, on a machine with nothing."""
    monkeypatch.setattr(setup, "JAVA", tmp_path / ".venv/jdk/bin/java")
    monkeypatch.setattr(setup, "_java_from_package", lambda: "/packaged/java")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def chosen() -> str:
    return setup.JAVA.read_text().splitlines()[-1]


@pytest.mark.parametrize("version", ["17", "21"])
def test_takes_the_java_on_the_path(version: str, venv: Path):
    java_that_says(venv / "machine", version)
    (venv / "path").mkdir()
    (venv / "path/java").symlink_to(venv / "machine/bin/java")
    setup.ready_java()
    assert chosen() == f'exec "{venv}/machine/bin/java" "$@"'


@pytest.mark.parametrize("version", ["11", "1.8", "25"])
def test_installs_one_where_the_machines_does_not_fit(version: str, venv: Path):
    java_that_says(venv / "old", version)
    (venv / "path").mkdir()
    (venv / "path/java").symlink_to(venv / "old/bin/java")
    setup.ready_java()
    assert chosen() == 'exec "/packaged/java" "$@"'


def test_installs_one_where_there_is_none(venv: Path):
    setup.ready_java()
    assert chosen() == 'exec "/packaged/java" "$@"'


def test_java_home_comes_before_the_path_and_may_change(venv: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("one", "two"):
        java_that_says(venv / name, "21")
    (venv / "path").mkdir()
    (venv / "path/java").symlink_to(venv / "one/bin/java")
    setup.ready_java()
    monkeypatch.setenv("JAVA_HOME", str(venv / "two"))
    setup.ready_java()
    assert chosen() == f'exec "{venv}/two/bin/java" "$@"'


def test_looks_no_further_while_the_chosen_java_is_there(venv: Path, monkeypatch: pytest.MonkeyPatch):
    home = java_that_says(venv / "machine", "17").parent.parent
    monkeypatch.setenv("JAVA_HOME", str(home))
    setup.ready_java()
    monkeypatch.setattr(setup, "_java_of_machine", lambda asked: pytest.fail("asked again"))
    setup.ready_java()
    (home / "bin/java").unlink()
    monkeypatch.setattr(setup, "_java_of_machine", lambda asked: None)
    setup.ready_java()
    assert chosen() == 'exec "/packaged/java" "$@"'


def test_its_own_script_is_never_put_behind_itself(venv: Path, monkeypatch: pytest.MonkeyPatch):
    home = java_that_says(venv / "machine", "17").parent.parent
    monkeypatch.setenv("JAVA_HOME", str(home))
    setup.ready_java()
    monkeypatch.setenv("JAVA_HOME", str(setup.JAVA.parent.parent))
    setup.ready_java()
    assert chosen() == f'exec "{home}/bin/java" "$@"'


def test_the_script_drops_one_argument_and_keeps_the_rest(venv: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JAVA_HOME", str(java_that_says(venv / "machine", "17").parent.parent))
    setup.ready_java()
    given = ["-cp", "a b", "--add-modules=jdk.incubator.vector", "-Dx=$y", "", "Main", "--add-modules=other"]
    told = subprocess.run([str(setup.JAVA), *given], capture_output=True, text=True, check=True, env=dict(os.environ))
    assert told.stdout.splitlines() == ["<-cp>", "<a b>", "<-Dx=$y>", "<>", "<Main>", "<--add-modules=other>"]


def test_another_python_is_turned_away(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(setup.sys, "version_info", (3, 13, 0))
    monkeypatch.setattr(setup.sys, "version", "3.13.0 (main)")
    assert setup.main() == 1
    assert capsys.readouterr().err == "set-up: soundalike needs Python 3.11 or 3.12, this is 3.13.0; use `make setup`\n"


def make(path: Path) -> subprocess.CompletedProcess[str]:
    """`make --dry-run setup` with a PATH of one folder beside make's own."""
    for tool in ("make", "sh"):
        (path / tool).symlink_to(shutil.which(tool) or "")
    return subprocess.run(
        ["make", "--dry-run", "setup"], cwd=ROOT, env={"PATH": str(path)}, capture_output=True, text=True, check=False
    )


def python_that_is(fits: bool, path: Path) -> None:
    executable(path, f"#!/bin/sh\nexit {0 if fits else 1}\n")


def test_make_takes_the_first_python_that_fits(tmp_path: Path):
    python_that_is(False, tmp_path / "python3")
    python_that_is(False, tmp_path / "python3.12")
    python_that_is(True, tmp_path / "python3.11")
    assert make(tmp_path).stdout == "python3.11 scripts/setup.py\n"


def test_make_says_that_none_fits(tmp_path: Path):
    python_that_is(False, tmp_path / "python3")
    told = make(tmp_path)
    assert told.returncode == 2
    assert "soundalike needs Python 3.11 or 3.12, and neither python3 nor python3.12 nor python3.11" in told.stderr
