"""Everything that has input, in order, in one session."""

from jobs.ingest_acousticbrainz import ingest_acousticbrainz, required_inputs
from jobs.neighbors import neighbors
from jobs.recordings import recordings
from jobs.tracks import tracks
from soundalike.run import Run, exit_with, main


def pipeline(run: Run) -> None:
    for job in (ingest_acousticbrainz, recordings, tracks, neighbors):
        job(run)


if __name__ == "__main__":
    exit_with(main("pipeline", pipeline, required_inputs))
