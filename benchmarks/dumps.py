"""Jobs of this product as a person runs them, measured: end to end, on one core, on one large slice."""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from benchmarks.measure import Cost, measured
from soundalike.samples.playlists import make_playlists
from soundalike.samples.sample import make_sample

ROOT = Path(__file__).resolve().parent.parent
_ARCHIVES = 30
# Entries of a playlist of the sample, on average; and playlists of it in 33 MB, which a slice of the real dataset has.
_ENTRIES_PER_PLAYLIST = 35
_LARGE_SLICE = 1_790
WORKER_LIMIT_MB = 400


class Sample:
    """A generated dump and dataset of playlists; made once and kept while its sizes stay the same."""

    def __init__(self, folder: Path, documents: int, entries: int) -> None:
        self.folder, self.dataset = folder, folder / "mpd"
        asked = {"documents": documents, "entries": entries}
        stamp = folder / "made.json"
        if not stamp.is_file() or json.loads(stamp.read_text())["asked"] != asked:
            shutil.rmtree(folder, ignore_errors=True)
            archives = max(1, min(_ARCHIVES, documents // 500))
            make_sample(folder, documents, archives, seed=1)
            made = make_playlists(folder, max(100, -(-entries // _ENTRIES_PER_PLAYLIST)), seed=1)
            found = {"archives": archives, **{n: made["ledger"][f"{n}_input"] for n in ("playlists", "entries")}}
            stamp.write_text(json.dumps({"asked": asked, "found": {"documents": documents, **found}}))
        self.sizes: dict[str, int] = json.loads(stamp.read_text())["found"]
        self.dump = next((folder / "acousticbrainz").iterdir())
        slices = list((self.dataset / "data").iterdir())
        self.sizes |= {
            "slices": len(slices), "archive_bytes": sum(path.stat().st_size for path in self.dump.glob("*.tar.zst")),
            "slice_bytes": sum(path.stat().st_size for path in slices),
        }  # fmt: skip


def run_job(
    job: str, root: Path, *settings: str, target: str = "local", master: str | None = None, cores: int = 0,
    conf: Sequence[str] = (),
) -> Cost:  # fmt: skip
    """Runs a job by scripts/submit.py, on tables below `root`; `conf`: options of Spark, key=value."""
    command = [sys.executable, str(ROOT / "scripts/submit.py"), "--target", target]
    command += ["--master", master] if master else []
    command += [word for option in conf for word in ("--conf", option)]
    command += [job, "--"]
    for setting in (f"storage.root={root}", *settings):
        command += ["--set", setting]
    return measured(command, cores)


def rows_of(root: Path, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = DeltaTable(str(root / table)).to_pyarrow_table().to_pylist()
    return found


def stage_seconds(root: Path) -> dict[str, float]:
    """Seconds of every stage that ran below `root`, in order."""
    ran = sorted(rows_of(root, "operations/runs"), key=lambda row: row["started_at"])
    return {row["stage"]: row["seconds"] for row in ran}


def pipeline(sample: Sample, scratch: Path) -> dict[str, Any]:
    """Both dumps end to end on all cores."""
    root = _fresh(scratch / "pipeline")
    sources = f"sources.acousticbrainz.uris={sample.dump}", f"sources.mpd.uri={sample.dataset}"
    cost = run_job("pipeline", root, *sources)
    seconds = stage_seconds(root)
    rows = {row["stage"]: row["rows_out"] for row in rows_of(root, "operations/runs")}
    stored = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    shutil.rmtree(root)
    return {**cost.figures(), "stage_s": seconds, "rows_out": rows, "tables_bytes": stored}


def ingest(sample: Sample, scratch: Path) -> dict[str, Any]:
    """The documents to bronze, and on to silver, on one core; beside it `tarfile` and `json` on the same core.

    They stand in one archive: real archives hold a million documents, so that the price of a commit per archive, which
    `pipeline` shows, is nothing there. Rates of jobs are those of their stages; `ingest_with_start` counts the start of
    Java and of Spark in.
    """
    root = _fresh(scratch / "ingest") / "tables"
    documents = sample.sizes["documents"]
    make_sample(scratch / "ingest", documents, archives=1, seed=1)
    dump = next((scratch / "ingest/acousticbrainz").iterdir())
    source = f"sources.acousticbrainz.uris={dump}"
    reading, read = {}, {}
    for reader in ("plain", "soundalike"):
        command = [sys.executable, "-m", "benchmarks.archive_readers", reader, *map(str, dump.glob("*.tar.zst"))]
        reading[reader] = measured(command, 1)
        read[reader] = json.loads(reading[reader].output.splitlines()[-1])
    costs = {
        job: run_job(job, root, source, master="local[1,4]", cores=1) for job in ("ingest_acousticbrainz", "recordings")
    }
    seconds = stage_seconds(root)
    shutil.rmtree(scratch / "ingest")
    per_s = {
        "plain_reader": documents / read["plain"]["seconds"],
        "reader_alone": documents / read["soundalike"]["seconds"],
        "ingest": documents / seconds["ingest_acousticbrainz"],
        "ingest_and_recordings": documents / sum(seconds.values()),
        "ingest_with_start": documents / costs["ingest_acousticbrainz"].wall,
    }  # fmt: skip
    used = {"plain_reader": reading["plain"].cpu, "reader_alone": reading["soundalike"].cpu}
    used["ingest_with_start"] = costs["ingest_acousticbrainz"].cpu
    return {
        "documents_per_cpu_s": {name: documents / cpu for name, cpu in used.items()},
        "documents": documents, "readers": {name: {**reading[name].figures(), **read[name]} for name in reading},
        **{job: cost.figures() for job, cost in costs.items()}, "stage_s": seconds,
        "documents_per_s_and_core": per_s, "ratio_to_plain_reader": per_s["ingest"] / per_s["plain_reader"],
        "ratio_of_readers": per_s["reader_alone"] / per_s["plain_reader"],
        "ratio_with_recordings": per_s["ingest_and_recordings"] / per_s["plain_reader"],
    }  # fmt: skip


def slices(sample: Sample, scratch: Path) -> dict[str, Any]:
    """Playlist slices to rows of entries on one core, by this product's reader and by Spark's."""
    command = [sys.executable, "-m", "benchmarks.slice_readers", str(sample.dataset), str(_fresh(scratch / "slices"))]
    cost = measured(command, 1)
    return {**json.loads(cost.output.splitlines()[-1]), **cost.figures()}


def large_slice(scratch: Path) -> dict[str, Any]:
    """One slice of 33 MB: what a worker needs for it at most."""
    folder = _fresh(scratch / "large_slice")
    make_playlists(folder, _LARGE_SLICE, seed=1, per_slice=_LARGE_SLICE)
    size = sum(path.stat().st_size for path in (folder / "mpd/data").iterdir())
    cost = run_job("ingest_mpd", folder / "tables", f"sources.mpd.uri={folder / 'mpd'}")
    shutil.rmtree(folder)
    peak = max(cost.worker_peak_pss_mb, cost.worker_peak_rss_mb)
    return {"slice_bytes": size, "limit_mb": WORKER_LIMIT_MB, "below_limit": peak < WORKER_LIMIT_MB, **cost.figures()}


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
