"""Memberships and vectors -> a scaler and a k-means model per genre. Fits only; `assign` uses them."""

from jobs.ingest_acousticbrainz import inputs
from soundalike.contracts.clusters import GENRE_CLUSTERS
from soundalike.contracts.features import FEATURE_SETS
from soundalike.contracts.tables import FEATURE_SCALERS, GENRE_MEMBERSHIPS, TRACK_VECTORS
from soundalike.run import Run, exit_with, main
from soundalike.stages.clusters import FitRule, GenreModel, genre_models
from soundalike.stages.scalers import genre_scalers, placed_tracks

RULES_VERSION = "clusters-1"


def clusters(run: Run) -> None:
    with run.stage("clusters") as stage:
        mark = run.mark(stage, GENRE_MEMBERSHIPS, TRACK_VECTORS)
        if run.store.holds(GENRE_CLUSTERS, mark):
            return stage.skip()
        feature_set = FEATURE_SETS[run.settings.vectors.feature_set]
        of_set = f"feature_set = '{feature_set.name}'"
        given = run.settings.clusters
        rule = FitRule(given.policy, given.k, given.k_min, given.k_max, given.fit_rows, given.seed)
        placed = placed_tracks(
            run.store.read(GENRE_MEMBERSHIPS), run.store.read(TRACK_VECTORS), feature_set.name
        ).persist()
        stage.rows_in = placed.count()
        with run.watch_tasks("genre tasks"):
            scalers = genre_scalers(placed, feature_set)
            models = genre_models(placed, scalers, feature_set, rule)
        placed.unpersist()
        run.write_ledger("clusters", feature_set.name, RULES_VERSION, _ledger(models), mark)
        rows = run.rows(FEATURE_SCALERS, [model.scaler_row() for model in models])
        run.store.replace(FEATURE_SCALERS, rows, mark, where=f"{of_set} AND genre <> '*'")
        rows = run.rows(GENRE_CLUSTERS, [model.row(run.id) for model in models])
        stage.table_versions[GENRE_CLUSTERS.name] = run.store.replace(GENRE_CLUSTERS, rows, mark, where=of_set)
        stage.rows_out, stage.rows_rejected = len(models), 0
    _report(run, models)


def _ledger(models: list[GenreModel]) -> dict[str, int]:
    return {
        "genres": len(models),
        "rows_fitted": sum(model.n for model in models),
        "k_reduced": sum(model.k_eff < model.k for model in models),
        "fitted_on_untrusted": sum(model.scaler.is_untrusted for model in models),
        "flat_columns": sum(len(model.scaler.flat_columns(model.feature_set)) for model in models),
    }


def _report(run: Run, models: list[GenreModel]) -> None:
    for model in models:
        if model.scaler.is_untrusted:
            run.console.line(f"genre {model.scaler.genre}: no trusted row, fitted on all {model.n:,} rows")
        flat = model.scaler.flat_columns(model.feature_set)
        if flat:
            run.console.line(f"genre {model.scaler.genre}: columns without spread are 0: {', '.join(flat)}")
    run.console.table(
        ["genre", "rows fitted", "k", "fitted", "found", "iterations", "sse per row"],
        [
            [m.scaler.genre, f"{m.n:,}", str(m.k), f"{m.k_eff}{' (reduced)' if m.k_eff < m.k else ''}",
             str(len(m.centers)), str(m.iterations), f"{m.sse / m.n:.4f}"]
            for m in models
        ],
    )  # fmt: skip


if __name__ == "__main__":
    exit_with(main("clusters", clusters, inputs))
