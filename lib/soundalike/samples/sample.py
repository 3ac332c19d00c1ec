"""Making a dump of invented documents: plan a round, deal it over the archives, write it, add up the truth."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from soundalike.samples import plants_models, plants_rejects, plants_relations, plants_tags, world
from soundalike.samples.archives import DUMP, ArchiveWriter
from soundalike.samples.documents import render
from soundalike.samples.plan import Copy, Dump, Oddment, Recording, Submission
from soundalike.samples.plants import Plant
from soundalike.samples.round import Round
from soundalike.samples.truth import Truth

FEWEST_DOCUMENTS = 50
_ROUND = 2_048
_PER_PLANT, _PER_TWINS = 5_000, 2_500

Item = Submission | Copy | Oddment

# In this order a small sample takes plants until they are half of it: twins, one reject per rule, then everything else.
PLANTS: tuple[Plant, ...] = (
    plants_relations.FIRST[0], *plants_rejects.FIRST, *plants_relations.FIRST[1:], *plants_tags.FIRST,
    *plants_models.FIRST, *plants_rejects.FURTHER, *plants_relations.FURTHER, *plants_tags.FURTHER,
    *plants_models.FURTHER,
)  # fmt: skip


def make_sample(out: Path, documents: int, archives: int = 3, seed: int = 7) -> dict[str, Any]:
    """Write `documents` `.json` members in `archives` archives, `sha256sums` and `truth.json` below `out`.

    At least 50 documents. Equal arguments give equal bytes on one kind of machine (the same numpy and zstd). Archives
    of an earlier sample in that folder are removed. Returns what is in `truth.json`.
    """
    folder = out / "acousticbrainz" / DUMP
    folder.mkdir(parents=True, exist_ok=True)
    for stale in sorted(folder.glob(f"{DUMP}-*.tar.zst")):
        stale.unlink()
    writers = [ArchiveWriter(folder, number) for number in range(archives)]
    dump, rounds = Dump(seed, documents), max(1, documents // _ROUND)
    truth = Truth(rounds)
    for index in range(rounds):
        r = Round(dump, index)
        size = documents * (index + 1) // rounds - documents * index // rounds
        for plant in _plants_of(index, rounds, documents):
            if r.documents() + plant.documents <= size // 2:
                plant.add(r)
        r.fill(size)
        _write(r, writers, truth)
        truth.add(r)
    listed = []
    for writer in writers:
        truth.skip("file")  # COPYING
        listed.append({"name": writer.name, "sha256": writer.close(), "documents": writer.documents})
    # coreutils writes either of two separators
    sums = "".join(f"{a['sha256']} {'* '[i % 2]}{a['name']}\n" for i, a in enumerate(listed))
    (folder / "sha256sums").write_text(sums, encoding="ascii", newline="\n")
    result = truth.as_json({"documents": documents, "archives": archives, "seed": seed}, listed)
    text = json.dumps(result, ensure_ascii=False, indent=1) + "\n"
    (out / "truth.json").write_text(text, encoding="utf-8", newline="\n")
    return result


def _plants_of(index: int, rounds: int, documents: int) -> Iterator[Plant]:
    """The plants of one round: each kind comes a number of times that grows with the dump, spread over its rounds."""
    for plant in PLANTS:
        times = 2 + documents // _PER_TWINS if plant.name == "twins" else 1 + documents // _PER_PLANT
        for i in range(times):
            if i * rounds // times == index:
                yield plant


def _write(r: Round, writers: list[ArchiveWriter], truth: Truth) -> None:
    values, labels = _probabilities(r)
    row_of = {sub: row for row, sub in enumerate(r.submissions)}
    for writer, items in zip(writers, _dealt(r, len(writers)), strict=True):
        for item in items:
            if isinstance(item, Oddment):
                writer.add(item.path, item.content, item.kind, item.target)
                truth.skip(item.kind)
                continue
            original = item.original if isinstance(item, Copy) else item
            row, sub = row_of[original], original
            if isinstance(item, Copy) and item.change is not None:
                sub = replace(original, edits=[*original.edits, item.change])
            m = sub.member
            path = sub.path or f"highlevel/{m[:2]}/{m[2]}/{m}-{sub.number}.json"
            position = writer.add(path, render(sub, values[row].tolist(), labels[row].tolist()))
            if isinstance(item, Copy):
                truth.reject(writer.name, position, "duplicate_member", "copy" if item.change is None else "conflict")
            elif sub.rule is not None:
                truth.reject(writer.name, position, sub.rule, sub.detail)


def _probabilities(r: Round) -> tuple[world.Floats, np.ndarray[Any, np.dtype[np.int64]]]:
    """(n, 71) probabilities and (n, 18) labels of the round's submissions."""
    numbers: dict[Recording, int] = {}
    for sub in r.submissions:
        numbers.setdefault(sub.recording, len(numbers))
    values = world.probabilities(
        r.dump.seed,
        np.random.default_rng([r.dump.seed, r.index]),
        recording_of=np.array([numbers[sub.recording] for sub in r.submissions]),
        label_genre=np.array([sub.genre for sub in r.submissions]),
        genre=np.array([recording.genre for recording in numbers]),
        cluster=np.array([recording.cluster for recording in numbers]),
        twin=np.array([recording.twin for recording in numbers]),
    )
    for row, sub in enumerate(r.submissions):
        for (model, label), value in sub.settings.items():
            world.set_output(values, row, model, label, value)
    return values, world.largest(values)


def _dealt(r: Round, archives: int) -> list[list[Item]]:
    """The round's members per archive, shuffled; of a member and its copies the first by (archive, position) is it."""
    order = list(r.submissions)
    r.random.shuffle(order)
    piles: list[list[Item]] = [[] for _ in range(archives)]
    for i, sub in enumerate(order):
        piles[(i + r.index) % archives].append(sub)
    home = {item: number for number, pile in enumerate(piles) for item in pile}
    for copy in r.copies:
        number = home[copy.original] if copy.same_archive else (home[copy.original] + 1) % archives
        _insert(r, piles[number], copy)
    for oddment in r.oddments:
        _insert(r, piles[int(r.random.random() * archives)], oddment)
    _originals_first(r, piles)
    return piles


def _insert(r: Round, pile: list[Item], item: Item) -> None:
    pile.insert(int(r.random.random() * (len(pile) + 1)), item)


def _originals_first(r: Round, piles: list[list[Item]]) -> None:
    copies: dict[Submission, list[Item]] = {}
    for copy in r.copies:
        copies.setdefault(copy.original, []).append(copy)
    place = {item: (number, i) for number, pile in enumerate(piles) for i, item in enumerate(pile)}
    for original, later in copies.items():
        places = sorted(place[item] for item in (original, *later))
        for (number, i), item in zip(places, (original, *later), strict=True):
            piles[number][i] = item
