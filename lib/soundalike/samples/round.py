"""A round of the plan: a few thousand documents, dealt over all archives.

A recording and everything it is compared with (duplicates, near-duplicates, equal audio) lies inside one round, so
memory does not grow with the dump.
"""

import random

from soundalike.contracts.acousticbrainz import COLLAPSED_OUTPUTS, MODELS
from soundalike.samples import words, world
from soundalike.samples.plan import CODECS, Copy, Dump, Oddment, Recording, Release, Submission, pick
from soundalike.samples.tags import put_dates, tags_of

_GENRE_SHARES = tuple(world.GENRE_SHARES.tolist())
_CODEC_SHARES = tuple(share for _, _, share, _, _ in CODECS)
_UNDECIDED = 0.05
_SPIKE_WEIGHTS = (0.431, 0.207, 0.183, 0.160, 0.019)
_DECADES = ((1960, 0.06), (1970, 0.11), (1980, 0.15), (1990, 0.24), (2000, 0.27), (2010, 0.17))
_DECADE_SHARES = tuple(share for _, share in _DECADES)


class Round:
    """Collects one round: ordinary recordings by `fill`, planted ones by the plants."""

    def __init__(self, dump: Dump, index: int) -> None:
        self.dump, self.index = dump, index
        self.random = random.Random(f"{dump.seed}/{index}")
        self.submissions: list[Submission] = []
        self.copies: list[Copy] = []
        self.oddments: list[Oddment] = []
        self.twins: list[list[str]] = []
        self.near_dups: list[list[str]] = []
        self.audio_dups: list[list[str]] = []

    def documents(self) -> int:
        return len(self.submissions) + len(self.copies)

    def uuid(self) -> str:
        return words.uuid_text(self.random.getrandbits(128))

    def md5(self) -> str:
        return f"{self.random.getrandbits(128):032x}"

    def recording(self, shape: str = "ids", dated: bool = True) -> Recording:
        """A new recording: quiet (all submissions alike and trusted) until `fill` says otherwise."""
        draw, dump = self.random, self.dump
        artist = int(dump.artists * draw.random() ** 2)
        artists = [(words.artist_name(artist), words.named_id(dump.seed, "artist", artist))]
        if shape in ("several", "unequal"):
            other = (artist + 1 + int(draw.random() * 20)) % dump.artists
            artists.append((words.artist_name(other), words.named_id(dump.seed, "artist", other)))
        decade = _DECADES[pick(draw, _DECADE_SHARES)][0]
        reissue = max(decade, 1990 + 10 * int(3.0 * draw.random()))
        releases = self._release(artist, decade), self._release(artist, reissue)
        dump.titles += 1
        return Recording(
            mbid=self.uuid(),
            title=words.title(dump.titles),
            credit=" & ".join(name for name, _ in artists),
            artists=tuple(artists),
            shape=shape,
            genre=pick(draw, _GENRE_SHARES),
            cluster=int(draw.random() * world.CLUSTERS),
            year=releases[0].year if dated else None,
            releases=releases,
            duration=round(60.0 + 360.0 * draw.betavariate(2.2, 3.0), 6),
        )

    def _release(self, artist: int, decade: int) -> Release:
        which = int(self.random.random() * 4)
        number = (artist * 10 + decade % 100 // 10) * 4 + which
        mbid = words.named_id(self.dump.seed, "release", number)
        digits = int(mbid[:8], 16)
        year, month, day = decade + digits % 10, 1 + digits // 10 % 12, 1 + digits // 120 % 28
        return Release(None if self.random.random() < 0.3 else mbid, words.title(7 * number + 3), year, month, day)

    def submission(self, recording: Recording) -> Submission:
        """The next submission of a recording, true to it; one that is not quiet gets the dump's usual disorder."""
        draw, noisy = self.random, not recording.quiet
        codec = pick(draw, _CODEC_SHARES)
        release = recording.releases[1 if noisy and draw.random() < 0.15 else 0]
        genre, title, shape, length = recording.genre, recording.title, recording.shape, recording.duration
        if noisy:
            if draw.random() < 0.03:
                genre = pick(draw, _GENRE_SHARES)
            if draw.random() < 0.12:
                variants = title.upper(), f"{title} (remastered)", f"{title} [live]", title.lower()
                title = variants[int(draw.random() * 4)]
            if draw.random() < 0.08:
                shape = "none"
            length = round(max(20.0, length + draw.gauss(0.0, 0.4)), 6)
        sub = Submission(
            recording=recording,
            member=recording.mbid,
            number=recording.submitted,
            genre=genre,
            title=title,
            release=release,
            codec=codec,
            sample_rate=draw.random() < 0.85,
            md5=self.md5(),
            build=int(draw.random() < 0.4),
            tags={},
            year=None,
            album_id=release.mbid,
            resolved=shape in ("ids", "several"),
            credited=True,
            length=length,
            label=world.GENRES[genre],
        )
        recording.submitted += 1
        sub.tags = tags_of(draw, sub, shape)
        put_dates(draw, sub)
        if noisy:
            self._trouble(sub)
        self.submissions.append(sub)
        return sub

    def _trouble(self, sub: Submission) -> None:
        """Ordinary trouble of the real dump: collapsed and undecided outputs, saturated ones, other ways to write."""
        draw = self.random
        at = draw.random()
        if at < CODECS[sub.codec][4]:
            outputs = list(COLLAPSED_OUTPUTS.items())
            (model, label), spike = outputs[pick(draw, _SPIKE_WEIGHTS)]
            sub.collapse(model, label, round(spike + (draw.random() - 0.5) * 8e-6, 12))
        elif at > 1.0 - _UNDECIDED:
            model = world.TWO_CLASS[int(draw.random() * len(world.TWO_CLASS))]
            sub.undecide(model, "female" if model == "gender" else MODELS[model][0])
        elif 0.4 < at < 0.403:
            sub.set_output("voice_instrumental", "instrumental", float(draw.random() < 0.5))
        at = draw.random()
        if at < 0.01:
            sub.style = "pretty" if at < 0.005 else "raw"

    def fill(self, documents: int) -> None:
        """Ordinary recordings until the round has exactly so many documents."""
        draw = self.random
        most = max(4, documents // 50)
        while (room := documents - self.documents()) > 0:
            shape = ("ids", "several", "none", "unequal")[pick(draw, (66, 14, 16, 4))]
            recording = self.recording(shape, dated=draw.random() < 0.9)
            recording.quiet = False
            for _ in range(min(room, most, int((1.0 - draw.random()) ** -0.7))):
                self.submission(recording)
