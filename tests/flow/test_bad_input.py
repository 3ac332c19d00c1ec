"""Bad input: one line that names what is wrong, what was expected and what to do; the tables stay as they were."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from jobs.ingest_acousticbrainz import ingest_acousticbrainz, inputs, required_inputs

from soundalike.run import main

NAME = "acousticbrainz-highlevel-json-20220623-{}.tar.zst"
MBID = "11111111-1111-4111-8111-11111111111{}"


def archive(members: list[tuple[str, bytes]], cut: int | None = None) -> bytes:
    """A tar.zst of members; `cut` keeps only so many bytes of the tar."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(f"acousticbrainz-highlevel-json-20220623/highlevel/11/1/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    packed = pa.BufferOutputStream()
    with pa.CompressedOutputStream(packed, "zstd") as stream:
        stream.write(plain.getvalue()[:cut])
    return bytes(packed.getvalue())


Ingest = Callable[..., tuple[int, str]]


@pytest.fixture
def ingest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ingest:
    """Runs the job over `tmp_path / "in"`; (exit code, last line it said)."""

    def run(*settings: str) -> tuple[int, str]:
        given = [f"storage.root={tmp_path / 'tables'}", f"sources.acousticbrainz.uris={tmp_path / 'in'}", *settings]
        code = main(
            "ingest", ingest_acousticbrainz, required_inputs, [word for one in given for word in ("--set", one)]
        )
        return code, capsys.readouterr().err.strip().splitlines()[-1]

    (tmp_path / "in").mkdir()
    return run


def test_no_archives(ingest: Ingest, tmp_path: Path) -> None:
    assert ingest() == (
        1,
        f"ingest: no archives found at {tmp_path}/in: expected files named *.tar.zst; check sources.acousticbrainz.uris",
    )


def test_no_folder(ingest: Ingest, tmp_path: Path) -> None:
    assert ingest(f"sources.acousticbrainz.uris={tmp_path}/nowhere") == (
        1,
        f"ingest: no archive found at {tmp_path}/nowhere; check sources.acousticbrainz.uris",
    )


def test_no_source(ingest: Ingest) -> None:
    assert ingest("sources.acousticbrainz.uris=") == (
        2,
        "ingest: setting 'sources.acousticbrainz.uris' is empty; give the folder of the archives, or the archives by commas",
    )


def test_gap_in_the_archive_numbers(ingest: Ingest, tmp_path: Path) -> None:
    for number in (0, 2, 4):
        (tmp_path / "in" / NAME.format(number)).write_bytes(b"")
    assert ingest() == (
        1,
        f"ingest: {tmp_path}/in lacks archive 1, 3 of 0 to 4; download what is missing, "
        "or list the files by name in sources.acousticbrainz.uris",
    )


def test_two_dumps_together(ingest: Ingest, tmp_path: Path) -> None:
    for name in (NAME.format(0), "acousticbrainz-highlevel-sample-json-20220623-0.tar.zst"):
        (tmp_path / "in" / name).write_bytes(b"")
    code, line = ingest()
    assert code == 1
    assert line == (
        f"ingest: {tmp_path}/in holds archives of 2 dumps (acousticbrainz-highlevel-json-20220623, "
        "acousticbrainz-highlevel-sample-json-20220623); expected one; list the files by name in sources.acousticbrainz.uris"
    )


def test_unknown_setting(ingest: Ingest) -> None:
    assert ingest("neighbours.top_n=10") == (
        2,
        "ingest: setting 'neighbours.top_n' is unknown; the nearest is 'neighbors.top_n' (conf/settings.toml lists every setting)",
    )


def test_value_of_the_wrong_type(ingest: Ingest) -> None:
    assert ingest("neighbors.top_n=many") == (
        2,
        "ingest: setting 'neighbors.top_n' must be a whole number, found 'many'",
    )


@pytest.mark.spark
def test_wrong_digest_commits_nothing(spark: Any, ingest: Ingest, tmp_path: Path, rows: Any) -> None:
    content = archive([(f"{MBID.format(1)}-0.json", b"{}")])
    (tmp_path / "in" / NAME.format(0)).write_bytes(content)
    (tmp_path / "in/sha256sums").write_text(f"{'0' * 64}  {NAME.format(0)}\n")
    assert ingest() == (
        1,
        f"ingest: {tmp_path}/in/{NAME.format(0)} has sha256 {hashlib.sha256(content).hexdigest()}, sha256sums says {'0' * 64}; "
        "nothing of it was committed, download it again",
    )
    assert rows(tmp_path / "tables", "bronze/acousticbrainz_submissions") == []


@pytest.mark.spark
def test_archive_cut_short(spark: Any, ingest: Ingest, tmp_path: Path, rows: Any) -> None:
    members = [(f"{MBID.format(n)}-0.json", b'{"n": "' + b"x" * 2000 + b'"}') for n in (1, 2)]
    # Two headers of 512 bytes, the first document in four blocks; the second is cut in its middle.
    (tmp_path / "in" / NAME.format(0)).write_bytes(archive(members, cut=512 + 2048 + 512 + 1000))
    assert ingest() == (
        1,
        f"ingest: {tmp_path}/in/{NAME.format(0)} is cut short at member acousticbrainz-highlevel-json-20220623/highlevel/11/1/"
        f"{MBID.format(2)}-0.json (after 1 documents); nothing of it was committed, download it again or set "
        "acousticbrainz.allow_incomplete=true",
    )
    assert rows(tmp_path / "tables", "bronze/acousticbrainz_submissions") == []
    assert ingest("acousticbrainz.allow_incomplete=true")[0] == 0
    (kept,) = rows(tmp_path / "tables", "bronze/acousticbrainz_submissions")
    assert (kept["mbid_member"], kept["member_pos"]) == (MBID.format(1), 0)


@pytest.mark.spark
def test_compressed_stream_cut_short(spark: Any, ingest: Ingest, tmp_path: Path) -> None:
    content = archive(
        [(f"{MBID.format(n)}-0.json", hashlib.sha512(b"%d" % n).hexdigest().encode() * 900) for n in range(9)]
    )
    (tmp_path / "in" / NAME.format(0)).write_bytes(content[: len(content) // 2])
    code, line = ingest()
    assert code == 1
    assert line.startswith(f"ingest: {tmp_path}/in/{NAME.format(0)} is cut short at member ")


@pytest.mark.spark
def test_malformed_json_is_one_reject_and_its_neighbors_are_intact(spark: Any, tmp_path: Path, rows: Any) -> None:
    from jobs.pipeline import recordings

    members = [(f"{MBID.format(1)}-0.json", b'{"metadata": '), (f"{MBID.format(2)}-0.json", b'{"metadata": null}')]
    (tmp_path / NAME.format(0)).write_bytes(archive(members))
    argv = [
        "--set",
        f"storage.root={tmp_path}/tables",
        "--set",
        f"sources.acousticbrainz.uris={tmp_path / NAME.format(0)}",
    ]
    assert main("ingest", ingest_acousticbrainz, required_inputs, argv) == 0
    assert main("recordings", recordings, inputs, argv) == 0
    found = sorted(
        (row["member_pos"], row["rule"], row["detail"]) for row in rows(tmp_path / "tables", "silver/rejects")
    )
    assert found == [
        (0, "json_invalid", "unexpected end of data: line 1 column 14 (char 13)"),
        (1, "metadata_missing", "metadata"),
    ]
    ledger = {row["counter"]: row["value"] for row in rows(tmp_path / "tables", "operations/ledger")}
    assert (ledger["input"], ledger["json_invalid"], ledger["metadata_missing"], ledger["kept"]) == (2, 1, 1, 0)
