"""The jars of a local run: a lock file of pins, a folder that holds exactly those files.

Java and the Ivy inside pyspark fetch them, so neither Maven nor the address of a registry is needed here.
"""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple


class JarError(Exception):
    """The folder could not be made to hold what the lock file pins; the message says which jar and why."""


class Pin(NamedTuple):
    """One line of the lock file: Maven coordinates and the sha256 of the one file they may stand for."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


Fetch = Callable[[Sequence[Pin], Path], None]
"""Puts the file of every pin into a folder, under the pin's file name; raises JarError when it cannot."""


def read_lock(lock: Path) -> list[Pin]:
    """Pins in the file's order, which is the order of the class path; `#` starts a comment line."""
    pins = []
    for number, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        coordinates, _, sha256 = line.partition(" ")
        if coordinates.count(":") != 2 or len(sha256.strip()) != 64:
            raise JarError(f"{lock}, line {number}: expected 'group:artifact:version sha256', found {line!r}")
        group, artifact, version = coordinates.split(":")
        pins.append(Pin(group, artifact, version, sha256.strip()))
    return pins


def class_path(lock: Path, folder: Path) -> str:
    """The jars in lock order, absolute, joined for a JVM."""
    return os.pathsep.join(str((folder / pin.file_name).resolve()) for pin in read_lock(lock))


def settle(lock: Path, folder: Path, fetch: Fetch) -> int:
    """Makes the folder hold the pinned jars and no others; returns how many had to be fetched.

    A file whose sha256 does not fit counts as missing. What is fetched moves in only after its own sha256 fits, in one
    rename, so an interrupted run leaves nothing half-written under a pinned name.

    Raises:
        JarError: the fetched file of a pin has another sha256, or could not be had at all.
    """
    pins = read_lock(lock)
    folder.mkdir(parents=True, exist_ok=True)
    expected = {pin.file_name for pin in pins}
    for stranger in sorted(folder.iterdir()):
        if stranger.name not in expected:  # an older version beside the new one would be loaded by chance
            stranger.unlink()
    missing = [pin for pin in pins if _sha256(folder / pin.file_name) != pin.sha256]
    if not missing:
        return 0
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        fetch(missing, Path(scratch))
        for pin in missing:
            found = _sha256(Path(scratch, pin.file_name))
            if found is None:
                raise JarError(f"{pin} could not be fetched; is the network there, and the version in {lock} right?")
            if found != pin.sha256:
                raise JarError(
                    f"{pin}: the fetched file has sha256 {found}, {lock} pins {pin.sha256}; "
                    "the file was not taken. Correct the pin, or find out who changed the file"
                )
            Path(scratch, pin.file_name).replace(folder / pin.file_name)
    return len(missing)


def fetch_with_ivy(java: Path, ivy: Path, python: Path) -> Fetch:
    """A fetcher that runs Ivy with an empty cache, so that a damaged file is never served again from one.

    Where Java does not trust who answers, a second try trusts whom the machine trusts; `python` makes that store.
    """

    def fetch(pins: Sequence[Pin], folder: Path) -> None:
        description = folder / "ivy.xml"
        rows = "".join(
            f'<dependency org="{pin.group}" name="{pin.artifact}" rev="{pin.version}" transitive="false"'
            ' conf="default->master"/>'
            for pin in pins
        )
        description.write_text(
            '<ivy-module version="2.0"><info organisation="soundalike" module="jars"/>'
            f'<configurations><conf name="default"/></configurations><dependencies>{rows}</dependencies></ivy-module>',
            encoding="utf-8",
        )
        options = ["-warn", "-m2compatible", "-cache", str(folder / "cache"), "-ivy", str(description)]
        pattern = f"{folder}/[artifact]-[revision].[ext]"
        retrieve = ["-jar", str(ivy), *options, "-confs", "default", "-retrieve", pattern]
        told = _output(java, *retrieve)
        if "SSLHandshakeException" in told:
            store = folder / "trust.p12"
            _output(python, "-W", "ignore", Path(__file__).with_name("trust.py"), store)
            trust = [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]
            told = _output(java, *trust, *retrieve)
        if not any((folder / pin.file_name).exists() for pin in pins):
            raise JarError("the jars could not be fetched; is the network there? Ivy says:\n" + told.strip()[-1500:])

    return fetch


def _output(*command: str | Path) -> str:
    """What a command prints; whether it did its work is seen by the files it leaves."""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout


def _sha256(path: Path) -> str | None:
    """Hexadecimal digest, None when there is no such file."""
    if not path.is_file():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest()
