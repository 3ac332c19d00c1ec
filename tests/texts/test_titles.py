"""Titles and descriptions of playlists, by the examples of the rules."""

import pytest

from soundalike.texts.titles import decoded_entities, normalized_title


@pytest.mark.parametrize(
    "title, expected",
    [
        ("Hip-Hop!!", "hip-hop"), ("Chill :)", "chill"), (":)", ""), ("90's", "90's"), ("R&B", "r&b"),
        ("50% off + more", "50 off + more"), ("#TBT", "tbt"), ("w/e", "w e"), ("party_mix", "party mix"),
        ("[sad] boi", "[sad] boi"), ("ROCK\u00a0", "rock"), ("a\tb\nc", "a b c"),
        (".,/#!$%^*;:{}=_`~()@", ""), ("-'\"&?+|<>[]\\é😀", "-'\"&?+|<>[]\\é😀"),
        ("\u3000I\u2003\u2028I ", "i i"), ("e\u0301", "e\u0301"),
    ],
)  # fmt: skip
def test_normalized_title(title: str, expected: str) -> None:
    assert normalized_title(title) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("it&#x27;s A&#x2F;C &quot;x&quot; &amp; y &lt; z", 'it\'s A/C "x" & y < z'),
        ("&amp;lt;", "&lt;"),
        ("caf&eacute;", "café"),
        ("", ""),
    ],
)
def test_entities_are_decoded_in_one_pass(text: str, expected: str) -> None:
    assert decoded_entities(text) == expected
