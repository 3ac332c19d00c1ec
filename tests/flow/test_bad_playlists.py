"""Bad playlists: one line that says what is wrong and what to do; a broken slice contributes nothing."""

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from soundalike.samples.playlists import playlist, slice_bytes, slice_name


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_no_source(ingest_playlists: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ingest_playlists(tmp_path / "tables", "") == 2
    assert last_line(capsys) == (
        "ingest_mpd: setting 'sources.mpd.uri' is empty; give the dataset's folder, its data/ folder or the zip"
    )


def test_a_zip_that_is_none(ingest_playlists: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mpd.zip").write_bytes(b"<html>not found</html>" * 9)
    assert ingest_playlists(tmp_path / "tables", tmp_path / "mpd.zip") == 1
    assert last_line(capsys) == (
        f"ingest_mpd: {tmp_path}/mpd.zip is no readable zip (File is not a zip file); "
        "sources.mpd.uri takes a folder with slices, or their zip"
    )


@pytest.mark.spark
def test_wrong_digest(
    spark: Any, ingest_playlists: Any, rows: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = {first: slice_bytes(first, first, [playlist(first, [0, 12, 24, 36, 48])]) for first in (0, 1)}
    with zipfile.ZipFile(tmp_path / "mpd.zip", "w") as archive:
        for first, content in parts.items():
            archive.writestr(f"data/{slice_name(first, first)}", content)
        archive.writestr("md5sums", f"{hashlib.md5(parts[0]).hexdigest()}  data/{slice_name(0, 0)}\n"
                                    f"{'0' * 32}  data/{slice_name(1, 1)}\n")  # fmt: skip
    root = tmp_path / "tables"
    found = f"md5 {hashlib.md5(parts[1]).hexdigest()}, md5sums says {'0' * 32}"
    assert ingest_playlists(root, tmp_path / "mpd.zip") == 1
    assert last_line(capsys) == (
        f"ingest_mpd: {tmp_path}/mpd.zip: mpd.slice.1-1.json has {found}; nothing of it was committed, "
        "download it again or set mpd.allow_incomplete=true"
    )
    assert [r["pid"] for r in rows(root, "bronze/mpd_playlists")] == [0]
    assert ingest_playlists(root, tmp_path / "mpd.zip", "mpd.allow_incomplete=true") == 0
    assert [r["pid"] for r in rows(root, "silver/mpd_playlists")] == [0]
    (reject,) = rows(root, "silver/rejects")
    assert (reject["rule"], reject["archive"], reject["member"], reject["detail"]) == (
        "slice_md5", "mpd.zip", "mpd.slice.1-1.json", found,
    )  # fmt: skip
    ledger = {r["counter"]: r["value"] for r in rows(root, "operations/ledger")}
    assert (ledger["slices_input"], ledger["slices_kept"], ledger["slices_rejected"], ledger["slice_md5"]) == (
        2,
        1,
        1,
        1,
    )
