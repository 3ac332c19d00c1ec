"""The truth of a dump, added up from its plan round by round; nothing is read back from the archives."""

from collections import Counter
from typing import Any

from soundalike.contracts.acousticbrainz import RULES
from soundalike.samples.plan import Recording, Submission
from soundalike.samples.round import Round
from soundalike.samples.world import GENRES

COUNTERS = (
    "input", "duplicates", "missing", "no_artist", "undated_dropped", "kept", "recordings", "unresolved_artist",
    "kept_undated", "submissions_without_date", "trusted", "undecided", "collapsed", *RULES, "member_name_odd",
    "duplicate_member", "duplicate_member_conflict", "mbid_differs", "label_mismatch", "tag_variants_differ",
    "length_not_positive", "bpm_garbage", "lossless_other", "unknown_class", "model_absent", "model_invalid",
    "further_dates", "md5_reserved", "md5_malformed", "same_audio", "version_missing", "near_dup_lacking_part",
    "skipped_file", "skipped_directory", "skipped_link",
)  # fmt: skip
# Submissions that fail one of these have passed every rule that decides whether a missing date is counted.
_AFTER_DATE = ("length_missing", "genre_label_missing")
_ORDINARY_SHOWN = 100


class Truth:
    """Counters and lists of one dump; `rounds` is how many will be added."""

    def __init__(self, rounds: int) -> None:
        self.ledger = Counter({counter: 0 for counter in COUNTERS})
        self.rejects: list[dict[str, Any]] = []
        self.twins: list[list[str]] = []
        self.near_dups: list[list[str]] = []
        self.audio_dups: list[list[str]] = []
        self.no_vector: list[str] = []
        self.bridges = {"recording_artists": 0, "recording_albums": 0}
        self.recordings: dict[str, dict[str, Any]] = {}
        self.clusters: dict[str, list[str | int]] = {}
        self._every = max(1, rounds // _ORDINARY_SHOWN)
        self._quota = -(-_ORDINARY_SHOWN // rounds)

    def reject(self, archive: str, position: int, rule: str, detail: str | None) -> None:
        self.rejects.append({"archive": archive, "member_pos": position, "rule": rule, "detail": detail})
        if rule == "duplicate_member":
            self.ledger["duplicate_member"] += 1
            self.ledger["duplicate_member_conflict"] += detail == "conflict"
        else:
            self.ledger[rule] += 1
            self.ledger["missing"] += 1

    def skip(self, kind: str) -> None:
        self.ledger["skipped_link" if kind.endswith("link") else f"skipped_{kind}"] += 1

    def add(self, r: Round) -> None:
        """Count a round's submissions and recordings; rejects and skipped members are told one by one, with places."""
        ledger = self.ledger
        groups: dict[Recording, list[Submission]] = {}
        for sub in r.submissions:
            ledger["input"] += 1
            ledger["member_name_odd"] += sub.odd
            ledger["submissions_without_date"] += sub.year is None and (sub.rule is None or sub.rule in _AFTER_DATE)
            if sub.rule is None:
                groups.setdefault(sub.recording, []).append(sub)
                ledger[sub.trust] += 1
                ledger.update(sub.counts)
        quota = self._quota if r.index % self._every == 0 else 0
        for recording, subs in groups.items():
            self._count_recording(recording, subs)
            planted = recording.show and (r.index == 0 or recording.twin >= 0)
            if planted or quota > 0:
                shown = _merged(subs)
                if shown is not None:
                    quota -= not planted
                    self.recordings[recording.mbid] = shown
                    if recording.twin < 0:  # twins stand apart from every cluster
                        self.clusters[recording.mbid] = [GENRES[recording.genre], recording.cluster]
        self.twins += r.twins
        self.near_dups += r.near_dups
        self.audio_dups += r.audio_dups

    def _count_recording(self, recording: Recording, subs: list[Submission]) -> None:
        ledger = self.ledger
        ledger["recordings"] += 1
        ledger["kept"] += 1  # `keep_unresolved`: nothing is dropped for its artist or its date
        ledger["duplicates"] += len(subs) - 1
        ledger["unresolved_artist"] += not any(sub.resolved for sub in subs)
        ledger["kept_undated"] += all(sub.year is None for sub in subs)
        # Only the shape of a submission's tags differs, never whose recording it is.
        self.bridges["recording_artists"] += len(recording.artists) if any(sub.resolved for sub in subs) else 0
        self.bridges["recording_albums"] += any(sub.album_id is not None for sub in subs)
        lacking = not any(sub.credited for sub in subs) or not any(sub.has_length for sub in subs)
        ledger["near_dup_lacking_part"] += lacking
        hashes = Counter(sub.md5 for sub in subs if sub.md5_usable)
        ledger["same_audio"] += hashes.total() - len(hashes)
        if not any(sub.mirex for sub in _speaking(subs)):
            self.no_vector.append(recording.mbid)

    def as_json(self, arguments: dict[str, Any], archives: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "arguments": arguments,
            "archives": archives,
            "ledger": {counter: self.ledger[counter] for counter in COUNTERS},
            "rejects": self.rejects,
            "twins": self.twins,
            "near_dups": self.near_dups,
            "audio_dups": self.audio_dups,
            "no_vector": sorted(self.no_vector),
            "bridges": self.bridges,
            "recordings": self.recordings,
            "clusters": self.clusters,
        }


def _speaking(subs: list[Submission]) -> list[Submission]:
    """The submissions whose probabilities and labels count: the trusted ones where there are any."""
    return [sub for sub in subs if sub.trust == "trusted"] or subs


def _merged(subs: list[Submission]) -> dict[str, Any] | None:
    """What a merge of these submissions gives; None where a vote is tied."""
    title = _winner([sub.title for sub in subs])
    label = _winner([sub.label for sub in _speaking(subs)])
    if title is None or label is None:
        return None
    years = [sub.year for sub in subs if sub.year is not None]
    ids = [sub.album_id for sub in subs if sub.album_id is not None]
    if ids:
        album = _winner(ids)
        if album is None:
            return None
        years = [sub.year for sub in subs if sub.year is not None and sub.album_id == album] or years
    trusted = sum(sub.trust == "trusted" for sub in subs)
    return {
        "submissions": len(subs),
        "submissions_trusted": trusted,
        "is_trusted": trusted > 0,
        "release_year": sorted(years)[(len(years) - 1) // 2] if years else None,
        "genre_rosamerica": label,
        "title": title,
    }


def _winner(votes: list[str]) -> str | None:
    """The most frequent text, None where two are equally frequent."""
    ranked = Counter(votes).most_common(2)
    return None if len(ranked) == 2 and ranked[0][1] == ranked[1][1] else ranked[0][0]
