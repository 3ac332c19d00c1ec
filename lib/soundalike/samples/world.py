"""Probabilities of a latent world: genres, their clusters, recordings in a cluster, submissions around a recording.

Only numbers live here. Ordinary values keep away from the outputs at which classifiers collapse and from exactly one
half, so that trust is what the plan says; and no ordinary recording is at once clearly acoustic and clearly electronic,
which leaves room for planted twins.
"""

import numpy as np
from numpy.typing import NDArray

from soundalike.contracts.acousticbrainz import COLLAPSED_OUTPUTS, ELEVEN, MODELS, model_offsets

Floats = NDArray[np.float64]

OFFSETS = model_offsets()
COLUMN = {(m, c): OFFSETS[m] + i for m, classes in MODELS.items() for i, c in enumerate(classes)}
WIDTH = len(COLUMN)
TWO_CLASS = tuple(m for m, classes in MODELS.items() if len(classes) == 2)
# The output of each two-class model that the catalogue below speaks of; gender is the only one outside the eleven.
_UP = {model: label for model, label in ELEVEN.values()} | {"gender": "female"}
UP_COLUMNS = np.array([COLUMN[m, _UP[m]] for m in TWO_CLASS])
DOWN_COLUMNS = np.array([2 * OFFSETS[m] + 1 - COLUMN[m, _UP[m]] for m in TWO_CLASS])

GENRES = MODELS["genre_rosamerica"]
GENRE_SHARES = np.array([0.214, 0.078, 0.083, 0.107, 0.137, 0.173, 0.202, 0.006])
CLUSTERS = 6
_DORTMUND_OF = (3, 2, 7, 5, 6, 4, 8, 1)

# Logits of the two-class outputs per genre, in the order of TWO_CLASS: danceable, female, acoustic, aggressive,
# electronic, happy, party, relaxed, sad, bright, tonal, instrumental.
_MOODS = np.array(
    [
        [-2.0, 0.0, 2.2, -2.6, -1.8, -1.2, -2.4, 1.8, 1.0, -0.6, 1.4, 1.6],
        [2.0, 0.2, -2.2, 0.2, 1.8, 0.2, 1.4, -0.8, -1.4, 0.8, -0.4, 0.4],
        [2.2, -0.8, -1.8, 0.8, 0.8, 0.2, 1.2, -1.0, -1.2, 0.4, -0.8, -1.2],
        [0.2, 0.0, 1.2, -2.0, -1.2, 0.0, -1.2, 1.0, 0.6, -0.8, 0.6, 0.6],
        [0.8, 0.8, -0.4, -0.6, 0.0, 0.6, 0.4, -0.2, -0.2, 0.4, 0.6, -0.8],
        [1.2, 0.4, -0.4, -0.6, -0.2, 0.8, 0.6, 0.0, -0.2, 0.0, 0.2, -0.8],
        [-0.6, -0.6, -1.4, 1.4, -0.4, 0.0, 0.6, -1.0, -0.8, 0.6, 0.6, -0.4],
        [0.6, -0.2, 1.0, -1.2, -0.8, -0.4, -0.6, 0.8, 0.2, -0.2, -1.2, -2.0],
    ]
)
# Near-constant in the real dump: the classifier says `jaz` to nearly everything.
_TZANETAKIS = np.log([0.0627, 0.0348, 0.1045, 0.0784, 0.1569, 0.3140, 0.0448, 0.0627, 0.0627, 0.0784])
_ACOUSTIC, _ELECTRONIC = TWO_CLASS.index("mood_acoustic"), TWO_CLASS.index("mood_electronic")
_CEILING = 0.4
_FACTORS, _COMMON, _OWN, _JITTER = 5, 0.35, 0.18, 0.05  # recordings differ mostly along few directions, as real ones do
_TWIN_CHECKS = (3, 5, 6, 9, 10)


def twin_logits(number: int) -> tuple[Floats, Floats]:
    """The place of the `number`-th planted pair: logits (12,) of the two-class outputs and (5,) of the mood clusters.

    Acoustic and electronic at once, where nobody else is; the other outputs follow a code whose 32 words differ in at
    least three places, so pairs of one genre are far from each other too. Numbers below 224 differ in genre or word.
    """
    word = number // len(TWIN_GENRES) % 32
    data = [word >> i & 1 for i in range(5)]
    checks = [sum(bit for bit, mask in zip(data, _TWIN_CHECKS, strict=True) if mask >> i & 1) % 2 for i in range(4)]
    bits = iter(data + checks)
    high = [m in ("mood_acoustic", "mood_electronic") or (m != "gender" and next(bits) == 1) for m in TWO_CLASS]
    moods = np.array([0.9 if i == number % 5 else 0.0 for i in range(5)])
    return np.where(high, 3.1, -3.1), moods


TWIN_GENRES = tuple(GENRES.index(g) for g in ("roc", "cla", "rhy", "pop", "jaz", "hip", "dan"))


def probabilities(
    seed: int,
    rng: np.random.Generator,
    recording_of: NDArray[np.int64],
    label_genre: NDArray[np.int64],
    genre: NDArray[np.int64],
    cluster: NDArray[np.int64],
    twin: NDArray[np.int64],
) -> Floats:
    """(n, 71) probabilities of n submissions, order `ab71-v1`.

    `recording_of` (n,) points into the (m,) arrays `genre`, `cluster` and `twin` (number of the pair, -1 = none);
    `label_genre` (n,) is the rosamerica class that gets the largest probability.
    """
    fixed = np.random.default_rng([seed, 0x5EED])
    cluster_moods = fixed.normal(0.0, 0.9, (len(GENRES), CLUSTERS, 12))
    cluster_mirex = fixed.normal(0.0, 0.6, (len(GENRES), CLUSTERS, 5))
    cluster_rest = {m: fixed.normal(0.0, 1.0, (len(GENRES), CLUSTERS, len(MODELS[m]))) for m in sorted(MODELS)}

    factors = fixed.normal(0.0, _COMMON, (_FACTORS, 17))

    m, n = len(genre), len(recording_of)
    own = rng.normal(0.0, 1.0, (m, _FACTORS)) @ factors + rng.normal(0.0, _OWN, (m, 17))
    moods = _MOODS[genre] + cluster_moods[genre, cluster] + own[:, :12]
    mirex = cluster_mirex[genre, cluster] + own[:, 12:]
    two = moods[recording_of] + rng.normal(0.0, _JITTER, (n, 12))
    _keep_apart(two)
    five = mirex[recording_of] + rng.normal(0.0, _JITTER, (n, 5))
    for row in np.flatnonzero(twin[recording_of] >= 0):
        place, clusters = twin_logits(int(twin[recording_of[row]]))
        two[row] = place + rng.normal(0.0, 1e-4, 12)
        five[row] = clusters + rng.normal(0.0, 1e-4, 5)

    out = np.empty((n, WIDTH))
    up = _keep_from_traps(1.0 / (1.0 + np.exp(-two)))
    out[:, UP_COLUMNS] = up
    out[:, DOWN_COLUMNS] = np.clip(1.0 - up + rng.uniform(-3e-8, 3e-8, up.shape), 0.0, 1.0)
    for model, classes in MODELS.items():
        if len(classes) == 2:
            continue
        shape = (n, len(classes))
        if model == "moods_mirex":
            logits = five
        elif model == "genre_tzanetakis":
            leaves = rng.random((n, 1)) < 0.125
            logits = _TZANETAKIS + rng.normal(0.0, np.where(leaves, 0.8, 1e-4), shape)
        else:
            logits = cluster_rest[model][genre, cluster][recording_of] + rng.normal(0.0, 1.0, shape)
        if model == "genre_dortmund":
            logits = logits * np.where(rng.random((n, 1)) < 0.3, 4.0, 1.5)  # the sharp ones give exponents
            logits[:, 2] += 3.0
            logits[np.arange(n), np.array(_DORTMUND_OF)[label_genre]] += 2.5
        if model == "genre_rosamerica":
            logits = 1.3 * logits
            margin = 0.4 + np.abs(rng.normal(0.0, 1.5, n))
            logits[np.arange(n), label_genre] = logits.max(axis=1) + margin
        start = OFFSETS[model]
        out[:, start : start + len(classes)] = _softmax(logits)
    return out


def set_output(values: Floats, row: int, model: str, label: str, value: float) -> None:
    """Put an output of a two-class model to `value` in that row, its other class to the rest."""
    column = COLUMN[model, label]
    values[row, column] = value
    values[row, 2 * OFFSETS[model] + 1 - column] = 1.0 - value


def largest(values: Floats) -> NDArray[np.int64]:
    """(n, 18) index of the label inside its model: the largest; in a tie of two the second, as in real documents."""
    labels = np.empty((len(values), len(MODELS)), dtype=np.int64)
    for i, (model, classes) in enumerate(MODELS.items()):
        start = OFFSETS[model]
        if len(classes) == 2:
            labels[:, i] = values[:, start + 1] >= values[:, start]
        else:
            labels[:, i] = values[:, start : start + len(classes)].argmax(axis=1)
    return labels


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Floats = raised / raised.sum(axis=1, keepdims=True)
    return result


def _keep_apart(two: Floats) -> None:
    """In place: where acoustic and electronic are both high, the lower one is folded back below the ceiling."""
    acoustic, electronic = two[:, _ACOUSTIC], two[:, _ELECTRONIC]
    lower = np.where(acoustic < electronic, _ACOUSTIC, _ELECTRONIC)
    rows = np.flatnonzero((acoustic > _CEILING) & (electronic > _CEILING))
    two[rows, lower[rows]] = _CEILING - 0.3 * (two[rows, lower[rows]] - _CEILING)


def _keep_from_traps(up: Floats) -> Floats:
    """Move values away from one half and from the collapsed outputs."""
    up = np.where(np.abs(up - 0.5) < 1e-4, 0.5003, up)
    for j, model in enumerate(TWO_CLASS):
        spike = COLLAPSED_OUTPUTS.get((model, _UP[model]))
        if spike is not None:
            near = np.abs(up[:, j] - spike) < 4e-4
            up[near, j] += 1e-3
    return up
