"""Where tables live and how they are written: the only paths and the only writes.

A table that breaks its contract is never published.
"""

import threading
import zlib
from collections.abc import Sequence
from typing import Any

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from soundalike.contracts.table import Table
from soundalike.errors import SoundalikeError
from soundalike.settings import StorageSettings
from soundalike.storage.commits import CommitLog, Mark
from soundalike.storage.root import check_writable

# Any reader opens protocol (1,2): none of these features may creep in by a platform's defaults.
_PLAIN = {
    "delta.enableDeletionVectors": "false",
    "delta.checkpointPolicy": "classic",
    "delta.columnMapping.mode": "none",
    # Point reads prune to one row group: small groups, sorted by key.
    "parquet.block.row.count.limit": "10000",
}


class Store:
    """Delta tables below `storage.root` (bronze below `storage.bronze_root`)."""

    def __init__(self, spark: SparkSession, settings: StorageSettings, stamps: dict[str, str] | None = None) -> None:
        """`stamps`: table properties `soundalike.*` of every table but bronze, which belongs to no profile."""
        self.spark = spark
        self.stamps = stamps or {}
        self.written: dict[str, int] = {}  # newest version by table, of what was written since it was cleared
        self._writing = threading.Lock()
        self._known: set[str] = set()  # tables that were found to be of their contract
        self.root = self._absolute(settings.root)
        self.bronze_root = self._absolute(settings.bronze_root) if settings.bronze_root else self.root
        check_writable(spark, self.root, "storage.root")
        if self.bronze_root != self.root:
            check_writable(spark, self.bronze_root, "storage.bronze_root")

    def _absolute(self, path: str) -> str:
        # Everywhere but on EMR the s3 scheme has no file system; S3A serves s3a:// on EMR too.
        path = "s3a://" + path[5:] if path.startswith("s3://") else path
        folder = self._hadoop_path(path)
        return str(folder.getFileSystem(self._hadoop()).makeQualified(folder).toString()).rstrip("/")

    def _hadoop(self) -> Any:
        return self.spark.sparkContext._jsc.hadoopConfiguration()

    def _hadoop_path(self, path: str) -> Any:
        jvm: Any = self.spark._jvm
        return jvm.org.apache.hadoop.fs.Path(path)

    def path(self, table: Table) -> str:
        root = self.bronze_root if table.name.startswith("bronze/") else self.root
        return f"{root}/{table.name}"

    # --- reading -----------------------------------------------------------------------------------------------------

    def log(self, table: Table) -> CommitLog:
        return CommitLog(self.spark, self.path(table))

    def exists(self, table: Table) -> bool:
        return bool(self.log(table).versions())

    def version(self, table: Table) -> int:
        """Newest version. Raises if the table is missing."""
        versions = self.log(table).versions()
        if not versions:
            raise SoundalikeError(f"table {table.name} is missing at {self.path(table)}; run the job that writes it")
        return versions[-1]

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """The newest version, or that one, with the contract's columns in order.

        Raises:
            SoundalikeError: it is missing or breaks the contract.
        """
        newest = self.version(table)
        if table.is_staged:
            return self._files_of_commit(table, newest)
        return self._of_contract(table, version).select(*table.column_names)

    def _files_of_commit(self, table: Table, version: int) -> DataFrame:
        """The files of a staged table, all of one commit: Delta itself would plan and run a job for each read."""
        added = [action["add"]["path"] for action in self.log(table).actions(version) if "add" in action]
        schema = ", ".join(f"`{column.name}` {column.type}" for column in table.columns)
        if not added:
            return self.spark.createDataFrame([], schema)
        return self.spark.read.schema(schema).parquet(*(f"{self.path(table)}/{path}" for path in added))

    def _of_contract(self, table: Table, version: int | None = None) -> DataFrame:
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        rows = reader.load(self.path(table))
        wrong = table.differences([(name, kind) for name, kind in rows.dtypes])
        if wrong:
            raise SoundalikeError(
                f"table {table.name} at {self.path(table)} is not of this version's contract: {'; '.join(wrong)}; "
                "use another storage.root or rebuild the table"
            )
        self._known.add(table.name)
        return rows

    def marks(self, table: Table) -> list[dict[str, Any]]:
        """The marks of all commits, oldest first; commits without one are left out."""
        log = self.log(table)
        return [mark for mark in map(log.mark, log.versions()) if mark]

    def holds(self, table: Table, mark: Mark) -> bool:
        """Whether the table's last commit carries `mark`: the stage that writes it is done."""
        log = self.log(table)
        versions = log.versions()
        return bool(versions) and mark.matches(log.mark(versions[-1]))

    def read_own(self, path: str, setting: str = "neighbors.vectors") -> tuple[DataFrame, int]:
        """A user's own Delta or Parquet table, named by `setting`, and a number that changes when the table does."""
        path = self._absolute(path)
        versions = CommitLog(self.spark, path).versions()
        if versions:
            return self.spark.read.format("delta").option("versionAsOf", versions[-1]).load(path), versions[-1]
        try:
            rows = self.spark.read.parquet(path)
        except AnalysisException as error:
            raise SoundalikeError(f"{path} is neither a Delta nor a Parquet table; check {setting}") from error
        listing = sorted(
            (status.getPath().toString(), status.getLen(), status.getModificationTime()) for status in self._files(path)
        )
        return rows, zlib.crc32(repr(listing).encode())

    def _files(self, path: str) -> list[Any]:
        folder = self._hadoop_path(path)
        found, files = [], folder.getFileSystem(self._hadoop()).listFiles(folder, True)
        while files.hasNext():
            found.append(files.next())
        return found

    # --- writing -----------------------------------------------------------------------------------------------------

    def replace(
        self, table: Table, rows: DataFrame, mark: Mark, where: str | None = None, in_order: bool = False
    ) -> int:
        """One atomic commit: all rows, or those that `where` selects, are replaced. Returns the new version.

        `in_order`: the partitions of `rows` are ranges of the table's order already, and sorted.
        """
        rows = self._checked(table, rows, in_order)
        if table.is_staged:
            # The commit of the rows may make the table: nobody looks at it as one. It is read file by file, so that
            # statistics in its log would serve nobody.
            writer = rows.write.format("delta").mode("overwrite").option("userMetadata", mark.text())
            return self._commit(table, writer.option("delta.dataSkippingNumIndexedCols", "0"))
        # An empty table needs no search for the rows to replace.
        fresh = self.ensure(table)
        writer = rows.write.format("delta").mode("append" if fresh else "overwrite").option("userMetadata", mark.text())
        if where and not fresh:
            writer = writer.option("replaceWhere", where)
        return self._commit(table, writer)

    def append(self, table: Table, rows: DataFrame, mark: Mark, transaction: str | None = None) -> int:
        """One atomic commit that adds rows. A `transaction` that was committed before adds nothing."""
        writer = self._checked(table, rows).write.format("delta").mode("append").option("userMetadata", mark.text())
        self.ensure(table)
        if transaction:
            writer = writer.option("txnAppId", transaction).option("txnVersion", "1")
        return self._commit(table, writer)

    def _checked(self, table: Table, rows: DataFrame, in_order: bool = False) -> DataFrame:
        expected = [(column.name, column.type) for column in table.columns]
        if rows.dtypes != expected:
            wrong = "; ".join(table.differences(rows.dtypes)) or "further columns follow"
            raise SoundalikeError(f"rows for table {table.name} break its contract: {wrong}; nothing was written")
        if table.sort_by and not in_order:
            rows = rows.repartitionByRange(*table.sort_by).sortWithinPartitions(*table.sort_by)
        return rows

    def _commit(self, table: Table, writer: Any) -> int:
        if not table.is_staged:
            self._stamp(table)
        # Staged rows are numbers without patterns, read once; published ones take half the room of Spark's default.
        writer = writer.option("compression", "none" if table.is_staged else "zstd")
        if table.partition_by:
            writer = writer.partitionBy(*table.partition_by)
        writer.save(self.path(table))
        version = self.version(table)
        if not table.is_staged:
            # Appends of several threads end in any order: the newest stays.
            with self._writing:
                self.written[table.name] = max(version, self.written.get(table.name, version))
        self.log(table).assert_readable_everywhere(version, table.name)
        return version

    def ensure(self, table: Table) -> bool:
        """Creates the table, empty, if it is missing; whether it is still empty since.

        Raises:
            SoundalikeError: what is there breaks the contract, or is no Delta table.
        """
        versions = self.log(table).versions()
        if versions:
            if table.name not in self._known:
                self._of_contract(table)
            return versions == [0]
        folder = self._hadoop_path(self.path(table))
        files = folder.getFileSystem(self._hadoop())
        if files.exists(folder) and files.listStatus(folder):
            raise SoundalikeError(
                f"table {table.name}: {self.path(table)} holds files that are no Delta table; "
                "use another storage.root or clear the folder"
            )

        def quoted(text: str) -> str:
            return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

        columns = ", ".join(
            f"`{c.name}` {c.type}{'' if c.nullable else ' NOT NULL'} COMMENT {quoted(c.meaning)}" for c in table.columns
        )
        partitioned = f" PARTITIONED BY ({', '.join(table.partition_by)})" if table.partition_by else ""
        stated = _PLAIN | dict(table.properties) | self._stamps_of(table)
        properties = ", ".join(f"{quoted(k)} = {quoted(v)}" for k, v in stated.items())
        self.spark.sql(
            f"CREATE TABLE IF NOT EXISTS delta.`{self.path(table)}` ({columns}) USING delta{partitioned} "
            f"COMMENT {quoted(table.about)} TBLPROPERTIES ({properties})"
        )
        self.log(table).assert_readable_everywhere(0, table.name)
        return True

    def assert_same(self, table: Table, rows: DataFrame, part: str, parts: Sequence[str]) -> int:
        """Counts and hashes the published `parts` (values of column `part`) against `rows`; returns the count.

        Raises:
            SoundalikeError: a part differs.
        """
        published = content_hashes(self.read(table).where(F.col(part).isin(*parts)), part)
        staged = content_hashes(rows, part)
        for value in parts:
            found, expected = published.get(value, (0, 0)), staged.get(value, (0, 0))
            if found != expected:
                raise SoundalikeError(
                    f"table {table.name} where {part} is {value} holds {found[0]} rows (hash {found[1]}), "
                    f"staged were {expected[0]} (hash {expected[1]}); restore the version before and run again"
                )
        return sum(count for count, _ in staged.values())

    def _stamps_of(self, table: Table) -> dict[str, str]:
        return {} if table.name.startswith("bronze/") else self.stamps

    def _stamp(self, table: Table) -> None:
        """Brings the properties up to date, before the commit of the rows that they speak of."""
        expected = self._stamps_of(table)
        if not expected:
            return
        rows = self.spark.sql(f"SHOW TBLPROPERTIES delta.`{self.path(table)}`").collect()
        found = {row["key"]: row["value"] for row in rows}
        if expected.items() <= found.items():
            return
        stated = ", ".join(f"'{key}' = '{value}'" for key, value in expected.items())
        self.spark.sql(f"ALTER TABLE delta.`{self.path(table)}` SET TBLPROPERTIES ({stated})")

    # --- staging -----------------------------------------------------------------------------------------------------

    def stage(self, rows: DataFrame, name: str, bronze: bool = False) -> DataFrame:
        """Rows written below `_staging` as Parquet and read back: each is computed once, nothing is published."""
        path = self._staging(name, bronze)
        rows.write.mode("overwrite").option("compression", "zstd").option("maxRecordsPerFile", 20_000).parquet(path)
        return self.spark.read.parquet(path)

    def unstage(self, name: str, bronze: bool = False) -> None:
        self._delete(self._staging(name, bronze))

    def drop(self, table: Table) -> None:
        """Deletes a staged table. Published ones are only ever replaced."""
        assert table.is_staged, table.name
        self._delete(self.path(table))

    def _delete(self, path: str) -> None:
        folder = self._hadoop_path(path)
        folder.getFileSystem(self._hadoop()).delete(folder, True)

    def _staging(self, name: str, bronze: bool) -> str:
        return f"{self.bronze_root if bronze else self.root}/_staging/{name}"


def content_hashes(rows: DataFrame, part: str) -> dict[str, tuple[int, int]]:
    """Value of `part` -> rows and a hash of their content that depends on neither order nor partitions."""
    hashed = rows.groupBy(part).agg(
        F.count(F.lit(1)).alias("rows"), F.sum(F.xxhash64(*rows.columns).cast("decimal(38,0)")).alias("hash")
    )
    return {row[part]: (int(row["rows"]), int(row["hash"])) for row in hashed.collect()}
