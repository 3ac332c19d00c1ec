"""Tracks and saved models -> the cluster of every track in each of its genres, and cluster sizes.

With `assign.vectors` the tracks are those of that table; they never change what is published of the others.
"""

from itertools import groupby
from typing import Any

from jobs.ingest_acousticbrainz import inputs
from soundalike.contracts.clusters import CLUSTER_SIZES, GENRE_CLUSTERS, TRACK_CLUSTERS
from soundalike.contracts.features import FEATURE_SETS
from soundalike.contracts.tables import FEATURE_SCALERS, GENRE_MEMBERSHIPS, REJECTS, TRACK_VECTORS
from soundalike.errors import SoundalikeError
from soundalike.run import Run, exit_with, main
from soundalike.stages import assignment, new_tracks
from soundalike.stages.scalers import placed_tracks

RULES_VERSION = "assign-1"

# A user's own tracks stand under another source, so that each kind replaces only its own rows.
_OURS = "source IN ('acousticbrainz', 'fma', 'spotify')"

Size = tuple[str, str, int, int, float, bool]


def assign(run: Run) -> None:
    if run.settings.assign.vectors:
        assign_new(run)
    else:
        assign_all(run)


def assign_all(run: Run) -> None:
    """Every track of silver/track_vectors, to the clusters of each of its genres."""
    with run.stage("assign") as stage:
        mark = run.mark(stage, GENRE_MEMBERSHIPS, TRACK_VECTORS, FEATURE_SCALERS, GENRE_CLUSTERS)
        if run.store.holds(CLUSTER_SIZES, mark):
            return stage.skip()
        feature_set = FEATURE_SETS[run.settings.vectors.feature_set]
        placed = placed_tracks(run.store.read(GENRE_MEMBERSHIPS), run.store.read(TRACK_VECTORS), feature_set.name)
        placed = placed.persist()
        counts = assignment.genre_counts(placed)
        models = assignment.saved_models(counts, *_saved(run), feature_set)
        if not models:
            raise SoundalikeError(
                f"none of the tracks in {GENRE_MEMBERSHIPS.name} has features of feature set {feature_set.name}, so "
                "there is nothing to assign; run the jobs tracks and clusters with it"
            )
        with run.watch_tasks("assign tasks"):
            assigned = assignment.assigned_tracks(placed, models).persist()
            sizes = assignment.size_rows(assigned, models, run.settings.clusters.giant_share)
        assignment.check_complete(counts, sizes)
        ledger = _ledger(counts, sizes)
        run.together(
            lambda: run.write_ledger("assign", feature_set.name, RULES_VERSION, ledger, mark),
            lambda: run.store.replace(TRACK_CLUSTERS, assigned, mark, where=_OURS),
        )
        # Last: this commit says that the stage is done.
        run.store.replace(CLUSTER_SIZES, run.rows(CLUSTER_SIZES, sizes), mark)
        assigned.unpersist()
        placed.unpersist()
        stage.rows_in, stage.rows_out, stage.rows_rejected = (
            ledger[name] for name in ("memberships", "assigned", "no_vector")
        )
    _report(run, sizes)


def assign_new(run: Run) -> None:
    """The tracks of the table `assign.vectors`, published under the source `assign.source`."""
    given = run.settings.assign
    with run.stage("assign.vectors") as stage:
        rows, version = run.store.read_own(given.vectors, "assign.vectors")
        mark = run.mark(stage, FEATURE_SCALERS, GENRE_CLUSTERS, own={given.vectors: version})
        if run.store.holds(TRACK_CLUSTERS, mark):
            return stage.skip()
        feature_set = FEATURE_SETS[run.settings.vectors.feature_set]
        ours = f"source = '{given.source}'"
        scalers, fitted = _saved(run)
        models = assignment.saved_models({row["genre"]: (0, 1) for row in fitted}, scalers, fitted, feature_set)
        judged = new_tracks.judged_tracks(rows, feature_set, models).persist()
        ledger = new_tracks.counters(judged)
        new_tracks.check_once(judged, given.vectors)
        rejects = new_tracks.reject_rows(judged, run.id, given.source, given.vectors)
        run.together(
            lambda: run.write_ledger("assign.vectors", given.source, RULES_VERSION, ledger, mark),
            lambda: run.store.replace(REJECTS, rejects, mark, where=ours),
        )
        stage.rows_in, stage.rows_rejected = ledger["input"], ledger["input"] - ledger["tracks"]
        if not ledger["tracks"]:
            raise SoundalikeError(
                f"none of the {ledger['input']} rows of {given.vectors} can be assigned, expected at least one; "
                "silver/rejects says why, nothing was published in gold/track_clusters"
            )
        assigned = assignment.assigned_tracks(new_tracks.placed(judged, given.source), models)
        run.store.replace(TRACK_CLUSTERS, assigned, mark, where=ours)
        judged.unpersist()
        stage.rows_out = ledger["assigned"]


def _saved(run: Run) -> tuple[Any, Any]:
    """The scalers and the models of the feature set, as rows."""
    of_set = f"feature_set = '{run.settings.vectors.feature_set}'"
    scalers, models = (run.store.read(table).where(of_set).collect() for table in (FEATURE_SCALERS, GENRE_CLUSTERS))
    return scalers, models


def _ledger(counts: dict[str, tuple[int, int]], sizes: list[Size]) -> dict[str, int]:
    """memberships = assigned + no_vector."""
    memberships = sum(total for total, _ in counts.values())
    assigned = sum(n for _, _, _, n, _, _ in sizes)
    return {
        "memberships": memberships,
        "assigned": assigned,
        "no_vector": memberships - assigned,
        "clusters": len(sizes),
        "empty_clusters": sum(n == 0 for _, _, _, n, _, _ in sizes),
        "giant_clusters": sum(is_giant for *_, is_giant in sizes),
    }


def _report(run: Run, sizes: list[Size]) -> None:
    table = []
    for genre, rows in groupby(sizes, key=lambda row: row[0]):
        found = [n for _, _, _, n, _, _ in rows]
        total = sum(found)
        largest = f"{max(found) / total:.3f}{' (giant)' if any(r[5] for r in sizes if r[0] == genre) else ''}"
        table.append(
            [genre, f"{total:,}", str(len(found)), f"{total / len(found):.1f}", str(min(found)), str(max(found)),
             largest, str(found.count(0))]
        )  # fmt: skip
    head = ["genre", "tracks", "clusters", "mean size", "smallest", "largest", "share of largest", "empty"]
    run.console.table(head, table)


if __name__ == "__main__":
    exit_with(main("assign", assign, inputs))
