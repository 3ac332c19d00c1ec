"""Vectors -> staged neighbor lists -> certificates -> the published neighbor table, one commit per scope."""

from typing import Any

from jobs.ingest_acousticbrainz import inputs
from soundalike.contracts.tables import CERTIFICATES, COMPARED, NEIGHBOR_MODELS, TRACK_NEIGHBORS, TRACK_VECTORS
from soundalike.errors import SoundalikeError
from soundalike.run import Run, Stage, exit_with, main
from soundalike.stages import certificates, eligibility, pieces, shortlists
from soundalike.stages import models as methods
from soundalike.stages import neighbors as search

RULES_VERSION = "neighbors-1"


def neighbors(run: Run) -> None:
    settings = run.settings.neighbors
    published = TRACK_NEIGHBORS.named(f"gold/{settings.name}")
    staged = published.staged(run.id, *COMPARED)
    with run.stage("neighbors.search") as stage:
        mark, vectors = _vectors(run, stage)
        last = mark.of_stage(f"neighbors.publish {settings.scopes[-1]}")
        # Lists that are still staged were not verified after their commit.
        if run.store.holds(published, last) and not run.store.exists(staged):
            return stage.skip()
        tracks, profile = _tracks(run, vectors)
        found = eligibility.representatives(tracks, settings.scopes, settings.strict).persist()
        blocks = methods.with_methods(eligibility.blocks_of(found), settings.family, settings.exact_max).persist()
        parallelism = run.spark.sparkContext.defaultParallelism
        tasks = max(1, min(blocks.count(), 4 * parallelism))
        dimensions = eligibility.dimensions_of(profile)
        _require_blocks(run, blocks, tracks)
        decided = {"top_n": str(settings.top_n)}
        fitted = methods.fitted_models(found, blocks, settings.seed, decided, tasks).persist()
        routes = _routes(found, blocks, fitted)
        models = methods.neighbor_models(blocks, fitted, settings.name, dimensions, decided)
        stage.rows_in = profile["tracks"]
        if not run.store.holds(staged, mark):
            with run.watch_tasks("neighbor tasks"):
                answers = search.all_answers(found, blocks, routes, settings.top_n, tasks, parallelism)
                run.store.replace(staged, search.neighbor_lists(answers, models, run.id), mark)
        lists = run.store.read(staged)
        stage.rows_out = lists.count()
    with run.stage("neighbors.certify") as stage:
        counts = search.block_counts(blocks, lists, settings.top_n).persist()
        with run.watch_tasks("certificate tasks"):
            seen = _judged(run, found, blocks, lists)
            judged = certificates.certificates(
                seen, lists, counts, run_id=run.id, name=settings.name, top_n=settings.top_n, tasks=tasks,
                cert_queries=settings.cert_queries, cert_seed=settings.cert_seed, exact_max=settings.exact_max,
                recall_floor=settings.recall_floor,
            ).persist()  # fmt: skip
            ours = f"run_id = '{run.id}' AND name = '{settings.name}'"
            rows = judged.select(*CERTIFICATES.column_names)
            stage.table_versions[CERTIFICATES.name] = run.store.replace(
                CERTIFICATES, rows, mark.of_stage(stage.name), where=ours
            )
        stage.rows_in = stage.rows_out = judged.count()
        stage.rows_rejected = judged.where("not passed").count()
        _refuse(judged.where("not passed").orderBy("scope", "block").limit(1).collect(), stage)
    with run.stage("neighbors.publish") as stage:
        listed = lists.select(*published.column_names)
        counters = eligibility.eligibility_counters(tracks, settings.scopes, settings.strict).collect()
        counters += search.list_counters(counts, settings.scopes).collect()
        ledger = {row["counter"]: row["value"] for row in counters}
        ours, named = mark.of_stage(stage.name), f"name = '{settings.name}' AND scope IN ({_quoted(settings.scopes)})"
        run.together(
            lambda: run.store.replace(NEIGHBOR_MODELS, models, ours, where=named),
            lambda: run.write_ledger("neighbors", settings.name, RULES_VERSION, ledger, ours),
        )
        for scope in settings.scopes:
            where = f"scope = '{scope}'"
            rows = listed.where(where)
            version = run.store.replace(published, rows, mark.of_stage(f"neighbors.publish {scope}"), where=where)
            stage.table_versions[published.name] = version
        stage.rows_in = stage.rows_out = run.store.assert_same(published, listed, "scope", settings.scopes)
        run.store.drop(staged)


def _vectors(run: Run, stage: Stage) -> tuple[Any, Any]:
    """The mark of the search and the rows it reads: the user's own table, else this product's vectors."""
    own = run.settings.neighbors.vectors
    if own:
        rows, version = run.store.read_own(own)
        return run.mark(stage, own={own: version}), rows
    of_set = f"feature_set = '{run.settings.vectors.feature_set}'"
    return run.mark(stage, TRACK_VECTORS), run.store.read(TRACK_VECTORS).where(of_set)


def _tracks(run: Run, vectors: Any) -> tuple[Any, Any]:
    tracks = eligibility.tracks_from_vectors(vectors)
    profile = eligibility.vector_profile(tracks).collect()[0]
    dimensions = eligibility.dimensions_of(profile)
    if not dimensions:
        name = run.settings.neighbors.vectors or TRACK_VECTORS.name
        raise SoundalikeError(
            f"table {name} has {profile['tracks']} tracks and no vector among them; there is nothing to search"
        )
    return eligibility.with_lattice(tracks, dimensions).persist(), profile


def _require_blocks(run: Run, blocks: Any, tracks: Any) -> None:
    """An empty neighbor table would look like a result."""
    settings = run.settings.neighbors
    if blocks.limit(1).count():
        return
    counted = eligibility.eligibility_counters(tracks, settings.scopes, settings.strict).collect()
    reasons = ", ".join(f"{row['counter']} {row['value']}" for row in counted if row["value"])
    raise SoundalikeError(f"no track is eligible in any scope ({reasons}); nothing was published")


def _routes(found: Any, blocks: Any, fitted: Any) -> pieces.Routes:
    """Where rows of blocks go that are not searched exactly; a few numbers for each of them."""
    rows = fitted.collect()
    if rows:
        for twice in search.repeated_tracks(methods.of_method(found, blocks, exact=False)).limit(1).collect():
            raise search.repeats(*twice)
    return pieces.routes_of(rows)


def _judged(run: Run, found: Any, blocks: Any, lists: Any) -> Any:
    """The rows that the certificate looks at: of blocks that no task can hold only those that can matter."""
    settings = run.settings.neighbors
    large = shortlists.large(blocks, settings.top_n)
    if not large.limit(1).count():
        return found
    asked = shortlists.asked_of(found, large, settings.cert_queries, settings.cert_seed).persist()
    questions = shortlists.questions_of(asked.collect())
    parallelism = run.spark.sparkContext.defaultParallelism
    return shortlists.judged_rows(found, large, asked, questions, lists, settings.top_n, parallelism)


def _quoted(scopes: tuple[str, ...]) -> str:
    return ", ".join(f"'{scope}'" for scope in scopes)


def _refuse(worst: list[Any], stage: Stage) -> None:
    if not worst:
        return
    row = worst[0]
    failed = f"{stage.rows_rejected} of {stage.rows_out} blocks failed, nothing was published"
    where = f"block {row['block']} of scope {row['scope']} is not good enough"
    if row["defect"]:
        raise SoundalikeError(f"{where}: {row['defect']}; {failed}")
    advice = "ask more queries (neighbors.cert_queries)"
    if row["recall"] < row["floor"]:
        advice = f"search it exactly (neighbors.family=auto with neighbors.exact_max={row['rows']}, or family=exact)"
    found = f"recall {row['recall']:.4f}, lower bound {row['ci_low']:.4f}, below the floor {row['floor']}"
    raise SoundalikeError(
        f"{where}: {row['family']} reaches {found}; {failed}; {advice}, or lower neighbors.recall_floor"
    )


if __name__ == "__main__":
    exit_with(main("neighbors", neighbors, inputs))
