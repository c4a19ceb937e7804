"""The privacy papers: assessment, risk analysis and record of processing (GDPR art. 35, 32 and 30), as drafts.

Their words and the lists of measures, risks and activities are the country's (``place.papers``); what they say of the
service comes from ``facts``. A risk is lowered only by measures that are in place, so the papers worsen with a
setting that is switched off.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from contactbot.privacy.facts import Facts, Kept

NAMES: Final = ("dpia", "ros", "protokoll")
MIDDLE, HIGH = 5, 9  # from which likelihood times consequence, 1 to 16, is a middle and a high risk
WORDS: Final = {True: "ja", False: "nei", None: "–"}


@dataclass(frozen=True, slots=True)
class Measure:
    """What protects residents, the tests that prove it, and whether it is in place here."""

    name: str
    text: str
    tests: tuple[str, ...]
    holds: bool


@dataclass(frozen=True, slots=True)
class Risk:
    """What can go wrong, 1 to 4 for how likely and how bad, without measures and with those in place."""

    title: str
    cause: str
    likelihood: int
    consequence: int
    likelihood_left: int
    consequence_left: int
    measures: tuple[Measure, ...]

    @property
    def before(self) -> str:
        """The risk without measures, in words."""
        return _level(self.likelihood * self.consequence)

    @property
    def after(self) -> str:
        """The risk that is left, in words."""
        return _level(self.likelihood_left * self.consequence_left)

    @property
    def is_high(self) -> bool:
        """Whether it is still high."""
        return self.likelihood_left * self.consequence_left >= HIGH


@dataclass(frozen=True, slots=True)
class Activity:
    """One processing activity of the record, with how long its classes of data are kept.

    ``carried`` says that the suppliers of channels handle its messages.
    """

    title: str
    purpose: str
    basis: str
    persons: tuple[str, ...]
    data: tuple[str, ...]
    retention: tuple[Kept, ...]
    carried: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What is otherwise than in the edition before."""

    what: str
    before: str
    now: str


def papers(facts: Facts, folder: Path, written: datetime, earlier: Mapping[str, Any] | None) -> dict[str, str]:
    """Return each paper as Markdown under its name, in the order of NAMES.

    ``folder`` holds the country's texts, ``written`` is in the municipality's time, and ``earlier`` is what ``as_json``
    of an earlier edition's facts gave, None for the first.
    """
    known = measures(facts, folder)
    judged = tuple(risks(facts, folder))
    environment = Environment(  # noqa: S701 - Markdown for an officer to edit, made of the operator's own settings
        loader=FileSystemLoader(folder), undefined=StrictUndefined, keep_trailing_newline=True
    )
    values = {
        "facts": facts,
        "written": written.strftime("%d.%m.%Y kl. %H.%M"),
        "changed": None if earlier is None else tuple(changes(earlier, facts.as_json(), folder)),
        "measures": tuple(known.values()),
        "risks": judged,
        "high": [number for number, risk in enumerate(judged, start=1) if risk.is_high],
        "activities": tuple(activities(facts, folder)),
    }
    return {name: environment.get_template(f"{name}.md").render(values) for name in NAMES}


def measures(facts: Facts, folder: Path) -> dict[str, Measure]:
    """Return every measure the country's list has, by name."""
    return {
        name: Measure(name, one["text"], tuple(one["tests"]), _holds(facts, one))
        for name, one in _read(folder, "measures").items()
    }


def risks(facts: Facts, folder: Path) -> Iterator[Risk]:
    """Yield the risks there are here, each lowered by the share of its measures that is in place."""
    known = measures(facts, folder)
    for one in _read(folder, "risks")["risk"]:
        if _holds(facts, one):
            against = tuple(known[name] for name in one["measures"])
            lowered = one["lowered"]
            yield Risk(
                one["title"], one["cause"], one["likelihood"], one["consequence"],
                _left(one["likelihood"], lowered.get("likelihood", 0), against),
                _left(one["consequence"], lowered.get("consequence", 0), against),
                against,
            )  # fmt: skip


def activities(facts: Facts, folder: Path) -> Iterator[Activity]:
    """Yield the processing activities there are here."""
    for one in _read(folder, "activities")["activity"]:
        if _holds(facts, one):
            kept = tuple(facts.kept(name) for name in one["classes"])
            persons, data, carried = tuple(one["persons"]), tuple(one["data"]), one.get("carried", False)
            yield Activity(one["title"], one["purpose"], one["basis"], persons, data, kept, carried)


def changes(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> Iterator[Change]:
    """Yield what differs between two editions' facts, in the order of the newer and in the country's words."""
    words = _read(folder, "fields")
    old, new = dict(_flat(before)), dict(_flat(now))
    for path in dict.fromkeys((*new, *old)):
        then, today = _in_words(old.get(path)), _in_words(new.get(path))
        if then != today:
            yield Change(_cell(": ".join(words.get(part, part) for part in path)), then, today)


def _flat(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield each single value with the path to it; what stands in a list is known by its label, name or host."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, (*path, str(key)))
    elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        for one in value:
            yield from _flat(one, (*path, one.get("label") or one.get("name") or one.get("host", "")))
    elif isinstance(value, list | tuple):
        yield path, ", ".join(str(one[-1]) if isinstance(one, list | tuple) else str(one) for one in value)
    else:
        yield path, value


def _in_words(value: object) -> str:
    if value is None or isinstance(value, bool):
        return WORDS[value]
    return _cell(str(value)) or "–"


def _cell(text: str) -> str:
    """Return a text that cannot break a table's row."""
    return text.replace("|", "\\|").replace("\n", " ")


def _holds(facts: Facts, one: Mapping[str, Any]) -> bool:
    return "when" not in one or bool(getattr(facts, one["when"]))


def _left(points: int, lowered: int, against: Sequence[Measure]) -> int:
    """Return what is left of 1 to 4 points: all steps go with all measures, fewer with fewer, rounded down."""
    in_place = sum(measure.holds for measure in against)
    return max(1, points - lowered * in_place // len(against))


def _level(points: int) -> str:
    return f"{'høy' if points >= HIGH else 'middels' if points >= MIDDLE else 'lav'} ({points})"


def _read(folder: Path, name: str) -> dict[str, Any]:
    return tomllib.loads((folder / f"{name}.toml").read_text("utf-8"))
