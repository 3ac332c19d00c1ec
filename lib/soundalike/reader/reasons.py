"""Why a track has no neighbors: read off the published tables, in the order of eligibility."""

from soundalike.contracts.tables import TRACK_VECTORS
from soundalike.reader.rows import NeighborList, Track
from soundalike.reader.tables import Reader


def reason(reader: Reader, track: Track | None, lists: list[NeighborList], scope: str | None, name: str) -> str:
    """One clause, with what to do.

    Args:
        track: its row of `gold/tracks`; None = it has none (neighbor tables of other vectors need no catalog).
        lists: its lists of this scope (all scopes when None) in `gold/<name>`; all of them are empty.
    """
    if lists:
        where = ", ".join(f"{found.scope} {found.block}" for found in lists)
        if all(found.method == "exact" for found in lists):
            return f"alone in its block ({where}): no other recording is there"
        return f"its list is empty ({where}): no other recording there shares a bucket with it"
    if track is None:
        return f"it has no row there under {reader.root}; check the id, or run the job neighbors"
    scopes = reader.scopes(name)
    if scope is not None and scope not in scopes:
        there = ", ".join(scopes) or "no scope"
        return (
            f"the table holds no scope {scope} (it holds {there}): run the job neighbors with neighbors.scopes={scope}"
        )
    has_vectors = reader.has(TRACK_VECTORS.name)
    rows = reader.vectors(track.track_id) if has_vectors else []
    if rows and all(row["vector"] is None for row in rows):
        sets = ", ".join(dict.fromkeys(row["feature_set"] for row in rows))
        return f"no vector: at least one of its features is missing (feature set {sets})"
    if not track.is_trusted:
        return "untrusted: no submission of it has a trusted classifier output; neighbors.strict=false admits it"
    if has_vectors and not rows:
        return f"no vector: {TRACK_VECTORS.name} has no row for it; run the job tracks"
    has_genre = any(row["genres"] for row in rows) if rows else bool(track.genres)
    # Without a scope all of them were looked at: a reason must hold in each.
    asked = set(scopes if scope is None else (scope,))
    if not has_genre and asked <= {"genre", "genre_decade"}:
        return "no genre: it is in no block" + ("" if scope is None else "; try --scope global")
    if track.release_decade is None and asked <= {"genre_decade", "decade"}:
        return "undated: it is in no block of a decade; try --scope genre"
    return "the lists are older than the track, or another run's: run the job neighbors"
