"""What a worker does with the genres it is given, without Spark: Arrow batches in, one row per genre out."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest

from soundalike.contracts.clusters import GENRE_CLUSTERS
from soundalike.contracts.features import FEATURE_SETS
from soundalike.contracts.tables import FEATURE_SCALERS
from soundalike.stages.clusters import FitRule, GenreModel, _fit_genres
from soundalike.stages.scalers import GenreScaler

RULE = FitRule("size", 60, 8, 512, 2_000_000, 1)
RANDOM = np.random.default_rng(5)
GENRES = {
    "cla": RANDOM.normal(3, 2, size=(400, 3)),
    "few": RANDOM.normal(size=(5, 3)),
    "one": np.array([[0.1, 0.2, 0.3]]),
    "same": np.tile([0.1, 0.2, 0.3], (7, 1)),
}


def scaler(genre: str) -> GenreScaler:
    rows = GENRES[genre]
    return GenreScaler(genre, "v1", len(rows), tuple(rows.mean(axis=0)), tuple(rows.std(axis=0)), is_untrusted=False)


def batches(size: int) -> list[pa.RecordBatch]:
    rows = [(genre, features) for genre, matrix in GENRES.items() for features in matrix.tolist()]
    whole = pa.record_batch(
        {"genre": [genre for genre, _ in rows], "features": pa.array([f for _, f in rows], pa.list_(pa.float64()))}
    )
    return [whole.slice(start, size) for start in range(0, len(rows), size)]


def fitted(size: int, rule: FitRule = RULE) -> dict[str, dict]:
    found = _fit_genres(batches(size), {genre: scaler(genre) for genre in GENRES}, rule)
    rows = [row for batch in found for row in batch.to_pylist()]
    assert len(rows) == len(GENRES)
    return {row["genre"]: row for row in rows}


def test_every_genre_has_a_model_however_small() -> None:
    found = fitted(1000)

    assert {genre: (row["n"], row["k"], row["k_eff"], len(row["centers"])) for genre, row in found.items()} == {
        "cla": (400, 14, 14, 14), "few": (5, 8, 5, 5), "one": (1, 8, 1, 1), "same": (7, 8, 1, 1),
    }  # fmt: skip
    # Without spread every column is 0, not NaN.
    assert found["one"]["centers"] == found["same"]["centers"] == [[0.0, 0.0, 0.0]]
    assert (found["few"]["sse"], found["one"]["sse"], found["same"]["sse"]) == (0.0, 0.0, 0.0)


def test_batches_change_no_bit() -> None:
    assert fitted(1000) == fitted(7) == fitted(1)


def test_a_fixed_number_of_clusters_is_held_by_the_distinct_rows() -> None:
    found = fitted(1000, dataclasses.replace(RULE, policy="fixed", k=60))

    assert {genre: (row["k"], row["k_eff"]) for genre, row in found.items()} == {
        "cla": (60, 60), "few": (60, 5), "one": (60, 1), "same": (60, 1),
    }  # fmt: skip


def model(**changes: object) -> GenreModel:
    features = FEATURE_SETS["ab11"]
    half = tuple([0.5] * 11)
    fields = {"scaler": GenreScaler("roc", "v1", 4, half, half, is_untrusted=True), "feature_set": features,
              "rule": RULE, "n": 4, "k": 8, "k_eff": 2, "iterations": 3, "sse": 2.0,
              "centers": [list(half), list(half[::-1])]}  # fmt: skip
    return GenreModel(**(fields | changes))


def test_rows_are_those_of_the_contract() -> None:
    row = dict(zip(GENRE_CLUSTERS.column_names, model().row("run-1"), strict=True))
    scaled = dict(zip(FEATURE_SCALERS.column_names, model().scaler_row(), strict=True))

    assert (row["genre"], row["feature_set"], row["map_version"], row["run_id"]) == ("roc", "ab11", "v1", "run-1")
    assert (row["n"], row["k"], row["k_eff"], row["k_found"], row["iterations"]) == (4, 8, 2, 2, 3)
    assert (row["sse"], row["sse_per_row"], row["init"], row["seed"]) == (2.0, 0.5, "k-means++", 1)
    assert (row["is_k_reduced"], row["is_fitted_on_untrusted"]) == (True, True)
    assert scaled["model_version"] == row["model_version"] == model().model_version
    assert (scaled["n"], scaled["columns"], scaled["mean"]) == (4, list(FEATURE_SETS["ab11"].columns), [0.5] * 11)


@pytest.mark.parametrize(
    "change",
    [
        {"centers": [[0.25] * 11, [0.5] * 11]},
        {"rule": dataclasses.replace(RULE, seed=2)},
        {"rule": dataclasses.replace(RULE, fit_rows=4)},
        {"feature_set": dataclasses.replace(FEATURE_SETS["ab11"], name="other")},
        {"scaler": GenreScaler("roc", "v2", 4, tuple([0.5] * 11), tuple([0.5] * 11), is_untrusted=True)},
        {"scaler": GenreScaler("roc", "v1", 5, tuple([0.5] * 11), tuple([0.5] * 11), is_untrusted=True)},
    ],
)
def test_the_version_names_content_and_parameters(change: dict) -> None:
    assert model().model_version == model().model_version
    assert len(model().model_version) == 16
    assert model(**change).model_version != model().model_version


def test_flat_columns_are_listed() -> None:
    flat = GenreScaler("roc", "v1", 4, tuple([0.5] * 11), (1e-13, *[0.5] * 9, 0.0), is_untrusted=False)
    assert flat.flat_columns(FEATURE_SETS["ab11"]) == ["danceability", "brightness"]
