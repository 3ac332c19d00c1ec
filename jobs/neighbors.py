"""Vectors -> staged neighbor lists -> certificates -> the published neighbor table, one commit per scope."""

from dataclasses import asdict, replace
from typing import Any

from jobs import searching
from jobs.ingest_acousticbrainz import inputs
from jobs.searching import Asked, Tracks
from soundalike.contracts.clusters import GENRE_CLUSTERS
from soundalike.contracts.features import FEATURE_SETS
from soundalike.contracts.staging import MERGED_LISTS, PARTIAL_LISTS, SEARCHED_TRACKS
from soundalike.contracts.tables import (
    FEATURE_SCALERS,
    NEIGHBOR_MODELS,
    TRACK_NEIGHBORS,
    TRACK_VECTORS,
)
from soundalike.errors import SoundalikeError
from soundalike.run import Run, Stage, exit_with, main
from soundalike.stages import certificates, models, starting_cells, tasks
from soundalike.stages import neighbors as lists_of
from soundalike.stages.tasks import Search

RULES_VERSION = "neighbors-2"

# Rows of one file of the published table, about.
_FILE_ROWS = 250_000


def neighbors(run: Run) -> None:
    settings = run.settings.neighbors
    asked = _asked(run)
    published = TRACK_NEIGHBORS.named(f"gold/{settings.name}")
    partials, merged = (searching.staged(run, table) for table in (PARTIAL_LISTS, MERGED_LISTS))
    parallelism = run.spark.sparkContext.defaultParallelism
    with run.stage("neighbors.prepare") as stage:
        rows, mark = _vectors(run, stage, asked)
        # Lists that are still staged were not verified after their commit.
        if run.store.holds(published, mark.of_stage(f"neighbors.publish {asked.scopes[-1]}")) and not run.store.exists(
            partials
        ):
            return stage.skip()
        precision = asked.precision
        if precision == "auto":
            fine = mark.of_stage(f"{mark.stage} fine")
            precision = "fine" if run.store.holds(searching.staged(run, SEARCHED_TRACKS), fine) else "coarse"
        how = settings.family, settings.exact_max, settings.tune_queries
        tracks = searching.prepared(run, mark, rows, asked, precision, *how)
        stage.rows_in = stage.rows_out = tracks.total
    with run.stage("neighbors.model") as stage:
        questions, truth = searching.truth_of(run, tracks, asked.top_n, settings.tune_queries)
        if asked.precision == "auto" and precision == "coarse" and searching.is_too_coarse(run, tracks, truth):
            tracks = searching.prepared(run, mark, rows, asked, "fine", *how)
            questions, truth = searching.truth_of(run, tracks, asked.top_n, settings.tune_queries)
        search = _search(run, tracks, questions, truth, parallelism)
        stage.rows_in, stage.rows_out = sum(block.rows for block in search.blocks), len(search.blocks)
        _allow(run, search)
    with run.stage("neighbors.search") as stage:
        stage.rows_in = sum(block.rows for block in search.blocks)
        ours = mark.of_stage(stage.name)
        with run.watch_tasks("neighbor tasks"):
            if not run.store.holds(partials, ours):
                run.store.replace(partials, tasks.partial_lists(tracks.representatives, search), ours)
            if not run.store.holds(merged, ours):
                entries = 2 * asked.top_n * stage.rows_in
                run.store.replace(merged, tasks.merged_lists(run.store.read(partials), search, entries), ours)
        lists = lists_of.final_lists(run.store.read(partials), run.store.read(merged))
        counts = lists_of.counts_of(lists, search, tracks.inheriting)
        stage.rows_out = sum(counted.listed for counted in counts)
    with run.stage("neighbors.certify") as stage:
        with run.watch_tasks("certificate tasks"):
            stored = certificates.staged_lists(lists, questions, search, run.framed)
            verdicts = certificates.judged(
                stored, tracks.places, tracks.inheriting, questions, truth, search, run.framed
            )
        heirs = {block.key: counted.inherited for block, counted in zip(search.blocks, counts, strict=True)}
        found = certificates.certificates(
            verdicts, search, counts, heirs, questions, run_id=run.id, name=settings.name, exact_max=settings.exact_max,
            recall_floor=settings.recall_floor,
        )  # fmt: skip
        searching.write_certificates(run, stage, found, mark)
        searching.refuse(found, tracks, stage, "nothing was published")
    with run.stage("neighbors.publish") as stage:
        _publish(run, stage, mark, asked, tracks, search, lists, counts, published)
        # The partial lists last: as long as they are there this stage is not done.
        for table in (searching.staged(run, SEARCHED_TRACKS), merged, partials):
            run.store.drop(table)


def _asked(run: Run) -> Asked:
    settings, ours = run.settings.neighbors, run.settings.vectors
    own = bool(settings.vectors)
    groups = settings.probability_groups if own else FEATURE_SETS[ours.feature_set].groups
    return Asked(
        settings.vectors, ours.feature_set, groups, settings.candidates,
        settings.top_n, settings.scopes, settings.strict, settings.precision,
    )  # fmt: skip


def _vectors(run: Run, stage: Stage, asked: Asked) -> tuple[Any, Any]:
    """The rows that are searched, and the mark of all that follows from them."""
    rows, own = searching.vectors_of(run, asked)
    if asked.candidates:
        own[asked.candidates] = run.store.read_own(asked.candidates, "neighbors.candidates")[1]
    ours = [] if asked.vectors else [TRACK_VECTORS, *_clusters(run)]
    return rows, run.mark(stage, *ours, own=own)


def _clusters(run: Run) -> list[Any]:
    """The tables that the cells can start from, if they are there."""
    return [GENRE_CLUSTERS, FEATURE_SCALERS] if run.store.exists(GENRE_CLUSTERS) else []


def _search(run: Run, tracks: Tracks, questions: Any, truth: Any, parallelism: int) -> Search:
    settings = run.settings.neighbors
    cells = models.Cells(
        settings.cells.leaf, settings.cells.e, settings.cells.max, settings.cells.min, settings.cells.iterations,
        settings.recall_floor, settings.family == "auto",
    )  # fmt: skip
    tunings = models.tunings(questions, truth, settings.top_n)
    starts: Any = {}
    if not settings.vectors and _clusters(run):
        of_set = f"feature_set = '{run.settings.vectors.feature_set}'"
        rows = [run.store.read(table).where(of_set).collect() for table in (GENRE_CLUSTERS, FEATURE_SCALERS)]
        starts = starting_cells.starting_cells(
            [(row["scope"], row["block"]) for row in tracks.known], rows[0], rows[1], tracks.precision
        )
    with run.watch_tasks("fit tasks"):
        fitted = models.fitted(tracks.sampled, tunings, starts, cells, settings.seed, 2 * parallelism).collect()
    searched = models.searched_blocks(tracks.known, fitted, tracks.dimensions + 1)
    return tasks.search_of(searched, tracks.ids, settings.top_n, tracks.precision, parallelism)


def _allow(run: Run, search: Search) -> None:
    """Says what the search will cost, and stops here if it is more than is allowed."""
    pairs = sum(block.predicted for block in search.blocks)
    largest = search.plan.costs[0] / max(search.plan.costs.mean(), 1)
    run.console.line(
        f"plan: {pairs:.3g} pairs in {search.tasks} tasks, the largest {largest:.2f} of the mean; "
        f"{sum(not block.is_exact for block in search.blocks)} of {len(search.blocks)} blocks by buckets"
    )
    limit = run.settings.neighbors.max_pairs
    if limit and pairs > limit:
        most = max(search.blocks, key=lambda block: block.predicted)
        raise SoundalikeError(
            f"the search would compare {pairs:.3g} pairs, more than neighbors.max_pairs={limit:g}; of them block "
            f"{most.name} of scope {most.scope} needs {most.predicted:.3g}; lower neighbors.recall_floor, leave out a "
            "scope, or raise neighbors.max_pairs"
        )


def _publish(
    run: Run, stage: Stage, mark: Any, asked: Asked, tracks: Tracks, search: Search, lists: Any, counts: Any,
    published: Any,
) -> None:  # fmt: skip
    settings, decided = run.settings.neighbors, {"top_n": str(asked.top_n)}
    versions = (models.version_of(block, tracks.precision, tracks.dimensions, decided) for block in search.blocks)
    made = lists_of.Made(run.id, tracks.name, tuple(versions))
    ledger = tracks.counters | lists_of.counters_of(search.blocks, counts, asked.scopes)
    rows = run.rows(
        NEIGHBOR_MODELS,
        [
            models.model_row(block, settings.name, tracks.precision, tracks.dimensions, decided)
            for block in search.blocks
        ],
    )
    scopes = ", ".join(f"'{scope}'" for scope in asked.scopes)
    named = f"name = '{settings.name}' AND scope IN ({scopes})"
    ours = mark.of_stage(stage.name)
    run.together(
        lambda: run.store.replace(NEIGHBOR_MODELS, rows, ours, where=named),
        lambda: run.write_ledger("neighbors", settings.name, RULES_VERSION, ledger, ours),
    )
    # Whoever audits the table later finds here how it was made.
    told = {"asked": asdict(replace(asked, precision=tracks.precision)), "name": settings.name}
    for scope in asked.scopes:
        predicted = round(sum(block.predicted for block in search.blocks if block.scope == scope))
        with run.watch_tasks(f"publish {scope}"):
            inside = lists_of.of_scope(lists, search, scope)
            stored = sum(c.listed + c.inherited for b, c in zip(search.blocks, counts, strict=True) if b.scope == scope)
            # As many at a time as there are cores, to the end.
            cores = min(max(stored // 5000, 1), run.spark.sparkContext.defaultParallelism)
            parts = cores * max(1, round(stored / _FILE_ROWS / cores))
            final = lists_of.published_lists(inside, tracks.inheriting, search, made, parts)
            ours = replace(mark.of_stage(f"neighbors.publish {scope}"), details=told | {"predicted_pairs": predicted})
            version = run.store.replace(published, final, ours, where=f"scope = '{scope}'", in_order=True)
            stage.table_versions[published.name] = version
    expected = lists_of.published_lists(lists, tracks.inheriting, search, made)
    with run.watch_tasks("published against staged"):
        stage.rows_in = stage.rows_out = run.store.assert_same(published, expected, "scope", asked.scopes)
    due = sum(counted.listed + counted.inherited for counted in counts)
    if stage.rows_out != due:
        raise SoundalikeError(
            f"table {published.name} got {stage.rows_out} lists, {due} were found or have to be inherited; restore the "
            "version before and run again"
        )


if __name__ == "__main__":
    exit_with(main("neighbors", neighbors, inputs))
