"""The matcher beside its peers: ``python -m bench.matching [--big]``.

For each question set, clean, with two typos and as a text message, the share of answerable questions whose first
candidate is right, and how well the confidence tells them from the others. Then, for growing knowledge bases of one
phrasing per entry, the time to build, the time per question and the memory; `--big` goes to 100,000 entries.
"""

import argparse
import gc
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import bm25s  # type: ignore[import-untyped]  # ships no types
import numpy as np
import psutil  # type: ignore[import-untyped]  # ships no types
from rapidfuzz import fuzz, process, utils

from bench.question_sets import MUNICIPAL, QuestionSet, question_sets, read, text_message, two_typos
from contactbot.kb.entry import Entry, EntryText
from contactbot.kb.evaluation import Query, Report, auroc, evaluate
from contactbot.kb.index import Index

Found = tuple[str | None, float]
Ask = Callable[[str], Found]
SIZES: Final = (1_000, 10_000)
ASKED: Final = 200


@dataclass(frozen=True, slots=True)
class Peer:
    """A way to find an entry: `learn` takes the entries and returns what answers a question."""

    name: str
    learn: Callable[[Sequence[Entry]], Ask]


def main() -> None:
    """Print both tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--big", action="store_true", help="also measure 100,000 entries")
    sizes = (*SIZES, 100_000) if options.parse_args().big else SIZES
    print(f"{'top-1 % / AUROC':26}" + "".join(f"{peer.name:>18}" for peer in PEERS))
    for one in question_sets():
        for variant in (one, one.mistyped(two_typos), one.mistyped(text_message)):
            print(f"{variant.name:26}" + "".join(f"{_quality(peer, variant):>18}" for peer in PEERS), flush=True)
    print("\nour measures, at the shipped threshold")
    for one in question_sets():
        print(f"{one.name:16}{_report(one).to_json()}", flush=True)
    print(f"\n{'entries':>8}{'peer':>18}{'build s':>9}{'RSS MB':>8}{'p50 ms':>8}{'p99 ms':>8}")
    for size in sizes:
        for line in _speeds(size):
            print(line, flush=True)


def ours(entries: Sequence[Entry]) -> Ask:
    """Our own index."""
    index = Index.build(entries)

    def ask(text: str) -> Found:
        found = index.search(text)
        return (found[0].entry_id, found[0].probability) if found else (None, 0.0)

    return ask


def fuzzy(scorer: Callable[..., float]) -> Callable[[Sequence[Entry]], Ask]:
    """Return rapidfuzz's own `extractOne` with a scorer, brute force."""

    def learn(entries: Sequence[Entry]) -> Ask:
        names, texts = _rows(entries)
        prepared = [utils.default_process(text) for text in texts]

        def ask(text: str) -> Found:
            found = process.extractOne(utils.default_process(text), prepared, scorer=scorer)
            return (names[found[2]], found[1]) if found else (None, 0.0)

        return ask

    return learn


def bm25(entries: Sequence[Entry]) -> Ask:
    """Word search: bm25s over whole words."""
    names, texts = _rows(entries)
    engine: Any = bm25s.BM25()
    engine.index([text.lower().split() for text in texts], show_progress=False)

    def ask(text: str) -> Found:
        scores = engine.get_scores(text.lower().split())
        best = int(np.argmax(scores))
        return names[best], float(scores[best])

    return ask


PEERS: Final = (
    Peer("contactbot", ours),
    Peer("rf WRatio", fuzzy(fuzz.WRatio)),
    Peer("rf token_set", fuzzy(fuzz.token_set_ratio)),
    Peer("bm25s words", bm25),
)


def _rows(entries: Sequence[Entry]) -> tuple[list[str], list[str]]:
    rows = [(entry.id, way) for entry in entries for text in entry.texts for way in text.ways_to_ask()]
    return [name for name, _ in rows], [way for _, way in rows]


def _quality(peer: Peer, one: QuestionSet) -> str:
    ask = peer.learn(one.entries)
    found = [ask(query.text) for query in one.queries]
    pairs = list(zip(one.queries, found, strict=True))
    right = [name == query.expect for query, (name, _) in pairs if query.expect is not None]
    apart = auroc([sure for _, sure in found], [query.expect is not None for query in one.queries])
    return f"{100 * float(np.mean(right)):.1f}" + (f" / {apart:.2f}" if apart is not None else "")


def _report(one: QuestionSet) -> Report:
    return evaluate(one.entries, one.queries, clock=time.perf_counter, memory=_held)


def _speeds(size: int) -> Iterator[str]:
    entries = tuple(_invented(size))
    dice = random.Random(size)  # noqa: S311 - repeatable, nothing is secret
    queries = [Query(two_typos(dice.choice(entries).texts[0].question, dice), None) for _ in range(ASKED)]
    for peer in PEERS:
        held, started = _held(), time.perf_counter()
        ask = peer.learn(entries)
        built, holds = time.perf_counter() - started, _held()
        times = [_timed(ask, query.text) for query in queries]
        middle, slow = np.percentile(times, [50, 99])
        yield f"{size:8}{peer.name:>18}{built:9.2f}{(holds - held) / 1e6:8.1f}{middle:8.1f}{slow:8.1f}"


def _invented(size: int) -> Iterator[Entry]:
    """Yield entries of the municipal set's wordings, each about places and things of its own."""
    dice = random.Random(size)  # noqa: S311 - repeatable, nothing is secret
    wordings = _rows(read(MUNICIPAL).entries)[1]
    parts = ("ba", "ke", "lo", "mi", "tre", "sku", "vei", "pla", "gan", "ster", "dal", "fjo", "hus", "nes")
    things = ["".join(dice.choices(parts, k=dice.randint(2, 4))) for _ in range(max(200, size // 5))]
    for number in range(size):
        words = [*dice.choice(wordings).rstrip("?").split(), *dice.sample(things, 2)]
        yield Entry(str(number), 1, (EntryText("nb", " ".join(words)),))


def _timed(ask: Ask, text: str) -> float:
    started = time.perf_counter()
    ask(text)
    return (time.perf_counter() - started) * 1000.0


def _held() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    main()
