"""The tables do not depend on cores, partitions, adaptive execution, order of the input, time zone or locale."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

# Beside the reference: 2 cores, 2 partitions, adaptive, in order, UTC, the locale of the machine.
RUNS: dict[str, dict[str, Any]] = {
    "one core, one partition, not adaptive": {"cores": 1, "partitions": 1, "adaptive": False, "reversed": True},
    "four cores, 7 partitions, not adaptive": {
        "cores": 4,
        "partitions": 7,
        "adaptive": False,
        "reversed": False,
        "batch": 37,
    },
    "four cores, 64 partitions": {"cores": 4, "partitions": 64, "adaptive": True, "reversed": True},
}
TOKYO_IN_TURKISH = {
    "TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8",
    "MORE_JAVA_OPTIONS": " -Duser.timezone=Asia/Tokyo -Duser.language=tr -Duser.country=TR",
}  # fmt: skip


@pytest.fixture(scope="module")
def roots(sample: Any, playlists: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Roots of the tables of RUNS, by name. All of them in Asia/Tokyo and Turkish."""
    archives = sorted(str(path) for path in sample[0].glob("*.tar.zst"))
    # Entries of a folder come in the order in which they were made; so do members of a zip.
    turned = tmp_path_factory.mktemp("turned") / "mpd"
    (turned / "data").mkdir(parents=True)
    for path in sorted(playlists[0].rglob("*.*"), reverse=True):
        (turned / path.relative_to(playlists[0])).write_bytes(path.read_bytes())
    (turned / "md5sums").write_bytes((playlists[0] / "md5sums").read_bytes())
    found, asked = {}, []
    for name, how in RUNS.items():
        found[name] = tmp_path_factory.mktemp("covering")
        uris = ",".join(reversed(archives)) if how["reversed"] else str(sample[0])
        conf = {
            "spark.sql.shuffle.partitions": str(how["partitions"]),
            "spark.default.parallelism": str(how["partitions"]),
            "spark.sql.adaptive.enabled": str(how["adaptive"]).lower(),
            "spark.sql.session.timeZone": "Asia/Tokyo",
            "spark.sql.execution.arrow.maxRecordsPerBatch": str(how.get("batch", 10_000)),
        }
        settings = [
            f"storage.root={found[name]}", f"sources.acousticbrainz.uris={uris}",
            f"sources.mpd.uri={turned if how['reversed'] else playlists[0]}",
        ]  # fmt: skip
        asked.append({"master": f"local[{how['cores']},4]", "conf": conf, "set": settings})
    command = [sys.executable, str(Path(__file__).with_name("sessions.py")), json.dumps(asked)]
    done = subprocess.run(command, env=os.environ | TOKYO_IN_TURKISH, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return found


@pytest.mark.parametrize("name", RUNS)
def test_content_of_every_table_is_the_same(roots: dict[str, Path], reference: Path, content: Any, name: str) -> None:
    assert content(roots[name]) == content(reference)
