"""Memberships and vectors -> a scaler and a k-means model per genre. Fits only; `assign` uses them."""

from jobs.ingest_acousticbrainz import inputs
from soundalike.contracts.clusters import GENRE_CLUSTERS
from soundalike.contracts.features import FEATURE_SETS
from soundalike.contracts.tables import FEATURE_SCALERS, GENRE_MEMBERSHIPS, TRACK_VECTORS
from soundalike.errors import SoundalikeError
from soundalike.run import Run, exit_with, main
from soundalike.stages.clusters import FitRule, GenreModel, genre_models
from soundalike.stages.scalers import GenreSums, genre_scalers, genre_sums, placed_tracks

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
        with run.watch_tasks("genre tasks"):
            genres = genre_sums(placed, feature_set)
            if not any(sums.n for sums in genres):
                raise SoundalikeError(
                    f"none of the {sum(sums.memberships for sums in genres)} memberships is of a track with features "
                    f"of feature set {feature_set.name}, so there is nothing to fit; run the job tracks with it"
                )
            models = genre_models(placed, genre_scalers(placed, genres, feature_set), feature_set, rule)
        placed.unpersist()
        ledger = _ledger(genres, models)
        scalers = run.rows(FEATURE_SCALERS, [model.scaler_row() for model in models])
        rows = run.rows(GENRE_CLUSTERS, [model.row(run.id) for model in models])
        run.together(
            lambda: run.write_ledger("clusters", feature_set.name, RULES_VERSION, ledger, mark),
            lambda: run.store.replace(FEATURE_SCALERS, scalers, mark, where=f"{of_set} AND genre <> '*'"),
        )
        stage.table_versions[GENRE_CLUSTERS.name] = run.store.replace(GENRE_CLUSTERS, rows, mark, where=of_set)
        stage.rows_in = sum(sums.memberships for sums in genres)
        stage.rows_out, stage.rows_rejected = len(models), 0
    _report(run, genres, models)


def _ledger(genres: list[GenreSums], models: list[GenreModel]) -> dict[str, int]:
    return {
        "genres": len(genres),
        "genres_without_vector": sum(not sums.n for sums in genres),
        "rows_fitted": sum(model.n for model in models),
        "k_reduced": sum(model.k_eff < model.k for model in models),
        "fitted_on_untrusted": sum(model.scaler.is_untrusted for model in models),
        "flat_columns": sum(len(model.scaler.flat_columns(model.feature_set)) for model in models),
    }


def _report(run: Run, genres: list[GenreSums], models: list[GenreModel]) -> None:
    for sums in genres:
        if not sums.n:
            run.console.line(f"genre {sums.genre}: none of {sums.memberships:,} tracks has features, there is no model")
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
