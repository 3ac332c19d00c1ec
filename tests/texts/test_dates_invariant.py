"""What has a date under `compat`, its year inside the bounds, has the same date under `extended`."""

import random

from soundalike.texts.dates import _compat, _normal, read_date

# Pieces that `compat` likes, and what may stand around and between them without or with harm.
YEARS = [
    "1998", "2005", "1860", "2023", "01999", "+2005", "2_005", "\uff12\uff10\uff10\uff15", "0000", "0001", "1000",
    "98",
]  # fmt: skip
NUMBERS = [
    "1", "2", "5", "07", "7", "8", "11", "12", "13", "14", "31", "007", "0", "00", "+3", "1_2", "\u0663",
    "\uff11\uff12", " 4", "4 ",
]  # fmt: skip
NAMES = ["may", "May", "FEBRUARY", "sept", "sep", "dec,ember", "jun,e", "mar,ch"]
SIGNS = ["-", "-", "-", "-", ".", "/", "/", " - ", "\u2013", "\uff0f", " ", "", ";"]
BEFORE = [" ", "\u3000", ",", "of ", "+", "0", "c. ", "ca ", "~", ";", "-"]
AFTER = [
    " ", ",", "th", "st", " of", "?", ";", "-", "-x", "-00\u201300", "-00-00", "/2000", "/1999-05", "-2000", "-0005",
    ";2000", "-;x", "/?", "/x?", "t10:20:30", "T1:2:3Z", " 10:20:30", " 10:20:30,5", " 10:20:3,0", " 10:20:60,", "YOLO",
]  # fmt: skip
ALPHABET = "0011223456789999--//..,;? tTzZ:+_ofsthndrmayMAY\u2013\uff0d\uff0f\uff0e\uff11\u3000\u00a0c~"


def _text(rng: random.Random) -> str:
    kind = rng.randrange(4)
    if kind == 0:
        text = rng.choice(YEARS) + "".join(rng.choice(SIGNS) + rng.choice(NUMBERS) for _ in range(rng.randrange(4)))
    elif kind == 1:
        text = " ".join([rng.choice(NUMBERS) + rng.choice(["", "", "th", ","]), rng.choice(NAMES), rng.choice(YEARS)])
    elif kind == 2:
        year, month, day = rng.randrange(1855, 2030), rng.randrange(14), rng.randrange(33)
        text = f"{year}{rng.choice(SIGNS)}{month:0{rng.randrange(1, 4)}}{rng.choice(SIGNS)}{day:02}"
    else:
        text = "".join(rng.choices(ALPHABET, k=rng.randrange(1, 14)))
    if rng.random() < 0.2:
        text = rng.choice(BEFORE) + text
    while rng.random() < 0.4:
        text += rng.choice(AFTER)
    if rng.random() < 0.1:
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(ALPHABET) + text[at:]
    return text


def test_extended_keeps_what_compat_reads():
    rng = random.Random(1998)
    inside = lenient = 0
    for _ in range(60_000):
        text = _text(rng)
        hit = _compat(_normal(text))
        if hit is None or not 1860 <= hit[0].year <= 2023:
            continue
        read = read_date(text)
        assert read.date == hit[0], (text, hit, read)
        inside += 1
        lenient += "lenient" in read.flags
    # Enough of both ways to a date, or the loop above has proved nothing.
    assert inside > 5_000
    assert 1_000 < lenient < inside - 1_000
