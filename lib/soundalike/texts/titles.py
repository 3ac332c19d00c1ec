"""Titles and descriptions of playlists."""

import html
import re

# The characters that the dataset's own normalizer turns into blanks; everything else stays.
_BLANKED = re.compile(r"[.,/#!$%^*;:{}=_`~()@]")
_WHITE_SPACE = re.compile(r"\s+")


def normalized_title(title: str) -> str:
    """Lower case, 20 marks as blanks, white space collapsed and trimmed; may be empty. No Unicode normalization."""
    return _WHITE_SPACE.sub(" ", _BLANKED.sub(" ", title.lower())).strip()


def decoded_entities(text: str) -> str:
    """HTML entities decoded in one pass: `&amp;lt;` becomes `&lt;`."""
    return html.unescape(text)
