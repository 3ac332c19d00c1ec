"""Settings: typed, frozen, one class per stage. `conf/settings.toml` holds every default and every meaning.

A run's values are the defaults, then one file of its own, then single `key=value` texts. Unknown keys, wrong types and
values out of range are `UsageError`s that name the setting.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from soundalike.errors import UsageError

Value = str | int | float | bool | tuple[str, ...] | tuple[int, ...]


def _one_of(*values: str) -> dict[str, Any]:
    return {"choices": values}


def _between(low: float, high: float) -> dict[str, Any]:
    return {"range": (low, high)}


# Parts of paths and predicates.
_RUN_ID = {"name": r"([A-Za-z0-9_][A-Za-z0-9._-]*)?", "like": "2026-11-24_full"}
_TABLE_NAME = {"name": r"[a-z0-9_]+", "like": "track_neighbors"}
_NEW_SOURCE = {
    "name": r"(?!(acousticbrainz|fma|mpd|spotify)$)[a-z0-9_]+",
    "like": "new, other than the sources acousticbrainz, fma, mpd and spotify",
}


@dataclass(frozen=True)
class RunSettings:
    id: Annotated[str, _RUN_ID]


@dataclass(frozen=True)
class S3Settings:
    endpoint: str
    region: str
    path_style: bool


@dataclass(frozen=True)
class StorageSettings:
    root: str
    bronze_root: str
    s3: S3Settings


@dataclass(frozen=True)
class AcousticBrainzSource:
    uris: tuple[str, ...]
    limit_documents: Annotated[int, _between(0, 2**31 - 1)]


@dataclass(frozen=True)
class PlaylistSource:
    uri: str


@dataclass(frozen=True)
class SourceSettings:
    acousticbrainz: AcousticBrainzSource
    mpd: PlaylistSource


@dataclass(frozen=True)
class AcousticBrainzSettings:
    profile: Annotated[str, _one_of("default")]
    allow_incomplete: bool
    max_member_bytes: Annotated[int, _between(1, 2**30)]
    first_year: Annotated[int, _between(1000, 9999)]
    last_year: Annotated[int, _between(1000, 9999)]
    placeholder_titles: tuple[str, ...]


@dataclass(frozen=True)
class PlaylistSettings:
    profile: Annotated[str, _one_of("official", "reduced")]
    full_dataset: bool
    allow_incomplete: bool


@dataclass(frozen=True)
class GroupSettings:
    acousticbrainz: Annotated[int, _between(1, 2**31 - 1)]
    spotify: Annotated[int, _between(1, 2**31 - 1)]


@dataclass(frozen=True)
class GenreSettings:
    mode: Annotated[str, _one_of("label", "threshold")]
    threshold: Annotated[float, _between(0, 1)]
    confidence_floor: Annotated[float, _between(0, 1)]
    min_group: GroupSettings


@dataclass(frozen=True)
class VectorSettings:
    feature_set: Annotated[str, _one_of("ab11", "ab16", "ab71")]
    allow_genre_features: bool


@dataclass(frozen=True)
class ClusterSettings:
    policy: Annotated[str, _one_of("size", "fixed")]
    k: Annotated[int, _between(1, 10_000)]
    k_min: Annotated[int, _between(1, 10_000)]
    k_max: Annotated[int, _between(1, 10_000)]
    fit_rows: Annotated[int, _between(1, 2**31 - 1)]
    seed: Annotated[int, _between(0, 2**31 - 1)]
    giant_share: Annotated[float, _between(0, 1)]


@dataclass(frozen=True)
class AssignSettings:
    vectors: str
    source: Annotated[str, _NEW_SOURCE]


@dataclass(frozen=True)
class CellSettings:
    leaf: Annotated[tuple[int, ...], _between(16, 1_000_000)]
    e: Annotated[tuple[int, ...], _between(0, 10_000)]
    min: Annotated[int, _between(1, 64)]
    max: Annotated[tuple[int, ...], _between(1, 64)]
    iterations: Annotated[int, _between(0, 1000)]


@dataclass(frozen=True)
class NeighborSettings:
    name: Annotated[str, _TABLE_NAME]
    vectors: str
    probability_groups: Annotated[tuple[int, ...], _between(1, 1000)]
    candidates: str
    top_n: Annotated[int, _between(1, 1000)]
    scopes: Annotated[tuple[str, ...], _one_of("genre", "genre_decade", "global", "decade")]
    precision: Annotated[str, _one_of("auto", "coarse", "fine")]
    family: Annotated[str, _one_of("auto", "exact", "kmeans_overlap", "hyperplane")]
    exact_max: Annotated[int, _between(1, 2**31 - 1)]
    recall_floor: Annotated[float, _between(0, 1)]
    cert_queries: Annotated[int, _between(1, 100_000)]
    cert_seed: Annotated[int, _between(0, 2**31 - 1)]
    tune_queries: Annotated[int, _between(1, 100_000)]
    seed: Annotated[int, _between(0, 2**31 - 1)]
    max_pairs: Annotated[float, _between(0, 1e18)]
    strict: bool
    cells: CellSettings


@dataclass(frozen=True)
class Settings:
    run: RunSettings
    storage: StorageSettings
    sources: SourceSettings
    acousticbrainz: AcousticBrainzSettings
    mpd: PlaylistSettings
    genres: GenreSettings
    vectors: VectorSettings
    clusters: ClusterSettings
    assign: AssignSettings
    neighbors: NeighborSettings

    def flat(self) -> dict[str, Value]:
        """Every setting by its dotted key, in the order of the classes."""
        return dict(_flatten_instance(self, ""))


def load(file: str | None = None, overrides: Iterable[str] = ()) -> Settings:
    """Defaults, then `file` (TOML), then `overrides` (`key=value`).

    Raises:
        UsageError: an unreadable file, an unknown key, a wrong type, a value out of range.
    """
    values = _flatten_toml(tomllib.loads(files("soundalike").joinpath("conf/settings.toml").read_text("utf-8")))
    kinds = dict(_kinds(Settings, ""))
    if file:
        try:
            own = tomllib.loads(Path(file).read_text("utf-8"))
        except OSError as error:
            raise UsageError(
                f"settings file {file} cannot be read ({error.strerror}); give an existing TOML file"
            ) from error
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"settings file {file} is not TOML: {error}") from error
        for key, value in _flatten_toml(own).items():
            values[_known(key, kinds)] = value
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--set {text!r} has no '='; write --set key=value")
        key = _known(key.strip(), kinds)
        values[key] = _read_text(value, kinds[key][0])
    checked = {key: _checked(key, values[key], *kinds[key]) for key in kinds}
    if checked["vectors.feature_set"] == "ab71" and not checked["vectors.allow_genre_features"]:
        raise UsageError(
            "setting 'vectors.feature_set' is 'ab71', which holds the outputs of the genre models, by which the blocks "
            "of neighbor lists are made; take another set, or set 'vectors.allow_genre_features' to true"
        )
    for name in ("leaf", "e", "max"):
        if not checked[f"neighbors.cells.{name}"]:
            raise UsageError(f"setting 'neighbors.cells.{name}' must name at least one whole number")
    least, most = checked["neighbors.cells.min"], min(checked["neighbors.cells.max"])
    if least > most:
        raise UsageError(
            f"setting 'neighbors.cells.min' must not be above 'neighbors.cells.max', found {least} and {most}"
        )
    low, high = checked["clusters.k_min"], checked["clusters.k_max"]
    if low > high:
        raise UsageError(f"setting 'clusters.k_min' must not be above 'clusters.k_max', found {low} and {high}")
    return _build(Settings, "", checked)


def _known(key: str, kinds: Mapping[str, Any]) -> str:
    if key in kinds:
        return key
    nearest = difflib.get_close_matches(key, kinds, n=1, cutoff=0.0)
    raise UsageError(
        f"setting '{key}' is unknown; the nearest is '{nearest[0]}' (conf/settings.toml lists every setting)"
    )


def _read_text(text: str, kind: type) -> Any:
    """The value that `text` spells for a setting of type `kind`; text that spells none comes back as it is."""
    text = text.strip()
    if kind is bool and text in ("true", "false"):
        return text == "true"
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            return text
    if kind is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


_WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", tuple: "a list of texts"}


def _checked(key: str, value: Any, kind: type, metadata: Mapping[str, Any]) -> Any:
    if kind is float and type(value) is int:
        value = float(value)
    item_kind = metadata.get("items", str)
    if kind is tuple and isinstance(value, list):
        given = [_read_text(item, item_kind) if isinstance(item, str) else item for item in value]
        value = tuple(given) if all(type(item) is item_kind for item in given) else value
    items: Any = value if kind is tuple else (value,)
    if type(value) is not kind:
        words = _WORDS[kind] if item_kind is str else "a list of whole numbers"
        raise UsageError(f"setting '{key}' must be {words}, found {value!r}")
    if "choices" in metadata:
        for item in items:
            if item not in metadata["choices"]:
                raise UsageError(f"setting '{key}' must be of {', '.join(metadata['choices'])}; found {item!r}")
    if "choices" in metadata and kind is tuple and not 0 < len(set(items)) == len(items):
        raise UsageError(f"setting '{key}' must name at least one of {', '.join(metadata['choices'])}, each once")
    if "name" in metadata and not re.fullmatch(metadata["name"], str(value)):
        raise UsageError(f"setting '{key}' must be a name like {metadata['like']!r}, found {value!r}")
    if "range" in metadata:
        low, high = metadata["range"]
        for item in items:
            if not low <= item <= high:
                raise UsageError(f"setting '{key}' must be between {low} and {high}, found {item}")
    return value


def _flatten_toml(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= _flatten_toml(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _kinds(cls: Any, prefix: str) -> Iterable[tuple[str, tuple[type, Mapping[str, Any]]]]:
    for item in fields(cls):
        kind: Any = item.type
        rules: Mapping[str, Any] = {}
        if is_dataclass(kind):
            yield from _kinds(kind, f"{prefix}{item.name}.")
            continue
        if get_origin(kind) is Annotated:
            kind, rules = get_args(kind)
        if get_origin(kind) is tuple:
            kind, rules = tuple, {**rules, "items": get_args(kind)[0]}
        yield f"{prefix}{item.name}", (kind, rules)


def _build(cls: Any, prefix: str, values: Mapping[str, Any]) -> Any:
    given = {}
    for item in fields(cls):
        kind: Any = item.type
        key = f"{prefix}{item.name}"
        given[item.name] = _build(kind, f"{key}.", values) if is_dataclass(kind) else values[key]
    return cls(**given)


def _flatten_instance(instance: Any, prefix: str) -> Iterable[tuple[str, Value]]:
    for item in fields(instance):
        value = getattr(instance, item.name)
        if is_dataclass(value):
            yield from _flatten_instance(value, f"{prefix}{item.name}.")
        else:
            yield f"{prefix}{item.name}", value
