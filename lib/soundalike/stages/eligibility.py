"""Who is searched: a table of vectors becomes tracks, and tracks become the representatives of each block.

A track that has no place in a scope is counted there under the first reason that holds.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from soundalike.contracts.staging import SEARCHED_TRACKS
from soundalike.errors import SoundalikeError
from soundalike.numeric.lattice import PRECISIONS, quantize
from soundalike.numeric.scaling import normalize
from soundalike.numeric.simplex import reduced
from soundalike.stages import arrays
from soundalike.stages.ids import UUID
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


def width_of(tracks: DataFrame) -> int:
    """Values of some vector of `tracks_from_vectors`, of which all should have as many; 0 if no track has a vector."""
    given = tracks.where(F.col("vector").isNotNull()).select(F.size("vector").alias("width"))
    return next((int(row["width"]) for row in given.limit(1).collect()), 0)


def catalog_of(rows: DataFrame) -> DataFrame:
    """track_id of a user's own table of tracks that may stand in lists, each once.

    Raises:
        SoundalikeError: it has no such column.
    """
    types_of(rows, "candidates", ("track_id",), {"track_id": ("string",)})
    return rows.select("track_id").where(F.col("track_id").isNotNull()).distinct()


def searched_tracks(
    tracks: DataFrame, width: int, groups: Sequence[int], precision: str, catalog: DataFrame | None
) -> DataFrame:
    """Rows of `contracts.staging.SEARCHED_TRACKS` from those of `tracks_from_vectors`.

    A track has no vector if none is given, or one with a null or NaN in it, without a length, or of another width.

    Args:
        tracks: as above.
        width: of the vectors, see `width_of`.
        groups: sizes of the probability groups that the vectors consist of (`numeric.simplex`); none = other vectors.
        precision: of `numeric.lattice.PRECISIONS`.
        catalog: of `catalog_of`; None = all tracks may stand in lists.

    Raises:
        SoundalikeError: `groups` do not make up the vectors.
    """
    if not WIDTHS[0] <= width <= WIDTHS[1]:
        # No track has a vector then; `dimensions_of` says what is wrong.
        width, groups = 0, ()
    elif groups and sum(groups) != width:
        raise SoundalikeError(
            f"vectors have {width} dimensions, but neighbors.probability_groups names groups of {sum(groups)} in all; "
            "name the sizes of all groups in the order of the columns"
        )
    listed = F.lit(True)
    if catalog is not None:
        mine = (
            catalog.select("track_id").where(F.col("track_id").isNotNull()).distinct().withColumn("found", F.lit(True))
        )
        tracks = tracks.join(mine, on="track_id", how="left")
        listed = F.col("found").isNotNull()
    named = ["track_id", "recording_key", "genres", "decade", "is_trusted"]
    schema = ", ".join(f"{column.name} {column.type}" for column in SEARCHED_TRACKS.columns)
    given = tracks.select(*named, listed.alias("listed"), "vector")
    return given.mapInArrow(partial(_as_lattice, width=width, groups=tuple(groups), precision=precision), schema)


def _as_lattice(
    batches: Iterable[pa.RecordBatch], width: int, groups: tuple[int, ...], precision: str
) -> Iterator[pa.RecordBatch]:
    scale, dtype = PRECISIONS[precision]
    for batch in batches:
        vectors = batch.column("vector")
        widths = pc.list_value_length(vectors)
        fits = pc.fill_null(pc.equal(widths, width), False)
        given = fits.to_numpy(zero_copy_only=False)
        rows = arrays.to_matrix(vectors.filter(fits), width)
        units, is_vector = normalize(reduced(rows, groups) if groups else rows)
        lattice = quantize(units, is_vector, scale, dtype)
        valid = np.zeros(len(given), dtype=bool)
        valid[given] = is_vector
        columns = [
            *batch.columns[:-1],
            widths.cast(pa.int32()),
            arrays.from_rows(_spread(lattice, given), valid),
            arrays.from_rows(_spread(units, given), valid),
        ]
        yield pa.RecordBatch.from_arrays(columns, names=SEARCHED_TRACKS.column_names)


def _spread(rows: npt.NDArray[Any], given: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    if given.all():
        return rows
    result = np.zeros((len(given), rows.shape[1]), dtype=rows.dtype)
    result[given] = rows
    return result


def vector_profile(tracks: DataFrame, scopes: Sequence[str], strict: bool) -> DataFrame:
    """One row about all `searched_tracks`.

    Columns tracks, unnamed (have no id), unpacked (ids that are not lower-case UUIDs), narrowest and widest (struct of
    width and track_id; null = no vector is given), dimensions (of the lattice without its parity; null = no vector),
    counters (for the ledger, array of struct counter, value: per scope `eligible` and each of REASONS, zero included;
    every track is counted once per scope). `strict`: untrusted ones are not eligible.
    """
    width = F.when(F.col("width").isNotNull(), F.struct("width", F.col("track_id")))
    counters = {
        f"{scope}.{reason}": F.count_if(_reason(scope, strict) == reason)
        for scope in scopes
        for reason in ("eligible", *REASONS)
    }
    return tracks.agg(
        F.count(F.lit(1)).alias("tracks"),
        F.count_if(F.col("track_id").isNull()).alias("unnamed"),
        F.count_if(~F.col("track_id").rlike(UUID)).alias("unpacked"),
        F.min(width).alias("narrowest"),
        F.max(width).alias("widest"),
        (F.max(F.length("lattice")) / 2 - 1).cast("int").alias("dimensions"),
        F.array(
            *(F.struct(F.lit(name).alias("counter"), count.alias("value")) for name, count in counters.items())
        ).alias("counters"),
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


def places(tracks: DataFrame, scopes: Sequence[str], strict: bool) -> DataFrame:
    """One row per eligible track and block: scope, block, and the columns of `searched_tracks` that the search needs.

    A track of several genres is in several blocks.
    """
    # Not concat, which is interpreted: it asks of every row anew whether an argument is null.
    placed = F.explode(F.flatten(F.array(*(_places(scope, strict) for scope in scopes))))
    kept = ("track_id", "recording_key", "listed", "lattice", "units")
    return tracks.select(placed.alias("place"), *kept).select("place.*", *kept)


def inheriting(places: DataFrame) -> DataFrame:
    """Tracks that take the list of their recording's representative: scope, block, track_id, representative.

    Ruling 39: the representative is the smallest track_id of the recording_key that is eligible in the block; where
    there is a catalog, the smallest in it, if any is.
    """
    recording = (*BLOCK, "recording_key")
    member = F.struct((~F.col("listed")).alias("unlisted"), "track_id")
    return (
        places.groupBy(*recording)
        .agg(F.array_sort(F.collect_list(member)).alias("members"))
        .where(F.size("members") > 1)
        .select(
            *BLOCK,
            F.col("members")[0]["track_id"].alias("representative"),
            F.explode(F.expr("slice(members, 2, size(members) - 1)")).alias("member"),
        )
        .select(*BLOCK, F.col("member.track_id").alias("track_id"), "representative")
    )


def representatives(places: DataFrame, inheriting: DataFrame | None) -> DataFrame:
    """The places without those that inherit: the only rows that are searched, one per recording and block."""
    if inheriting is None:
        return places
    return places.join(inheriting.select(*BLOCK, "track_id"), on=[*BLOCK, "track_id"], how="left_anti")


def repeated_tracks(tracks: DataFrame) -> DataFrame:
    """track_id of what stands twice in `searched_tracks`, in order."""
    return tracks.groupBy("track_id").count().where("count > 1").select("track_id").orderBy("track_id")


def rows_of_blocks(representatives: DataFrame) -> DataFrame:
    """One row per block: scope, block, rows (representatives), listed (those that may stand in lists); bigint."""
    return representatives.groupBy(*BLOCK).agg(F.count(F.lit(1)).alias("rows"), F.count_if("listed").alias("listed"))
