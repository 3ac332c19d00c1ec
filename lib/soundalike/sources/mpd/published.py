"""The lists of `stats.txt`, which lies in the dataset: the twenty most frequent of each, as `<count> <label>` lines."""

import re

STATISTICS = "stats.txt"
_SECTIONS = {
    "top playlist titles": "top_titles", "top tracks": "top_tracks", "top artists": "top_artists",
    "numedits histogram": "edits", "last modified histogram": "modified_day",
    "playlist length histogram": "lengths", "num followers histogram": "followers",
}  # fmt: skip
_LINE = re.compile(r" *([0-9]+) (.*)")

Lists = dict[str, list[tuple[str, int]]]


def parse_lists(content: bytes) -> Lists:
    """Statistic -> (label, count), most frequent first; lines outside a known section are ignored."""
    lists: Lists = {}
    current: list[tuple[str, int]] | None = None
    for line in content.decode("utf-8", errors="replace").split("\n"):
        if line.strip() in _SECTIONS:
            current = lists.setdefault(_SECTIONS[line.strip()], [])
        elif not line.strip():
            current = None
        elif current is not None and (found := _LINE.fullmatch(line)):
            current.append((found[2], int(found[1])))
    return lists
