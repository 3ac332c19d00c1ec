"""The text of a document as the dump's writer had it: keys sorted, no blanks, `/` as `\\/`, non-ASCII as `\\uXXXX`."""

import json
from typing import Any

from soundalike.contracts.acousticbrainz import MODELS
from soundalike.samples.plan import CODECS, Json, Submission
from soundalike.samples.world import OFFSETS

_BUILDS: tuple[Json, ...] = (
    {
        "essentia": "2.1-beta5-dev",
        "essentia_build_sha": "e74af04b57b164eed312abeef4963962215860f0",
        "essentia_git_sha": "v2.1_beta4-499-g4013ebc",
        "extractor": "music 2.0",
        "gaia": "2.4.5",
        "gaia_git_sha": "v2.4.4-44-g95f4851",
        "models_essentia_git_sha": "v2.1_beta1",
    },
    {
        "essentia": "2.1-beta1",
        "essentia_build_sha": "8e24b98b71ad84f3024c7541412f02124a26d327",
        "essentia_git_sha": "v2.1_beta1-228-g260734a",
        "extractor": "music 1.0",
        "gaia": "2.4-dev",
        "gaia_git_sha": "857329b",
        "models_essentia_git_sha": "v2.1_beta1",
    },
)
_LOWLEVEL: Json = {
    "essentia": "2.1-beta2",
    "essentia_build_sha": "70f2e5ece6736b2c40cc944ad0e695b16b925413",
    "essentia_git_sha": "v2.1_beta2",
    "extractor": "music 1.0",
}


def render(sub: Submission, probabilities: list[float], labels: list[int]) -> bytes:
    """The bytes of a submission: `probabilities` 71 in the order `ab71-v1`, `labels` 18 of `world.largest`."""
    if sub.rewrite is None and not sub.edits and sub.style == "dump":
        return _plain(sub, probabilities, labels).encode("ascii")
    doc = json.loads(_plain(sub, probabilities, labels))
    for edit in sub.edits:
        edit(doc)
    if sub.style == "pretty":
        data = (json.dumps(doc, ensure_ascii=False, indent=2) + "\n").encode()
    elif sub.style == "raw":
        data = json.dumps(doc, ensure_ascii=False, sort_keys=True).encode()
    else:
        data = dump_text(doc).encode("ascii")
    return sub.rewrite(data) if sub.rewrite else data


def dump_text(value: Any) -> str:
    """JSON text in the dump writer's way. A `/` stands only inside strings, so it can be escaped afterwards."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).replace("/", "\\/")


def _model_blocks(build: Json) -> str:
    blocks = []
    for model, classes in MODELS.items():
        outputs = ",".join(f'"{label}":%.12g' for label in classes)
        rest = f'"probability":%.12g,"value":"%s","version":{dump_text(build)}'
        blocks.append(f'"{model}":{{"all":{{{outputs}}},{rest}}}')
    return "{" + ",".join(blocks) + "}"


_DOCUMENT = tuple(
    '{"highlevel":'
    + _model_blocks(build)
    + ',"metadata":{"audio_properties":{"analysis_sample_rate":44100,"bit_rate":%d,"codec":"%s","downmix":"mix",'
    + '"equal_loudness":0,"length":%.12g,"lossless":%d,"md5_encoded":"%s","replay_gain":%.12g%s},"tags":%s,"version":'
    + dump_text({"highlevel": build, "lowlevel": _LOWLEVEL}).replace("%", "%%")
    + "}}"
    for build in _BUILDS
)
_SLICES = tuple((OFFSETS[model], OFFSETS[model] + len(classes), classes) for model, classes in MODELS.items())


def _plain(sub: Submission, probabilities: list[float], labels: list[int]) -> str:
    fields: list[Any] = []
    for (start, stop, classes), label in zip(_SLICES, labels, strict=True):
        fields += probabilities[start:stop]
        fields.append(probabilities[start + label])
        fields.append(classes[label])
    codec, _, _, lossless, _ = CODECS[sub.codec]
    mixed = int.from_bytes(sub.md5[:3].encode(), "big")  # equal audio, equal rate and gain
    fields += (
        0 if lossless else (128_000, 160_018, 192_000, 229_038, 256_019, 320_000)[mixed % 6],
        codec,
        sub.length,
        lossless,
        sub.md5,
        -(3.0 + mixed % 1_000_003 / 83_000.25),
        ',"sample_rate":44100' if sub.sample_rate else "",
        dump_text(sub.tags),
    )
    return _DOCUMENT[sub.build] % tuple(fields)
