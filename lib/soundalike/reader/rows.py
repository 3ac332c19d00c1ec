"""The values a reader hands out: plain frozen rows, no Arrow and no Delta in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

# input = the sum of these: every record that went in is found again in exactly one of them.
PARTS = ("duplicates", "missing", "undated_dropped", "no_artist", "kept")


class Neighbor(NamedTuple):
    """One entry of a list. `similarity` is a cosine in -1…1, not rounded."""

    neighbor_id: str
    similarity: float


class Pair(NamedTuple):
    """One entry of a list in the pair form. `rank` starts at 1."""

    scope: str
    block: str
    track_id: str
    rank: int
    neighbor_id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class NeighborList:
    """The neighbors of one track in one block, nearest first; empty = nobody else is there to list."""

    scope: str
    block: str
    track_id: str
    neighbors: tuple[Neighbor, ...]
    inherited: bool
    method: str
    run_id: str
    model_version: str


@dataclass(frozen=True, slots=True)
class Track:
    """One row of `gold/tracks`; None = not known, `genres` is empty when there is none."""

    track_id: str
    source: str
    title: str
    artist: str | None
    album: str | None
    release_year: int | None
    release_decade: int | None
    genres: tuple[str, ...]
    duration_s: float | None
    is_trusted: bool
    popularity: int | None
    recording_key: str


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """The counters of one source under one profile, as `operations/ledger` holds them."""

    source: str
    profile: str
    rules_version: str
    counters: Mapping[str, int]

    @property
    def absent(self) -> tuple[str, ...]:
        """Terms of the identity `input = duplicates + … + kept` that this source does not count."""
        return tuple(name for name in ("input", *PARTS) if name not in self.counters)

    @property
    def difference(self) -> int:
        """input less the sum of its parts: 0 = the identity closes.

        Raises:
            KeyError: a term is absent.
        """
        return self.counters["input"] - sum(self.counters[name] for name in PARTS)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What one run counted; `entries` are ordered by source and profile."""

    run_id: str
    entries: tuple[LedgerEntry, ...]
