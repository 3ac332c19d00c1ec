"""What the commits of a Delta table say, read from its log by the protocol: one JSON file per version."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from soundalike.errors import SoundalikeError


@dataclass(frozen=True)
class Mark:
    """Who wrote a commit and from what: its `userMetadata`.

    Two equal marks mean the same rows, so a stage whose table carries the mark is done. `details` (what the writer
    wants to be remembered: warnings, counts) take no part in that comparison.
    """

    run_id: str
    stage: str
    settings_hash: str
    code_version: str
    inputs: dict[str, int] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def of_stage(self, stage: str) -> "Mark":
        return replace(self, stage=stage)

    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    def matches(self, found: dict[str, Any]) -> bool:
        ours = json.loads(self.text())
        return all(found.get(name) == value for name, value in ours.items() if name != "details")


class CommitLog:
    """The commits of the Delta table at `path` (an absolute Hadoop path)."""

    def __init__(self, spark: SparkSession, path: str) -> None:
        jvm: Any = spark._jvm
        self._jvm = jvm
        self._folder = jvm.org.apache.hadoop.fs.Path(f"{path}/_delta_log")
        self._fs = self._folder.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())

    def versions(self) -> list[int]:
        """Versions whose commit file is there, ascending; empty = no table."""
        try:
            found = self._fs.listStatus(self._folder)
        except Py4JJavaError as error:
            if "FileNotFoundException" in error.java_exception.getClass().getName():
                return []
            raise
        names = [status.getPath().getName() for status in found]
        return sorted(int(name[:-5]) for name in names if name.endswith(".json") and name[:-5].isdigit())

    def actions(self, version: int) -> list[dict[str, Any]]:
        stream = self._fs.open(self._jvm.org.apache.hadoop.fs.Path(self._folder, f"{version:020d}.json"))
        try:
            text = self._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
        finally:
            stream.close()
        return [json.loads(line) for line in text.splitlines() if line]

    def mark(self, version: int) -> dict[str, Any]:
        """The mark of one commit; empty for a commit that carries none."""
        for action in self.actions(version):
            if "commitInfo" in action:
                try:
                    found = json.loads(action["commitInfo"].get("userMetadata") or "{}")
                except ValueError:
                    return {}
                return found if isinstance(found, dict) else {}
        return {}

    def assert_readable_everywhere(self, version: int, name: str) -> None:
        """Raises if this commit lifts the table above reader 1, writer 3."""
        for action in self.actions(version):
            protocol = action.get("protocol")
            if protocol and (protocol["minReaderVersion"] > 1 or protocol["minWriterVersion"] > 3):
                found = f"reader {protocol['minReaderVersion']}, writer {protocol['minWriterVersion']}"
                raise SoundalikeError(
                    f"table {name} would need Delta protocol {found}, expected reader 1 and at most writer 3; "
                    "use a Delta build that honors the table properties of the contract"
                )
