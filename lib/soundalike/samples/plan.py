"""The plan of an invented dump: recordings, their submissions, and what the product must make of each."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Edit = Callable[[Json], None]
Rewrite = Callable[[bytes], bytes]

# (codec, file name ending, share, lossless, chance that the classifiers collapse)
CODECS = (
    ("mp3", "mp3", 0.46, False, 0.15),
    ("flac", "flac", 0.36, True, 0.02),
    ("vorbis", "ogg", 0.08, False, 0.15),
    ("aac", "m4a", 0.07, False, 0.15),
    ("alac", "m4a", 0.02, True, 0.02),
    ("mpc7", "mpc", 0.01, False, 0.02),
)


@dataclass(slots=True, eq=False)
class Release:
    mbid: str | None
    name: str
    year: int
    month: int
    day: int


@dataclass(slots=True, eq=False)
class Recording:
    """`artists` are (name, id), `shape` is how a submission's tags carry them; `year` None = no submission is dated."""

    mbid: str
    title: str
    credit: str
    artists: tuple[tuple[str, str], ...]
    shape: str
    genre: int
    cluster: int
    year: int | None
    releases: tuple[Release, Release]
    duration: float
    quiet: bool = True
    show: bool = False
    twin: int = -1
    submitted: int = 0


@dataclass(slots=True, eq=False)
class Submission:
    """One document and its truth. `recording` is the one its tag names, `member` and `number` stand in its name."""

    recording: Recording
    member: str
    number: int
    genre: int
    title: str
    release: Release
    codec: int
    sample_rate: bool
    md5: str
    build: int
    tags: Json
    year: int | None
    album_id: str | None
    resolved: bool
    credited: bool
    length: float
    label: str
    md5_usable: bool = True
    has_length: bool = True
    trust: str = "trusted"
    mirex: bool = True
    rule: str | None = None
    detail: str | None = None
    path: str | None = None
    odd: bool = False
    style: str = "dump"
    settings: dict[tuple[str, str], float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    rewrite: Rewrite | None = None

    def count(self, counter: str, by: int = 1) -> None:
        self.counts[counter] = self.counts.get(counter, 0) + by

    def set_output(self, model: str, label: str, value: float) -> None:
        self.settings[model, label] = value

    def collapse(self, model: str, label: str, value: float) -> None:
        self.set_output(model, label, value)
        self.trust = "collapsed"

    def undecide(self, model: str, label: str) -> None:
        self.set_output(model, label, 0.5)
        if self.trust == "trusted":
            self.trust = "undecided"


@dataclass(slots=True, eq=False)
class Copy:
    """A later copy of a member, its bytes changed by `change` (None = equal), in the same archive or in another."""

    original: Submission
    same_archive: bool
    change: Edit | None = None


@dataclass(slots=True, eq=False)
class Oddment:
    """A member that is no document: `kind` is `file`, `directory`, `symlink` or `hardlink`."""

    path: str
    kind: str
    content: bytes = b""
    target: str = ""


@dataclass(slots=True)
class Dump:
    """What goes on from round to round."""

    seed: int
    documents: int
    titles: int = 0
    twins: int = 0

    @property
    def artists(self) -> int:
        return max(40, self.documents // 15)


def pick(draw: random.Random, weights: tuple[float, ...]) -> int:
    """An index, by weight."""
    at = draw.random() * sum(weights)
    for i, weight in enumerate(weights):
        at -= weight
        if at < 0:
            return i
    return len(weights) - 1
