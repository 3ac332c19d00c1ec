"""Who is searched: a table of vectors becomes tracks, and tracks become the representatives of each block.

A track that has no place in a scope is counted there under the first reason that holds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, StructField, StructType

from soundalike.errors import SoundalikeError
from soundalike.numeric.lattice import to_lattice
from soundalike.stages import arrays
from soundalike.stages.own_tables import genres_of, types_of

BLOCK = ("scope", "block")
REASONS = ("no_vector", "untrusted", "no_genre", "undated")
WIDTHS = (2, 1000)

OF_GENRES = ("genre", "genre_decade")
OF_DECADES = ("genre_decade", "decade")

_TYPES: dict[str, tuple[str, ...]] = {
    "track_id": ("string",),
    "vector": ("array<float>", "array<double>"),
    "recording_key": ("string",),
    "genre": ("string",),
    "genres": ("array<string>",),
    "decade": ("tinyint", "smallint", "int", "bigint"),
    "is_trusted": ("boolean",),
}


def tracks_from_vectors(vectors: DataFrame) -> DataFrame:
    """Rows of `silver/track_vectors`, or of a user's own table of vectors, one per track.

    Columns track_id, recording_key, genres (sorted), decade, is_trusted, vector (as given). Needed are track_id and
    vector. Absent or null: recording_key = the track_id, is_trusted = true, genres = none. A null or empty genre is no
    genre; `genre` is read where there is no `genres`.

    Raises:
        SoundalikeError: a column is missing or has another type.
    """
    types = types_of(vectors, "vectors", ("track_id", "vector"), _TYPES)
    key = F.coalesce("recording_key", "track_id") if "recording_key" in types else F.col("track_id")
    decade = F.col("decade") if "decade" in types else F.lit(None)
    trust = F.coalesce("is_trusted", F.lit(True)) if "is_trusted" in types else F.lit(True)
    return vectors.select(
        "track_id",
        key.alias("recording_key"),
        genres_of(types).alias("genres"),
        decade.cast("int").alias("decade"),
        trust.alias("is_trusted"),
        "vector",
    )


def vector_profile(tracks: DataFrame) -> DataFrame:
    """One row about all tracks.

    Columns tracks, unnamed (have no id), narrowest and widest (struct of width and track_id; null = no vector).
    """
    width = F.when(F.col("vector").isNotNull(), F.struct(F.size("vector").alias("width"), F.col("track_id")))
    return tracks.agg(
        F.count(F.lit(1)).alias("tracks"),
        F.count_if(F.col("track_id").isNull()).alias("unnamed"),
        F.min(width).alias("narrowest"),
        F.max(width).alias("widest"),
    )


def dimensions_of(profile: Any) -> int:
    """The one width of all vectors, from the row of `vector_profile`; 0 if no track has a vector.

    Raises:
        SoundalikeError: tracks without an id, vectors of several widths, or a width outside 2..1000.
    """
    if profile["unnamed"]:
        raise SoundalikeError(
            f"{profile['unnamed']} of {profile['tracks']} rows of the table of vectors have no track_id; "
            "remove or name them"
        )
    narrowest, widest = profile["narrowest"], profile["widest"]
    if narrowest is None:
        return 0
    if narrowest["width"] != widest["width"]:
        raise SoundalikeError(
            f"vectors have several widths: {narrowest['width']} for track {narrowest['track_id']}, {widest['width']} "
            f"for track {widest['track_id']}; expected one; the vector of a track without one is null"
        )
    if not WIDTHS[0] <= widest["width"] <= WIDTHS[1]:
        raise SoundalikeError(f"vectors have {widest['width']} dimensions, expected {WIDTHS[0]} to {WIDTHS[1]}")
    return int(widest["width"])


def with_lattice(tracks: DataFrame, dimensions: int) -> DataFrame:
    """Adds `lattice` binary (int16 rows of `numeric.lattice`).

    Null = no vector: none given, one with a null or NaN in it, or one without a length.
    """
    schema = StructType([*tracks.schema.fields, StructField("lattice", BinaryType())])
    return tracks.mapInArrow(partial(_add_lattice, dimensions=dimensions), schema)


def _add_lattice(batches: Iterable[pa.RecordBatch], dimensions: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        lattice, is_vector = to_lattice(arrays.to_matrix(batch.column("vector"), dimensions))
        names = [*batch.schema.names, "lattice"]
        yield pa.RecordBatch.from_arrays([*batch.columns, arrays.from_lattice_rows(lattice, is_vector)], names=names)


def eligibility_counters(tracks: DataFrame, scopes: Sequence[str], strict: bool) -> DataFrame:
    """Rows (counter, value) for the ledger: per scope `eligible` and each of REASONS; zero included.

    Every track is counted once per scope. `tracks` are those of `with_lattice`; `strict`: untrusted ones are not
    eligible.
    """
    counters = {
        f"{scope}.{reason}": F.count_if(_reason(scope, strict) == reason)
        for scope in scopes
        for reason in ("eligible", *REASONS)
    }
    return as_counters(tracks, counters)


def as_counters(rows: DataFrame, counters: Mapping[str, Column]) -> DataFrame:
    """One aggregate over all rows per counter, as rows (counter string, value bigint); null is 0."""
    aggregates = [
        F.struct(F.lit(name).alias("counter"), F.coalesce(value, F.lit(0)).cast("bigint").alias("value"))
        for name, value in counters.items()
    ]
    return rows.agg(F.array(*aggregates).alias("counters")).select(F.inline("counters"))


def _reason(scope: str, strict: bool) -> Column:
    """`eligible`, or the first of REASONS that holds."""
    no_genre = F.size("genres") == 0 if scope in OF_GENRES else F.lit(False)
    undated = F.col("decade").isNull() if scope in OF_DECADES else F.lit(False)
    untrusted = ~F.col("is_trusted") if strict else F.lit(False)
    return (
        F.when(F.col("lattice").isNull(), "no_vector")
        .when(untrusted, "untrusted")
        .when(no_genre, "no_genre")
        .when(undated, "undated")
        .otherwise("eligible")
    )


def _places(scope: str, strict: bool) -> Column:
    """The blocks of a track in `scope`, array<struct<scope,block>>: none if it is not eligible.

    One per genre where genres divide the scope, else one: the decade, or `*`.
    """
    decade = F.col("decade").cast("string")

    def place(block: Column) -> Column:
        return F.struct(F.lit(scope).alias("scope"), block.alias("block"))

    def of_genre(genre: Column) -> Column:
        return place(F.concat(genre, F.lit("|"), decade) if scope in OF_DECADES else genre)

    if scope in OF_GENRES:
        places = F.transform("genres", of_genre)
    else:
        places = F.array(place(decade if scope in OF_DECADES else F.lit("*")))
    return F.when(_reason(scope, strict) == "eligible", places).otherwise(F.array())


def representatives(tracks: DataFrame, scopes: Sequence[str], strict: bool) -> DataFrame:
    """One row per recording and block: the only rows that are searched.

    Columns scope, block, track_id (ruling 39: the smallest of the recording_key that is eligible in the block),
    recording_key, members (all eligible track_ids of the recording there, sorted, so the representative is first),
    lattice, vector. A track of several genres is in several blocks.
    """
    recording = Window.partitionBy(*BLOCK, "recording_key")
    return (
        tracks.withColumn("place", F.explode(F.concat(*(_places(scope, strict) for scope in scopes))))
        .select("place.scope", "place.block", "track_id", "recording_key", "lattice", "vector")
        .withColumn("members", F.array_sort(F.collect_list("track_id").over(recording)))
        .where(F.col("track_id") == F.col("members")[0])
        .select(*BLOCK, "track_id", "recording_key", "members", "lattice", "vector")
    )


def blocks_of(representatives: DataFrame) -> DataFrame:
    """One row per block: scope, block, rows (representatives), members (tracks that get a list); bigint."""
    members = F.sum(F.size("members")).cast("bigint")
    return representatives.groupBy(*BLOCK).agg(F.count(F.lit(1)).alias("rows"), members.alias("members"))
