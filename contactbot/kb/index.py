"""Find the entries a question may be about."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import exp, log

from contactbot.kb.entry import Entry
from contactbot.kb.matching import Candidate
from contactbot.kb.normalise import stem, words

__all__ = ["Candidate", "Index"]


@dataclass(frozen=True, slots=True)
class _Row:
    entry: Entry
    language: str
    phrasing: str
    words: tuple[str, ...]
    size: int


class Index:
    """The searchable entries. Searching and editing may happen in different threads."""

    def __init__(self, entries: Iterable[Entry], synonyms: Sequence[Sequence[str]], today: date | None) -> None:
        self.revision = 0
        self._synonyms = synonyms
        self._today = today
        self._fill(entries)

    @classmethod
    def build(
        cls, entries: Iterable[Entry], synonyms: Sequence[Sequence[str]] = (), today: date | None = None
    ) -> "Index":
        """Index every entry that is valid on `today` (all of them without a day)."""
        return cls(entries, synonyms, today)

    def changed(self, entry: Entry) -> None:
        """Take a new or an edited entry in."""
        self._fill([*(one for one in self._entries.values() if one.id != entry.id), entry])

    def without(self, entry_id: str) -> None:
        """Take an entry out; one that is not there is no error."""
        self._fill([one for one in self._entries.values() if one.id != entry_id])

    def _fill(self, entries: Iterable[Entry]) -> None:
        kept = {one.id: one for one in entries if self._today is None or one.valid_on(self._today)}
        rows: list[_Row] = []
        postings: dict[str, dict[int, int]] = defaultdict(dict)
        for entry in kept.values():
            for text in entry.texts:
                for phrasing in text.ways_to_ask():
                    counts = Counter(_features(phrasing))
                    for feature, count in counts.items():
                        postings[feature][len(rows)] = count
                    rows.append(_Row(entry, text.language, phrasing, words(phrasing), counts.total()))
        self._entries, self._rows, self._postings = kept, rows, dict(postings)
        self._average = sum(row.size for row in rows) / max(1, len(rows))
        self.revision += 1

    def search(self, text: str, language: str | None = None, limit: int = 10) -> tuple[Candidate, ...]:
        """Return at most `limit` entries for `text`, best first."""
        scores: dict[int, float] = defaultdict(float)
        mass = 1e-9
        rows = self._rows
        for feature, count in Counter(_features(text)).items():
            found = self._postings.get(feature, {})
            idf = log(1 + (len(rows) - len(found) + 0.5) / (len(found) + 0.5))
            mass += idf * count
            for row, times in found.items():
                length = 0.4 + 0.6 * rows[row].size / self._average
                scores[row] += idf * count * times * 2.2 / (times + 1.2 * length)
        best: dict[str, tuple[float, int]] = {}
        for row, score in scores.items():
            entry = rows[row].entry
            same = language is not None and rows[row].language == language
            key = (score * (1.001 if same else 1.0), -row)
            if entry.id not in best or key > best[entry.id]:
                best[entry.id] = key
        ranked = sorted(best.items(), key=lambda item: (-item[1][0], item[0]))[:limit]
        return tuple(self._candidate(text, -row, score / mass, ranked, mass) for _, (score, row) in ranked)

    def _candidate(
        self, text: str, row: int, share: float, ranked: list[tuple[str, tuple[float, int]]], mass: float
    ) -> Candidate:
        found = self._rows[row]
        others = [score / mass for name, (score, _) in ranked if name != found.entry.id]
        margin = share - max(others, default=0.0)
        probability = 1 / (1 + exp(-(6 * share + 6 * margin - 5.5)))
        stems = {stem(word): word for word in found.words}
        shared = tuple((word, stems[stem(word)]) for word in words(text) if stem(word) in stems)
        if len({word for word, _ in shared}) < 2 and len(found.words) > 1:
            probability = min(probability, 0.6)
        return Candidate(
            found.entry.id,
            found.entry.version,
            found.language,
            probability,
            found.phrasing,
            shared,
            {"share": share, "margin": margin},
        )


def _features(text: str) -> list[str]:
    tokens = words(text)
    padded = f" {' '.join(tokens)} "
    return [padded[i : i + 3] for i in range(len(padded) - 2)] + ["#" + stem(token) for token in tokens]
