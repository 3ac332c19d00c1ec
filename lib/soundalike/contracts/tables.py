"""Every table of the product, stated once. Units stand in the meaning; `null = …` says what an absent value means."""

from soundalike.contracts.acousticbrainz import ELEVEN
from soundalike.contracts.clusters import CLUSTER_SIZES, GENRE_CLUSTERS, TRACK_CLUSTERS
from soundalike.contracts.entities import ALL as ENTITIES
from soundalike.contracts.table import Table, columns

ARTISTS = "array<struct<artist_id:string,artist_name:string>>"

BRONZE_SUBMISSIONS = Table(
    name="bronze/acousticbrainz_submissions",
    about="Every copy of every document of the archives, as given. Grows archive by archive, one commit each.",
    key=("archive", "member_pos"),
    columns=columns("""
        archive_no int          number in the archive's name; null = the name has none
        archive string!         base name of the archive
        member string!          name of the tar member
        member_pos bigint!      position among all members of the tar, from 0
        mbid_member string      MBID in the member name, lower case; null = odd name
        submission_no int       submission number in the member name, from 0; null = odd name
        raw_size bigint!        bytes of the member
        utf8_valid boolean!     the bytes are UTF-8
        json string!            the document; bad bytes as U+FFFD; empty for a member above the size limit
    """),
    # The commits of bronze are the checkpoints of the ingest: they must outlive Delta's 30 days.
    properties=(("delta.logRetentionDuration", "interval 3650 days"),),
)

SUBMISSIONS = Table(
    name="silver/submissions",
    about="Valid submissions: the first copy of each document that passes every rule of the profile.",
    key=("archive", "member_pos"),
    columns=columns(f"""
        archive_no int               number in the archive's name
        archive string!              base name of the archive
        member string!               name of the tar member
        member_pos bigint!           position in the tar, from 0
        mbid string!                 recording MBID of the tag, trimmed, lower case: the key of a recording
        mbid_member string           MBID in the member name
        submission_no int            submission number in the member name
        mbid_differs boolean!        both MBIDs are well-formed and differ
        title string!                first title, as given
        artist_credit string         the `artist` values (else `artists`) joined by `; `
        artists {ARTISTS}            pairs of id and name; null = no usable list
        album_id string              release MBID; null = absent or malformed
        album_name string            first album name, as given
        duration_s double            seconds; null = not positive
        codec string                 as given
        lossless boolean             null = absent or unreadable
        bit_rate bigint              bit/s; 0 for lossless files
        sample_rate bigint           Hz
        md5_encoded string           MD5 of the encoded audio, as given
        release_date date            missing month or day = 01; null = undated
        release_year int             year of release_date
        release_decade int           floor(year / 10) * 10
        date_precision string!       day, month, year, none
        date_source string           originaldate, date; null = undated
        date_status string!          ok, absent, unparseable
        date_flags array<string>!    sorted flags of the date rules
        genre_tags array<string>!    genre tags, split, trimmed, without repeats
        genre_tags_raw array<string> genre tags as given; null = absent
        bpm_tag double               beats per minute, 0 < bpm <= 400
        track_no int                 number of the track on its medium
        release_country string       as given
        version_highlevel string     git sha of the high-level build
        version_lowlevel string      git sha of the low-level build
        trust string!                trusted, undecided, collapsed
        labels map<string,string>!   label of each model that has one
        probabilities array<double>! 71 in order ab71-v1; null where the model is absent
        eleven array<double>!        the eleven outputs of feature set ab11, each read singly
        artist_ids array<string>     well-formed artist ids as given, paired or not; null = none
    """),
)

RECORDINGS = Table(
    name="silver/recordings",
    about="One row per recording: the merge of its valid submissions.",
    key=("mbid",),
    sort_by=("mbid",),
    columns=columns(
        f"""
        mbid string!                     recording MBID
        title string!                    most frequent title
        artist_credit string             most frequent raw credit
        artist_status string!            resolved, unresolved
        artists {ARTISTS}                most frequent set of pairs, by id; null = unresolved
        album_id string                  most frequent release MBID
        album_name string                most frequent name among submissions with that id
        release_date date                the album's date, else that of all dated submissions (lower median)
        release_year int                 year of release_date
        release_decade int               floor(year / 10) * 10
        date_precision string!           day, month, year, none
        date_source string               originaldate, date
        date_status string!              ok, unparseable, absent
        date_flags array<string>!        flags of the chosen date
        date_scope string                album, recording; null = undated
        duration_s double                seconds, median
        genre_rosamerica string          most frequent label
        genre_dortmund string            most frequent label
        labels map<string,string>!       most frequent label of each model
        probabilities array<double>!     71 in order ab71-v1: medians (two-class models), normalized means (larger ones)
        """
        + "\n".join(f"{name} double median of {model}.{output}" for name, (model, output) in ELEVEN.items())
        + """
        submissions bigint!              valid submissions
        submissions_trusted bigint!      trusted ones among them
        is_trusted boolean!              at least one is trusted
        is_placeholder_title boolean!    the whole title is a placeholder
        near_dup_group string            smallest MBID of the near-duplicates; null = alone
        audio_dup_group string           smallest MBID with the same audio; null = alone
        artist_ids array<string>         most frequent list of artist ids, paired or not; null = none
        """
    ),
)

REJECTS = Table(
    name="silver/rejects",
    about="Every record refused, with its reason. Holds the last run of each source.",
    key=("source", "archive", "member_pos", "pid", "pos"),
    columns=columns("""
        run_id string!     run that refused it
        source string!     acousticbrainz, mpd
        profile string!    rule profile
        archive string!    archive, zip or folder
        member string      tar member or slice
        member_pos bigint  position in the tar
        mbid_member string MBID in the member name
        submission_no int  submission number in the member name
        pid bigint         playlist id
        pos int            position in the playlist
        rule string!       first failing rule
        detail string      what was found
    """),
)

GENRE_MEMBERSHIPS = Table(
    name="silver/genre_memberships",
    about="Genres of every track.",
    key=("track_id", "source", "genre"),
    columns=columns("""
        track_id string!    recording MBID
        source string!      acousticbrainz, spotify
        genre string!       genre name; other = in no other
        map_version string! version of the genre map
        weight double!      probability of the genre; 0 = the model gives none for it
    """),
)

TRACK_VECTORS = Table(
    name="silver/track_vectors",
    about="One vector per track and feature set.",
    key=("track_id", "source", "feature_set"),
    columns=columns("""
        track_id string!        recording MBID
        source string!          acousticbrainz, spotify, fma
        feature_set string!     name of the feature set
        recording_key string!   tracks that may never stand in one list share it
        genres array<string>!   sorted, of any size; empty = none
        decade int              floor(year / 10) * 10; null = undated
        is_trusted boolean!     at least one trusted submission
        features array<double>  before scaling, in the set's order; null = one is missing
        vector array<float>     scaled, unit length; null = no vector
    """),
)

TRACKS = Table(
    name="gold/tracks",
    about="What a reader joins neighbors to.",
    key=("track_id", "source"),
    sort_by=("track_id",),
    columns=columns("""
        track_id string!        recording MBID; Spotify's id of a playlist track
        source string!          acousticbrainz, spotify, fma
        title string!           title
        artist string           artist credit; primary artist
        album string            album name
        release_year int        year; null = undated
        release_decade int      decade
        genres array<string>!   those of silver/genre_memberships, sorted; empty for playlist tracks
        duration_s double       seconds
        is_trusted boolean!     at least one trusted submission; true where nothing is known against it
        popularity bigint       submissions; playlists holding it
        recording_key string!   as in silver/track_vectors; of playlist tracks their id
    """),
)

FEATURE_SCALERS = Table(
    name="gold/feature_scalers",
    about="Mean and population standard deviation of each feature set: of the whole corpus, and of each genre's model.",
    key=("feature_set", "genre", "model_version"),
    columns=columns("""
        feature_set string!     name of the feature set
        genre string!           genre; * = the whole corpus
        model_version string!   hash of content and parameters; of a genre: that of its row in gold/genre_clusters
        n bigint!               rows it was fitted on
        columns array<string>!  feature names, in order
        mean array<double>!     mean of each column; 0 if the set is not scaled
        sd array<double>!       population standard deviation of each column; 1 if the set is not scaled
    """),
)

TRACK_NEIGHBORS = Table(
    name="gold/track_neighbors",
    about="The top-N neighbors of every eligible track, per scope and block.",
    key=("scope", "block", "track_id"),
    partition_by=("scope",),
    sort_by=("track_id", "block"),
    columns=columns("""
        scope string!       genre, genre_decade, global, decade
        block string!       genre; genre|decade; *; decade
        track_id string!    the track that is answered
        neighbors array<struct<neighbor_id:string,similarity:double>>!  nearest first; ties by id
        inherited boolean!  list of the representative of the same recording
        method string!      hash family of the block
        run_id string!      key into operations/runs
        model_version string! key into gold/neighbor_models
    """),
)

NEIGHBOR_MODELS = Table(
    name="gold/neighbor_models",
    about="The hash family and lattice that each block was searched with.",
    key=("name", "scope", "block", "model_version"),
    columns=columns("""
        name string!                     neighbor table
        scope string!                    scope
        block string!                    block
        model_version string!            hash of content and parameters
        family string!                   exact, kmeans_overlap, hyperplane
        lattice_scale int!               scale of the integer lattice
        dimensions int!                  width of the vectors
        parameters map<string,string>!   parameters of the family
        centers array<binary>!           on the lattice, int16: of the cells; the mean for hyperplane; empty for exact
    """),
)

CERTIFICATES = Table(
    name="operations/neighbor_certificates",
    about="Recall of the staged lists, measured against brute force, per block. Written whether or not the run passes.",
    key=("run_id", "name", "scope", "block"),
    columns=columns("""
        run_id string!               run
        name string!                 neighbor table
        scope string!                scope
        block string!                block
        rows bigint!                 representatives in the block
        queries bigint!              sampled queries
        family string!               hash family
        leaf bigint                  rows per cell; null without cells
        e bigint                     overlap, 64ths; null without cells
        min bigint                   fewest cells per row; null without cells
        max bigint                   most cells per row; null without cells
        pairs_per_row double         compared rows per row
        recall double                mean tie-safe recall at N; null = no query has a neighbor
        recall_sd double             standard deviation over queries
        n_effective double           effective sample size
        ci_low double                one-sided 95 % lower bound
        ci_high double               upper end of the 90 % interval
        floor double                 lowest accepted ci_low
        passed boolean!              no defect, and the floor is reached where it applies
        worst_query string           track with the lowest recall
        lattice_recall double        ids shared with the float64 lists
        mean_similarity_loss double  float64 similarity lost by the lattice
        short_lists bigint!          lists shorter than N although the block has more recordings
        share_nth_above_0999 double  share of queries whose last similarity exceeds 0.999
    """),
)

LEDGER = Table(
    name="operations/ledger",
    about="What went in, what came out and what was refused, counter by counter. Keeps every run.",
    key=("run_id", "source", "profile", "counter"),
    columns=columns("""
        run_id string!        run
        source string!        acousticbrainz, mpd, tracks, clusters, assign, neighbors
        profile string!       rule profile; tracks: the source; clusters, assign: the feature set; neighbors: the table
        rules_version string! version of the rules
        counter string!       counter
        value bigint!         value, zero included
    """),
)

RUNS = Table(
    name="operations/runs",
    about="Every stage of every run, success or not.",
    key=("run_id", "job", "stage", "attempt"),
    columns=columns("""
        run_id string!                     run
        job string!                        job
        stage string!                      stage
        attempt int!                       from 1
        started_at timestamp!              UTC
        seconds double                     wall time
        rows_in bigint                     rows read
        rows_out bigint                    rows written
        rows_rejected bigint               rows refused
        status string!                     done, skipped, failed
        error string                       message of a failed stage
        code_version string!               version and hash of the code
        settings map<string,string>!       every setting
        table_versions map<string,bigint>! versions read and written
    """),
)

ALL = (
    BRONZE_SUBMISSIONS, SUBMISSIONS, RECORDINGS, *ENTITIES, REJECTS, GENRE_MEMBERSHIPS, TRACK_VECTORS, TRACKS,
    FEATURE_SCALERS, GENRE_CLUSTERS, TRACK_CLUSTERS, CLUSTER_SIZES, TRACK_NEIGHBORS, NEIGHBOR_MODELS, CERTIFICATES,
    LEDGER, RUNS,
)  # fmt: skip
