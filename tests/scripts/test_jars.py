"""The folder of jars is what the lock file pins, whatever was in it before. A folder plays the registry."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

import jars

ONE, TWO = b"the bytes of one", b"the bytes of two"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "jars.lock"
    path.write_text(
        "# two jars\n\n"
        f"org.example:one:1.0 {hashlib.sha256(ONE).hexdigest()}\n"
        f"org.example.deep:two:2.5.1 {hashlib.sha256(TWO).hexdigest()}\n"
    )
    return path


class Registry:
    """Fetches from a dictionary and remembers what it was asked for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files, self.asked = files, []

    def __call__(self, pins: Sequence[jars.Pin], folder: Path) -> None:
        self.asked.append([str(pin) for pin in pins])
        for pin in pins:
            if pin.file_name in self.files:
                (folder / pin.file_name).write_bytes(self.files[pin.file_name])


BOTH = {"one-1.0.jar": ONE, "two-2.5.1.jar": TWO}


def test_fills_the_folder_once(lock: Path, tmp_path: Path):
    registry = Registry(BOTH)
    assert jars.settle(lock, tmp_path / "jars", registry) == 2
    assert jars.settle(lock, tmp_path / "jars", registry) == 0
    assert registry.asked == [["org.example:one:1.0", "org.example.deep:two:2.5.1"]]
    assert {path.name: path.read_bytes() for path in (tmp_path / "jars").iterdir()} == BOTH


def test_a_tampered_jar_is_fetched_again_and_no_other(lock: Path, tmp_path: Path):
    jars.settle(lock, tmp_path / "jars", Registry(BOTH))
    (tmp_path / "jars/two-2.5.1.jar").write_bytes(b"something else")
    registry = Registry(BOTH)
    assert jars.settle(lock, tmp_path / "jars", registry) == 1
    assert registry.asked == [["org.example.deep:two:2.5.1"]]
    assert (tmp_path / "jars/two-2.5.1.jar").read_bytes() == TWO


def test_a_wrong_pin_is_refused_and_nothing_taken(lock: Path, tmp_path: Path):
    with pytest.raises(jars.JarError) as error:
        jars.settle(lock, tmp_path / "jars", Registry(BOTH | {"one-1.0.jar": b"changed"}))
    assert str(error.value) == (
        "org.example:one:1.0: the fetched file has sha256 "
        "d67e2e944994496c8d8ec76eed0cf9f09679448d584b532bebf941852a37f5ed, "
        f"{lock} pins {hashlib.sha256(ONE).hexdigest()}; "
        "the file was not taken. Correct the pin, or find out who changed the file"
    )
    assert not (tmp_path / "jars/one-1.0.jar").exists()


def test_a_jar_nobody_has_is_named(lock: Path, tmp_path: Path):
    with pytest.raises(jars.JarError, match=r"org\.example\.deep:two:2\.5\.1 could not be fetched"):
        jars.settle(lock, tmp_path / "jars", Registry({"one-1.0.jar": ONE}))
    assert (tmp_path / "jars/one-1.0.jar").read_bytes() == ONE


def test_a_jar_that_is_not_pinned_goes(lock: Path, tmp_path: Path):
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars/one-0.9.jar").write_bytes(b"last year's")
    jars.settle(lock, tmp_path / "jars", Registry(BOTH))
    assert sorted(path.name for path in (tmp_path / "jars").iterdir()) == ["one-1.0.jar", "two-2.5.1.jar"]


@pytest.mark.parametrize("line", ["org.example:one " + "0" * 64, "org.example:one:1.0 abc", "org.example:one:1.0"])
def test_a_broken_line_is_named(line: str, tmp_path: Path):
    (tmp_path / "jars.lock").write_text(f"# pins\n{line}\n")
    with pytest.raises(jars.JarError, match=r"jars\.lock, line 2: expected 'group:artifact:version sha256'"):
        jars.read_lock(tmp_path / "jars.lock")


def test_our_own_lock_holds_the_delta_pair():
    pins = jars.read_lock(Path(__file__).parents[2] / "conf/spark/jars.lock")
    assert [str(pin) for pin in pins[:3]] == [
        "io.delta:delta-spark_4.1_2.13:4.2.0",
        "io.delta:delta-storage:4.2.0",
        "org.apache.hadoop:hadoop-aws:3.4.2",
    ]
    assert len({pin.file_name for pin in pins}) == len(pins) == 30
