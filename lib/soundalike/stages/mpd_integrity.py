"""Every counter of a run over playlists: the integrity rules, and the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from soundalike.contracts.mpd import ALL_PIDS, RULES
from soundalike.sources.mpd.slices import SliceStatus
from soundalike.stages.mpd_playlists import kept
from soundalike.stages.mpd_rules import (
    FieldCounts,
    counted,
    counted_extra,
    counted_missing,
    entry_conditions,
    playlist_conditions,
    several_names,
    without_field,
)


@dataclass(frozen=True)
class Integrity:
    """`rules`: every rule, per field where it is; None = not evaluable. `ledger`: what went in, out and was refused."""

    rules: FieldCounts
    ledger: dict[str, int]

    def rows(self, run_id: str) -> list[tuple[str, str, str | None, int | None]]:
        return [(run_id, rule, field, count) for (rule, field), count in self.rules.items()]


def integrity(
    slices: Sequence[SliceStatus], playlists: DataFrame, entries: DataFrame, records: DataFrame, full_dataset: bool
) -> Integrity:
    """`playlists` and `entries` are judged, `records` are the distinct records of the kept entries."""
    refused_playlists, refused_entries = _by_rule(playlists), _by_rule(entries)
    counts = dict(counted(kept(playlists), playlist_conditions()))
    counts |= {rule: refused_playlists.get(rule, 0) for rule in ("playlist_unkeyed", "pid_duplicate")}
    counts["pid_gap"] = _pids_never_seen(playlists) if full_dataset else None
    missing, lacking = counted_missing(playlists.where("rule is null or rule = 'playlist_field_missing'"), "playlist")
    extra, with_extra = counted_extra(kept(playlists), "playlist")
    missing_in_entries, lacking_entries = counted_missing(_but_bad_uris(entries), "entry")
    extra_in_entries, entries_with_extra = counted_extra(kept(entries), "entry")
    counts |= counted(kept(entries), entry_conditions())
    counts["track_uri_bad"] = refused_entries.get("track_uri_bad", 0)
    counts |= {
        f"{kind}_names": several_names(records, f"{kind}_id", f"{kind}_name") for kind in ("track", "artist", "album")
    }
    counts |= _of_slices(slices)
    rules = without_field(counts, RULES) | missing | extra | missing_in_entries | extra_in_entries

    totals = {
        "slices_input": len(slices), "slices_kept": sum(each.rule is None for each in slices),
        "slices_rejected": sum(each.rule is not None for each in slices),
        "playlists_input": sum(each.playlists for each in slices),
        "playlists_kept": refused_playlists.pop(None, 0), "playlists_rejected": sum(refused_playlists.values()),
        "entries_input": sum(each.entries for each in slices), "entries_kept": refused_entries.pop(None, 0),
        "entries_rejected": sum(refused_entries.values()),
    }  # fmt: skip
    totals["entries_of_rejected_playlists"] = (
        totals["entries_input"] - totals["entries_kept"] - totals["entries_rejected"]
    )
    totals["slice_md5"] = sum(each.rule == "slice_md5" for each in slices)
    per_record = {
        "playlist_field_missing": lacking, "playlist_field_extra": with_extra,
        "entry_field_missing": lacking_entries, "entry_field_extra": entries_with_extra,
    }  # fmt: skip
    known = {rule: count for rule, count in (counts | per_record).items() if count is not None}
    return Integrity(rules, totals | {rule: known[rule] for rule in RULES if rule in known})


def _by_rule(judged: DataFrame) -> dict[str | None, int]:
    return {row["rule"]: row["count"] for row in judged.groupBy("rule").count().collect()}


def _but_bad_uris(entries: DataFrame) -> DataFrame:
    return entries.where("rule is null or rule = 'entry_field_missing'")


def _pids_never_seen(playlists: DataFrame) -> int:
    seen = playlists.where((F.col("pid") >= 0) & (F.col("pid") < ALL_PIDS)).select("pid").distinct()
    return ALL_PIDS - seen.count()


def _of_slices(slices: Sequence[SliceStatus]) -> dict[str, int | None]:
    readable = [each for each in slices if each.rule is None]
    return {
        "slice_unreadable": sum(each.rule == "slice_unreadable" for each in slices),
        "slice_range": sum(each.range_differs for each in readable),
        "slice_info_keys": sum(each.info_keys_differ for each in readable),
        "slice_size": sum(each.playlists != each.last - each.first + 1 for each in readable),
        "slice_empty": sum(each.playlists == 0 for each in readable),
    }
