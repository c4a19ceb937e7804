"""Fit the last rule of the safety layer, and say how well it does on what it has not seen.

    python -m bench.fit_safety            measure by held-out sources, then write the shipped weights
    python -m bench.fit_safety --measure  measure only
    python -m bench.fit_safety --blind DIR   measure the shipped layer on DIR/acute.tsv and DIR/lookalikes.tsv
    python -m bench.fit_safety --words    list what ordinary questions say and the table takes for misspelt danger:
                                          the words among them belong in contactbot/conversation/ordinary.txt

The acute messages and look-alikes are the tests' own corpus; ordinary questions are the demo's base and the
municipal questions beside this file, and the shared development sets where there are any. Deterministic.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from contactbot.conversation import safety
from contactbot.conversation.likeness import BUCKETS, Classifier, features_of, windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

ROOT: Final = Path(__file__).parents[1]
CORPUS: Final = ROOT / "tests/conversation/corpus"
SHARED: Final = ROOT.parent / "shared/matching/dev"
WEIGHTS: Final = ROOT / "contactbot/conversation/safety_weights.bin"

KINDS: Final = tuple(safety.DangerKind)
FOLDS: Final = 5
STEPS: Final = 300  # of gradient descent; the loss is flat well before
RATE: Final = 0.08
DECAY: Final = 2e-6  # L2, chosen by held-out messages
ORDINARY_PER_SET: Final = 700
ORDINARY_WEIGHT: Final = 0.3
NOTHING_TO_JUDGE: Final = -99.0  # the score of a text of one word
TYPO_WEIGHT: Final = 0.3
WRONGLY_ALARMED: Final = 0.021  # share of held-out look-alikes that the threshold lets the classifier take
WRONGLY_CALMED: Final = 0.03  # share of held-out acute messages seen by a doubtful row alone that it may call off
WRONGLY_CALMED_LONE: Final = 0.1  # the same where one word is all that the row saw


@dataclass(frozen=True, slots=True)
class Message:
    """A text, what it is (a kind of danger, or "" for none), the source it is held out with, and its weight."""

    text: str
    kind: str
    source: str
    weight: float


def corpus(folder: Path = CORPUS) -> list[Message]:
    """Return the written acute messages and look-alikes."""
    acute = [line.split("\t") for line in (folder / "acute.tsv").read_text("utf-8").splitlines()]
    alike = [line.split("\t") for line in (folder / "lookalikes.tsv").read_text("utf-8").splitlines()]
    rows = [*map(tuple, acute), *(("", *row) for row in alike)]
    return [Message(text, kind, source, 1.0) for kind, source, text in rows]


def ordinary() -> list[Message]:
    """Return ordinary questions to a municipality, a bank and a home assistant, as far as they are at hand."""
    found: list[Message] = []
    for file in sorted((ROOT / "contactbot/demo/base").glob("*.jsonl")):
        found += [Message(text, "", f"demo/{file.stem}", ORDINARY_WEIGHT) for text in _demo_texts(file)]
    everyday = (CORPUS / "everyday.txt").read_text("utf-8").splitlines()
    found += [Message(text, "", "everyday", ORDINARY_WEIGHT) for text in everyday]
    sets = [ROOT / "bench/data/municipal", *sorted(SHARED.glob("*"))]
    if len(sets) == 1:
        sys.stderr.write(f"no shared development sets at {SHARED}: fitted without them\n")
    for folder in sets:
        texts = sorted({text for name in ("entries", "queries") for text in _set_texts(folder / f"{name}.jsonl")})
        random.Random(folder.name).shuffle(texts)  # noqa: S311 - a sample, not a secret
        found += [Message(text, "", folder.name, ORDINARY_WEIGHT) for text in texts[:ORDINARY_PER_SET]]
    return found


def _demo_texts(file: Path) -> Iterator[str]:
    for line in file.read_text("utf-8").splitlines():
        for text in json.loads(line)["texts"].values():
            yield text["question"]
            yield from text.get("phrasings", ())


def _set_texts(file: Path) -> Iterator[str]:
    for line in file.read_text("utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        yield from row.get("phrasings", ())
        if "text" in row:
            yield row["text"]


def misspelt(text: str) -> str:
    """Return a text with one or two letters lost, doubled or swapped, always the same ones."""
    chance = random.Random(zlib.crc32(text.encode()))  # noqa: S311 - a variation, not a secret
    for _ in range(1 + len(text) // 40):
        at = chance.randrange(max(1, len(text) - 1))
        text = chance.choice(
            (
                text[:at] + text[at + 1 :],
                text[:at] + text[at : at + 1] + text[at:],
                text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :],
            )
        )
    return text


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts as rows of buckets: ``indices[starts[i]:starts[i + 1]]`` are those of row i, of weight ``values``."""

    indices: NDArray[np.int32]
    rows: NDArray[np.int32]
    values: NDArray[np.float64]
    count: int

    def scores(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weighted sum of each row."""
        return np.bincount(self.rows, weights[self.indices] * self.values, self.count).astype(np.float64)

    def gradient(self, errors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of the rows, each times its error."""
        return np.bincount(self.indices, errors[self.rows] * self.values, BUCKETS).astype(np.float64)


def examples(stretches: Sequence[Sequence[str]]) -> Examples:
    """Return stretches of words as rows of unit length."""
    features = [np.array(features_of(words, safety.CLASSES), np.int32) for words in stretches]
    lengths = np.array([len(row) for row in features])
    rows = np.repeat(np.arange(len(features), dtype=np.int32), lengths)
    return Examples(np.concatenate(features), rows, 1 / np.sqrt(lengths[rows]), len(features))


def fit(data: Examples, truth: NDArray[np.float64], weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return weights and bias of a logistic regression (Adam on the whole set, L2)."""
    parameters = np.zeros(BUCKETS + 1)
    first, second = np.zeros(BUCKETS + 1), np.zeros(BUCKETS + 1)
    weight = weight / weight.sum()
    for step in range(1, STEPS + 1):
        errors = (1 / (1 + np.exp(-data.scores(parameters[:-1]) - parameters[-1])) - truth) * weight
        gradient = np.append(data.gradient(errors) + DECAY * parameters[:-1], errors.sum())
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        parameters -= RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    return parameters[:-1], float(parameters[-1])


def _stretches(text: str) -> list[Sequence[str]]:
    return [words for words in windows(safety.sentences(text)) if words]


@dataclass(frozen=True, slots=True)
class Rows:
    """The stretches to learn from, and what each is."""

    stretches: list[Sequence[str]]
    kinds: list[str]
    weights: list[float]


def rows(messages: Sequence[Message]) -> Rows:
    """Return what is learnt from messages: each as a whole, as typed badly, and each sentence of a harmless one."""
    found = Rows([], [], [])
    for message in messages:
        for text, weight in ((message.text, message.weight), (misspelt(message.text), message.weight * TYPO_WEIGHT)):
            stretches = _stretches(text)
            for words in stretches[:1] if message.kind else stretches:
                found.stretches.append(words)
                found.kinds.append(message.kind)
                found.weights.append(weight)
    return found


def train(messages: Sequence[Message], *, with_kinds: bool) -> bytes:
    """Return weights as shipped, with thresholds of 0."""
    learnt = rows(messages)
    data = examples(learnt.stretches)
    weight = np.array(learnt.weights)
    danger, bias = fit(data, np.array([bool(kind) for kind in learnt.kinds], float), weight)
    vectors = [danger]
    if with_kinds:
        acute = [at for at, kind in enumerate(learnt.kinds) if kind]
        data = examples([learnt.stretches[at] for at in acute])
        for kind in KINDS:
            truth = np.array([learnt.kinds[at] == kind for at in acute], float)
            vectors.append(fit(data, truth, weight[acute])[0])
    return packed(vectors, bias, KINDS if with_kinds else ())


def packed(vectors: Sequence[NDArray[np.float64]], bias: float, kinds: Sequence[str]) -> bytes:
    """Return weights in the shipped form (see Classifier): one signed byte each, at one scale."""
    scale = float(max(np.abs(vectors[0]).max(), 1e-9) / 127)
    scales = [scale, *(float(np.abs(vector).max() / 127) for vector in vectors[1:])]
    whole = b"".join(
        np.clip(np.rint(vector / one), -127, 127).astype(np.int8).tobytes()
        for vector, one in zip(vectors, scales, strict=True)
    )
    head = {"kinds": list(kinds), "scale": scale, "bias": bias, "threshold": 0.0, "ordinary": 0.0, "lone": 0.0}
    return json.dumps(head).encode() + b"\n" + zlib.compress(whole, 9)


def with_thresholds(shipped: bytes, thresholds: Mapping[str, float]) -> bytes:
    """Return the same weights with other thresholds (see Classifier)."""
    head, _, rest = shipped.partition(b"\n")
    return json.dumps(json.loads(head) | thresholds).encode() + b"\n" + rest


def score(classifier: Classifier, text: str) -> float:
    """Return the score of a text's most alarming stretch."""
    return max((classifier.score(words) for words in _stretches(text)), default=NOTHING_TO_JUDGE)


def folds(written: Sequence[Message]) -> dict[str, int]:
    """Return which fold each source is held out in: whole sources, since one writer's messages are alike."""
    fold_of: dict[str, int] = {}
    sizes = [0] * FOLDS
    for source, size in Counter(message.source for message in written).most_common():
        fold_of[source] = sizes.index(min(sizes))
        sizes[fold_of[source]] += size
    return fold_of


def held_out(written: Sequence[Message], others: Sequence[Message]) -> list[float]:
    """Return the score of each written message by a classifier that has seen nothing of its source."""
    fold_of = folds(written)
    scores = [0.0] * len(written)
    for number in range(FOLDS):
        known = [message for message in written if fold_of[message.source] != number]
        classifier = Classifier(train([*known, *others], with_kinds=False), safety.CLASSES)
        for at, message in enumerate(written):
            if fold_of[message.source] == number:
                scores[at] = score(classifier, message.text)
    return scores


def report(written: Sequence[Message], scores: Sequence[float], threshold: float) -> None:
    """Print what the table catches, and the table with the classifier behind it; it calls nothing off here."""
    total: Counter[str] = Counter()
    by_table: Counter[str] = Counter()
    by_both: Counter[str] = Counter()
    for message, one in zip(written, scores, strict=True):
        for name in {message.kind or "look-alikes", "acute" if message.kind else "look-alikes"}:
            table = safety.by_table(message.text) is not None
            total[name] += 1
            by_table[name] += table
            by_both[name] += table or one >= threshold
    sys.stdout.write(f"{'':14}{'messages':>9}{'table':>8}{'both':>8}   (share taken for acute)\n")
    for name in (*KINDS, "acute", "look-alikes"):
        if total[name]:
            shares = by_table[name] / total[name], by_both[name] / total[name]
            sys.stdout.write(f"{name:14}{total[name]:9}{shares[0]:8.3f}{shares[1]:8.3f}\n")


def thresholds_of(written: Sequence[Message], scores: Sequence[float]) -> dict[str, float]:
    """Return from which held-out score a text is acute, and below which a row that is not certain is called off.

    For the latter only messages count that hang on such a row.
    """
    harmless = sorted(one for message, one in zip(written, scores, strict=True) if not message.kind)
    hanging: dict[bool, list[float]] = {True: [], False: []}
    for message, one in zip(written, scores, strict=True):
        if message.kind and one > NOTHING_TO_JUDGE and safety.by_table(message.text, only_certain=True) is None:
            seen = safety.by_table(message.text)
            if seen is not None:
                hanging[" " not in seen.evidence].append(one)
    return {
        "threshold": harmless[-int(WRONGLY_ALARMED * len(harmless)) - 1],
        "ordinary": sorted(hanging[False])[int(WRONGLY_CALMED * len(hanging[False]))],
        "lone": sorted(hanging[True])[int(WRONGLY_CALMED_LONE * len(hanging[True]))],
    }


def main() -> None:
    """Fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--blind", type=Path)
    parser.add_argument("--words", action="store_true")
    asked = parser.parse_args()
    if asked.words:
        said = {word for message in ordinary() for words in safety.sentences(message.text) for word in words}
        sys.stdout.writelines(f"{word}\n" for word in safety.taken_for_alarming(said))
        return
    if asked.blind:
        written = corpus(asked.blind)
        shipped = Classifier(WEIGHTS.read_bytes(), safety.CLASSES)
        report(written, [score(shipped, message.text) for message in written], shipped.threshold)
        return
    written, others = corpus(), ordinary()
    scores = held_out(written, others)
    thresholds = thresholds_of(written, scores)
    told = ", ".join(f"{name} {one:.2f}" for name, one in thresholds.items())
    sys.stdout.write(f"{len(others)} ordinary questions, thresholds: {told}\n")
    report(written, scores, thresholds["threshold"])
    if not asked.measure:
        WEIGHTS.write_bytes(with_thresholds(train([*written, *others], with_kinds=True), thresholds))


if __name__ == "__main__":
    main()
