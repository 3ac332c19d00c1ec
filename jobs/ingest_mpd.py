"""Playlist slices -> bronze, published playlists, tracks, artists, albums, statistics, integrity, rejects, ledger."""

from collections.abc import Sequence

from jobs.ingest_acousticbrainz import object_store
from soundalike.contracts import mpd
from soundalike.contracts.tables import REJECTS
from soundalike.errors import SoundalikeError, UsageError
from soundalike.run import Run, Stage, exit_with, main
from soundalike.settings import Settings
from soundalike.sources.mpd.listing import Dataset, Slice, list_dataset
from soundalike.sources.mpd.slices import SliceStatus
from soundalike.stages import mpd_dimensions, mpd_slices, mpd_statistics
from soundalike.stages import mpd_playlists as stages
from soundalike.stages.mpd_integrity import Integrity, integrity

# Slices per commit of bronze: what a killed run loses at most.
_GROUP = 100


def inputs(settings: Settings) -> Sequence[str]:
    """The input listing of a run: what its id is made of, beside the settings. Empty when no playlists are named."""
    if not settings.sources.mpd.uri:
        return []
    dataset = list_dataset(settings.sources.mpd.uri, object_store(settings))
    return [f"{part.name} {part.size} {part.md5}" for part in dataset.slices]


def required_inputs(settings: Settings) -> Sequence[str]:
    """As `inputs`, for a job that has nothing to do without them."""
    if not settings.sources.mpd.uri:
        raise UsageError("setting 'sources.mpd.uri' is empty; give the dataset's folder, its data/ folder or the zip")
    return inputs(settings)


def ingest_mpd(run: Run) -> None:
    """Does nothing when no playlists are named."""
    uri = run.settings.sources.mpd.uri
    if uri:
        dataset = list_dataset(uri, object_store(run.settings))
        slices = _slices_to_bronze(run, dataset)
        _bronze_to_silver(run, dataset, slices)
        if run.settings.mpd.full_dataset:
            _compare_with_the_published(run, dataset)


# --- slices -> bronze ------------------------------------------------------------------------------------------------


def _slices_to_bronze(run: Run, dataset: Dataset) -> list[SliceStatus]:
    """How the reading of every slice ended, by first pid. Delta writes no commit, and so no mark, for a group without a
    playlist: its slices are read again by the next run."""
    with run.stage("ingest_mpd.slices") as stage:
        for table in (mpd.BRONZE_ENTRIES, mpd.BRONZE_PLAYLISTS):
            run.store.ensure(table)
        committed = _committed(run)
        todo = [part for part in dataset.slices if not _is_committed(run, part, committed)]
        if not todo:
            stage.skip()
            return list(committed.values())
        stage.rows_in = stage.rows_out = 0
        read: dict[int, SliceStatus] = {}
        done = len(dataset.slices) - len(todo)
        with run.console.progress("slices", len(dataset.slices), done, "already committed" if done else "") as progress:
            for start in range(0, len(todo), _GROUP):
                group = todo[start : start + _GROUP]
                read |= _commit(run, stage, dataset, group, committed)
                done += len(group)
                progress.at(done, len(dataset.slices), f"{stage.rows_out:,} playlists")
        stage.table_versions[mpd.BRONZE_PLAYLISTS.name] = run.store.version(mpd.BRONZE_PLAYLISTS)
        refused = [status for status in read.values() if status.rule == "slice_md5"]
        if refused and not run.settings.mpd.allow_incomplete:
            found = "; ".join(f"{status.name} has {status.detail}" for status in refused)
            raise SoundalikeError(
                f"{run.settings.sources.mpd.uri}: {found}; nothing of it was committed, download it again or set "
                "mpd.allow_incomplete=true"
            )
        return [status for _, status in sorted((committed | read).items())]


def _committed(run: Run) -> dict[int, SliceStatus]:
    """How the reading of every slice in bronze ended, by first pid; a later reading replaces an earlier one."""
    marks = run.store.marks(mpd.BRONZE_PLAYLISTS)
    statuses = [SliceStatus.read(text) for mark in marks for text in mark["details"]["slices"]]
    return {status.first: status for status in sorted(statuses, key=lambda status: status.first)}


def _is_committed(run: Run, part: Slice, committed: dict[int, SliceStatus]) -> bool:
    """Whether bronze holds this very slice. One whose digest was wrong may have been downloaded again."""
    found = committed.get(part.first)
    if found is None or found.rule == "slice_md5":
        return False
    same = found.name == part.name and found.size == part.size and part.md5 in (None, found.md5)
    if not same and found.rule is None:
        raise SoundalikeError(
            f"{part.name}: {mpd.BRONZE_PLAYLISTS.name} holds another reading of it ({found.name}, md5 {found.md5}, "
            f"{found.size} bytes; now {part.md5}, {part.size}); use another storage.bronze_root"
        )
    return same


def _commit(
    run: Run, stage: Stage, dataset: Dataset, group: list[Slice], committed: dict[int, SliceStatus]
) -> dict[int, SliceStatus]:
    """Reads a group of slices and commits it; how the reading of each ended, by first pid."""
    manifest = run.spark.range(0, len(group), 1, len(group))
    read = mpd_slices.playlists_of_slices(manifest, dataset.name, group, object_store(run.settings))
    # Staged: a slice is parsed once, for two tables.
    staged = run.store.stage(read, f"mpd-{group[0].first}", bronze=True)
    statuses = [SliceStatus.read(row["status"]) for row in staged.where("status is not null").collect()]
    refused = [status for status in statuses if status.rule == "slice_md5"]
    lasting = [status for status in statuses if status not in refused or run.settings.mpd.allow_incomplete]
    if any(status != committed.get(status.first) for status in lasting):
        mark = run.mark(stage, slices=[status.text() for status in lasting])
        # The entries stand before the commit that is the checkpoint; a group that is read again replaces them.
        where = f"slice_first IN ({', '.join(str(part.first) for part in group)})"
        run.store.replace(mpd.BRONZE_ENTRIES, mpd_slices.bronze_entries(staged), mark, where)
        run.store.replace(mpd.BRONZE_PLAYLISTS, mpd_slices.bronze_playlists(staged), mark, where)
    run.store.unstage(f"mpd-{group[0].first}", bronze=True)
    stage.rows_in = (stage.rows_in or 0) + sum(status.playlists for status in statuses)
    stage.rows_out = stage.rows_in
    for status in statuses:
        if status.rule:
            run.console.line(f"warning: {status.name}: {status.rule}: {status.detail}")
    return {status.first: status for status in statuses}


# --- bronze -> silver ------------------------------------------------------------------------------------------------


def _bronze_to_silver(run: Run, dataset: Dataset, slices: list[SliceStatus]) -> None:
    with run.stage("ingest_mpd.playlists") as stage:
        mark = run.mark(stage, mpd.BRONZE_PLAYLISTS, mpd.BRONZE_ENTRIES)
        if run.store.holds(mpd.PLAYLISTS, mark):
            return stage.skip()
        profile, store = run.settings.mpd.profile, run.store
        with run.watch_tasks("judging playlists"):
            playlists = stages.judged_playlists(store.read(mpd.BRONZE_PLAYLISTS), profile).persist()
            entries = stages.judged_entries(store.read(mpd.BRONZE_ENTRIES), playlists, profile)
            kept = stages.with_ids(stages.kept(entries))
            store.replace(mpd.ENTRIES, stages.published_entries(kept), mark)
            places = [(status.first, status.archive, status.name) for status in slices]
            of_slices = run.spark.createDataFrame(places, "slice_first bigint, archive string, member string")
            rejects = stages.rejects(playlists, entries, of_slices, run.id, profile)
            rejects = rejects.unionByName(run.rows(REJECTS, _slice_rejects(run, slices)))
            store.replace(REJECTS, rejects, mark, where="source = 'mpd'")
        ours = f"run_id = '{run.id}'"
        with run.watch_tasks("tracks, artists, albums"):
            records, published = mpd_dimensions.entry_records(kept).persist(), store.read(mpd.ENTRIES)
            run.together(
                lambda: store.replace(mpd.TRACKS, mpd_dimensions.tracks(records, published), mark),
                lambda: store.replace(mpd.ARTISTS, mpd_dimensions.artists(records), mark),
                lambda: store.replace(mpd.ALBUMS, mpd_dimensions.albums(records), mark),
            )
        with run.watch_tasks("counting"):
            found = integrity(slices, playlists, entries, records, run.settings.mpd.full_dataset)
            ledger = found.ledger | {"skipped_file": dataset.skipped}
            rows = stages.published_playlists(stages.kept(playlists), published).persist()
            values = mpd_statistics.statistics(rows, records)
            counted = run.rows(mpd.INTEGRITY, found.rows(run.id))
            statistics = run.rows(mpd.STATISTICS, [(run.id, name, value) for name, value in values.items()])
            histograms = mpd_statistics.histograms(rows, records, run.id)
            run.together(
                lambda: store.replace(mpd.INTEGRITY, counted, mark, where=ours),
                lambda: run.write_ledger("mpd", profile, mpd.RULES_VERSION, ledger, mark),
                lambda: store.replace(mpd.STATISTICS, statistics, mark, where=ours),
                lambda: store.replace(mpd.HISTOGRAMS, histograms, mark, where=ours),
            )
            # Last: the mark of this table says that the stage is done.
            stage.table_versions[mpd.PLAYLISTS.name] = store.replace(mpd.PLAYLISTS, rows, mark)
        for cached in (rows, records, playlists):
            cached.unpersist()
        _report(run, stage, found, values)


def _slice_rejects(run: Run, slices: list[SliceStatus]) -> list[tuple[object, ...]]:
    """A refused slice has neither playlist nor position."""
    return [
        (run.id, "mpd", run.settings.mpd.profile, status.archive, status.name, None, None, None, None, None,
         status.rule, status.detail)
        for status in slices if status.rule
    ]  # fmt: skip


def _report(run: Run, stage: Stage, found: Integrity, values: dict[str, float]) -> None:
    stage.rows_in, stage.rows_out = found.ledger["playlists_input"], found.ledger["playlists_kept"]
    stage.rows_rejected = found.ledger["playlists_rejected"]
    fired = [
        [rule if field is None else f"{rule} {field}", f"{count:,}"]
        for (rule, field), count in found.rules.items()
        if count
    ]
    if fired:
        run.console.table(["integrity rule", "count"], fired)
    run.console.table(["statistic", "value"], [[name, f"{value:,.10g}"] for name, value in values.items()])


def _compare_with_the_published(run: Run, dataset: Dataset) -> None:
    with run.stage("ingest_mpd.published"):
        ours = f"run_id = '{run.id}'"
        values = {row["statistic"]: row["value"] for row in run.store.read(mpd.STATISTICS).where(ours).collect()}
        lists: dict[str, dict[str, int]] = {}
        for row in run.store.read(mpd.HISTOGRAMS).where(ours).collect():
            lists.setdefault(row["statistic"], {})[row["label"]] = row["count"]
        wrong = mpd_statistics.differences(values)
        wrong, remark = mpd_statistics.compared(values, lists, dataset.lists)
        run.console.line(remark)
        if wrong:
            raise SoundalikeError(
                f"{len(wrong)} statistics differ from those published with the full dataset: {'; '.join(wrong)}; "
                "the input is not the whole dataset, or set mpd.full_dataset=false"
            )


if __name__ == "__main__":
    exit_with(main("ingest_mpd", ingest_mpd, required_inputs))
