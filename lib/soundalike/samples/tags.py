"""The tags of a document, as a tagger would have written them: keys by container, dates in many forms."""

import random

from soundalike.samples import words
from soundalike.samples.plan import CODECS, Json, Release, Submission, pick

# None of these is a date inside the bounds of 1860 to 2023.
_NO_DATE_TEXTS = ("0000", "0001-01-01", "YOLO", "unknown", "", "1000", "0000-00-00")
_VORBIS_KEYS = ("releasetype", "releasecountry", "releasestatus", "musicbrainz_releasetrackid")
_OTHER_KEYS = (
    "musicbrainz album type",
    "musicbrainz album release country",
    "musicbrainz album status",
    "musicbrainz release track id",
)
VARIANTS = tuple(zip(_VORBIS_KEYS, _OTHER_KEYS, strict=True))
_GENRE_TEXTS = ("Classical", "Dance", "Hip-Hop", "Jazz", "Pop", "R&B/Soul", "Rock", "Speech")
_TYPES = ("album", "album/remix", "single")
_COUNTRIES = ("DE", "GB", "US", "XW", "JP")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def tags_of(draw: random.Random, sub: Submission, shape: str) -> Json:
    """Tags true to a submission, dates apart; `shape` is how artists are carried (see `Recording`)."""
    recording, release = sub.recording, sub.release
    ending = CODECS[sub.codec][1]
    track, tracks = 1 + int(draw.random() * 19), 19 + int(draw.random() * 3)
    vorbis = ending in ("flac", "ogg", "mpc")
    tags: Json = {
        "file_name": f"{track:02d} - {sub.title[:60]}.{ending}".replace("/", "_"),
        "title": [sub.title],
        "artist": [recording.credit],
        "album": [release.name],
        "musicbrainz_recordingid": [recording.mbid],
        "tracknumber": [str(track) if vorbis else f"{track}/{tracks}"],
    }
    if shape != "none":
        tags["musicbrainz_artistid"] = [artist_id for _, artist_id in recording.artists]
        name, artist_id = recording.artists[0]
        tags["albumartist"], tags["musicbrainz_albumartistid"] = [name], [artist_id]
    if shape == "several":
        tags["artists"] = [name for name, _ in recording.artists]
    if release.mbid is not None:
        tags["musicbrainz_albumid"] = [release.mbid]
        tags["musicbrainz_releasegroupid"] = [release.mbid[:24] + release.mbid[:12].replace("-", "0")]
        kind, country, status, track_id = _VORBIS_KEYS if vorbis else _OTHER_KEYS
        tags[kind], tags[status] = [_TYPES[int(draw.random() * 3)]], ["official"]
        tags[country] = [_COUNTRIES[int(draw.random() * 5)]]
        tags[track_id] = [words.uuid_text(draw.getrandbits(128))]
        tags["media"], tags["script"], tags["label"] = ["CD"], ["Latn"], ["Example Records / Beispiel"]
        tags["discnumber"] = ["1" if vorbis else "1/1"]
        if vorbis:
            tags["totaltracks"] = [str(tracks)]
    at = draw.random()
    if at < 0.4:
        genre = _GENRE_TEXTS[recording.genre]
        forms = [genre], [genre, "Data"], [f"{genre}; Live; {genre}"], [genre] * 16
        tags["genre"] = forms[pick(draw, (8, 1, 1, 0.1))]
    if 0.3 < at < 0.35:
        tags["bpm"] = [("140", "127.98", "96", " 90 ")[int(draw.random() * 4)]]
    return tags


def put_dates(draw: random.Random, sub: Submission) -> None:
    """Give a submission's tags its release's date, and the submission the year it means."""
    recording, release, tags = sub.recording, sub.release, sub.tags
    if recording.year is None:
        if draw.random() < 0.3:
            tags["date"] = [_NO_DATE_TEXTS[int(draw.random() * len(_NO_DATE_TEXTS))]]
        return
    if not recording.quiet and draw.random() < 0.05:
        return
    sub.year, text = release.year, _date_text(draw, release)
    at = draw.random()
    if at < 0.45:
        tags["originaldate"] = [text]
    if at < 0.4:  # the date of a reissue: the original one decides
        tags["date"] = [str(max(release.year, 1985 + int(draw.random() * 35)))]
    elif at >= 0.45:
        tags["date"] = [text]


def _date_text(draw: random.Random, release: Release) -> str:
    """One of the ways to write a release's date; all of them keep its year."""
    y, m, d = release.year, release.month, release.day
    month = _MONTHS[m - 1]
    forms = (
        (f"{y}-{m:02d}-{d:02d}", 45),
        (f"{y}", 30),
        (f"{y}-{m:02d}", 8),
        (f"{y}.{m:02d}.{d:02d}", 3),
        (f"{y}{m:02d}{d:02d}", 2),
        (f"{d} {month} {y}", 2),
        (f"{month} {d}, {y}", 2),
        (f"{y}-{m:02d}-{d:02d}T08:00:00Z", 4),
        (f"{y}-00-00", 3),
        (f"c. {y}", 1),
    )
    return forms[pick(draw, tuple(share for _, share in forms))][0]
