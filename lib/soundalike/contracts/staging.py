"""What a search for neighbors stages below `_staging/<run id>`: each table is a point from which the job can go on."""

from soundalike.contracts.table import Table, columns

SEARCHED_TRACKS = Table(
    name="neighbors/tracks",
    about="The tracks of a search, their vectors as integers.",
    key=("track_id",),
    columns=columns("""
        track_id string        track
        recording_key string   tracks that share it never stand in one list
        genres array<string>!  sorted
        decade int             null = undated
        is_trusted boolean!    untrusted ones may be left out
        listed boolean!        in the catalog, or there is none
        width int              values of the vector as given; null = none given
        lattice binary         int16 row of the lattice; null = no vector
        units binary           float64, the vector at unit length; null = no vector
    """),
)

# A track stands here once for each task that answered it, or once when its lists were merged.
PARTIAL_LISTS = Table(
    name="neighbors/partials",
    about="Lists as the tasks found them: the nearest tracks of a track among those that the task holds.",
    key=(),
    columns=columns("""
        block int!         position of the block in the order of scope and block
        id binary!         track, see stages/ids
        copies int!        tasks that answered the track; 1 = the list is final
        ids binary!        neighbors, nearest first
        sizes binary!      bytes of each of `ids`, int32; empty if each has 16
        distances binary!  D of each, int32
        owed int!          neighbors that an exact search would find, at most as many as a list may hold
        compared bigint!   rows that the track was compared with
    """),
)
MERGED_LISTS = Table(
    name="neighbors/merged",
    about="Final lists of the tracks that several tasks answered.",
    key=(),
    columns=PARTIAL_LISTS.columns,
)
