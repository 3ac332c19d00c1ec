"""Starts PySpark's worker daemon without the archives that Spark puts on its module path.

Before every task a worker has Python look for new modules, for which Python 3.11 reads the directory of each archive on
the path again: the jar of Spark's core and pyspark.zip: 0.15 s of CPU. Python 3.12 reads none (gh-103200). The
installed pyspark is the same code, compiled. Named by `spark.python.daemon.module` in conf/spark/local.conf.
"""

import runpy
import sys

if __name__ == "__main__":
    for archive in [entry for entry in sys.path if entry.endswith((".jar", "/pyspark.zip"))]:
        sys.path.remove(archive)
        sys.path_importer_cache.pop(archive, None)
    # Tasks import the package anew, from the zip that the job brought.
    del sys.modules["soundalike"]
    runpy.run_module("pyspark.daemon", run_name="__main__", alter_sys=True)
