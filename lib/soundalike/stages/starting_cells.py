"""Ruling 40: where the columns are the same, cells of the search start at the centers of the genres' clusters."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from soundalike.numeric.lattice import PRECISIONS, Lattice, quantize
from soundalike.numeric.scaling import normalize, standardize
from soundalike.stages.eligibility import OF_GENRES

Key = tuple[str, str]


def starting_cells(
    blocks: Iterable[Key], clusters: Iterable[Any], scalers: Iterable[Any], precision: str
) -> Mapping[Key, Lattice]:
    """First centers (k, d + 1) for each block that is of a genre with clusters, or of all genres.

    A center goes back through its genre's scaler, then through that of the corpus, to unit length and to the lattice.

    Args:
        blocks: scope and name of each.
        clusters: rows of `gold/genre_clusters` of the feature set.
        scalers: rows of `gold/feature_scalers` of the feature set.
        precision: of `numeric.lattice.PRECISIONS`.
    """
    known = {(row["genre"], row["model_version"]): row for row in scalers}
    corpus = next((row for (genre, _), row in known.items() if genre == "*"), None)
    if corpus is None:
        return {}
    scale, dtype = PRECISIONS[precision]
    of_genre: dict[str, Lattice] = {}
    for row in sorted(clusters, key=lambda row: row["genre"]):
        own = known.get((row["genre"], row["model_version"]))
        if own is not None:
            raw = np.array(row["centers"]) * np.array(own["sd"]) + np.array(own["mean"])
            units, is_vector = normalize(standardize(raw, corpus["mean"], corpus["sd"]))
            of_genre[row["genre"]] = quantize(units[is_vector], is_vector[is_vector], scale, dtype)
    if not of_genre:
        return {}
    every = np.concatenate(list(of_genre.values()))
    found = {}
    for scope, name in blocks:
        if scope not in OF_GENRES:
            found[scope, name] = every
        elif (genre := name.rpartition("|")[0] if scope == "genre_decade" else name) in of_genre:
            found[scope, name] = of_genre[genre]
    return found
