"""Assignment of Arrow batches against brute force, and what is said when something is missing. No Spark."""

import numpy as np
import pyarrow as pa
import pytest

from soundalike.contracts.features import FEATURE_SETS
from soundalike.errors import SoundalikeError
from soundalike.stages.assignment import SavedModel, _assign_batches, check_complete, saved_models

RANDOM = np.random.default_rng(9)
SCHEMA = pa.schema(
    [("track_id", pa.string()), ("source", pa.string()), ("genre", pa.string()), ("features", pa.list_(pa.float64()))]
)


def saved(genre: str, k: int) -> SavedModel:
    mean, sd, centers = RANDOM.normal(size=4), RANDOM.uniform(0.5, 2, size=4), RANDOM.normal(size=(k, 4))
    return SavedModel(genre, f"version of {genre}", mean, np.append(sd[:3], 0.0), centers)


MODELS = {genre: saved(genre, k) for genre, k in (("cla", 12), ("pop", 5), ("roc", 1))}
ROWS = [
    (f"t{track:03}", "acousticbrainz", genre, features)
    for track, features in enumerate(RANDOM.normal(size=(90, 4)).tolist())
    for genre in (["cla", "pop"], ["roc"], ["pop"])[track % 3]
]


def assigned(rows: list, size: int = 1000) -> dict[tuple[str, str], tuple[str, int, float]]:
    columns = [
        pa.array(list(column), field.type) for column, field in zip(zip(*rows, strict=True), SCHEMA, strict=True)
    ]
    batch = pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
    parts = [batch.slice(start, size) for start in range(0, len(rows), size)]
    found = [row for part in _assign_batches(parts, MODELS) for row in part.to_pylist()]
    assert len(found) == len(rows)
    return {(row["track_id"], row["genre"]): (row["model_version"], row["cluster"], row["distance"]) for row in found}


def test_every_row_is_that_of_brute_force() -> None:
    found = assigned(ROWS)

    assert set(found) == {(track, genre) for track, _, genre, _ in ROWS}
    for track, _, genre, features in ROWS:
        model = MODELS[genre]
        scaled = [(f - m) / s if s else 0.0 for f, m, s in zip(features, model.mean, model.sd, strict=True)]
        distances = [sum((a - b) ** 2 for a, b in zip(scaled, center, strict=True)) ** 0.5 for center in model.centers]
        version, cluster, distance = found[track, genre]
        assert (version, cluster) == (f"version of {genre}", min(range(len(distances)), key=distances.__getitem__))
        assert distance == pytest.approx(min(distances), rel=1e-12)


def test_one_track_has_a_cluster_in_each_of_its_genres() -> None:
    found = assigned(ROWS)
    assert {genre for track, genre in found if track == "t000"} == {"cla", "pop"}
    assert found["t000", "cla"][2] != found["t000", "pop"][2]


def test_neither_order_nor_batches_change_a_bit() -> None:
    order = np.random.default_rng(1).permutation(len(ROWS))
    assert assigned(ROWS) == assigned(ROWS, size=7) == assigned([ROWS[i] for i in order], size=13)


AB11 = FEATURE_SETS["ab11"]


def scaler_row(genre: str, version: str = "a1", columns: tuple[str, ...] = AB11.columns) -> dict:
    return {"genre": genre, "model_version": version, "columns": list(columns), "mean": [0.5] * 11, "sd": [1.0] * 11}


def model_row(genre: str, version: str = "a1") -> dict:
    return {"genre": genre, "model_version": version, "centers": [[0.0] * 11, [1.0] * 11]}


def test_saved_models_are_read_as_they_were_published() -> None:
    corpus = scaler_row("*", "b2")
    found = saved_models({"roc": (3, 2)}, [corpus, scaler_row("roc"), scaler_row("pop")], [model_row("roc")], AB11)

    assert list(found) == ["roc"]
    assert (found["roc"].genre, found["roc"].model_version) == ("roc", "a1")
    assert (found["roc"].mean.tolist(), found["roc"].sd.tolist()) == ([0.5] * 11, [1.0] * 11)
    assert found["roc"].centers.shape == (2, 11)


@pytest.mark.parametrize(
    ("scalers", "models", "message"),
    [
        ([scaler_row("roc")], [], r"genre roc \(3 memberships, 2 tracks with features\) has 1 scalers and 0 models of feature set ab11, expected one of each; run the job clusters"),
        ([], [model_row("roc")], "has 0 scalers and 1 models"),
        ([scaler_row("roc")], [model_row("roc"), model_row("roc", "b2")], "has 1 scalers and 2 models"),
        ([scaler_row("roc"), scaler_row("roc", "b2")], [model_row("roc")], "has 2 scalers and 1 models"),
        ([scaler_row("other")], [model_row("others")], "genre roc .* has 0 scalers and 0 models"),
        ([scaler_row("roc", "b2")], [model_row("roc")], "genre roc: scaler b2 and model a1 are not of one fit; run the job clusters"),
        ([scaler_row("roc", columns=AB11.columns[::-1])], [model_row("roc")], "genre roc was fitted on the columns brightness, .*; run the job clusters"),
    ],
)  # fmt: skip
def test_a_genre_without_its_model_is_named(scalers: list, models: list, message: str) -> None:
    with pytest.raises(SoundalikeError, match=message):
        saved_models({"roc": (3, 2)}, scalers, models, AB11)


def test_a_genre_none_of_whose_tracks_has_features_needs_no_model() -> None:
    assert list(saved_models({"roc": (3, 2), "spe": (3, 0)}, [scaler_row("roc")], [model_row("roc")], AB11)) == ["roc"]


def test_tracks_that_were_not_assigned_are_missed() -> None:
    sizes = [("pop", "v", 0, 3, 1.0, True), ("roc", "v", 0, 2, 1.0, True), ("roc", "v", 1, 0, 0.0, False)]
    check_complete({"pop": (5, 3), "roc": (2, 2)}, sizes)
    check_complete({"pop": (5, 3), "roc": (2, 2), "spe": (1, 0)}, sizes)

    with pytest.raises(SoundalikeError, match="genre roc: 3 tracks have features, 2 rows were assigned, expected one"):
        check_complete({"pop": (5, 3), "roc": (3, 3)}, sizes)
    with pytest.raises(SoundalikeError, match="genre pop: 2 tracks have features, 3 rows were assigned"):
        check_complete({"pop": (5, 2), "roc": (2, 2)}, sizes)
    with pytest.raises(SoundalikeError, match="genre roc: 0 tracks have features, 2 rows were assigned"):
        check_complete({"pop": (5, 3)}, sizes)
