"""Invented playlists: the layout of the dataset, the same bytes again, and a truth that a recount confirms."""

import hashlib
import json
from pathlib import Path

from make_sample import main
from soundalike.samples.playlists import PLANTS, make_playlists


def slices(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "mpd/data").iterdir())}


def test_layout_and_digests(tmp_path: Path) -> None:
    make_playlists(tmp_path, 250, seed=3, per_slice=100)
    found = slices(tmp_path)
    assert sorted(found) == ["mpd.slice.0-99.json", "mpd.slice.100-199.json", "mpd.slice.200-249.json"]
    lines = (tmp_path / "mpd/md5sums").read_text().splitlines()
    assert lines == [f"{hashlib.md5(content).hexdigest()}  data/{name}" for name, content in found.items()]
    document = json.loads(found["mpd.slice.100-199.json"])
    assert document["info"]["slice"] == "100-199"
    assert all(content.isascii() and content.startswith(b'{\n    "info": {\n') for content in found.values())


def test_same_seed_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    made = [make_playlists(tmp_path / str(n), 120, seed) for n, seed in enumerate((1, 1, 2))]
    assert made[0] == made[1] != made[2]
    assert slices(tmp_path / "0") == slices(tmp_path / "1") != slices(tmp_path / "2")


def test_truth_is_what_a_recount_finds(tmp_path: Path) -> None:
    truth = make_playlists(tmp_path, 300, seed=5)
    (content,) = slices(tmp_path).values()
    playlists = json.loads(content)["playlists"]
    kept = [
        p for i, p in enumerate(playlists) if "modified_at" in p and p["pid"] not in [q["pid"] for q in playlists[:i]]
    ]
    entries = [
        e for p in kept for e in p["tracks"] if "album_name" in e and e["track_uri"].startswith("spotify:track:")
    ]
    assert truth["ledger"]["playlists_rejected"] == 2 and truth["ledger"]["entries_rejected"] == 2
    assert truth["statistics"]["playlists"] == len(kept) == 298
    assert truth["statistics"]["entries"] == len(entries)
    assert truth["statistics"]["unique_tracks"] == len({e["track_uri"] for e in entries})
    assert truth["statistics"]["unique_titles"] == len({p["name"] for p in kept})
    assert sum(truth["integrity"].values()) == len(PLANTS)


def test_no_playlists_leave_a_sample_as_it_was(tmp_path: Path) -> None:
    arguments = ["--documents", "60", "--archives", "1"]
    for folder, more in (("without", []), ("none", ["--playlists", "0"]), ("with", ["--playlists", "30"])):
        assert main(["--out", str(tmp_path / folder), *arguments, *more]) == 0
    without, none, with_playlists = (
        json.loads((tmp_path / f / "truth.json").read_text()) for f in ("without", "none", "with")
    )
    assert without == none and not (tmp_path / "none/mpd").exists()
    assert with_playlists["playlists"]["statistics"]["playlists"] == 30
    assert {name: value for name, value in with_playlists.items() if name != "playlists"} == without
