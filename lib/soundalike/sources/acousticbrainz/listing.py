"""Which archives a run reads: the ones of a folder (complete, of one dump) or the ones that are named."""

from collections.abc import Sequence
from dataclasses import dataclass

from soundalike.errors import SoundalikeError
from soundalike.sources.files import ObjectStore, is_folder, list_folder, read_bytes
from soundalike.texts.identifiers import archive_name

SUFFIX = ".tar.zst"
DIGESTS = "sha256sums"


@dataclass(frozen=True)
class Archive:
    """One archive: where it is, the number in its name, its size in bytes and the digest that sha256sums gives."""

    uri: str
    name: str
    archive_no: int | None
    size: int
    sha256: str | None


def list_archives(uris: Sequence[str], store: ObjectStore) -> list[Archive]:
    """Archives by number, those without a number last and by name.

    One folder = all archives in it, gap-checked; several URIs, or a file = exactly these.

    Raises:
        SoundalikeError: nothing found, a gap, two dumps together, two archives of one name.
    """
    # A prefix may end in a slash; object stores take `a//b` for another key than `a/b`.
    uris = [uri.rstrip("/") or "/" for uri in uris]
    if len(uris) == 1 and is_folder(uris[0], store):
        archives = _in_folder(uris[0], list_folder(uris[0], store), None, store)
        if not archives:
            raise SoundalikeError(
                f"no archives found at {uris[0]}: expected files named *{SUFFIX}; check sources.acousticbrainz.uris"
            )
        _check_one_dump(uris[0], archives)
        _check_gaps(uris[0], archives)
    else:
        archives = []
        for uri in uris:
            folder, slash, name = uri.rpartition("/")
            folder = folder or slash or "."
            found = list_folder(uri, store)
            if not found or is_folder(uri, store):
                raise SoundalikeError(f"no archive found at {uri}; check sources.acousticbrainz.uris")
            archives += _in_folder(folder, found | _digest_file(folder, store), name, store)
    names = [archive.name for archive in archives]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SoundalikeError(
            f"two archives are named {twice[0]}; the name is the key of the documents, so list each once"
        )
    return sorted(archives, key=lambda a: (a.archive_no is None, a.archive_no or 0, a.name))


def _digest_file(folder: str, store: ObjectStore) -> dict[str, int]:
    return {name: size for name, size in list_folder(folder, store).items() if name == DIGESTS}


def _in_folder(folder: str, found: dict[str, int], only: str | None, store: ObjectStore) -> list[Archive]:
    digests = parse_digests(read_bytes(f"{folder}/{DIGESTS}", store)) if DIGESTS in found else {}
    wanted = [name for name in found if name == only or (only is None and name.endswith(SUFFIX))]
    return [
        Archive(f"{folder.rstrip('/')}/{name}", name, archive_name(name).number, found[name], digests.get(name))
        for name in wanted
    ]


def parse_digests(content: bytes) -> dict[str, str]:
    """Archive name -> sha256 from coreutils lines (`<64 hex><blank><blank or *><name>`); other lines are ignored."""
    digests = {}
    for line in content.decode("utf-8", errors="replace").splitlines():
        digest, name = line[:64].lower(), line[66:].strip()
        if len(line) > 66 and line[64] == " " and line[65] in " *" and all(c in "0123456789abcdef" for c in digest):
            digests[name] = digest
    return digests


def _check_one_dump(uri: str, archives: list[Archive]) -> None:
    dumps = sorted({archive_name(archive.name).dump or archive.name for archive in archives})
    if len(dumps) > 1:
        raise SoundalikeError(
            f"{uri} holds archives of {len(dumps)} dumps ({', '.join(dumps)}); expected one; "
            "list the files by name in sources.acousticbrainz.uris"
        )


def _check_gaps(uri: str, archives: list[Archive]) -> None:
    numbers = {archive.archive_no for archive in archives if archive.archive_no is not None}
    missing = [number for number in range(max(numbers, default=-1) + 1) if number not in numbers]
    if missing:
        raise SoundalikeError(
            f"{uri} lacks archive {', '.join(map(str, missing))} of 0 to {max(numbers)}; "
            "download what is missing, or list the files by name in sources.acousticbrainz.uris"
        )
