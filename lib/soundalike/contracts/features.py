"""Feature sets: which numbers make a vector, in which order. The order is part of the version."""

from dataclasses import dataclass

from soundalike.contracts.acousticbrainz import ELEVEN, MODELS


@dataclass(frozen=True)
class FeatureSet:
    """How features become a vector, by `scaling`.

    `zscore`: mean and population standard deviation of the corpus, then unit length.
    `none`: the columns are the probabilities of whole models, `groups` their numbers of classes in order (empty for
    other sets); each model's are divided by their sum, then unit length.
    """

    name: str
    columns: tuple[str, ...]
    scaling: str = "zscore"
    groups: tuple[int, ...] = ()


def _probabilities(name: str) -> FeatureSet:
    columns = tuple(f"{model}.{output}" for model, outputs in MODELS.items() for output in outputs)
    return FeatureSet(name, columns, "none", tuple(map(len, MODELS.values())))


MIREX = tuple(f"moods_mirex.{cluster}" for cluster in MODELS["moods_mirex"])

FEATURE_SETS = {
    s.name: s
    for s in (FeatureSet("ab11", tuple(ELEVEN)), FeatureSet("ab16", (*ELEVEN, *MIREX)), _probabilities("ab71"))
}
