"""Feature sets: which numbers make a vector, in which order. The order is part of the version."""

from dataclasses import dataclass

from soundalike.contracts.acousticbrainz import ELEVEN, MODELS


@dataclass(frozen=True)
class FeatureSet:
    """`scaling` `zscore`: mean and population standard deviation of the corpus, then unit length."""

    name: str
    columns: tuple[str, ...]
    scaling: str = "zscore"


MIREX = tuple(f"moods_mirex.{cluster}" for cluster in MODELS["moods_mirex"])

FEATURE_SETS = {s.name: s for s in (FeatureSet("ab11", tuple(ELEVEN)), FeatureSet("ab16", (*ELEVEN, *MIREX)))}
