"""The peers' own environment, and the search alone: faiss and the product on the same blocks, one thread each."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.dumps import ROOT
from benchmarks.measure import Failed

LOCK = Path(__file__).with_name("peers.lock")
PEERS = ("flat", "ivf", "hnsw")


def environment(folder: Path = ROOT / "build/peers") -> Path:
    """Its Python; made by need, again when the lock or this Python changed, the mark of a finished one last.

    Raises:
        Failed: the environment cannot be made; the message ends with what pip said.
    """
    python, mark = folder / "bin/python", folder / "ready"
    made_from = [sys.version, str(folder), LOCK.read_text(encoding="utf-8")]
    asked = hashlib.sha256(json.dumps(made_from).encode()).hexdigest()
    if mark.is_file() and mark.read_text(encoding="utf-8") == asked:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    install = "-I -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --no-deps"
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), *install.split(), "--only-binary", ":all:", "-r", str(LOCK)],
    ):
        told = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if told.returncode != 0:
            raise Failed(f"{' '.join(command[:4])} … ended with {told.returncode}:\n{told.stdout[-2000:]}")
    mark.write_text(asked, encoding="utf-8")
    return python


def blas_core(processor: str) -> dict[str, str]:
    """What tells the OpenBLAS in faiss which kernels to use, from the text of /proc/cpuinfo; nothing if it must guess.

    It is of 2021 and takes a younger processor for one without AVX: Flat then needs nearly three times the CPU.
    """
    flags = next((set(line.split()) for line in processor.splitlines() if line.startswith("flags")), set())
    if "OPENBLAS_CORETYPE" in os.environ or not {"avx2", "fma"} <= flags:
        return {}
    wide = {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"} <= flags
    return {"OPENBLAS_CORETYPE": "SkylakeX" if wide else "Haswell"}


def on_one_thread(
    python: Path | str, module: str, *arguments: str, variables: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """The JSON lines that a module of the benchmarks prints, run with one thread.

    Raises:
        Failed: its exit code is not 0.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    paths = f"{ROOT}{os.pathsep}{ROOT / 'lib'}"
    command = [str(python), "-m", module, *arguments]
    told = subprocess.run(
        command, env={**os.environ, **threads, **(variables or {}), "PYTHONPATH": paths}, cwd=ROOT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if told.returncode != 0:
        raise Failed(f"{module} ended with {told.returncode}:\n{told.stderr[-2000:]}")
    return [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]


def search_alone(folders: Sequence[Path], n: int, peers: Sequence[str]) -> list[dict[str, Any]]:
    """Points of the product's curve and of each peer's, block after block, so that all see the machine alike."""
    lines, core = [], blas_core(Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    for folder in map(str, folders):
        lines += on_one_thread(sys.executable, "benchmarks.neighbors.algorithm", str(n), folder)
        if peers:
            asked = str(n), ",".join(peers), folder
            points = on_one_thread(environment(), "benchmarks.neighbors.faiss_peer", *asked, variables=core)
            lines += [point | core for point in points]
    return lines
