"""The matcher beside its peers: ``python -m bench.matching [--quick | --big]``.

For each question set, clean, with two typos and as a text message, the share of answerable questions whose first
candidate is right, and how well the confidence tells them from the others; then the same for the hard kinds of
municipal questions, one by one. Then, for growing knowledge bases of one phrasing per entry, the time to build, the
processor's time per question, the memory, and how soon an edit is found. `--big` goes to 100,000 entries; `--quick`
asks fewer questions and stays at 1,000.
"""

import argparse
import gc
import random
import sqlite3
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
REPEATED: Final = 5
"""Times that an entry is taken in, the quickest counting."""
QUICK: Final = 60
"""Questions of each set that `--quick` asks."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A way to find an entry: `learn` takes the entries and returns what answers a question."""

    name: str
    learn: Callable[[Sequence[Entry]], Ask]


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    chosen = options.add_mutually_exclusive_group()
    chosen.add_argument("--big", action="store_true", help="also measure 100,000 entries")
    chosen.add_argument("--quick", action="store_true", help="fewer questions, and 1,000 entries only")
    wanted = options.parse_args()
    sets = [one.sample(QUICK) if wanted.quick else one for one in question_sets()]
    print(f"{'top-1 % / AUROC':26}" + "".join(f"{peer.name:>18}" for peer in PEERS))
    for one in sets:
        for variant in (one, one.mistyped(two_typos), one.mistyped(text_message)):
            _compare(variant)
    print("\nkinds of municipal questions; of nobody's, AUROC against the answerable ones")
    for one in sets:
        if one.name in {"municipal", "inland", "coast", "town"}:
            for kind in _kinds(one):
                _compare(kind)
    print("\nour measures, at the shipped threshold")
    for one in sets:
        print(f"{one.name:16}{_report(one).to_json()}", flush=True)
    print(f"\n{'entries':>8}{'peer':>18}{'build s':>9}{'RSS MB':>8}{'p50 ms':>8}{'p99 ms':>8}{'edit ms':>9}")
    for size in SIZES[:1] if wanted.quick else (*SIZES, 100_000) if wanted.big else SIZES:
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


def trigrams(entries: Sequence[Entry]) -> Ask:
    """SQLite's own search: FTS5 over trigrams, any of which may match, ranked by bm25."""
    names, texts = _rows(entries)
    database = sqlite3.connect(":memory:")
    database.execute("create virtual table wording using fts5(written, tokenize = 'trigram')")
    database.executemany("insert into wording(rowid, written) values (?, ?)", enumerate(texts))

    def ask(text: str) -> Found:
        plain = "".join(letter if letter.isalnum() else " " for letter in text)
        parts = {plain[at : at + 3] for at in range(len(plain) - 2)}
        found = database.execute(
            "select rowid, rank from wording where wording match ? order by rank limit 1",
            (" OR ".join(f'"{part}"' for part in sorted(parts)) or '""',),
        ).fetchone()
        return (names[found[0]], -found[1]) if found else (None, 0.0)

    return ask


PEERS: Final = (
    Peer("contactbot", ours),
    Peer("rf WRatio", fuzzy(fuzz.WRatio)),
    Peer("rf token_set", fuzzy(fuzz.token_set_ratio)),
    Peer("bm25s words", bm25),
    Peer("fts5 trigrams", trigrams),
)


def _rows(entries: Sequence[Entry]) -> tuple[list[str], list[str]]:
    rows = [(entry.id, way) for entry in entries for text in entry.texts for way in text.ways_to_ask()]
    return [name for name, _ in rows], [way for _, way in rows]


def _compare(one: QuestionSet) -> None:
    print(f"{one.name:26}" + "".join(f"{_quality(peer, one):>18}" for peer in PEERS), flush=True)


def _kinds(one: QuestionSet) -> Iterator[QuestionSet]:
    """Yield the answerable questions of each kind, and for each kind of nobody's those beside all answerable ones."""
    answerable = tuple(query for query in one.queries if query.expect is not None)
    for kind in sorted({query.kind for query in one.queries}):
        own = tuple(query for query in one.queries if query.kind == kind)
        is_nobodys = all(query.expect is None for query in own)
        yield QuestionSet(f"{one.name} {kind}", one.entries, (*answerable, *own) if is_nobodys else own)


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
        edit = f"{_edit(entries):9.1f}" if peer.learn is ours else ""
        yield f"{size:8}{peer.name:>18}{built:9.2f}{(holds - held) / 1e6:8.1f}{middle:8.2f}{slow:8.2f}{edit}"


def _edit(entries: Sequence[Entry]) -> float:
    """Return the milliseconds from a new entry to an index in which it is found."""
    index = Index.build(entries)
    new = Entry("new", 1, (EntryText("nb", "Hvor finner jeg kulelys?"),))
    times = []
    for _ in range(REPEATED):
        started = time.thread_time()
        found = index.renewed([new], []).search("kulelys")
        times.append(time.thread_time() - started)
        if found[0].entry_id != new.id:
            raise AssertionError("an entry that was taken in is not found")
    return min(times) * 1000.0


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
    """Return the processor's milliseconds for a question that was not asked before; what else runs does not count."""
    started = time.thread_time()
    ask(text)
    return (time.thread_time() - started) * 1000.0


def _held() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    main()
