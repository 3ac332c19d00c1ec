"""What the jobs `neighbors` and `certify` have in common: the tracks of a search, its questions, and their truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from soundalike.contracts.staging import SEARCHED_TRACKS
from soundalike.contracts.table import Table
from soundalike.contracts.tables import CERTIFICATES, TRACK_VECTORS
from soundalike.errors import SoundalikeError
from soundalike.run import Run, Stage
from soundalike.stages import eligibility, models, samples, truth
from soundalike.stages import neighbors as lists_of
from soundalike.stages.certificates import Certificate
from soundalike.stages.ids import Ids

# Below, `auto` takes the finer lattice.
KEPT_BY_COARSE = 0.99


@dataclass(frozen=True)
class Asked:
    """What a search is asked to do; it stands with each commit of its lists, so that others can follow it."""

    vectors: str  # a table of the user's own; empty = those of the feature set
    feature_set: str
    probability_groups: tuple[int, ...]
    candidates: str
    top_n: int
    scopes: tuple[str, ...]
    strict: bool
    precision: str


@dataclass(frozen=True)
class Tracks:
    """The staged tracks of a search, and where they are. Rows are `eligibility`'s."""

    name: str  # of the table of vectors
    staged: Any
    places: Any
    inheriting: Any  # None if no recording can have two tracks
    representatives: Any
    blocks: Any  # of `models.with_families`
    known: list[Any]  # its rows
    sampled: Any  # of `samples.sampled_rows`
    total: int
    counters: dict[str, int]  # for the ledger: the eligible tracks of each scope, and why others are not
    dimensions: int
    ids: Ids
    precision: str


def vectors_of(run: Run, asked: Asked, versions: Mapping[str, int] | None = None) -> tuple[Any, dict[str, int]]:
    """The rows to search, and the versions of a user's own tables that are read. `versions`: which to read again."""
    if not asked.vectors:
        of_set = f"feature_set = '{asked.feature_set}'"
        version = None if versions is None else versions[TRACK_VECTORS.name]
        return run.store.read(TRACK_VECTORS, version).where(of_set), {}
    rows, version = run.store.read_own(asked.vectors)
    return rows, {asked.vectors: version}


def prepared(
    run: Run, mark: Any, rows: Any, asked: Asked, precision: str, family: str, exact_max: int, tune_queries: int
) -> Tracks:
    """Stages the tracks in the lattice of that `precision`.

    The stage of the `mark` names the rows and what is asked of them: those of another name are not taken for them.

    Raises:
        SoundalikeError: the rows are no table of vectors, or nothing in it can be searched.
    """
    table, ours = staged(run, SEARCHED_TRACKS), mark.of_stage(f"{mark.stage} {precision}")
    tracks = eligibility.tracks_from_vectors(rows)
    if not run.store.holds(table, ours):
        catalog = None
        if asked.candidates:
            catalog = eligibility.catalog_of(run.store.read_own(asked.candidates, "neighbors.candidates")[0])
        width = eligibility.width_of(tracks)
        with run.watch_tasks("vectors to integers"):
            made = eligibility.searched_tracks(tracks, width, asked.probability_groups, precision, catalog)
            run.store.replace(table, made, ours)
    return _placed(run, table, asked, family, exact_max, tune_queries, precision, "recording_key" in rows.columns)


def staged(run: Run, table: Table) -> Table:
    """Where this run stages a table of the search, apart from those of other neighbor tables."""
    return table.named(f"{table.name}_{run.settings.neighbors.name}").staged(run.id)


def _placed(
    run: Run, table: Table, asked: Asked, family: str, exact_max: int, tune_queries: int, precision: str,
    has_recordings: bool,
) -> Tracks:  # fmt: skip
    rows = run.store.read(table)
    profile = eligibility.vector_profile(rows, asked.scopes, asked.strict).collect()[0]
    counters = dict(profile["counters"])
    name = asked.vectors or TRACK_VECTORS.name
    if not eligibility.dimensions_of(profile):
        raise SoundalikeError(
            f"table {name} has {profile['tracks']} tracks and no vector among them; there is nothing to search"
        )
    places = eligibility.places(rows, asked.scopes, asked.strict)
    inheriting = eligibility.inheriting(places).persist() if has_recordings else None
    if inheriting is not None and inheriting.where("track_id = representative").limit(1).count():
        refuse_repeats(rows, name)
    found = eligibility.representatives(places, inheriting)
    blocks = models.with_families(eligibility.rows_of_blocks(found), family, exact_max).persist()
    if not (known := blocks.collect()):
        reasons = ", ".join(f"{name} {count}" for name, count in counters.items() if count)
        raise SoundalikeError(f"no track is eligible in any scope ({reasons}); nothing was published")
    of_run = run.settings.neighbors
    sampled = samples.sampled_rows(
        found, blocks, min(of_run.cells.leaf), of_run.cert_queries, of_run.cert_seed, tune_queries, of_run.seed
    ).persist()
    ids = Ids(packed=profile["unpacked"] == 0)
    return Tracks(
        name, rows, places, inheriting, found, blocks, known, sampled, profile["tracks"], counters,
        profile["dimensions"], ids, precision,
    )  # fmt: skip


def refuse_repeats(rows: Any, name: str) -> None:
    """Raises if a track stands twice among the staged ones of the table `name`."""
    for row in eligibility.repeated_tracks(rows).limit(1).collect():
        raise lists_of.repeats(row["track_id"], name)


def truth_of(run: Run, tracks: Tracks, top_n: int, tune_queries: int) -> tuple[Any, Any]:
    """The questions of each block and their true neighbors."""
    asked = truth.questions(tracks.sampled, run.settings.neighbors.cert_queries, tune_queries)
    with run.watch_tasks("brute force over samples"):
        parallelism = run.spark.sparkContext.defaultParallelism
        return asked, truth.answered(tracks.representatives, asked, top_n, tracks.precision, 2 * parallelism)


def is_too_coarse(run: Run, tracks: Tracks, found: Any) -> bool:
    """Whether the lattice keeps too few of the float64 neighbors in the truth `found`; blocks count by their rows."""
    kept = truth.kept_by_lattice(found)
    rows = {(row["scope"], row["block"]): row["rows"] for row in tracks.known}
    total = sum(rows[key] for key in kept)
    share = sum(rows[key] * of_block for key, of_block in kept.items()) / total if total else 1.0
    run.console.line(f"precision: the {tracks.precision} lattice keeps {share:.4f} of the neighbors of a sample")
    return share < KEPT_BY_COARSE


def write_certificates(run: Run, stage: Stage, found: list[Certificate], mark: Any) -> None:
    name = run.settings.neighbors.name
    rows = run.rows(CERTIFICATES, [certificate.row for certificate in found])
    where = f"run_id = '{run.id}' AND name = '{name}'"
    stage.table_versions[CERTIFICATES.name] = run.store.replace(
        CERTIFICATES, rows, mark.of_stage(stage.name), where=where
    )
    stage.rows_in = stage.rows_out = len(found)
    stage.rows_rejected = sum(not certificate.passed for certificate in found)


def refuse(found: list[Certificate], tracks: Tracks, stage: Stage, consequence: str) -> None:
    """Raises if a block is not good enough."""
    worst = next((certificate for certificate in found if not certificate.passed), None)
    if worst is None:
        return
    row = dict(zip(CERTIFICATES.column_names, worst.row, strict=True))
    failed = f"{stage.rows_rejected} of {stage.rows_out} blocks failed, {consequence}"
    where = f"block {row['block']} of scope {row['scope']} is not good enough"
    if worst.defect:
        refuse_repeats(tracks.staged, tracks.name)  # of a track that stands twice nothing can be right
        raise SoundalikeError(f"{where}: {worst.defect}; {failed}")
    advice = "ask more queries (neighbors.cert_queries)"
    if row["recall"] < row["floor"]:
        advice = f"search it exactly (neighbors.family=auto with neighbors.exact_max={row['rows']}, or family=exact)"
    reached = f"recall {row['recall']:.4f}, lower bound {row['ci_low']:.4f}, below the floor {row['floor']}"
    raise SoundalikeError(
        f"{where}: {row['family']} reaches {reached}; {failed}; {advice}, or lower neighbors.recall_floor"
    )
