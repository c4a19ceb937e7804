"""Measure the matcher: how often it is right, how well it knows when it is not, how quick and how big it is."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Protocol

import numpy as np

from contactbot.kb.encoder import Encoder
from contactbot.kb.entry import Entry
from contactbot.kb.index import Index
from contactbot.kb.matching import Answer, Candidate, decide

PRECISION: Final = 0.95
"""Share of all answers given that has to be right, in `auto95`."""
_AMONG_CHOICES: Final = 3
_AMONG_TEN: Final = 10


class QueryError(ValueError):
    """A question that cannot be read; the message names the line."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question and the id of the entry that answers it, or None where no entry does."""

    text: str
    expect: str | None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured. Shares are 0 to 1, times in milliseconds or seconds, None where the set lacks the kind.

    `auto95` is the share of answerable questions answered rightly at the lowest threshold where 95 % of all answers
    are right; the last three shares hold at the shipped threshold. `rss_mb` is what the index added to the process, in
    megabytes of 10^6 bytes.
    """

    queries: int
    top1: float | None
    recall3: float | None
    mrr10: float | None
    auroc: float | None
    auto95: float | None
    precision_answered: float | None
    share_answered: float | None
    share_oos_answered: float | None
    p50_ms: float | None
    p99_ms: float | None
    build_s: float
    rss_mb: float | None

    def to_json(self) -> str:
        """Return the report as one JSON object on one line."""
        return json.dumps(
            {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}
        )


class Search(Protocol):
    """What is measured: a question in, candidates out, best first."""

    def __call__(self, text: str, /) -> Sequence[Candidate]:
        """Return the candidates for `text`."""


def queries_from_jsonl(lines: str | Iterable[str]) -> tuple[Query, ...]:
    """Read questions, one `{"text", "expect", "kind"}` a line; raise QueryError naming the line that is wrong."""
    found = []
    for number, line in enumerate(lines.splitlines() if isinstance(lines, str) else lines, start=1):
        if line.strip():
            found.append(_query(line, number))
    return tuple(found)


def evaluate(
    entries: Iterable[Entry],
    queries: Sequence[Query],
    *,
    clock: Callable[[], float],
    memory: Callable[[], int | None] = lambda: None,
    synonyms: Sequence[Sequence[str]] = (),
    encoder: Encoder | None = None,
) -> Report:
    """Index `entries`, put every query to them, and report.

    `clock` returns seconds of a steady clock and `memory` the bytes the process holds.
    """
    kept = tuple(entries)
    held, started = memory(), clock()
    index = Index.build(kept, synonyms, encoder=encoder)
    built, holds = clock() - started, memory()
    times, results = [], []
    for query in queries:
        started = clock()
        results.append(index.search(query.text, limit=_AMONG_TEN))
        times.append((clock() - started) * 1000.0)
    grown = None if held is None or holds is None else (holds - held) / 1e6
    return _report(queries, results, times, built, grown)


def _query(line: str, number: int) -> Query:
    try:
        value = json.loads(line)
        text, expect, kind = value["text"], value.get("expect"), value.get("kind", "")
    except (json.JSONDecodeError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise QueryError(f"line {number}: expected an object with text and expect") from error
    if not isinstance(text, str) or not isinstance(expect, str | None) or not isinstance(kind, str):
        raise QueryError(f"line {number}: text and kind are strings, expect is an id or null")
    return Query(text, expect, kind)


def _report(
    queries: Sequence[Query],
    results: Sequence[Sequence[Candidate]],
    times: Sequence[float],
    built: float,
    grown: float | None,
) -> Report:
    ranks = [_rank(query, found) for query, found in zip(queries, results, strict=True)]
    inside = [rank for query, rank in zip(queries, ranks, strict=True) if query.expect is not None]
    sure = [found[0].probability if found else 0.0 for found in results]
    right = [rank == 1 for rank in ranks]
    answerable = [query.expect is not None for query in queries]
    answered = [isinstance(decide(found), Answer) for found in results]
    return Report(
        queries=len(queries),
        top1=_mean([rank == 1 for rank in inside]),
        recall3=_mean([rank is not None and rank <= _AMONG_CHOICES for rank in inside]),
        mrr10=_mean([1 / rank if rank is not None else 0.0 for rank in inside]),
        auroc=auroc(sure, answerable),
        auto95=auto(sure, right, len(inside)),
        precision_answered=_mean([ok for ok, given in zip(right, answered, strict=True) if given]),
        share_answered=_mean([given for given, is_in in zip(answered, answerable, strict=True) if is_in]),
        share_oos_answered=_mean([given for given, is_in in zip(answered, answerable, strict=True) if not is_in]),
        p50_ms=float(np.percentile(times, 50)) if times else None,
        p99_ms=float(np.percentile(times, 99)) if times else None,
        build_s=built,
        rss_mb=grown,
    )


def _rank(query: Query, found: Sequence[Candidate]) -> int | None:
    names = [candidate.entry_id for candidate in found]
    return names.index(query.expect) + 1 if query.expect in names else None


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """Return how often a positive scores above a negative, ties counting half; None without one of each."""
    values, is_positive = np.asarray(scores), np.asarray(positive, dtype=bool)
    above, below = values[is_positive], np.sort(values[~is_positive])
    if not len(above) or not len(below):
        return None
    less = np.searchsorted(below, above, side="left")
    tied = np.searchsorted(below, above, side="right") - less
    return float((less + 0.5 * tied).mean() / len(below))


def auto(scores: Sequence[float], right: Sequence[bool], answerable: int, precision: float = PRECISION) -> float | None:
    """Return the share of `answerable` questions answered rightly where `precision` of all answers are right."""
    if not answerable:
        return None
    order = np.argsort(-np.asarray(scores), kind="stable")
    ordered, hits = np.asarray(scores)[order], np.cumsum(np.asarray(right, dtype=float)[order])
    precise = hits / np.arange(1, len(order) + 1) >= precision
    is_threshold = np.append(ordered[1:] != ordered[:-1], True)
    return float(hits[precise & is_threshold].max(initial=0.0)) / answerable
