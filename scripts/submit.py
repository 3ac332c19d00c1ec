"""Runs a job: `submit.py --target local [--master M] [--conf k=v]... [--dry-run] JOB -- [ARGS]`.

JOB is the name of a file in jobs/, ARGS are the job's own. Builds the complete spark-submit command, packs the code,
and returns the job's exit code; 2 when the command line itself is wrong. Spark's options come from conf/spark/*.conf.
"""

import argparse
import contextlib
import difflib
import importlib.util
import itertools
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from jars import read_lock
from package import package

ROOT = Path(__file__).resolve().parent.parent
# Where a job can run, and the option files of each, later ones winning. A cluster gets its row with its own way in.
TARGETS = {"local": ("base.conf", "local.conf"), "local-large": ("base.conf", "local.conf", "large.conf")}
# All cores; a task may fail three times. Plain local[N] would give up at the first failure, unlike any cluster.
MASTER = "local[*,4]"


class SubmitError(Exception):
    """The command line is wrong (exit code 2) or set-up has not run (exit code 1)."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    cut = given.index("--") if "--" in given else len(given)
    arguments = parser().parse_args(given[:cut])
    try:
        command = submit_command(root, arguments, given[cut + 1 :])
        if arguments.dry_run:
            print(as_shell(environment(root), command))
            return 0
        require_setup(root)
        package(root)
        write_properties(root, arguments.target)
        with spark_home(root, arguments.master) as home:
            # spark-submit reads the job's output through a pipe, so the job itself cannot see a terminal.
            told = {"SPARK_HOME": str(home), "SOUNDALIKE_TERMINAL": str(int(sys.stdout.isatty()))}
            return run(command, os.environ | environment(root) | told)
    except SubmitError as error:
        print(f"submit: {error}", file=sys.stderr)
        return error.exit_code


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        prog="submit.py", allow_abbrev=False, usage="%(prog)s --target local [options] JOB -- [arguments of the job]"
    )
    arguments.add_argument("--target", default="local", metavar="NAME", help=f"where to run: {', '.join(TARGETS)}")
    arguments.add_argument("--master", default=MASTER, help="Spark master of target local (default %(default)s)")
    arguments.add_argument(
        "--conf", action="append", default=[], metavar="K=V", help="a Spark option of this run; may be repeated"
    )
    arguments.add_argument("--dry-run", action="store_true", help="print the command and do nothing")
    arguments.add_argument("job", metavar="JOB", help="name of a file in jobs/, without .py")
    return arguments


def submit_command(root: Path, arguments: argparse.Namespace, job_arguments: Sequence[str]) -> list[str]:
    """The whole spark-submit argument list.

    Raises:
        SubmitError: unknown target or job, or an option without `=`.
    """
    if arguments.target not in TARGETS:
        raise SubmitError(f"unknown target {arguments.target!r}; there are: {', '.join(TARGETS)}", 2)
    job = root / "jobs" / f"{arguments.job}.py"
    jobs = sorted(path.stem for path in (root / "jobs").glob("*.py") if path.stem != "__init__")
    if arguments.job not in jobs:
        near = difflib.get_close_matches(arguments.job, jobs, n=1, cutoff=0)
        raise SubmitError(f"unknown job {arguments.job!r}; did you mean {near[0]!r}? Jobs: {', '.join(jobs)}", 2)
    for option in arguments.conf:
        if "=" not in option:
            raise SubmitError(f"--conf {option}: expected key=value", 2)
    command = [str(pyspark() / "bin/spark-submit"), "--master", arguments.master]
    command += ["--properties-file", str(properties_file(root, arguments.target))]
    command += ["--py-files", str(root / "build/soundalike.zip")]
    for option in arguments.conf:
        command += ["--conf", option]
    return [*command, str(job), *job_arguments]


def spark_options(root: Path = ROOT, target: str = "local") -> dict[str, str]:
    """The options of a target from conf/spark, with the paths of this checkout written in."""
    options = {}
    for name in TARGETS[target]:
        for line in (root / "conf/spark" / name).read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                key, _, value = line.strip().partition(" ")
                for mark, folder in (("{jars}", "build/jars"), ("{build}", "build"), ("{conf}", "conf/spark")):
                    value = value.replace(mark, str(root / folder))
                options[key] = value.strip()
    return options


def properties_file(root: Path, target: str) -> Path:
    return root / "build/spark" / f"{target}.conf"


def write_properties(root: Path, target: str) -> None:
    """Spark reads the file by the rules of Java properties: a backslash is doubled."""
    path = properties_file(root, target)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{key} {value}\n".replace("\\", "\\\\") for key, value in spark_options(root, target).items()]
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text("".join(lines), encoding="utf-8")
    fresh.replace(path)  # another run may be reading it


def environment(root: Path = ROOT) -> dict[str, str]:
    """What Spark has to find in the environment, for a job and for a session opened by a test."""
    found = {
        "PYSPARK_PYTHON": sys.executable,  # else workers take the PATH's python3, which lacks pyarrow
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",  # a machine without network cannot look up its own name
    }
    if (root / ".venv/jdk/bin/java").is_file():
        found["JAVA_HOME"] = str(root / ".venv/jdk")
    return found


def pyspark() -> Path:
    """The folder of the installed pyspark, found without importing it."""
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        raise SubmitError(
            f"{sys.executable} has no pyspark; run `make setup`, then .venv/bin/python scripts/submit.py", 1
        )
    return Path(found.origin).parent


def require_setup(root: Path) -> None:
    missing = [
        pin.file_name
        for pin in read_lock(root / "conf/spark/jars.lock")
        if not (root / "build/jars" / pin.file_name).is_file()
    ]
    if missing:
        raise SubmitError(f"build/jars lacks {missing[0]} and {len(missing) - 1} more; run `make setup`", 1)


@contextlib.contextmanager
def spark_home(root: Path, master: str) -> Iterator[Path]:
    """SPARK_HOME of a run.

    The executors of a local-cluster leave a folder work/ with their jars there; so theirs is a folder of links that
    is deleted afterwards; the installed pyspark stays as it is.
    """
    if not master.startswith("local-cluster"):
        yield pyspark()
        return
    with tempfile.TemporaryDirectory(prefix="spark-home-", dir=root / "build") as folder:
        for entry in sorted(pyspark().iterdir()):
            Path(folder, entry.name).symlink_to(entry)
        yield Path(folder)


def run(command: Sequence[str], variables: dict[str, str]) -> int:
    """Runs the command, our signals handed on so that stopping this script stops the job; returns its exit code."""
    started: list[subprocess.Popen[bytes]] = []

    def hand_on(received: int, _frame: object) -> None:
        if not started:
            sys.exit(128 + received)
        started[0].send_signal(received)

    # Before the start: a signal must not fall between the two.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, hand_on)
    started.append(subprocess.Popen(command, env=variables))
    code = started[0].wait()
    return code if code >= 0 else 128 - code


def as_shell(variables: dict[str, str], command: Sequence[str]) -> str:
    """The command for a shell, one option and its value a line."""
    lines = [f"{name}={shlex.quote(value)}" for name, value in sorted(variables.items())]
    lines.append(shlex.quote(command[0]))
    for before, word in itertools.pairwise(command):
        if before.startswith("--") and "=" not in before and not word.startswith("--"):
            lines[-1] += " " + shlex.quote(word)
        else:
            lines.append("  " + shlex.quote(word))
    return " \\\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
