"""Playlist slices to one Parquet row per entry: this product's reader and Spark's multi-line JSON reader.

`python -m benchmarks.slice_readers DATASET SCRATCH`. Both run in one session and write the same columns. Spark is told
the schema, which spares it a pass over the files; this product's reader verifies digests and counts facts on the way.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.measure import cpu_of_session
from soundalike.sources.files import ObjectStore
from soundalike.sources.mpd.listing import list_dataset
from soundalike.stages.mpd_slices import playlists_of_slices
from submit import environment, spark_options

ENTRY = (
    ("pos", "bigint"), ("track_uri", "string"), ("track_name", "string"), ("artist_uri", "string"),
    ("artist_name", "string"), ("album_uri", "string"), ("album_name", "string"), ("duration_ms", "bigint"),
)  # fmt: skip
SCHEMA = f"playlists array<struct<pid:bigint,tracks:array<struct<{','.join(f'{n}:{t}' for n, t in ENTRY)}>>>>"


def by_spark(spark: SparkSession, dataset: Path) -> DataFrame:
    read = spark.read.schema(SCHEMA).option("multiLine", True).json(str(dataset / "data"))
    playlists = read.select(F.explode("playlists").alias("p")).select("p.pid", F.explode("p.tracks").alias("e"))
    return playlists.select("pid", *[F.col(f"e.{name}").cast(kind).alias(name) for name, kind in ENTRY])


def by_us(spark: SparkSession, dataset: Path) -> DataFrame:
    found = list_dataset(str(dataset), ObjectStore())
    manifest = spark.range(0, len(found.slices), 1, len(found.slices))
    read = playlists_of_slices(manifest, found.name, found.slices, ObjectStore())
    playlists = read.where("status is null").select("pid", F.explode("tracks").alias("e"))
    given = {"pos": "pos_given"}
    return playlists.select("pid", *[F.col(f"e.{given.get(n, n)}").cast(kind).alias(n) for n, kind in ENTRY])


def main(dataset: Path, scratch: Path) -> int:
    os.environ |= environment()
    builder = SparkSession.builder.master("local[1]").appName("slice readers")
    for key, value in spark_options().items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    readers: dict[str, Callable[[SparkSession, Path], DataFrame]] = {"soundalike": by_us, "spark_json": by_spark}
    slices = len(list((dataset / "data").iterdir()))
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    cpu: dict[str, list[float]] = {name: [] for name in readers}
    rows = {}
    # The first round warms both up and does not count; the order changes from round to round.
    for round_ in range(4):
        for name in sorted(readers, reverse=round_ % 2 == 1):
            started, used = time.monotonic(), cpu_of_session()
            readers[name](spark, dataset).write.mode("overwrite").parquet(str(scratch / name))
            seconds[name].append(time.monotonic() - started)
            cpu[name].append(cpu_of_session() - used)
            rows[name] = _content(scratch / name)
    spark.stop()
    shutil.rmtree(scratch)
    if rows["soundalike"] != rows["spark_json"]:
        raise SystemExit(f"the readers do not agree: {rows}")
    best, least = ({name: min(took[1:]) for name, took in of.items()} for of in (seconds, cpu))
    print(json.dumps({
        "slices": slices, "entries": rows["soundalike"][0], "rounds_s": seconds, "rounds_cpu_s": cpu,
        "slices_per_s": {name: slices / took for name, took in best.items()},
        "ratio": best["spark_json"] / best["soundalike"],
        "ratio_cpu": least["spark_json"] / least["soundalike"],
    }))  # fmt: skip
    return 0


def _content(folder: Path) -> tuple[int, ...]:
    """Rows, rows with an album, sum of durations and of positions: equal for both unless one of them lost something."""
    table = ds.dataset(folder, format="parquet").to_table(columns=["album_uri", "duration_ms", "pos", "pid"])
    sums = [pc.sum(table[name]).as_py() or 0 for name in ("duration_ms", "pos", "pid")]
    return (table.num_rows, table.num_rows - table["album_uri"].null_count, *sums)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
