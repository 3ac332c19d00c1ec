"""Set-up: which Python, which Java, and the script in front of Java. Nothing here needs a network."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

import setup


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


def test_another_python_is_searched_for_and_else_named(venv: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(setup.sys, "version_info", (3, 9, 18))
    with pytest.raises(
        setup.SetupError, match=r"^soundalike needs Python 3\.11 or 3\.12; python3 is 3\.9\.18 and neither"
    ):
        setup.choose_python()
    executable(venv / "path/python3.12", "#!/bin/sh\nexit 127\n")  # a shim without the Python behind it
    works = executable(venv / "path/python3.11", "#!/bin/sh\nexit 0\n")
    assert setup.choose_python() == works
