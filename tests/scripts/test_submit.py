"""The spark-submit command, to the last argument; refusals; and a job that fails on real executors."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import jars
import submit

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout as far as submit looks at it: two jobs, conf/spark, jars that are there."""
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    for name in ("jobs/__init__.py", "jobs/recordings.py", "jobs/neighbors.py", "lib/soundalike/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "build/jars").mkdir(parents=True)
    for pin in jars.read_lock(tmp_path / "conf/spark/jars.lock"):
        (tmp_path / "build/jars" / pin.file_name).write_text("")
    return tmp_path


def plain(text: str, tree: Path) -> str:
    """The same text on every machine."""
    return (
        text.replace(str(tree), "$ROOT").replace(str(submit.pyspark()), "$PYSPARK").replace(sys.executable, "$PYTHON")
    )


def test_the_whole_command(tree: Path, capsys: pytest.CaptureFixture[str]):
    job = ["--set", "storage.root=build/tables", "--set", "sources.acousticbrainz.uris=a dump/one", "--verbose"]
    options = ["--target", "local", "--master", "local[2]", "--conf", "spark.driver.memory=2g", "--conf", "spark.x=1"]
    assert submit.main([*options, "--dry-run", "recordings", "--", *job], tree) == 0
    assert plain(capsys.readouterr().out, tree) == (GOLDEN / "submit_local.txt").read_text()


def test_nothing_but_the_job(tree: Path, capsys: pytest.CaptureFixture[str]):
    assert submit.main(["--dry-run", "neighbors"], tree) == 0
    out = plain(capsys.readouterr().out, tree)
    assert "--master 'local[*,4]' " in out
    assert out.endswith("  --py-files $ROOT/build/soundalike.zip \\\n  $ROOT/jobs/neighbors.py\n")


def test_the_job_reads_its_arguments_as_they_were_given(tree: Path):
    from soundalike.run import parser

    given = ["--set", "storage.root=build/tables", "--set", "run.id=--dashed", "--verbose"]
    arguments = submit.parser().parse_args(["recordings"])
    command = submit.submit_command(tree, arguments, given)
    read = parser("recordings").parse_args(command[command.index(str(tree / "jobs/recordings.py")) + 1 :])
    assert (read.set, read.verbose) == (["storage.root=build/tables", "run.id=--dashed"], True)


def test_the_properties_file(tree: Path):
    submit.write_properties(tree, "local")
    text = (tree / "build/spark/local.conf").read_text()
    assert plain(text, tree) == (GOLDEN / "properties_local.txt").read_text()


def test_the_targets_options_win(tree: Path):
    (tree / "conf/spark/local.conf").write_text("# said twice\nspark.sql.session.timeZone  Asia/Tokyo\n")
    assert submit.spark_options(tree)["spark.sql.session.timeZone"] == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["recording"], "unknown job 'recording'; did you mean 'recordings'? Jobs: neighbors, recordings"),
        (["__init__"], "unknown job '__init__'; did you mean 'neighbors'? Jobs: neighbors, recordings"),
        (["--target", "emr", "recordings"], "unknown target 'emr'; there are: local, local-large"),
        (["--conf", "spark.x", "recordings"], "--conf spark.x: expected key=value"),
    ],
)
def test_a_wrong_command_line_ends_with_2(
    given: list[str], message: str, tree: Path, capsys: pytest.CaptureFixture[str]
):
    assert submit.main(given, tree) == 2
    assert capsys.readouterr().err == f"submit: {message}\n"


def test_without_jars_it_says_what_to_run(tree: Path, capsys: pytest.CaptureFixture[str]):
    (tree / "build/jars/hadoop-aws-3.4.2.jar").unlink()
    assert submit.main(["recordings"], tree) == 1
    assert capsys.readouterr().err == "submit: build/jars lacks hadoop-aws-3.4.2.jar and 0 more; run `make setup`\n"


def test_ending_the_script_ends_the_job():
    """A stopped submit leaves no Spark behind: the signal goes on to the command."""
    code = "import submit, sys; sys.exit(submit.run(['sh', '-c', 'echo up; exec sleep 60'], {'PATH': '/usr/bin:/bin'}))"
    script = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT / "scripts", stdout=subprocess.PIPE)
    assert script.stdout is not None and script.stdout.readline() == b"up\n"
    script.terminate()
    assert script.wait(timeout=10) == 128 + 15
