"""Everything that has input, in order, in one session."""

from collections.abc import Sequence

from jobs import ingest_mpd as playlists
from jobs.assign import assign_all, assign_new
from jobs.clusters import clusters
from jobs.ingest_acousticbrainz import ingest_acousticbrainz, inputs
from jobs.neighbors import neighbors
from jobs.recordings import recordings
from jobs.tracks import tracks
from soundalike.contracts.tables import TRACK_VECTORS
from soundalike.errors import UsageError
from soundalike.run import Run, exit_with, main
from soundalike.settings import Settings


def required_inputs(settings: Settings) -> Sequence[str]:
    if not settings.sources.acousticbrainz.uris and not settings.sources.mpd.uri:
        raise UsageError(
            "no source is set; give sources.acousticbrainz.uris (a folder, or archives by commas) or sources.mpd.uri"
        )
    return [*inputs(settings), *playlists.inputs(settings)]


def pipeline(run: Run) -> None:
    has_documents = bool(run.settings.sources.acousticbrainz.uris)
    for job in (ingest_acousticbrainz, recordings) if has_documents else ():
        job(run)
    playlists.ingest_mpd(run)
    tracks(run)
    has_vectors = run.store.exists(TRACK_VECTORS)
    new = [assign_new] if run.settings.assign.vectors else []
    for job in (clusters, assign_all, *new) if has_vectors else ():
        job(run)
    if run.settings.neighbors.vectors or has_vectors:
        neighbors(run)
    else:
        run.console.line(f"no {TRACK_VECTORS.name}: playlists have no vectors, so there are no neighbors to search")


if __name__ == "__main__":
    exit_with(main("pipeline", pipeline, required_inputs))
