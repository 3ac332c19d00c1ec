"""Memberships, vectors and saved models -> the cluster of every track in each of its genres, and cluster sizes."""

from itertools import groupby

from jobs.ingest_acousticbrainz import inputs
from soundalike.contracts.clusters import CLUSTER_SIZES, GENRE_CLUSTERS, TRACK_CLUSTERS
from soundalike.contracts.features import FEATURE_SETS
from soundalike.contracts.tables import FEATURE_SCALERS, GENRE_MEMBERSHIPS, TRACK_VECTORS
from soundalike.run import Run, exit_with, main
from soundalike.stages import assignment
from soundalike.stages.scalers import placed_tracks

RULES_VERSION = "assign-1"

Size = tuple[str, str, int, int, float, bool]


def assign(run: Run) -> None:
    with run.stage("assign") as stage:
        mark = run.mark(stage, GENRE_MEMBERSHIPS, TRACK_VECTORS, FEATURE_SCALERS, GENRE_CLUSTERS)
        if run.store.holds(TRACK_CLUSTERS, mark):
            return stage.skip()
        feature_set = FEATURE_SETS[run.settings.vectors.feature_set]
        of_set = f"feature_set = '{feature_set.name}'"
        placed = placed_tracks(run.store.read(GENRE_MEMBERSHIPS), run.store.read(TRACK_VECTORS), feature_set.name)
        counts = assignment.genre_counts(placed)
        models = assignment.saved_models(
            counts,
            run.store.read(FEATURE_SCALERS).where(of_set).collect(),
            run.store.read(GENRE_CLUSTERS).where(of_set).collect(),
            feature_set,
        )
        with run.watch_tasks("assign tasks"):
            assigned = run.store.stage(assignment.assigned_tracks(placed, models), f"{run.id}/track_clusters")
        sizes = assignment.size_rows(assigned, models, run.settings.clusters.giant_share)
        assignment.check_complete(counts, sizes)
        ledger = _ledger(counts, sizes)
        run.write_ledger("assign", feature_set.name, RULES_VERSION, ledger, mark)
        run.store.replace(CLUSTER_SIZES, run.rows(CLUSTER_SIZES, sizes), mark)
        stage.table_versions[TRACK_CLUSTERS.name] = run.store.replace(TRACK_CLUSTERS, assigned, mark)
        run.store.unstage(f"{run.id}/track_clusters")
        stage.rows_in, stage.rows_out, stage.rows_rejected = (
            ledger[name] for name in ("memberships", "assigned", "no_vector")
        )
    _report(run, sizes)


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
