"""AcousticBrainz archives -> bronze: one streaming task and one commit per archive."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from soundalike.contracts.tables import BRONZE_SUBMISSIONS
from soundalike.errors import SoundalikeError, UsageError
from soundalike.run import Run, Stage, exit_with, main, one_line
from soundalike.settings import Settings
from soundalike.sources.acousticbrainz.archives import ArchiveStatus
from soundalike.sources.acousticbrainz.listing import Archive, list_archives
from soundalike.sources.files import ObjectStore
from soundalike.stages.bronze import documents_of_archive


def archives(settings: Settings) -> list[Archive]:
    uris = settings.sources.acousticbrainz.uris
    return list_archives(uris, object_store(settings)) if uris else []


def inputs(settings: Settings) -> Sequence[str]:
    """The input listing of a run: what its id is made of, beside the settings."""
    return [f"{archive.name} {archive.size} {archive.sha256}" for archive in archives(settings)]


def required_inputs(settings: Settings) -> Sequence[str]:
    """As `inputs`, for a job that has nothing to do without them."""
    if not settings.sources.acousticbrainz.uris:
        raise UsageError(
            "setting 'sources.acousticbrainz.uris' is empty; give the folder of the archives, or the archives by commas"
        )
    return inputs(settings)


def ingest_acousticbrainz(run: Run) -> None:
    listed = archives(run.settings)
    with run.stage("ingest_acousticbrainz") as stage:
        run.store.ensure(BRONZE_SUBMISSIONS)
        committed = {mark["details"]["archive"]: mark["details"] for mark in run.store.marks(BRONZE_SUBMISSIONS)}
        todo = [archive for archive in listed if not _is_committed(run, archive, committed)]
        for name in {archive.name for archive in listed} - {archive.name for archive in todo}:
            run.store.unstage(name, bronze=True)  # left over when a run was killed right after the commit
        if not todo:
            stage.skip()
        stage.rows_in = stage.rows_out = 0
        failures = []
        before = len(listed) - len(todo)
        with run.console.progress("archives", len(listed), before, "already committed" if before else "") as progress:
            pool = ThreadPoolExecutor(min(len(todo) or 1, run.spark.sparkContext.defaultParallelism))
            try:
                for done in as_completed([pool.submit(_ingest, run, stage, archive) for archive in todo]):
                    try:
                        status = done.result()
                    except Exception as error:
                        failures.append(error)
                        run.console.line(one_line(error))
                        continue
                    stage.rows_in += status.documents
                    stage.rows_out += status.documents
                    progress.advance(f"{stage.rows_out:,} documents")
                    for warning in status.warnings:
                        run.console.line(f"warning: {status.archive}: {warning}")
            finally:
                pool.shutdown(cancel_futures=True)  # stopped from outside: what is queued does not start
        if failures:
            raise min(failures, key=str)
        stage.table_versions[BRONZE_SUBMISSIONS.name] = run.store.version(BRONZE_SUBMISSIONS)


def _is_committed(run: Run, archive: Archive, committed: dict[str, dict[str, object]]) -> bool:
    """Whether bronze holds this very archive; another one under its name is refused."""
    found = committed.get(archive.name)
    if found is None:
        return False
    limit = run.settings.sources.acousticbrainz.limit_documents
    if found["truncated_member"] and not run.settings.acousticbrainz.allow_incomplete:
        raise SoundalikeError(
            f"{archive.name}: {BRONZE_SUBMISSIONS.name} holds it cut short at member {found['truncated_member']}; "
            "set acousticbrainz.allow_incomplete=true, or take another storage.bronze_root for the whole archive"
        )
    same = found["sha256"] == archive.sha256 if archive.sha256 and not limit else found["size"] == archive.size
    read_under = (found["limit_documents"], found["max_member_bytes"])
    if not same or read_under != (limit, run.settings.acousticbrainz.max_member_bytes):
        raise SoundalikeError(
            f"{archive.name}: {BRONZE_SUBMISSIONS.name} holds another reading of it (sha256 {found['sha256']}, "
            f"{found['size']} bytes, limit_documents and max_member_bytes {read_under}; now {archive.sha256}, "
            f"{archive.size}); use another storage.bronze_root"
        )
    return True


def _ingest(run: Run, stage: Stage, archive: Archive) -> ArchiveStatus:
    settings = run.settings
    limit = settings.sources.acousticbrainz.limit_documents
    rows = documents_of_archive(
        run.spark.range(1), archive, object_store(settings), settings.acousticbrainz.max_member_bytes, limit
    )
    # Staged first: whether to commit is known only at the end of the stream, when the digest and the last member are.
    staged = run.store.stage(rows, archive.name, bronze=True)
    status = ArchiveStatus.read(staged.where("status is not null").collect()[0]["status"])
    try:
        _check(archive, status, settings.acousticbrainz.allow_incomplete)
    except SoundalikeError:
        run.store.unstage(archive.name, bronze=True)
        raise
    if archive.sha256 is None:
        status.warnings.append("not verified: sha256sums has no line for it")
    mark = run.mark(
        stage, archive=archive.name, size=archive.size, sha256=status.sha256,
        verified=bool(archive.sha256 and status.sha256), limit_documents=limit, documents=status.documents,
        max_member_bytes=settings.acousticbrainz.max_member_bytes, skipped=status.skipped, warnings=status.warnings,
        truncated_member=status.truncated_member, truncated_pos=status.truncated_pos,
    )  # fmt: skip
    transaction = f"{archive.name}+{status.sha256 or f'limit {limit}'}"
    run.store.append(BRONZE_SUBMISSIONS, staged.where("status is null").drop("status"), mark, transaction)
    run.store.unstage(archive.name, bronze=True)
    return status


def _check(archive: Archive, status: ArchiveStatus, allow_incomplete: bool) -> None:
    if archive.size == 0:
        raise SoundalikeError(f"{archive.uri} is empty (0 bytes); download it again")
    if archive.sha256 and status.sha256 and status.sha256 != archive.sha256:
        raise SoundalikeError(
            f"{archive.uri} has sha256 {status.sha256}, sha256sums says {archive.sha256}; "
            "nothing of it was committed, download it again"
        )
    if status.truncated_member and not allow_incomplete:
        raise SoundalikeError(
            f"{archive.uri} is cut short at member {status.truncated_member} (after {status.documents} documents); "
            "nothing of it was committed, download it again or set acousticbrainz.allow_incomplete=true"
        )


def object_store(settings: Settings) -> ObjectStore:
    """Where the `s3://` URIs of sources point."""
    return ObjectStore(settings.storage.s3.endpoint, settings.storage.s3.region)


if __name__ == "__main__":
    exit_with(main("ingest_acousticbrainz", ingest_acousticbrainz, required_inputs))
