"""The playlists: tables, fields, integrity rules and the published statistics of the Million Playlist Dataset."""

from soundalike.contracts.table import Table, columns

RULES_VERSION = "mpd-1"

# Fields that a profile may require, in the order of the slices. `pid` and `tracks` are the key: without them a playlist
# is refused as unkeyed. `description` is optional everywhere.
PLAYLIST_FIELDS = (
    "name", "collaborative", "modified_at", "num_tracks", "num_albums", "num_artists", "num_followers", "num_edits",
    "duration_ms",
)  # fmt: skip
ENTRY_FIELDS = (
    "pos", "track_uri", "track_name", "artist_uri", "artist_name", "album_uri", "album_name", "duration_ms",
)  # fmt: skip
REQUIRED_OF_PLAYLISTS = {"official": PLAYLIST_FIELDS, "reduced": ("name",)}
REQUIRED_OF_ENTRIES = {"official": ENTRY_FIELDS, "reduced": ("track_uri", "track_name", "artist_name")}

# Integrity rules in their order; a record is refused under the first that fails and refuses.
RULES = (
    "slice_unreadable", "slice_range", "slice_info_keys", "slice_size", "slice_empty",
    "playlist_unkeyed", "pid_duplicate", "pid_range", "pid_gap", "playlist_field_missing", "playlist_field_extra",
    "name_blank", "tracks_few", "tracks_many", "artists_few", "albums_few", "num_tracks_mismatch",
    "num_artists_mismatch", "num_albums_mismatch", "duration_mismatch", "followers_low", "edits_low", "modified_late",
    "modified_not_midnight", "collaborative_value",
    "entry_field_missing", "entry_field_extra", "pos_gap", "track_uri_bad", "artist_uri_bad", "album_uri_bad",
    "entry_duration", "entry_name_blank", "track_names", "artist_names", "album_names",
)  # fmt: skip

ALL_PIDS = 1_000_000
LATEST_MODIFIED_AT = 1_509_494_400  # 2017-11-01 00:00 UTC

# Published with the dataset (stats.txt); what a run over the full dataset must give.
PUBLISHED_STATISTICS = {
    "playlists": 1_000_000.0, "entries": 66_346_428.0, "unique_tracks": 2_262_292.0, "unique_albums": 734_684.0,
    "unique_artists": 295_860.0, "unique_titles": 92_944.0, "unique_normalized_titles": 17_381.0,
    "playlists_with_description": 18_760.0, "mean_length": 66.346428,
}  # fmt: skip

BRONZE_PLAYLISTS = Table(
    name="bronze/mpd_playlists",
    about="Every playlist of every readable slice, as given. Grows by groups of slices, one commit each.",
    key=("slice_first", "slice_index"),
    columns=columns("""
        slice_first bigint!            first pid in the slice's file name
        slice_index int!               index of the playlist in its slice, from 0
        slice_last bigint!             last pid in the slice's file name
        pid bigint                     null here and below = absent or of the wrong type
        name string                    title
        description string             with its HTML entities
        collaborative string           the text true or false
        modified_at bigint             epoch seconds
        num_tracks bigint              claimed entries
        num_albums bigint              claimed albums
        num_artists bigint             claimed artists
        num_followers bigint           followers, the owner left out
        num_edits bigint               editing sessions
        duration_ms bigint             claimed length in ms
        entries bigint                 entries as present; null = tracks is no array
        artist_uris_given bigint       entries that carry an artist URI
        artist_uris bigint             distinct artist URIs as present
        album_uris_given bigint        entries that carry an album URI
        album_uris bigint              distinct album URIs as present
        durations_given bigint         entries that carry a duration
        duration_sum_ms bigint         sum of the durations as present
        fields_extra array<string>!    fields beyond the schema, sorted
    """),
    # The commits are the checkpoints of the ingest: they must outlive Delta's 30 days.
    properties=(("delta.logRetentionDuration", "interval 3650 days"),),
)

BRONZE_ENTRIES = Table(
    name="bronze/mpd_entries",
    about="Every entry of every playlist in bronze, as given.",
    key=("slice_first", "slice_index", "pos"),
    columns=columns("""
        slice_first bigint!            first pid in the slice's file name
        slice_index int!               index of the playlist in its slice, from 0
        pid bigint                     playlist, as given
        pos int!                       index in the playlist, from 0
        pos_given int                  the field pos; null here and below = absent or of the wrong type
        track_uri string               as given
        track_name string              as given
        artist_uri string              as given
        artist_name string             as given
        album_uri string               as given
        album_name string              as given
        duration_ms bigint             as given
        fields_extra array<string>!    fields beyond the schema, sorted
    """),
    properties=(("delta.logRetentionDuration", "interval 3650 days"),),
)

PLAYLISTS = Table(
    name="silver/mpd_playlists",
    about="One row per playlist: what it claims and, next to it, what was counted in its published entries.",
    key=("pid",),
    sort_by=("pid",),
    columns=columns("""
        pid bigint!                playlist
        name string!               title, as given
        name_norm string!          normalized title; may be empty
        description string         with its HTML entities; null = absent
        description_text string    entities decoded
        collaborative boolean      null = absent or neither true nor false
        modified_at bigint         epoch seconds
        modified_day date          UTC day of modified_at
        num_tracks bigint          claimed entries
        num_albums bigint          claimed albums
        num_artists bigint         claimed artists
        num_followers bigint       followers, the owner left out
        num_edits bigint           editing sessions
        duration_ms bigint         claimed length in ms
        n_entries bigint!          published entries
        n_tracks bigint!           distinct tracks
        n_artists bigint!          distinct artists
        n_albums bigint!           distinct albums
        duration_sum_ms bigint!    sum of the published durations
        slice_first bigint!        first pid in the slice's file name
        slice_last bigint!         last pid in the slice's file name
        slice_index int!           index in the slice, from 0
    """),
)

ENTRIES = Table(
    name="silver/mpd_entries",
    about="One row per entry of a published playlist; repeats are kept.",
    key=("pid", "pos"),
    sort_by=("pid", "pos"),
    columns=columns("""
        pid bigint!          playlist
        pos int!             index in the playlist as given, from 0
        track_id string!     last part of the track URI
        artist_id string     of the primary artist; null = absent or malformed
        album_id string      null = absent or malformed
        duration_ms bigint   ms; null = absent or not positive
        pos_given int        the field pos
    """),
)

TRACKS = Table(
    name="silver/mpd_tracks",
    about="One row per track: its most frequent record, ties to the smallest.",
    key=("track_id",),
    sort_by=("track_id",),
    columns=columns("""
        track_id string!       last part of the track URI
        track_name string!     of the representative record
        artist_id string       of the representative record
        album_id string        of the representative record
        duration_ms bigint     of the representative record
        n_entries bigint!      entries with it
        n_playlists bigint!    distinct playlists with it
        n_variants bigint!     distinct records
        artist_name string     most frequent, tie smallest; no part of the record
        album_name string      most frequent, tie smallest; no part of the record
    """),
)

ARTISTS = Table(
    name="silver/mpd_artists",
    about="One row per artist URI; empty where the slices carry none (a name is never promoted to a key).",
    key=("artist_id",),
    sort_by=("artist_id",),
    columns=columns("""
        artist_id string!      last part of the artist URI
        artist_name string     most frequent, tie smallest
        n_entries bigint!      entries with it
        n_tracks bigint!       distinct tracks
        n_variants bigint!     distinct names
    """),
)

ALBUMS = Table(
    name="silver/mpd_albums",
    about="One row per album URI; empty where the slices carry none.",
    key=("album_id",),
    sort_by=("album_id",),
    columns=columns("""
        album_id string!       last part of the album URI
        album_name string      most frequent, tie smallest
        n_entries bigint!      entries with it
        n_tracks bigint!       distinct tracks
        n_variants bigint!     distinct names
    """),
)

INTEGRITY = Table(
    name="operations/mpd_integrity",
    about="How often each integrity rule fired. Keeps every run.",
    key=("run_id", "rule", "field"),
    columns=columns("""
        run_id string!    run
        rule string!      integrity rule
        field string      null = the rule is not per field
        count bigint      records; null = not evaluable, no record carries the field
    """),
)

STATISTICS = Table(
    name="operations/mpd_stats",
    about="Exact statistics of the published playlists. Keeps every run.",
    key=("run_id", "statistic"),
    columns=columns("""
        run_id string!       run
        statistic string!    statistic
        value double!        value
    """),
)

HISTOGRAMS = Table(
    name="operations/mpd_histograms",
    about="The twenty most frequent titles, tracks and artists, and whole histograms. Keeps every run.",
    key=("run_id", "statistic", "label"),
    columns=columns("""
        run_id string!       run
        statistic string!    top_titles, top_tracks, top_artists, lengths, edits, followers, modified_day
        label string!        value that was counted
        rank int!            from 1, most frequent first; ties by value
        count bigint!        playlists; entries for top_tracks and top_artists
    """),
)

ALL = (
    BRONZE_PLAYLISTS, BRONZE_ENTRIES, PLAYLISTS, ENTRIES, TRACKS, ARTISTS, ALBUMS, INTEGRITY, STATISTICS, HISTOGRAMS,
)  # fmt: skip
