"""Artists, albums and the bridges between them and the recordings."""

from soundalike.contracts.table import Table, columns

ARTISTS = Table(
    name="silver/artists",
    about="One row per artist id that a recording with a usable artist list names.",
    key=("artist_id",),
    sort_by=("artist_id",),
    columns=columns("""
        artist_id string!    artist MBID
        artist_name string   the name most recordings give it, ties to the smallest
        alias_count bigint!  names beyond the first
        recordings bigint!   recordings with it
    """),
)

ALBUMS = Table(
    name="silver/albums",
    about="One row per release that a recording is on.",
    key=("album_id",),
    sort_by=("album_id",),
    columns=columns("""
        album_id string!     release MBID
        album_name string    the name most recordings give it, ties to the smallest; null = none gives one
        alias_count bigint!  names beyond the first
        recordings bigint!   recordings on it
    """),
)

RECORDING_ARTISTS = Table(
    name="silver/recording_artists",
    about="The artists of each recording; a recording whose artists are unresolved has no row.",
    key=("mbid", "artist_id"),
    sort_by=("mbid", "artist_id"),
    columns=columns("""
        mbid string!       recording MBID
        artist_id string!  key into silver/artists
    """),
)

RECORDING_ALBUMS = Table(
    name="silver/recording_albums",
    about="The release of each recording that has one.",
    key=("mbid", "album_id"),
    sort_by=("mbid", "album_id"),
    columns=columns("""
        mbid string!      recording MBID
        album_id string!  key into silver/albums
    """),
)

ALBUM_ARTISTS = Table(
    name="silver/album_artists",
    about="The artists of the recordings on each release.",
    key=("album_id", "artist_id"),
    sort_by=("album_id", "artist_id"),
    columns=columns("""
        album_id string!   key into silver/albums
        artist_id string!  key into silver/artists
    """),
)

ALL = (ARTISTS, ALBUMS, RECORDING_ARTISTS, RECORDING_ALBUMS, ALBUM_ARTISTS)
