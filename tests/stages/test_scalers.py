"""Scalers and models of genres on DataFrames: values by hand, trust, the hash sample, and no trace of partitions."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from soundalike.contracts.features import FeatureSet
from soundalike.numeric.centers import nearest_center
from soundalike.numeric.kmeans import fit_clusters
from soundalike.numeric.scaling import standardize
from soundalike.stages.assignment import assigned_tracks, genre_counts, saved_models
from soundalike.stages.clusters import FitRule, GenreModel, genre_models
from soundalike.stages.scalers import genre_scalers, genre_sums, placed_tracks

pytestmark = pytest.mark.spark

SET = FeatureSet("two", ("first", "second"))
RULE = FitRule("size", 60, 8, 512, 2_000_000, 1)
PLACED = "genre string, map_version string, track_id string, source string, is_trusted boolean, features array<double>"


def row(genre: str, track: str, features: list[float] | None, trusted: bool = True) -> tuple:
    return (genre, "v1", track, "acousticbrainz", trusted, features)


def test_memberships_meet_the_vectors_of_the_feature_set(spark: Any) -> None:
    memberships = spark.createDataFrame(
        [("a", "x", "roc", "v1", 1.0), ("a", "x", "pop", "v1", 1.0), ("b", "x", "roc", "v1", 1.0), ("c", "y", "roc", "v1", 1.0)],
        "track_id string, source string, genre string, map_version string, weight double",
    )  # fmt: skip
    vectors = spark.createDataFrame(
        [("a", "x", "two", True, [1.0, 2.0]), ("a", "x", "other", True, [9.0]), ("b", "x", "two", False, None),
         ("c", "x", "two", True, [3.0, 4.0]), ("d", "x", "two", True, [5.0, 6.0])],
        "track_id string, source string, feature_set string, is_trusted boolean, features array<double>",
    )  # fmt: skip
    placed = placed_tracks(memberships, vectors, "two")

    assert sorted(map(tuple, placed.collect()), key=lambda r: (r[2], r[0])) == [
        ("pop", "v1", "a", "x", True, [1.0, 2.0]), ("roc", "v1", "a", "x", True, [1.0, 2.0]),
        ("roc", "v1", "b", "x", False, None), ("roc", "v1", "c", "y", None, None),
    ]  # fmt: skip
    assert genre_counts(placed) == {"pop": (1, 1), "roc": (3, 1)}


def test_scalers_by_hand_and_models_of_odd_genres(spark: Any) -> None:
    placed = spark.createDataFrame(
        [
            # 1, 2, 6: mean 3, population variance (4 + 1 + 9) / 3. The untrusted 100 has no part in it.
            row("roc", "a", [1.0, 0.1]), row("roc", "b", [2.0, 0.1]), row("roc", "c", [6.0, 0.1]),
            row("roc", "d", [100.0, 7.0], trusted=False), row("roc", "e", None),
            # The same track in another genre.
            row("pop", "a", [1.0, 0.1]),
            # Nobody is trusted.
            row("spe", "f", [2.0, 1.0], trusted=False), row("spe", "g", [4.0, 3.0], trusted=False),
            # Nobody has features.
            row("jaz", "h", None),
        ],
        PLACED,
    )  # fmt: skip
    sums = genre_sums(placed, SET)
    scalers = {scaler.genre: scaler for scaler in genre_scalers(placed, sums, SET)}

    assert [(s.genre, s.map_version, s.memberships, s.n, s.is_untrusted) for s in sums] == [
        ("jaz", "", 1, 0, True), ("pop", "v1", 1, 1, False), ("roc", "v1", 5, 3, False), ("spe", "v1", 2, 2, True),
    ]  # fmt: skip

    assert {genre: (s.n, s.mean, s.is_untrusted) for genre, s in scalers.items()} == {
        "pop": (1, (1.0, 0.1), False), "roc": (3, (3.0, 0.1), False), "spe": (2, (3.0, 2.0), True),
    }  # fmt: skip
    assert scalers["roc"].sd == (pytest.approx((14 / 3) ** 0.5), 0.0)
    assert (scalers["pop"].sd, scalers["spe"].sd) == ((0.0, 0.0), (1.0, 1.0))
    assert scalers["roc"].flat_columns(SET) == ["second"]

    models = genre_models(placed, list(scalers.values()), SET, RULE)
    assert [(m.scaler.genre, m.n, m.k, m.k_eff) for m in models] == [
        ("pop", 1, 8, 1),
        ("roc", 3, 8, 3),
        ("spe", 2, 8, 2),
    ]
    assert models[2].centers == [[-1.0, -1.0], [1.0, 1.0]]


def corpus() -> list[tuple]:
    random = np.random.default_rng(12)
    rows = []
    for genre, count in (("roc", 700), ("pop", 150), ("few", 5)):
        features = random.normal(random.normal(size=2), [3.0, 0.01], size=(count, 2)) ** 3
        rows += [row(genre, f"{genre}{i:04}", f.tolist(), trusted=i % 9 != 0) for i, f in enumerate(features)]
    return rows


def test_partitions_batches_and_order_change_no_bit(spark: Any) -> None:
    rows = corpus()
    found = set()
    for parts, batch, adaptive in [(1, 10_000, "true"), (7, 3, "false"), (64, 50, "true")]:
        spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", batch)
        spark.conf.set("spark.sql.adaptive.enabled", adaptive)
        try:
            order = np.random.default_rng(parts).permutation(len(rows))
            placed = spark.createDataFrame([rows[i] for i in order], PLACED).repartition(parts).persist()
            models = genre_models(placed, genre_scalers(placed, genre_sums(placed, SET), SET), SET, RULE)
            clusters = assigned_tracks(placed, saved(models)).collect()
            placed.unpersist()
        finally:
            spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
            spark.conf.unset("spark.sql.adaptive.enabled")
        found.add((tuple(repr(model.row("run")) for model in models), tuple(sorted(map(tuple, clusters)))))
    assert len(found) == 1


def saved(models: list[GenreModel]) -> dict[str, Any]:
    scalers = [{"genre": m.scaler.genre, "model_version": m.model_version, "columns": SET.columns, "mean": m.scaler.mean,
                "sd": m.scaler.sd} for m in models]  # fmt: skip
    centers = [{"genre": m.scaler.genre, "model_version": m.model_version, "centers": m.centers} for m in models]
    return saved_models({m.scaler.genre: (1, 1) for m in models}, scalers, centers, SET)


def test_models_are_those_of_the_plain_fit_and_training_rows_find_their_cluster_again(spark: Any) -> None:
    rows = corpus()
    placed = spark.createDataFrame(rows, PLACED)
    models = genre_models(placed, genre_scalers(placed, genre_sums(placed, SET), SET), SET, RULE)
    clusters = {(r.genre, r.track_id): r for r in assigned_tracks(placed, saved(models)).collect()}

    assert len(clusters) == len(rows)
    assert [m.scaler.genre for m in models] == ["few", "pop", "roc"]
    for model in models:
        fitted = sorted(r for r in rows if r[0] == model.scaler.genre and r[4])
        features = np.array([r[5] for r in fitted])
        scaled = standardize(features, model.scaler.mean, model.scaler.sd)
        assert np.abs(scaled.mean(axis=0)).max() < 1e-9
        assert scaled.std(axis=0) == pytest.approx(1, abs=1e-9)
        plain = fit_clusters(scaled, RULE.count.clusters(len(fitted)), RULE.seed)
        assert (model.n, model.centers, model.sse) == (plain.n, plain.centers.tolist(), plain.sse)
        labels, squares = nearest_center(scaled, plain.centers)
        for r, label, square in zip(fitted, labels, squares, strict=True):
            again = clusters[r[0], r[2]]
            assert (again.cluster, again.distance, again.model_version) == (label, square**0.5, model.model_version)


def test_at_most_fit_rows_by_hash_of_the_key(spark: Any) -> None:
    from pyspark.sql import functions as F

    placed = spark.createDataFrame(corpus(), PLACED)
    scalers = genre_scalers(placed, genre_sums(placed, SET), SET)
    models = {m.scaler.genre: m for m in genre_models(placed, scalers, SET, dataclasses.replace(RULE, fit_rows=100))}

    assert {genre: model.n for genre, model in models.items()} == {"few": 4, "pop": 100, "roc": 100}
    # The scaler is that of all trusted rows.
    assert {scaler.genre: scaler.n for scaler in scalers} == {"few": 4, "pop": 133, "roc": 622}
    hashed = placed.where("genre = 'roc' and is_trusted").orderBy(F.xxhash64("track_id", "source")).limit(100)
    sample = np.array([r.features for r in hashed.orderBy("track_id").collect()])
    roc = models["roc"].scaler
    plain = fit_clusters(standardize(sample, roc.mean, roc.sd), 8, RULE.seed)
    assert models["roc"].centers == plain.centers.tolist()
