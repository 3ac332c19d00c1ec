"""Planted trouble in the models of valid documents: absent and broken ones, unknown classes, labels, numbers, trust."""

from collections.abc import Callable

from soundalike.contracts.acousticbrainz import COLLAPSED_OUTPUTS, MODELS
from soundalike.samples.plan import Edit, Submission
from soundalike.samples.plants import Plant, drop, in_smallest, output, planted, put, replaced
from soundalike.samples.round import Round


def _one(name: str, change: Callable[[Submission], None]) -> Plant:
    def add(r: Round) -> None:
        change(planted(r)[0])

    return Plant(name, 1, add)


def _counted(name: str, counter: str, *edits: Edit, by: int = 1, mirex: bool = True) -> Plant:
    def change(sub: Submission) -> None:
        sub.edits.extend(edits)
        sub.count(counter, by)
        sub.mirex = mirex

    return _one(name, change)


# -- models


def _mirex_absent_beside(r: Round) -> None:
    """One submission without the mood clusters, one with: the recording has a vector."""
    sub = planted(r, submissions=2)[-1]
    sub.edits.append(drop("highlevel", "moods_mirex"))
    sub.count("model_absent")
    sub.mirex = False


def _mirex_only_in_untrusted(r: Round) -> None:
    """The trusted submission has no mood clusters, and the untrusted one does not stand in for it: no vector."""
    first, second = planted(r, submissions=2)
    first.edits.append(drop("highlevel", "moods_mirex"))
    first.count("model_absent")
    first.mirex = False
    second.collapse("mood_relaxed", "relaxed", 0.80882)


def _mirex_class_missing(sub: Submission) -> None:
    sub.edits.append(in_smallest("moods_mirex", None))
    sub.mirex = False


def _class_missing(model: str, label: str, missing: str) -> Callable[[Submission], None]:
    """A two-class model with one class: its pair is no pair, the class that is there is read."""

    def change(sub: Submission) -> None:
        sub.set_output(model, label, 0.83)
        sub.edits.append(drop("highlevel", model, "all", missing))

    return change


def _complement_text(sub: Submission) -> None:
    """Outside the eleven, though beside one of them: nulls the pair."""
    sub.set_output("danceability", "danceable", 0.9)
    sub.edits.append(output("danceability", "not_danceable", "0.1"))
    sub.count("model_invalid")


def _mislabeled(model: str, label: str, by_hand: str) -> Callable[[Submission], None]:
    def change(sub: Submission) -> None:
        sub.set_output(model, label, 0.7)
        sub.edits.append(put(by_hand, "highlevel", model, "value"))
        sub.count("label_mismatch")

    return change


def _genre_mislabeled(sub: Submission) -> None:
    """The label as given counts for the genre, also where it is not that of the largest probability."""
    sub.label = "jaz" if sub.label != "jaz" else "cla"
    sub.edits.append(put(sub.label, "highlevel", "genre_rosamerica", "value"))
    sub.count("label_mismatch")


def _whole_number(text: str) -> Callable[[Submission], None]:
    """Certainty, written in one of the ways of JSON."""

    def change(sub: Submission) -> None:
        sub.set_output("danceability", "danceable", 1.0)
        sub.rewrite = replaced(b'"danceable":1,', f'"danceable":{text},'.encode())

    return change


def _barely_outside(sub: Submission) -> None:
    """Outside 0…1 by less than a millionth: clamped, not refused."""
    sub.set_output("timbre", "bright", 1.0)
    sub.edits += [output("timbre", "bright", 1.0000005), output("timbre", "dark", -5e-07)]


# -- trust


def _at(model: str, label: str, value: float, collapsed: bool) -> Callable[[Submission], None]:
    def change(sub: Submission) -> None:
        sub.set_output(model, label, value)
        if collapsed:
            sub.trust = "collapsed"

    return change


def _half(model: str, *more: str) -> Callable[[Submission], None]:
    def change(sub: Submission) -> None:
        for each in (model, *more):
            sub.undecide(each, MODELS[each][0])

    return change


def _collapsed_and_half(sub: Submission) -> None:
    sub.collapse("gender", "female", 0.62213)
    sub.undecide("timbre", "bright")


def _mixed_trust(r: Round) -> None:
    """Untrusted submissions outnumber the trusted one and say another genre; only the trusted one counts."""
    trusted, *others = planted(r, submissions=3)
    for sub in others:
        sub.collapse("mood_relaxed", "relaxed", 0.808821)
        sub.genre = 1 if trusted.genre != 1 else 7
        sub.label = MODELS["genre_rosamerica"][sub.genre]


def _only_collapsed(r: Round) -> None:
    first, second = planted(r, submissions=2)
    first.collapse("mood_electronic", "electronic", 0.97939)
    second.collapse("mood_acoustic", "acoustic", 0.095588)


def _undecided_and_collapsed(r: Round) -> None:
    first, second = planted(r, submissions=2)
    first.undecide("mood_party", "party")
    second.collapse("gender", "female", 0.62213)


def _spikes() -> tuple[Plant, ...]:
    plants = []
    for (model, label), value in COLLAPSED_OUTPUTS.items():
        for name, shift, collapsed in (
            ("at", 0.0, True), ("upper_edge", 1e-4, True), ("lower_edge", -1e-4, True), ("outside", 1.1e-4, False),
        ):  # fmt: skip
            change = _at(model, label, round(value + shift, 12), collapsed)
            plants.append(_one(f"{model} {name}", change))
    return tuple(plants)


FIRST: tuple[Plant, ...] = (
    _one("collapsed", _at("mood_relaxed", "relaxed", 0.80882, True)),
    _one("undecided", _half("timbre")),
    Plant("mixed_trust", 3, _mixed_trust),
    Plant("only_collapsed", 2, _only_collapsed),
    _counted("mirex_absent", "model_absent", drop("highlevel", "moods_mirex"), mirex=False),
    _counted("tzanetakis_negative", "model_invalid", in_smallest("genre_tzanetakis", -0.5)),
    _counted("unknown_class", "unknown_class", output("ismir04_rhythm", "Salsa", 0.001)),
    _one("label_mismatch", _mislabeled("timbre", "bright", "dark")),
)
FURTHER: tuple[Plant, ...] = (
    Plant("mirex_absent_beside", 2, _mirex_absent_beside),
    Plant("mirex_only_in_untrusted", 2, _mirex_only_in_untrusted),
    _one("mirex_class_missing", _mirex_class_missing),
    _counted("mirex_invalid", "model_invalid", in_smallest("moods_mirex", -0.5), mirex=False),
    _counted("tzanetakis_absent", "model_absent", drop("highlevel", "genre_tzanetakis")),
    _counted("tzanetakis_without_all", "model_absent", drop("highlevel", "genre_tzanetakis", "all")),
    _counted("two_models_absent", "model_absent", drop("highlevel", "gender"), drop("highlevel", "ismir04_rhythm"),
             by=2),
    _counted("rhythm_text", "model_invalid", in_smallest("ismir04_rhythm", "0.01")),
    _counted("electronic_true", "model_invalid", in_smallest("genre_electronic", True)),
    _one("complement_text", _complement_text),
    _one("tzanetakis_class_missing", lambda sub: sub.edits.append(in_smallest("genre_tzanetakis", None))),
    _one("timbre_class_missing", _class_missing("timbre", "bright", "dark")),
    _one("gender_class_missing", _class_missing("gender", "female", "male")),
    _counted("two_unknown_classes", "unknown_class", output("moods_mirex", "Cluster6", 0.0),
             output("genre_rosamerica", "met", 0.0), by=2),
    _one("genre_mislabeled", _genre_mislabeled),
    _one("label_unknown", _mislabeled("mood_happy", "happy", "merry")),
    _one("number_one", _whole_number("1")),
    _one("number_one_point", _whole_number("1.0")),
    _one("number_one_exponent", _whole_number("1e0")),
    _one("number_one_capital_exponent", _whole_number("1.00E+00")),
    _one("number_tiny", lambda sub: sub.set_output("mood_sad", "sad", 4.5e-07)),
    _one("barely_outside", _barely_outside),
    *_spikes(),
    _one("beside_the_spike", _at("mood_relaxed", "relaxed", 0.808635056019, False)),
    _one("undecided_gender", _half("gender")),
    _one("undecided_tonal", _half("tonal_atonal")),
    _one("undecided_three", _half("mood_party", "danceability", "voice_instrumental")),
    _one("collapsed_and_undecided", _collapsed_and_half),
    Plant("undecided_and_collapsed", 2, _undecided_and_collapsed),
)  # fmt: skip
