"""A user's own table of new tracks -> those that can be assigned to saved models, and the others with their reason."""

from collections.abc import Collection
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from soundalike.contracts.features import FeatureSet
from soundalike.contracts.tables import REJECTS
from soundalike.errors import SoundalikeError
from soundalike.stages.genres import OTHER
from soundalike.stages.own_tables import genres_of, types_of

RULES = ("track_id_missing", "feature_set_other", "feature_missing", "genre_without_model")

_TYPES: dict[str, tuple[str, ...]] = {
    "track_id": ("string",),
    "features": ("array<double>", "array<float>"),
    "genre": ("string",),
    "genres": ("array<string>",),
    "feature_set": ("string",),
}


def judged_tracks(rows: DataFrame, feature_set: FeatureSet, models: Collection[str]) -> DataFrame:
    """One row per row given: track_id, genres (sorted, those it is assigned in), without_model (the given genres that
    have none, a number), features (array<double>), rule (the first of RULES that refuses it, else null), detail.

    `rows` have track_id and features (before scaling, in the set's order); genres or genre, and feature_set, if they
    are there. A null or empty genre is no genre; `genre` is read where there is no `genres`.

    Raises:
        SoundalikeError: a column is missing or has another type.
    """
    types = types_of(rows, "new tracks", ("track_id", "features"), _TYPES)
    given = genres_of(types)
    with_model = F.filter(given, lambda genre: genre.isin(*sorted(models)))
    # Taken by tracks none of whose genres has a model.
    fallback = F.array(F.lit(OTHER)) if OTHER in models else F.array().cast("array<string>")
    features = F.col("features").cast("array<double>")
    set_name = F.col("feature_set") if "feature_set" in types else F.lit(feature_set.name)
    return rows.select(
        "track_id",
        F.when(F.size(with_model) > 0, with_model).otherwise(fallback).alias("genres"),
        (F.size(given) - F.size(with_model)).alias("without_model"),
        features.alias("features"),
        given.alias("given"),
        set_name.alias("feature_set"),
    ).select("track_id", "genres", "without_model", "features", *_verdict(feature_set))


def _verdict(feature_set: FeatureSet) -> tuple[Column, Column]:
    """rule and detail: both null for a track that can be assigned."""
    width = len(feature_set.columns)
    name, features = F.col("feature_set"), F.col("features")
    missing = F.filter(features, lambda x: x.isNull() | F.isnan(x) | (F.abs(x) == float("inf")))
    tests = {
        "track_id_missing": (F.coalesce("track_id", F.lit("")) == "", F.lit("the track_id is null or empty")),
        "feature_set_other": (
            ~name.eqNullSafe(F.lit(feature_set.name)),
            F.concat(F.lit("feature set "), F.coalesce(name, F.lit("null")), F.lit(f", expected {feature_set.name}")),
        ),
        "feature_missing": (
            features.isNull() | (F.size(features) != width) | (F.size(missing) > 0),
            F.when(features.isNull(), F.lit("features are null")).otherwise(
                F.concat(F.size(features) - F.size(missing), F.lit(f" values, expected {width}"))
            ),
        ),
        "genre_without_model": (
            F.size("genres") == 0,
            F.concat(F.lit("genres ["), F.array_join("given", ", "), F.lit(f"], no model of them nor of {OTHER}")),
        ),
    }
    known = [(tests[rule][0], F.lit(rule), tests[rule][1]) for rule in RULES]
    rule = reduce(lambda rest, test: F.when(test[0], test[1]).otherwise(rest), reversed(known), F.lit(None))
    detail = reduce(lambda rest, test: F.when(test[0], test[2]).otherwise(rest), reversed(known), F.lit(None))
    return rule.cast("string").alias("rule"), detail.cast("string").alias("detail")


def counters(judged: DataFrame) -> dict[str, int]:
    """input = tracks + each rule; assigned = rows of gold/track_clusters; of the tracks, genres_without_model."""
    good = F.col("rule").isNull()
    found = judged.agg(
        F.count(F.lit(1)).alias("input"),
        F.count_if(good).alias("tracks"),
        *[F.count_if(F.col("rule") == rule).alias(rule) for rule in RULES],
        F.coalesce(F.sum(F.when(good, F.size("genres"))), F.lit(0)).alias("assigned"),
        F.coalesce(F.sum(F.when(good, F.col("without_model"))), F.lit(0)).alias("genres_without_model"),
    ).collect()
    return dict(found[0].asDict())


def check_once(judged: DataFrame, table: str) -> None:
    """A row per track.

    Raises:
        SoundalikeError: a track that can be assigned stands in more than one row.
    """
    twice = judged.where("rule is null").groupBy("track_id").count().where("count > 1").orderBy("track_id")
    for row in twice.limit(1).collect():
        raise SoundalikeError(
            f"track {row['track_id']} stands in {row['count']} rows of {table}, expected one with all its genres in "
            "the column genres; nothing was published"
        )


def reject_rows(judged: DataFrame, run_id: str, source: str, table: str) -> DataFrame:
    """Rows of silver/rejects. `member` is the track_id, `member_pos` a number in their sorted order."""
    order = Window.orderBy("track_id", "rule", "detail")
    stated = {
        "run_id": F.lit(run_id),
        "source": F.lit(source),
        "profile": F.lit("assign"),
        "archive": F.lit(table.rstrip("/").rsplit("/", 1)[-1]),
        "member": F.col("track_id"),
        "member_pos": (F.row_number().over(order) - 1).cast("bigint"),
        "rule": F.col("rule"),
        "detail": F.col("detail"),
    }
    refused = judged.where("rule is not null")
    return refused.select(*[stated.get(c.name, F.lit(None).cast(c.type)).alias(c.name) for c in REJECTS.columns])


def placed(judged: DataFrame, source: str) -> DataFrame:
    """track_id, source, genre, features of each track that can be assigned, once per genre."""
    good = judged.where("rule is null")
    return good.select("track_id", F.lit(source).alias("source"), F.explode("genres").alias("genre"), "features")
