"""A user's own table: whether its columns fit, and what its genres are."""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from soundalike.errors import SoundalikeError

Types = Mapping[str, tuple[str, ...]]


def types_of(rows: DataFrame, what: str, needed: Sequence[str], known: Types) -> dict[str, str]:
    """Column -> type of the table of `what`.

    Raises:
        SoundalikeError: a `needed` column is missing, or one of `known` has another type.
    """
    types = dict(rows.dtypes)
    wrong = [f"{name} is missing" for name in needed if name not in types]
    for name, kinds in known.items():
        if types.get(name, kinds[0]) not in kinds:
            wrong.append(f"{name} is {types[name]}, expected {' or '.join(kinds)}")
    if wrong:
        raise SoundalikeError(f"the table of {what} does not fit: {'; '.join(wrong)}; rename or cast its columns")
    return types


def genres_of(types: Mapping[str, str]) -> Column:
    """`genres`, else `genre`, else none: distinct and sorted, without null and empty ones."""
    given = none = F.array().cast("array<string>")
    if "genres" in types:
        given = F.coalesce("genres", none)
    elif "genre" in types:
        given = F.array("genre")
    return F.array_sort(F.array_distinct(F.filter(given, lambda genre: genre.isNotNull() & (genre != ""))))
