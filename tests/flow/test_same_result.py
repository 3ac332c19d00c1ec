"""The tables do not depend on cores, partitions, the order of the archives, the time zone or the locale."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark


@pytest.mark.parametrize(
    "cores, partitions, odd", [(1, 1, False), (4, 64, True)], ids=["one core", "four cores, Tokyo, Turkish"]
)
def test_content_of_every_table_is_the_same(
    submit: Any, sample: Any, reference: Path, content: Any, tmp_path: Path, cores: int, partitions: int, odd: bool
) -> None:
    archives = sorted(str(path) for path in sample[0].glob("*.tar.zst"))
    uris = ",".join(reversed(archives)) if odd else str(sample[0])
    conf = [f"spark.sql.shuffle.partitions={partitions}", f"spark.default.parallelism={partitions}"]
    if odd:
        conf += [
            "spark.sql.session.timeZone=Asia/Tokyo", "spark.sql.execution.arrow.maxRecordsPerBatch=37",
            "spark.driver.extraJavaOptions=-Duser.timezone=Asia/Tokyo -Duser.language=tr -Duser.country=TR",
        ]  # fmt: skip
    env = {"TZ": "Asia/Tokyo", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"} if odd else {}
    done = submit(
        "pipeline", "--set", f"storage.root={tmp_path}", "--set", f"sources.acousticbrainz.uris={uris}",
        master=f"local[{cores},4]", conf=tuple(conf), env=env,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert content(tmp_path) == content(reference)
