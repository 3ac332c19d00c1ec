"""Bronze -> valid submissions, recordings, artists, albums, their bridges, rejects and the ledger."""

from jobs.ingest_acousticbrainz import inputs
from soundalike.contracts.acousticbrainz import RULES
from soundalike.contracts.entities import ALBUM_ARTISTS, ALBUMS, ARTISTS, RECORDING_ALBUMS, RECORDING_ARTISTS
from soundalike.contracts.tables import BRONZE_SUBMISSIONS, RECORDINGS, REJECTS, SUBMISSIONS
from soundalike.contracts.versions import RULES as RULES_VERSION
from soundalike.run import Run, Stage, exit_with, main
from soundalike.sources.acousticbrainz.documents import Reading
from soundalike.stages import entities
from soundalike.stages import recordings as merge
from soundalike.stages import submissions as read


def recordings(run: Run) -> None:
    with run.stage("recordings") as stage:
        mark = run.mark(stage, BRONZE_SUBMISSIONS)
        if run.store.holds(RECORDINGS, mark):
            return stage.skip()
        settings = run.settings.acousticbrainz
        reading = Reading(settings.max_member_bytes, settings.first_year, settings.last_year)
        with run.watch_tasks("reading documents"):
            copies = read.copies_numbered(read.documents_read(run.store.read(BRONZE_SUBMISSIONS), reading)).persist()
            run.store.replace(SUBMISSIONS, read.valid_submissions(copies), mark)
        counters = read.submission_counters(copies).collect()[0].asDict()
        marks = [mark["details"] for mark in run.store.marks(BRONZE_SUBMISSIONS)]
        rejects = read.rejected_submissions(copies, run.id, settings.profile).unionByName(
            run.rows(REJECTS, _cut(run, marks))
        )
        run.store.replace(REJECTS, rejects, mark, where="source = 'acousticbrainz'")
        copies.unpersist()
        with run.watch_tasks("merging recordings"):
            submissions = run.store.read(SUBMISSIONS)
            merged = merge.merged_submissions(submissions, settings.placeholder_titles).persist()
            counters |= merge.recording_counters(merged).collect()[0].asDict()
            counters |= merge.same_audio(submissions).collect()[0].asDict()
            ledger = _ledger(counters, marks)
            run.together(
                lambda: run.write_ledger("acousticbrainz", settings.profile, RULES_VERSION, ledger, mark),
                lambda: run.store.replace(ARTISTS, entities.artists(merged), mark),
                lambda: run.store.replace(ALBUMS, entities.albums(merged), mark),
                lambda: run.store.replace(RECORDING_ARTISTS, entities.recording_artists(merged), mark),
                lambda: run.store.replace(RECORDING_ALBUMS, entities.recording_albums(merged), mark),
                lambda: run.store.replace(ALBUM_ARTISTS, entities.album_artists(merged), mark),
            )
            rows = merge.recordings_of(merged, merge.near_duplicates(merged), merge.audio_duplicates(submissions))
            # Last: the mark of this table says that the stage is done.
            stage.table_versions[RECORDINGS.name] = run.store.replace(RECORDINGS, rows, mark)
            merged.unpersist()
        _report(stage, counters)


def _cut(run: Run, marks: list[dict]) -> list[tuple]:  # type: ignore[type-arg]
    """Rejects for the members at which an archive was cut short; they are no part of `input`."""
    return [
        (run.id, "acousticbrainz", run.settings.acousticbrainz.profile, mark["archive"], mark["truncated_member"],
         mark["truncated_pos"], None, None, None, None, "member_truncated", "the archive ends inside the member")
        for mark in marks if mark["truncated_member"]
    ]  # fmt: skip


def _ledger(counters: dict[str, int], marks: list[dict]) -> dict[str, int]:  # type: ignore[type-arg]
    """Every counter of the source. Identity: input = duplicates + missing + undated_dropped + no_artist + kept."""
    recordings = counters["recordings"]
    missing = sum(counters[rule] for rule in RULES if rule != "date_unparseable")
    ledger = {
        "input": counters["input"], "duplicates": counters["valid"] - recordings, "missing": missing,
        # The policy keep_unresolved drops neither recordings without artists nor undated ones.
        "no_artist": 0, "undated_dropped": 0, "kept": recordings,
    }  # fmt: skip
    ledger |= {name: value for name, value in counters.items() if name not in ("input", "valid")}
    for mark in marks:
        for kind, count in mark["skipped"].items():
            ledger[f"skipped_{kind}"] = ledger.get(f"skipped_{kind}", 0) + count
    ledger["member_truncated"] = sum(bool(mark["truncated_member"]) for mark in marks)
    limits = {mark["limit_documents"] for mark in marks} - {0}
    return ledger | ({"limit_documents": max(limits)} if limits else {})


def _report(stage: Stage, counters: dict[str, int]) -> None:
    stage.rows_in = counters["input"] + counters["duplicate_member"]
    stage.rows_out = counters["recordings"]
    stage.rows_rejected = stage.rows_in - counters["valid"]


if __name__ == "__main__":
    exit_with(main("recordings", recordings, inputs))
