"""Settings: one complete file, typed classes, one message per mistake."""

from pathlib import Path

import pytest

from soundalike.errors import UsageError
from soundalike.settings import Settings, load


def test_defaults_are_those_of_the_contract() -> None:
    settings = load()
    assert settings.acousticbrainz.profile == "default"
    assert settings.acousticbrainz.max_member_bytes == 64 * 1024 * 1024
    assert (settings.neighbors.top_n, settings.neighbors.recall_floor, settings.neighbors.cert_queries) == (
        50,
        0.98,
        1000,
    )
    assert (settings.vectors.feature_set, settings.vectors.allow_genre_features) == ("ab16", False)
    assert settings.storage.bronze_root == ""
    groups = settings.genres.min_group
    assert (settings.genres.mode, groups.acousticbrainz, groups.spotify) == ("label", 1, 100)
    clusters = settings.clusters
    assert (clusters.policy, clusters.k_min, clusters.k_max, clusters.fit_rows) == ("size", 8, 512, 2_000_000)


def test_a_file_then_single_values(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[neighbors]\ntop_n = 7\nscopes = ["genre"]\n[storage.s3]\nregion = "eu-west-1"\n')
    settings = load(str(own), ["neighbors.top_n=9", "sources.acousticbrainz.uris=a, b", "neighbors.strict=false"])
    assert (settings.neighbors.top_n, settings.neighbors.scopes, settings.neighbors.strict) == (9, ("genre",), False)
    assert settings.sources.acousticbrainz.uris == ("a", "b")
    assert settings.storage.s3.region == "eu-west-1"


def test_a_whole_number_is_a_number() -> None:
    assert load(overrides=["neighbors.recall_floor=1"]).neighbors.recall_floor == 1.0


def test_flat_names_every_setting() -> None:
    flat = load(overrides=["storage.root=x"]).flat()
    assert flat["storage.root"] == "x"
    assert {"run.id", "storage.s3.path_style", "sources.acousticbrainz.limit_documents", "neighbors.vectors"} <= set(
        flat
    )
    assert isinstance(load(), Settings)


@pytest.mark.parametrize(
    "override, message",
    [
        ("neighbors.topn=1", "setting 'neighbors.topn' is unknown; the nearest is 'neighbors.top_n' (conf/settings.toml lists every setting)"),
        ("neighbors.top_n=1.5", "setting 'neighbors.top_n' must be a whole number, found '1.5'"),
        ("neighbors.recall_floor=high", "setting 'neighbors.recall_floor' must be a number, found 'high'"),
        ("neighbors.strict=yes", "setting 'neighbors.strict' must be true or false, found 'yes'"),
        ("neighbors.top_n=0", "setting 'neighbors.top_n' must be between 1 and 1000, found 0"),
        ("neighbors.scopes=genre,year", "setting 'neighbors.scopes' must be of genre, genre_decade, global, decade; found 'year'"),
        ("acousticbrainz.profile=lyrid", "setting 'acousticbrainz.profile' must be of default; found 'lyrid'"),
        ("vectors.feature_set=ab39", "setting 'vectors.feature_set' must be of ab11, ab16, ab71; found 'ab39'"),
        ("vectors.feature_set=ab71", "setting 'vectors.feature_set' is 'ab71', which holds the outputs of the genre models, by which the blocks of neighbor lists are made; take another set, or set 'vectors.allow_genre_features' to true"),
        ("vectors.allow_genre_features=1", "setting 'vectors.allow_genre_features' must be true or false, found '1'"),
        ("run.id=a'b", "setting 'run.id' must be a name like '2026-11-24_full', found \"a'b\""),
        ("run.id=..", "setting 'run.id' must be a name like '2026-11-24_full', found '..'"),
        ("neighbors.name=", "setting 'neighbors.name' must be a name like 'track_neighbors', found ''"),
        ("neighbors.scopes=", "setting 'neighbors.scopes' must name at least one of genre, genre_decade, global, decade, each once"),
        ("neighbors.scopes=genre,genre", "setting 'neighbors.scopes' must name at least one of genre, genre_decade, global, decade, each once"),
        ("genres.mode=super", "setting 'genres.mode' must be of label, threshold; found 'super'"),
        ("genres.min_group=5", "setting 'genres.min_group' is unknown; the nearest is 'genres.min_group.spotify' (conf/settings.toml lists every setting)"),
        ("genres.min_group.acousticbrainz=0", "setting 'genres.min_group.acousticbrainz' must be between 1 and 2147483647, found 0"),
        ("clusters.k_min=600", "setting 'clusters.k_min' must not be above 'clusters.k_max', found 600 and 512"),
        ("clusters.policy=elbow", "setting 'clusters.policy' must be of size, fixed; found 'elbow'"),
        ("clusters.fit_rows=0", "setting 'clusters.fit_rows' must be between 1 and 2147483647, found 0"),
        ("neighbors.top_n", "--set 'neighbors.top_n' has no '='; write --set key=value"),
    ],
)  # fmt: skip
def test_mistakes(override: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        load(overrides=[override])
    assert str(raised.value) == message
    assert raised.value.exit_code == 2


def test_mistakes_in_a_file(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[neighbors]\nscopes = [1]\n")
    with pytest.raises(UsageError, match=r"setting 'neighbors.scopes' must be a list of texts, found \[1\]"):
        load(str(own))
    own.write_text("[neighbors\n")
    with pytest.raises(UsageError, match="is not TOML"):
        load(str(own))
    with pytest.raises(UsageError, match=r"nowhere.toml cannot be read \(No such file or directory\)"):
        load(str(tmp_path / "nowhere.toml"))
