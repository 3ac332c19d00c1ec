"""Feature rows to z-scores, z-scores to unit rows.

All in float64, element by element and column by column in a fixed order, so that no bit depends on the machine.
"""

import numpy as np
import numpy.typing as npt

# Below this a column carries nothing but rounding noise, and a row has no direction.
SMALLEST_SD = 1e-12
SMALLEST_NORM = 1e-8


def standardize(features: npt.ArrayLike, mean: npt.ArrayLike, sd: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Z-scores of `features` (n, d) with the given `mean` (d,) and population `sd` (d,); NaN stays NaN.

    A column whose sd is below 1e-12 becomes 0.
    """
    rows, means, sds = (np.asarray(values, dtype=np.float64) for values in (features, mean, sd))
    flat = sds < SMALLEST_SD
    scores = (rows - means) / np.where(flat, 1.0, sds)
    scores[:, flat] = np.where(np.isnan(rows[:, flat]), np.nan, 0.0)
    return scores


def normalize(rows: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Rows (n, d) divided by their Euclidean norm, and which of them have a direction.

    A row with a NaN, an infinite norm or a norm below 1e-8 is no vector: it is all NaN in the result.
    The squares are added column by column: a library's own sum may choose another order.
    """
    given = np.asarray(rows, dtype=np.float64)
    squares = np.zeros(len(given))
    with np.errstate(over="ignore", invalid="ignore"):
        for column in given.T:
            squares += column * column
        norms = np.sqrt(squares)
        is_vector = np.isfinite(norms) & (norms >= SMALLEST_NORM)
        units = given / np.where(is_vector, norms, np.nan)[:, np.newaxis]
    return units, is_vector


def unit_rows(rows: npt.ArrayLike) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """`normalize`, rounded to float32: what `silver/track_vectors.vector` holds."""
    units, is_vector = normalize(rows)
    return units.astype(np.float32), is_vector
