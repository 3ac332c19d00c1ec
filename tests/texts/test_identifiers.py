"""MBIDs, member names, MD5 sums and archive names."""

import pytest

from soundalike.texts.identifiers import ArchiveName, archive_name, mbid, md5, member_key

MBID = "62c2e20a-559e-422f-a44c-9afa7882f0c4"
FOLDER = "acousticbrainz-highlevel-json-20220623/highlevel/62/c"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MBID, MBID),
        (MBID.upper(), MBID),
        ("62C2e20a-559E-422f-a44c-9AFA7882f0c4", MBID),
        (f" {MBID}\n", MBID),
        (f"\u00a0{MBID}\u3000", MBID),
        (None, None),
        ("", None),
        ("   ", None),
        (f"{{{MBID}}}", None),
        (f"urn:uuid:{MBID}", None),
        (MBID.replace("-", ""), None),
        (MBID[:-1], None),
        (MBID + "0", None),
        (MBID[:-1] + "g", None),
        (MBID[:-1] + "\uff14", None),  # hex digits are ASCII
        (MBID.replace("-", "\u2010"), None),
        ("62c2e20a559e-422f-a44c-9afa7882f0c4-", None),
        (f"{MBID}/{MBID}", None),
        (f"{MBID} {MBID}", None),
    ],
)
def test_mbid(text, expected):
    assert mbid(text) == expected


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        (f"{FOLDER}/{MBID}-0.json", (MBID, 0)),
        (f"{FOLDER}/{MBID}-1269.json", (MBID, 1269)),
        (f"acousticbrainz-highlevel-sample-json-20220623/highlevel/62/c/{MBID}-7.json", (MBID, 7)),
        (f"{MBID}-0.json", (MBID, 0)),  # whatever its folder
        (f"/{MBID}-0.json", (MBID, 0)),
        (f"{FOLDER}/{MBID.upper()}-3.json", (MBID, 3)),
        (f"{FOLDER}/{MBID}-2147483647.json", (MBID, 2147483647)),
        (f"{FOLDER}/{MBID}-2147483648.json", (None, None)),
        (f"{FOLDER}/{MBID}-99999999999999999999.json", (None, None)),
        (f"{FOLDER}/{MBID}-00.json", (None, None)),
        (f"{FOLDER}/{MBID}-07.json", (None, None)),
        (f"{FOLDER}/{MBID}--1.json", (None, None)),
        (f"{FOLDER}/{MBID}-+1.json", (None, None)),
        (f"{FOLDER}/{MBID}-1_0.json", (None, None)),
        (f"{FOLDER}/{MBID}-1.0.json", (None, None)),
        (f"{FOLDER}/{MBID}-\uff11.json", (None, None)),
        (f"{FOLDER}/{MBID}-.json", (None, None)),
        (f"{FOLDER}/{MBID}.json", (None, None)),
        (f"{FOLDER}/{MBID}-0.json\n", (None, None)),
        (f"{FOLDER}/{MBID}-0.JSON", (None, None)),
        (f"{FOLDER}/{MBID}-0xjson", (None, None)),
        (f"{FOLDER}/{MBID}-0.json.gz", (None, None)),
        (f"{FOLDER}/x{MBID}-0.json", (None, None)),
        (f"{FOLDER}/{{{MBID}}}-0.json", (None, None)),
        (f"{FOLDER}/{MBID}-0.json/", (None, None)),
        (f"{MBID}-0.json/readme.json", (None, None)),
        ("acousticbrainz-highlevel-json-20220623/COPYING", (None, None)),
        ("", (None, None)),
    ],
)
def test_member_key(member, expected):
    assert member_key(member) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0cc175b9c0f1b6a831c399e269772661", "ok"),
        ("0CC175B9C0F1B6A831C399E269772661", "ok"),
        ("d41d8cd98f00b204e9800998ecf8427e", "reserved"),
        ("D41D8CD98F00B204E9800998ECF8427E", "reserved"),
        (None, "absent"),
        ("", "absent"),
        (" \t", "absent"),
        ("0cc175b9c0f1b6a831c399e26977266", "malformed"),
        ("0cc175b9c0f1b6a831c399e2697726610", "malformed"),
        ("0cc175b9c0f1b6a831c399e26977266g", "malformed"),
        ("0cc175b9c0f1b6a831c399e269772661\n", "malformed"),
        ("0cc175b9c0f1b6a831c399e26977266\uff11", "malformed"),
        ("n/a", "malformed"),
    ],
)
def test_md5(text, expected):
    assert md5(text) == expected


FULL = "acousticbrainz-highlevel-json-20220623"
SAMPLE = "acousticbrainz-highlevel-sample-json-20220623"
LOW = "acousticbrainz-lowlevel-json-20220623"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (f"{FULL}-0.tar.zst", ArchiveName(0, FULL, "full", "20220623")),
        (f"{FULL}-12.tar.zst", ArchiveName(12, FULL, "full", "20220623")),
        (f"{FULL}-29.tar.zst", ArchiveName(29, FULL, "full", "20220623")),
        (f"{SAMPLE}-0.tar.zst", ArchiveName(0, SAMPLE, "sample", "20220623")),
        ("acousticbrainz-highlevel-json-20150130-3.tar.zst", ArchiveName(
            3, "acousticbrainz-highlevel-json-20150130", "full", "20150130")),
        (f"{FULL}-real13.tar.zst", ArchiveName(None, FULL, "full", "20220623")),
        (f"{LOW}-real62.tar.zst", ArchiveName(None, LOW, "full", "20220623")),
        (f"{FULL}.tar.zst", ArchiveName(None, FULL, "full", "20220623")),  # a date is no number
        (f"{FULL}-20220623.tar.zst", ArchiveName(20220623, FULL, "full", "20220623")),
        (f"{FULL}-2147483647.tar.zst", ArchiveName(2147483647, FULL, "full", "20220623")),
        (f"{FULL}-2147483648.tar.zst", ArchiveName(None, FULL, "full", "20220623")),
        (f"{FULL}-\uff11.tar.zst", ArchiveName(None, FULL, "full", "20220623")),
        ("part-3.tar.zst", ArchiveName(3, None, None, None)),
        ("3.tar.zst", ArchiveName(3, None, None, None)),
        ("part3.tar.zst", ArchiveName(None, None, None, None)),
        (f"copy-of-{FULL}-3.tar.zst", ArchiveName(3, None, None, None)),
        ("acousticbrainz-highlevel-json-2022-3.tar.zst", ArchiveName(3, None, None, None)),
        ("acousticbrainz-highlevel-json-202206231.tar.zst", ArchiveName(202206231, None, None, None)),
        (f"{FULL}-3.tar.gz", ArchiveName(None, None, None, None)),
        (f"{FULL}-3.tar.zst.part", ArchiveName(None, None, None, None)),
        ("sha256sums", ArchiveName(None, None, None, None)),
        ("", ArchiveName(None, None, None, None)),
    ],
)  # fmt: skip
def test_archive_name(name, expected):
    assert archive_name(name) == expected
