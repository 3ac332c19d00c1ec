"""Whether a folder can be written, found out before any work is done, and said in one line if not."""

import uuid
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from soundalike.errors import SoundalikeError


def check_writable(spark: SparkSession, root: str, setting: str) -> None:
    """Writes and deletes a small file below `root`.

    Raises:
        SoundalikeError: there are no credentials, there is no such bucket, or the file cannot be written.
    """
    jvm: Any = spark._jvm
    probe = jvm.org.apache.hadoop.fs.Path(f"{root}/_staging/probe-{uuid.uuid4().hex}")
    try:
        files = probe.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())
        files.create(probe, True).close()
        files.delete(probe, False)
    except Py4JJavaError as error:
        raise SoundalikeError(f"{setting} {root}: {_reason(root, error.java_exception)}") from error


def _reason(root: str, exception: Any) -> str:
    """What went wrong and what to do, from a Java exception and its causes."""
    causes = []
    while exception is not None:
        causes.append((exception.getClass().getSimpleName(), str(exception.getMessage()).splitlines()[0]))
        exception = exception.getCause()
    names = {name for name, _ in causes}
    if names & {"NoAuthWithAWSException", "CredentialInitializationException"}:
        return "no S3 credentials were found; give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the machine a role"
    if names & {"UnknownStoreException", "NoSuchBucketException"}:
        return f"bucket {root.split('/')[2]} does not exist; make it, or check the name and storage.s3.endpoint"
    return f"it cannot be written ({causes[-1][1]}); check the path and your rights"
