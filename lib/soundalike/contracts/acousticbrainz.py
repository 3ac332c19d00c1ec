"""The AcousticBrainz high-level models: their classes, their fixed order and the feature sets cut from them.

Order version `ab71-v1`: models by name, classes by code point.
"""

MODELS: dict[str, tuple[str, ...]] = {
    "danceability": ("danceable", "not_danceable"),
    "gender": ("female", "male"),
    "genre_dortmund": (
        "alternative", "blues", "electronic", "folkcountry", "funksoulrnb", "jazz", "pop", "raphiphop", "rock",
    ),
    "genre_electronic": ("ambient", "dnb", "house", "techno", "trance"),
    "genre_rosamerica": ("cla", "dan", "hip", "jaz", "pop", "rhy", "roc", "spe"),
    "genre_tzanetakis": ("blu", "cla", "cou", "dis", "hip", "jaz", "met", "pop", "reg", "roc"),
    "ismir04_rhythm": (
        "ChaChaCha", "Jive", "Quickstep", "Rumba-American", "Rumba-International", "Rumba-Misc", "Samba", "Tango",
        "VienneseWaltz", "Waltz",
    ),
    "mood_acoustic": ("acoustic", "not_acoustic"),
    "mood_aggressive": ("aggressive", "not_aggressive"),
    "mood_electronic": ("electronic", "not_electronic"),
    "mood_happy": ("happy", "not_happy"),
    "mood_party": ("not_party", "party"),
    "mood_relaxed": ("not_relaxed", "relaxed"),
    "mood_sad": ("not_sad", "sad"),
    "moods_mirex": ("Cluster1", "Cluster2", "Cluster3", "Cluster4", "Cluster5"),
    "timbre": ("bright", "dark"),
    "tonal_atonal": ("atonal", "tonal"),
    "voice_instrumental": ("instrumental", "voice"),
}  # fmt: skip

# The eleven outputs that every valid submission must have, by short name, in the order of feature set `ab11`.
ELEVEN: dict[str, tuple[str, str]] = {
    "danceability": ("danceability", "danceable"),
    "aggressiveness": ("mood_aggressive", "aggressive"),
    "happiness": ("mood_happy", "happy"),
    "sadness": ("mood_sad", "sad"),
    "relaxedness": ("mood_relaxed", "relaxed"),
    "partyness": ("mood_party", "party"),
    "acousticness": ("mood_acoustic", "acoustic"),
    "electronicness": ("mood_electronic", "electronic"),
    "instrumentalness": ("voice_instrumental", "instrumental"),
    "tonality": ("tonal_atonal", "tonal"),
    "brightness": ("timbre", "bright"),
}

# The validity rules in the order they are tested (profile `default` uses a part of them; every counter is printed).
RULES: tuple[str, ...] = (
    "json_invalid", "member_too_large", "date_unparseable", "metadata_missing", "highlevel_missing", "mbid_missing",
    "mbid_malformed", "artist_missing", "title_missing", "probability_missing", "probability_invalid", "tag_shape",
    "length_missing", "genre_label_missing",
)  # fmt: skip

# Outputs at which a classifier fed with broken features collapses, found by one public import of the whole dump.
COLLAPSED_OUTPUTS: dict[tuple[str, str], float] = {
    ("mood_relaxed", "relaxed"): 0.80882,
    ("mood_electronic", "electronic"): 0.97939,
    ("mood_acoustic", "acoustic"): 0.09559,
    ("gender", "female"): 0.62213,
    ("mood_sad", "sad"): 0.35221,
}


def model_offsets() -> dict[str, int]:
    """First index of each model in the array of 71 probabilities."""
    offsets, start = {}, 0
    for model, classes in MODELS.items():
        offsets[model] = start
        start += len(classes)
    return offsets
