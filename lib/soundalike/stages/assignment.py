"""Every track to the nearest center of each of its genres; nothing is left out without a word."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from soundalike.contracts.clusters import TRACK_CLUSTERS
from soundalike.contracts.features import FeatureSet
from soundalike.errors import SoundalikeError
from soundalike.numeric.centers import Floats, nearest_center
from soundalike.numeric.scaling import standardize
from soundalike.stages import arrays
from soundalike.stages.schemas import arrow_schema, ddl


@dataclass(frozen=True)
class SavedModel:
    """Scaler (d,) and centers (k, d) of a genre as published."""

    genre: str
    model_version: str
    mean: Floats
    sd: Floats
    centers: Floats


def genre_counts(placed: DataFrame) -> dict[str, tuple[int, int]]:
    """Memberships of each genre, and its different tracks with features. `placed` as from `scalers.placed_tracks`."""
    track = F.when(F.col("features").isNotNull(), F.struct("track_id", "source"))
    counted = placed.groupBy("genre").agg(F.count(F.lit(1)), F.count_distinct(track)).collect()
    return {genre: (memberships, tracks) for genre, memberships, tracks in counted}


def saved_models(
    counts: Mapping[str, tuple[int, int]], scalers: Sequence[Any], models: Sequence[Any], feature_set: FeatureSet
) -> dict[str, SavedModel]:
    """The model of each genre of `counts` (`genre_counts`) that has a track with features; another has nothing to fit.

    `scalers` and `models` are rows of gold/feature_scalers and gold/genre_clusters of `feature_set`.

    Raises:
        SoundalikeError: a genre has not exactly one scaler and one model, or they are not of one fit.
    """
    found = {}
    for genre in sorted(genre for genre, (_, tracks) in counts.items() if tracks):
        of_genre = [row for row in models if row["genre"] == genre]
        scaled_by = [row for row in scalers if row["genre"] == genre]
        if (len(scaled_by), len(of_genre)) != (1, 1):
            memberships, tracks = counts[genre]
            raise SoundalikeError(
                f"genre {genre} ({memberships} memberships, {tracks} tracks with features) has {len(scaled_by)} "
                f"scalers and {len(of_genre)} models of feature set {feature_set.name}, expected one of each; "
                "run the job clusters"
            )
        scaler, model = scaled_by[0], of_genre[0]
        if scaler["model_version"] != model["model_version"]:
            raise SoundalikeError(
                f"genre {genre}: scaler {scaler['model_version']} and model {model['model_version']} are not of one "
                "fit; run the job clusters"
            )
        if tuple(scaler["columns"]) != feature_set.columns:
            raise SoundalikeError(
                f"genre {genre} was fitted on the columns {', '.join(scaler['columns'])}, feature set "
                f"{feature_set.name} has {', '.join(feature_set.columns)}; run the job clusters"
            )
        found[genre] = SavedModel(
            genre, model["model_version"], np.array(scaler["mean"]), np.array(scaler["sd"]), np.array(model["centers"])
        )
    return found


def assigned_tracks(placed: DataFrame, models: Mapping[str, SavedModel]) -> DataFrame:
    """Rows of gold/track_clusters: one for each row of `placed` that has features."""
    return (
        placed.where(F.col("features").isNotNull())
        .select("track_id", "source", "genre", "features")
        .mapInArrow(partial(_assign_batches, models=models), ddl(TRACK_CLUSTERS.columns))
    )


def _assign_batches(batches: Iterable[pa.RecordBatch], models: Mapping[str, SavedModel]) -> Iterator[pa.RecordBatch]:
    schema = arrow_schema(TRACK_CLUSTERS.columns)
    for batch in batches:
        genres = batch.column("genre").dictionary_encode()
        codes = genres.indices.to_numpy()
        names = genres.dictionary.to_pylist()
        cluster, square = np.zeros(len(codes), dtype=np.int32), np.zeros(len(codes))
        for code, genre in enumerate(names):
            rows = np.flatnonzero(codes == code)
            model = models[genre]
            features = arrays.to_matrix(batch.column("features").take(pa.array(rows)), len(model.mean))
            cluster[rows], square[rows] = nearest_center(standardize(features, model.mean, model.sd), model.centers)
        versions = pa.array([models[genre].model_version for genre in names], pa.string()).take(genres.indices)
        yield pa.RecordBatch.from_arrays(
            [*batch.select(["track_id", "source", "genre"]).columns, versions, pa.array(cluster),
             pa.array(np.sqrt(square))],
            schema=schema,
        )  # fmt: skip


def size_rows(
    assigned: DataFrame, models: Mapping[str, SavedModel], giant_share: float
) -> list[tuple[str, str, int, int, float, bool]]:
    """Rows of gold/cluster_sizes, by genre and cluster; a cluster without tracks is there with 0."""
    counted = assigned.groupBy("genre", "cluster").agg(F.count(F.lit(1))).collect()
    sizes = {(genre, cluster): n for genre, cluster, n in counted}
    totals: Counter[str] = Counter()
    for genre, _, n in counted:
        totals[genre] += n
    rows = []
    for genre in sorted(models):
        for cluster in range(len(models[genre].centers)):
            n = sizes.get((genre, cluster), 0)
            share = n / totals[genre] if n else 0.0
            rows.append((genre, models[genre].model_version, cluster, n, share, share > giant_share))
    return rows


def check_complete(counts: Mapping[str, tuple[int, int]], sizes: Sequence[tuple[Any, ...]]) -> None:
    """Every track with features has exactly one cluster in each of its genres. Rows as of the functions above.

    Raises:
        SoundalikeError: it has not, in the genre that is named.
    """
    assigned: Counter[str] = Counter()
    for genre, _, _, n, *_ in sizes:
        assigned[genre] += n
    for genre in sorted({*counts, *assigned}):
        expected = counts.get(genre, (0, 0))[1]
        if assigned[genre] != expected:
            raise SoundalikeError(
                f"genre {genre}: {expected} tracks have features, {assigned[genre]} rows were assigned, expected one "
                "for each; nothing was published (are memberships or vectors there twice?)"
            )
