"""Recordings -> genre memberships, scaled vectors and gold tracks."""

from jobs.ingest_acousticbrainz import inputs
from soundalike.contracts.tables import FEATURE_SCALERS, GENRE_MEMBERSHIPS, RECORDINGS, TRACK_VECTORS, TRACKS
from soundalike.run import Run, exit_with, main
from soundalike.stages import tracks as stages


def tracks(run: Run) -> None:
    with run.stage("tracks") as stage:
        mark = run.mark(stage, RECORDINGS)
        if run.store.holds(TRACKS, mark):
            return stage.skip()
        feature_set = run.settings.vectors.feature_set
        ours = f"source = '{stages.SOURCE}'"
        of_set = f"feature_set = '{feature_set}'"
        recordings = run.store.read(RECORDINGS)
        stage.rows_in = recordings.count()
        features = stages.features_of_recordings(recordings, feature_set)
        scaler = stages.fitted_scaler(features, feature_set)
        scalers = run.rows(FEATURE_SCALERS, [scaler.row()] if scaler else [])
        memberships, vectors = stages.memberships_of_recordings(recordings), stages.scaled_vectors(features, scaler)
        run.together(
            lambda: run.store.replace(GENRE_MEMBERSHIPS, memberships, mark, where=ours),
            lambda: run.store.replace(FEATURE_SCALERS, scalers, mark, where=f"{of_set} AND genre = '*'"),
            lambda: run.store.replace(TRACK_VECTORS, vectors, mark, where=f"{ours} AND {of_set}"),
        )
        stage.table_versions[TRACKS.name] = run.store.replace(
            TRACKS, stages.tracks_of_recordings(recordings), mark, where=ours
        )
        stage.rows_out, stage.rows_rejected = stage.rows_in, 0


if __name__ == "__main__":
    exit_with(main("tracks", tracks, inputs))
