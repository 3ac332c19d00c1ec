"""Which slices a run reads: those of the dataset's folder, of its `data/` folder, or of the zip."""

import re
import zipfile
import zlib
from dataclasses import dataclass
from itertools import pairwise

from soundalike.errors import SoundalikeError
from soundalike.sources.files import ObjectStore, is_file, is_folder, list_below, open_by_ranges, read_bytes
from soundalike.sources.mpd.published import STATISTICS, Lists, parse_lists

DIGESTS = "md5sums"
_BESIDE = (DIGESTS, STATISTICS)
CHUNK_BYTES = 4 * 2**20
_SLICE = re.compile(r"mpd\.slice\.([0-9]{1,15})-([0-9]{1,15})\.json")
_DIGEST_LINE = re.compile(r"([0-9A-Fa-f]{32}) [ *](.+)")


@dataclass(frozen=True)
class Slice:
    """One slice: the file or the zip that holds it, its pids by its name, its size in bytes, the digest of md5sums.

    `member` is its path inside the zip; None = `uri` is the slice itself.
    """

    uri: str
    member: str | None
    name: str
    first: int
    last: int
    size: int
    md5: str | None


@dataclass(frozen=True)
class Dataset:
    """`name` is the base name of zip or folder; `slices` stand by first pid; `skipped` counts files that are none.

    `lists` are those of its stats.txt, empty without one.
    """

    name: str
    slices: tuple[Slice, ...]
    skipped: int
    lists: Lists


def list_dataset(uri: str, store: ObjectStore) -> Dataset:
    """The slices at `uri`, wherever they stand below it.

    Raises:
        SoundalikeError: nothing there, a file that is no zip, no slices, two slices with one first pid.
    """
    uri = uri.rstrip("/")
    if is_file(uri, store):
        zipped = True
        found, texts = _in_zip(uri, store)
    elif is_folder(uri, store):
        zipped = False
        found, texts = _in_folder(uri, store)
    else:
        raise SoundalikeError(f"no playlists found at {uri}: there is no such file or folder; check sources.mpd.uri")
    digests = parse_digests(texts.get(DIGESTS, b""))
    slices = []
    for path, size in found.items():
        name = _base(path)
        if numbers := _SLICE.fullmatch(name):
            first, last = map(int, numbers.groups())
            place, member = (uri, path) if zipped else (f"{uri}/{path}", None)
            slices.append(Slice(place, member, name, first, last, size, digests.get(name)))
    if not slices:
        raise SoundalikeError(
            f"no slices found at {uri}: expected files named mpd.slice.<first>-<last>.json; check sources.mpd.uri"
        )
    slices.sort(key=lambda each: (each.first, each.last, each.name))
    for one, other in pairwise(slices):
        if one.first == other.first:
            raise SoundalikeError(
                f"{uri} holds two slices that start at {one.first} ({one.name}, {other.name}); "
                "the first pid is part of the key of the playlists, so remove one"
            )
    lists = parse_lists(texts.get(STATISTICS, b""))
    return Dataset(_base(uri), tuple(slices), len(found) - len(slices), lists)


def parse_digests(content: bytes) -> dict[str, str]:
    """Slice name -> md5 from coreutils lines (`<32 hex><blank><blank or *><path>`); other lines are ignored."""
    lines = content.decode("utf-8", errors="replace").splitlines()
    return {_base(m[2].strip()): m[1].lower() for line in lines if (m := _DIGEST_LINE.fullmatch(line))}


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _in_zip(uri: str, store: ObjectStore) -> tuple[dict[str, int], dict[str, bytes]]:
    try:
        with open_by_ranges(uri, store, CHUNK_BYTES) as file, zipfile.ZipFile(file) as zipped:
            found = {info.filename: info.file_size for info in zipped.infolist() if not info.is_dir()}
            return found, {_base(path): zipped.read(path) for path in found if _base(path) in _BESIDE}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise SoundalikeError(
            f"{uri} is no readable zip ({error}); sources.mpd.uri takes a folder with slices, or their zip"
        ) from error


def _in_folder(uri: str, store: ObjectStore) -> tuple[dict[str, int], dict[str, bytes]]:
    found = list_below(uri, store)
    places = {_base(path): f"{uri}/{path}" for path in found if _base(path) in _BESIDE}
    if _base(uri) == "data":
        # Somebody who names data/ has these files beside it.
        folder = uri.rpartition("/")[0]
        beside = {name: f"{folder}/{name}" for name in _BESIDE if name not in places}
        places |= {name: place for name, place in beside.items() if is_file(place, store)}
    return found, {name: read_bytes(place, store) for name, place in places.items()}
