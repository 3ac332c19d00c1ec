"""Published neighbor lists -> certificates: an audit that trusts nothing but vectors and the parameters of the lists.

It changes nothing else, and exits 1 below the floor.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from jobs import ingest_acousticbrainz, searching
from jobs.searching import Asked, Tracks
from soundalike.contracts.staging import SEARCHED_TRACKS
from soundalike.contracts.tables import NEIGHBOR_MODELS, TRACK_NEIGHBORS
from soundalike.errors import SoundalikeError
from soundalike.run import Run, exit_with, main
from soundalike.settings import Settings
from soundalike.stages import certificates, models, tasks
from soundalike.stages import neighbors as lists_of

PUBLISHED = "neighbors.publish "


def inputs(settings: Settings) -> Sequence[str]:
    """What the id of the run is made of: another one than that of the search by the same settings."""
    return ["certify", *ingest_acousticbrainz.inputs(settings)]


def certify(run: Run) -> None:
    settings = run.settings.neighbors
    published = TRACK_NEIGHBORS.named(f"gold/{settings.name}")
    with run.stage("certify") as stage:
        version = run.store.version(published)
        made = _commits(run, published)
        mark = run.mark(stage, published)
        found = []
        for asked, versions in made:
            tracks = _tracks(run, mark, asked, versions)
            questions, truth = searching.truth_of(run, tracks, asked.top_n, 0)
            known = [row for row in run.store.read(NEIGHBOR_MODELS).where(f"name = '{settings.name}'").collect()
                     if row["scope"] in asked.scopes]  # fmt: skip
            blocks = models.published_blocks(tracks.known, known)
            parallelism = run.spark.sparkContext.defaultParallelism
            search = tasks.search_of(blocks, tracks.ids, asked.top_n, tracks.precision, parallelism)
            scopes = ", ".join(f"'{scope}'" for scope in asked.scopes)
            lists = run.store.read(published, version).where(f"scope IN ({scopes})")
            with run.watch_tasks("certificate tasks"):
                stored = certificates.published_lists(lists, questions, run.framed)
                verdicts = certificates.judged(
                    stored, tracks.places, tracks.inheriting, questions, truth, search, run.framed
                )
                counts = lists_of.counts_of_published(lists, tracks.representatives, search)
                heirs = lists_of.heirs_of(tracks.inheriting)
            found += certificates.certificates(
                verdicts, search, counts, heirs, questions, run_id=run.id, name=settings.name,
                exact_max=settings.exact_max, recall_floor=settings.recall_floor,
            )  # fmt: skip
        searching.write_certificates(run, stage, found, mark)
        try:
            searching.refuse(found, tracks, stage, "the published lists are as they were")
        finally:
            run.store.drop(searching.staged(run, SEARCHED_TRACKS))


def _commits(run: Run, published: Any) -> list[tuple[Asked, dict[str, int]]]:
    """How the lists of each scope were made, as their commits say; scopes that were made alike together."""
    by_scope = {mark["stage"].removeprefix(PUBLISHED): mark for mark in run.store.marks(published)
                if mark.get("stage", "").startswith(PUBLISHED)}  # fmt: skip
    groups: dict[str, tuple[Asked, dict[str, int]]] = {}
    for scope in sorted(by_scope):
        mark = by_scope[scope]
        told = mark["details"].get("asked")
        if not told:
            raise SoundalikeError(
                f"table {published.name}: the commit of scope {scope} does not say how its lists were made, so they "
                "cannot be audited; run the job neighbors again"
            )
        told |= {field.name: tuple(told[field.name]) for field in fields(Asked) if isinstance(told[field.name], list)}
        asked, versions = Asked(**(told | {"scopes": ()})), mark["inputs"]
        known = groups.setdefault(repr((asked, sorted(versions.items()))), (asked, versions))
        groups[repr((asked, sorted(versions.items())))] = (
            Asked(**(told | {"scopes": (*known[0].scopes, scope)})),
            versions,
        )
    if not groups:
        raise SoundalikeError(f"table {published.name} has no lists that the job neighbors published; run it first")
    return list(groups.values())


def _tracks(run: Run, mark: Any, asked: Asked, versions: dict[str, int]) -> Tracks:
    """The tracks as they were when the lists were made."""
    rows, own = searching.vectors_of(run, asked, versions)
    if asked.candidates:
        own[asked.candidates] = run.store.read_own(asked.candidates, "neighbors.candidates")[1]
    for path, version in own.items():
        if version != versions[path]:
            raise SoundalikeError(
                f"{path} is another table than the one the lists were made from ({version}, then {versions[path]}); "
                "restore it or run the job neighbors again"
            )
    ours = mark.of_stage(f"certify {' '.join(asked.scopes)}")
    return searching.prepared(run, ours, rows, asked, asked.precision, "exact", 0, 0)


if __name__ == "__main__":
    exit_with(main("certify", certify, inputs))
