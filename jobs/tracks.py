"""Recordings and playlist tracks -> genre memberships, scaled vectors and gold tracks."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

from jobs import ingest_acousticbrainz, ingest_mpd
from soundalike.contracts import mpd
from soundalike.contracts.features import FEATURE_SETS
from soundalike.contracts.tables import FEATURE_SCALERS, GENRE_MEMBERSHIPS, RECORDINGS, TRACK_VECTORS, TRACKS
from soundalike.errors import SoundalikeError
from soundalike.run import Run, exit_with, main
from soundalike.settings import Settings
from soundalike.stages import genres
from soundalike.stages import tracks as stages


def inputs(settings: Settings) -> Sequence[str]:
    return [*ingest_acousticbrainz.inputs(settings), *ingest_mpd.inputs(settings)]


def tracks(run: Run) -> None:
    """Handles each source that has its table; rows of other sources stay."""
    with run.stage("tracks") as stage:
        read = [table for table in (RECORDINGS, mpd.TRACKS) if run.store.exists(table)]
        if not read:
            raise SoundalikeError(
                f"neither {RECORDINGS.name} nor {mpd.TRACKS.name} is below {run.store.root}; "
                "run the job recordings or ingest_mpd first"
            )
        mark = run.mark(stage, *read)
        if run.store.holds(TRACKS, mark):
            return stage.skip()
        found = {}
        if RECORDINGS in read:
            found[stages.SOURCE] = _recordings(run, mark)
        if mpd.TRACKS in read:
            found[stages.PLAYLISTS] = stages.tracks_of_playlists(run.store.read(mpd.TRACKS))
        rows = reduce(lambda one, other: one.unionByName(other), found.values())
        sources = ", ".join(f"'{source}'" for source in found)
        # Last, and one commit for all sources: the mark of this table says that the stage is done.
        stage.table_versions[TRACKS.name] = run.store.replace(TRACKS, rows, mark, where=f"source IN ({sources})")
        stage.rows_in = stage.rows_out = sum(run.store.read(table).count() for table in read)
        stage.rows_rejected = 0


def _recordings(run: Run, mark: Any) -> Any:
    """Publishes the memberships, the corpus scaler and the vectors of recordings; returns their rows of gold/tracks."""
    given, of_vectors = run.settings.genres, run.settings.vectors
    feature_set = FEATURE_SETS[of_vectors.feature_set]
    ours, of_set = f"source = '{stages.SOURCE}'", f"feature_set = '{feature_set.name}'"
    rule = genres.GenreRule(given.mode, given.threshold, given.confidence_floor)
    placed = genres.with_genres(run.store.read(RECORDINGS), rule)
    features = stages.features_of_recordings(placed, feature_set)
    groups = genres.genre_groups(features).orderBy("genre").collect()
    dropped = [group for group in groups if group["complete"] < given.min_group.acousticbrainz]
    kept = genres.with_groups_kept(placed, [group["genre"] for group in dropped])
    ledger = genres.membership_counters(kept).collect()[0].asDict()
    ledger |= {"genres_dropped": len(dropped), "memberships_dropped": sum(group["tracks"] for group in dropped)}
    scaler = stages.fitted_scaler(features, feature_set)
    scalers = run.rows(FEATURE_SCALERS, [scaler.row()] if scaler else [])
    memberships = genres.memberships(kept, stages.SOURCE, rule.map_version)
    vectors = stages.scaled_vectors(features, scaler)
    run.together(
        lambda: run.store.replace(GENRE_MEMBERSHIPS, memberships, mark, where=ours),
        lambda: run.store.replace(FEATURE_SCALERS, scalers, mark, where=f"{of_set} AND genre = '*'"),
        lambda: run.store.replace(TRACK_VECTORS, vectors, mark, where=f"{ours} AND {of_set}"),
        lambda: run.write_ledger("tracks", stages.SOURCE, rule.map_version, ledger, mark),
    )
    _report(run, groups, dropped, ledger)
    return stages.tracks_of_recordings(kept)


def _report(run: Run, groups: list[Any], dropped: list[Any], ledger: dict[str, int]) -> None:
    run.console.table(
        ["genre", "tracks", "with all features", ""],
        [
            [group["genre"], f"{group['tracks']:,}", f"{group['complete']:,}", "dropped" if group in dropped else ""]
            for group in groups
        ],
    )
    run.console.line(
        f"{ledger['memberships']:,} memberships of {ledger['tracks']:,} tracks; "
        f"{ledger['tracks_with_genre']:,} have a genre other than {genres.OTHER}"
    )


if __name__ == "__main__":
    exit_with(main("tracks", tracks, inputs))
