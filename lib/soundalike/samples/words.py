"""Titles, names and identifiers of an invented catalogue: a small vocabulary, combined so that no two are alike.

Titles and artist names of different numbers stay different after accents, case and blanks are folded, so
near-duplicates exist only where they are planted.
"""

import hashlib

ADJECTIVES = (
    "Silver", "Broken", "Quiet", "Electric", "Golden", "Hollow", "Crimson", "Distant", "Burning", "Velvet",
    "Lonely", "Restless", "Frozen", "Paper", "Midnight", "Wild", "Tender", "Hidden", "Summer", "Bitter", "Marble",
    "Endless", "Naïve", "Blue", "Scarlet", "Gentle", "Heavy", "Crystal", "Northern", "Late", "Sudden", "Empty",
    "Salt", "Neon", "Iron", "Holy", "Hungry", "Pale", "Secret", "Slow", "Young", "Ancient", "Bright", "Copper",
    "Drifting", "Faded", "Gloomy", "Café",
)  # fmt: skip
NOUNS = (
    "River", "Heart", "Road", "Garden", "Mirror", "Station", "Window", "Ocean", "Lantern", "Horses", "Letters",
    "Thunder", "Dancers", "Shadow", "Harbour", "Machine", "Winter", "Angel", "Fever", "Bridge", "Engine", "Flowers",
    "Ghost", "Hotel", "Island", "Jungle", "Kingdom", "Ladder", "Moon", "Needle", "Orchard", "Parade", "Queen",
    "Rain", "Sailor", "Temple", "Umbrella", "Valley", "Whisper", "Year", "Arrow", "Ballad", "Circus", "Desert",
    "Echo", "Forest", "Glass", "Honey", "Ivy", "Jewel", "Kite", "Lullaby", "Meadow", "Nocturne", "Opera", "Piano",
    "Quarry", "Rose", "Stranger", "Tide", "Über", "Voyage", "Wolf", "Zephyr",
)  # fmt: skip
PLACES = (
    "Kyoto", "京都", "Москва", "São Paulo", "Ærø", "Αθήνα", "תל אביב", "Berlin", "Lagos", "Memphis", "Málaga",
    "Tromsø", "Łódź", "القاهرة", "서울", "Detroit", "Oslo", "Havana", "Québec", "Zürich", "Dublin", "Napoli",
    "Reykjavík", "Bamako", "Praha", "Lisboa", "Bombay", "Manila", "Belém", "Tbilisi", "東京", "Київ", "Austin",
    "Ghent", "Kingston", "Hanoi", "Montréal", "Perth", "Seville", "Turku",
)  # fmt: skip
_TITLE_FORMS = (
    "{a} {n} in {p}", "{p}: {a} {n}", "The {a} {n} ({p})", "{a} {n} / {p}", "{a} {p} {n}", "{n} of {p}, {a}",
    "{p} & the {a} {n}", "{a} {n}, {p}",
)  # fmt: skip
_KNOWN_ARTISTS = (
    "三千院ナギ starring 釘宮理恵", "Skatebård", "Beyoncé", "Earth Wind & Fire", "Sigur Rós", "Мумий Тролль",
    "Björk", "AC/DC", "椎名林檎", "Die Ärzte", "Χάρις Αλεξίου", "Motörhead", "فيروز", "Café Tacvba", "Röyksopp",
    "Jean-Michel Jarre",
)  # fmt: skip
_ARTIST_FORMS = (
    "The {a} {n}", "{a} {n}", "{n} & {a}", "DJ {a} {n}", "{a} {n} Orchestra", "{n} {a} Quartet", "{n}s {a}",
)  # fmt: skip

_TITLES = len(ADJECTIVES) * len(NOUNS) * len(PLACES) * len(_TITLE_FORMS)
_ARTISTS = len(ADJECTIVES) * len(NOUNS) * len(_ARTIST_FORMS)
_STEP = 600_011  # coprime to both totals (2, 3, 5 and 7 are their only primes): walks through every combination once


def title(number: int) -> str:
    """The title of that number; unlike every other number's, also after folding."""
    lap, at = divmod(number, _TITLES)
    at = at * _STEP % _TITLES
    at, form = divmod(at, len(_TITLE_FORMS))
    at, place = divmod(at, len(PLACES))
    adjective, noun = divmod(at, len(NOUNS))
    text = _TITLE_FORMS[form].format(a=ADJECTIVES[adjective], n=NOUNS[noun], p=PLACES[place])
    return f"{text} No. {lap + 1}" if lap else text


def artist_name(number: int) -> str:
    """The artist of that number: first some names that break careless code, then combinations."""
    if number < len(_KNOWN_ARTISTS):
        return _KNOWN_ARTISTS[number]
    lap, at = divmod(number - len(_KNOWN_ARTISTS), _ARTISTS)
    at = at * _STEP % _ARTISTS
    at, form = divmod(at, len(_ARTIST_FORMS))
    adjective, noun = divmod(at, len(NOUNS))
    text = _ARTIST_FORMS[form].format(a=ADJECTIVES[adjective], n=NOUNS[noun])
    return f"{text} {lap + 1}" if lap else text


def uuid_text(bits: int) -> str:
    """128 bits in the 8-4-4-4-12 form of a version-4 UUID, lower case."""
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def named_id(seed: int, kind: str, number: int) -> str:
    """The MBID of an artist or a release: the same seed, kind and number give the same id."""
    digest = hashlib.blake2b(f"{seed}/{kind}/{number}".encode(), digest_size=16).digest()
    return uuid_text(int.from_bytes(digest, "big"))
