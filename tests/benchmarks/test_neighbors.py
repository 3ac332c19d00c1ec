"""What the command hands to the job and to the peers."""

import sys
import tomllib
from pathlib import Path

import pytest
from benchmarks.control_group import control_group
from benchmarks.dumps import ROOT
from benchmarks.neighbors import peers, product
from benchmarks.neighbors.__main__ import main


def test_given_settings_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product, "OF_PROBABILITIES", {"neighbors.groups": "2,2"})
    asked = product.settings_of("wide", 71, 10, 0.987, ["neighbors.family=exact", "neighbors.top_n=5"])
    assert asked == {
        "neighbors.scopes": "genre", "neighbors.top_n": "5", "neighbors.recall_floor": "0.987",
        "neighbors.groups": "2,2", "neighbors.family": "exact",
    }  # fmt: skip
    assert "neighbors.groups" not in product.settings_of("16", 16, 10, 0.987, [])
    assert "neighbors.groups" not in product.settings_of("wide", 54, 10, 0.987, [])  # unif has no classifiers


def test_the_peers_are_those_of_the_project_file() -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["peers"]
    locked = peers.LOCK.read_text(encoding="utf-8").splitlines()
    assert [pin for pin in asked if f"{pin} \\" not in locked] == []


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu sse4_2", {}),
        ("avx2 fma", {"OPENBLAS_CORETYPE": "Haswell"}),
        ("avx2 fma avx512f", {"OPENBLAS_CORETYPE": "Haswell"}),
        ("avx2 fma avx512f avx512bw avx512dq avx512vl avx512cd", {"OPENBLAS_CORETYPE": "SkylakeX"}),
    ],
)
def test_the_peers_are_told_what_the_processor_can(
    flags: str, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    assert peers.blas_core(f"processor\t: 0\nflags\t\t: {flags}\n") == expected


def test_an_unknown_part_is_named_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--peers", "annoy"])
    assert "unknown peers annoy; there are: flat, ivf, hnsw" in capsys.readouterr().err


def test_a_group_counts_processes_that_no_parent_waits_for(tmp_path: Path) -> None:
    import subprocess

    burn = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    ignoring = f"import signal, subprocess, sys, time; signal.signal(signal.SIGCHLD, signal.SIG_IGN); subprocess.Popen([sys.executable, '-c', {burn!r}]); time.sleep(1)"
    with control_group() as group:
        if group is None:
            pytest.skip("this user may make no control group here")
        subprocess.run(group.entered_by([sys.executable, "-c", ignoring]), check=True)
        assert group.cpu() >= 0.3
