"""Runs a job several times in one process, each time in a session of its own: Java starts once for all of them.

    python sessions.py RUNS     RUNS: JSON list of {"master": …, "conf": {…}, "set": [key=value, …], "job": …}

`job` is pipeline, unless it says neighbors.

Time zone and locale belong to a process: the caller sets them.
"""

import json
import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "scripts")]

from jobs.ingest_acousticbrainz import inputs  # noqa: E402
from jobs.neighbors import neighbors  # noqa: E402
from jobs.pipeline import pipeline, required_inputs  # noqa: E402
from pyspark.sql import SparkSession  # noqa: E402

from soundalike.run import main  # noqa: E402
from submit import environment, spark_options  # noqa: E402

JAVA_OPTIONS = "spark.driver.extraJavaOptions"
JOBS = {"pipeline": (pipeline, required_inputs), "neighbors": (neighbors, inputs)}


def run(master: str, conf: dict[str, str], settings: list[str], job: str) -> int:
    options = spark_options(REPOSITORY, "local") | conf
    options[JAVA_OPTIONS] += os.environ.get("MORE_JAVA_OPTIONS", "")
    builder = SparkSession.builder.master(master).appName("sessions")
    for key, value in options.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    try:
        return main(job, *JOBS[job], [word for one in settings for word in ("--set", one)])
    finally:
        session.stop()


if __name__ == "__main__":
    os.environ |= environment(REPOSITORY)
    runs = json.loads(sys.argv[1])
    sys.exit(max(run(each["master"], each["conf"], each["set"], each.get("job", "pipeline")) for each in runs))
