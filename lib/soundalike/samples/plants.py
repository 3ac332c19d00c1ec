"""What a plant is, and edits of a document's JSON that plants are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from soundalike.samples.plan import Edit, Json, Rewrite, Submission
from soundalike.samples.round import Round


@dataclass(frozen=True)
class Plant:
    """One kind of planted trouble: its name, how many documents it adds, and the function that adds them to a round."""

    name: str
    documents: int
    add: Callable[[Round], None]


def put(value: Any, *path: str) -> Edit:
    """An edit that puts a value at a path."""

    def edit(doc: Json) -> None:
        for key in path[:-1]:
            doc = doc[key]
        doc[path[-1]] = value

    return edit


def drop(*path: str) -> Edit:
    """An edit that removes what stands at a path, if anything does."""

    def edit(doc: Json) -> None:
        for key in path[:-1]:
            doc = doc[key]
        doc.pop(path[-1], None)

    return edit


def tag(key: str, value: Any) -> Edit:
    return put(value, "metadata", "tags", key)


def untag(*keys: str) -> Edit:
    """An edit that removes tags."""

    def edit(doc: Json) -> None:
        for key in keys:
            doc["metadata"]["tags"].pop(key, None)

    return edit


def audio(key: str, value: Any) -> Edit:
    return put(value, "metadata", "audio_properties", key)


def output(model: str, label: str, value: Any) -> Edit:
    return put(value, "highlevel", model, "all", label)


def in_smallest(model: str, value: Any) -> Edit:
    """An edit of the class of the smallest probability, so never of the label: put the value, or remove it for None."""

    def edit(doc: Json) -> None:
        outputs = doc["highlevel"][model]["all"]
        label = min(outputs, key=lambda name: (outputs[name], name))
        outputs.pop(label)
        if value is not None:
            outputs[label] = value

    return edit


def replaced(old: bytes, new: bytes) -> Rewrite:
    """A rewrite of the finished text; it fails where the text to replace is missing."""

    def rewrite(data: bytes) -> bytes:
        if old not in data:
            raise AssertionError(f"nothing to replace: {old!r}")
        return data.replace(old, new, 1)

    return rewrite


def planted(r: Round, shape: str = "ids", dated: bool = True, submissions: int = 1) -> list[Submission]:
    """The submissions of a new, quiet recording that is listed in the truth when its merge is unambiguous."""
    recording = r.recording(shape, dated)
    recording.show = True
    return [r.submission(recording) for _ in range(submissions)]


def undate(sub: Submission) -> None:
    """Take a submission's dates away."""
    sub.edits.append(untag("date", "originaldate"))
    sub.year = None


def redate(sub: Submission, year: int | None, **tags: Any) -> None:
    """Give a submission these date tags, which mean that year."""
    undate(sub)
    sub.edits += [tag(key, value) for key, value in tags.items()]
    sub.year = year
