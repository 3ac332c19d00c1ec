"""The only Spark session. Spark's own options come from `conf/spark/*.conf` by spark-submit; none is set here."""

from pyspark.sql import SparkSession

from soundalike.settings import Settings


def open_session(name: str) -> tuple[SparkSession, bool]:
    """The session of this process, and whether it was opened here (and so has to be closed by the caller)."""
    active = SparkSession.getActiveSession()
    if active is not None:
        return active, False
    return SparkSession.builder.appName(f"soundalike {name}").getOrCreate(), True


def point_at_object_store(spark: SparkSession, settings: Settings) -> None:
    """Tells Hadoop's S3A which endpoint the settings name. Credentials stay with the standard provider chain."""
    s3 = settings.storage.s3
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    if s3.endpoint:
        hadoop.set("fs.s3a.endpoint", s3.endpoint)
        hadoop.set("fs.s3a.connection.ssl.enabled", str(s3.endpoint.startswith("https:")).lower())
    if s3.region or s3.endpoint:
        hadoop.set("fs.s3a.endpoint.region", s3.region or "us-east-1")
    if s3.path_style:
        hadoop.set("fs.s3a.path.style.access", "true")
