"""The tables of the clusters per genre."""

from soundalike.contracts.table import Table, columns

GENRE_CLUSTERS = Table(
    name="gold/genre_clusters",
    about="The k-means model of each genre. Holds the last fit of each feature set.",
    key=("genre", "model_version"),
    columns=columns("""
        genre string!                     genre
        model_version string!             hash of content and parameters; the genre's scaler carries the same one
        feature_set string!               name of the feature set
        map_version string!               version of the genre map; several sorted and joined by |
        n bigint!                         rows it was fitted on
        k int!                            clusters asked for
        k_eff int!                        clusters fitted: at most the distinct scaled rows
        k_found int!                      distinct centers that came back
        init string!                      how the first centers are chosen
        seed bigint!                      seed of the fit
        iterations int!                   iterations of the best start
        sse double!                       sum of squared distances of the n rows to their centers, scaled space
        sse_per_row double!               sse / n
        centers array<array<double>>!     centers in scaled space; the position is the cluster
        run_id string!                    run that fitted it
        is_k_reduced boolean!             k_eff is below k
        is_fitted_on_untrusted boolean!   no row of the genre is trusted, so all were taken
    """),
)

TRACK_CLUSTERS = Table(
    name="gold/track_clusters",
    about="The cluster of every track with features, in each of its genres; own tracks under a source of their own.",
    key=("track_id", "source", "genre"),
    sort_by=("track_id", "genre"),
    columns=columns("""
        track_id string!       recording MBID, or the id in the table assign.vectors
        source string!         acousticbrainz, spotify; or assign.source (new) for the table assign.vectors
        genre string!          genre
        model_version string!  key into gold/genre_clusters
        cluster int!           nearest center, from 0; ties go to the lower
        distance double!       Euclidean distance to that center, scaled space
    """),
)

CLUSTER_SIZES = Table(
    name="gold/cluster_sizes",
    about="Tracks in each cluster, empty clusters included. Tracks of the table assign.vectors are not counted.",
    key=("genre", "model_version", "cluster"),
    columns=columns("""
        genre string!          genre
        model_version string!  key into gold/genre_clusters
        cluster int!           from 0
        n bigint!              rows of gold/track_clusters
        share double!          of the genre's rows
        is_giant boolean!      share above clusters.giant_share
    """),
)
