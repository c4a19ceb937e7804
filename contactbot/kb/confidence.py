"""From likeness to a probability, with weights that were fitted once and are shipped."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from contactbot.kb.ranking import REPAIR_FROM, Neighbourhood
from contactbot.kb.vocabulary import Floats

STRONG: Final = 0.75
"""Cosine from which a matched word is surely the same word, inflected or misspelt once."""
WEAK_AT_MOST: Final = 0.5
"""The probability that an entry gets at most when only one weak word speaks for it."""
NOTHING_AT_MOST: Final = 0.2
"""The same when no word of the question can be read as one of the entry's: too little even for a choice."""
ONE_WORD_COVERS: Final = 0.6
"""Share of the question that a single matched word must cover to be enough."""


@dataclass(frozen=True, slots=True)
class Confidence:
    """Weights of two linear models: `order` ranks entries, `sure` says how probably the first one is right.

    Both take their features by name; `sure` has a constant named `one`.
    """

    order: Mapping[str, float]
    sure: Mapping[str, float]

    def rank(self, near: Neighbourhood) -> list[tuple[int, float]]:
        """Return the entries of `near` by number, best first, each with the probability of being the right one."""
        shares = self.shares(near)
        order = sorted(range(len(shares)), key=lambda at: (-round(float(shares[at]), 9), near.entries[at]))
        known = sure_features(near, shares, order)
        score = sum(self.sure.get(name, 0.0) * value for name, value in known.items())
        first = float(1.0 / (1.0 + np.exp(-score)))
        if not stands_on_more_than_a_weak_word(near, order[0]):
            first = min(first, WEAK_AT_MOST if _has_a_word_of(near, order[0]) else NOTHING_AT_MOST)
        top = float(shares[order[0]])
        return [(at, min(first, first * float(shares[at]) / top)) for at in order]

    def shares(self, near: Neighbourhood) -> Floats:
        """Return for each entry its share, the sum being 1, if one of them is right."""
        score = sum((self.order.get(name, 0.0) * values for name, values in near.features.items()), np.zeros(1))
        odds = np.exp(score - score.max())
        return np.asarray(odds / odds.sum(), dtype=np.float64)


def sure_features(near: Neighbourhood, shares: Floats, order: list[int]) -> dict[str, float]:
    """Return what tells whether the first entry of `order` is right."""
    first = order[0]
    second = float(shares[order[1]]) if len(order) > 1 else 0.0
    known = {name: float(values[first]) for name, values in near.features.items()}
    runner = {
        f"lead_{name}": float(values[first] - np.delete(values, first).max(initial=0.0))
        for name, values in near.features.items()
        if name in {"votes", "kernel", "covered"}
    }
    return {
        "one": 1.0,
        **known,
        **runner,
        "share": float(shares[first]),
        "lead": float(np.log(max(float(shares[first]), 1e-6) / max(second, 1e-6))),
        "length": float(np.log(sum(1 for word in near.question.words if not word.small) + 1.0)),
        "unknown": _unknown(near),
    }


def stands_on_more_than_a_weak_word(near: Neighbourhood, entry: int) -> bool:
    """Tell whether two words that carry a subject matched, or one that is most of what was asked."""
    row = near.rows[near.phrasing_of(entry)]
    matched = []
    among = near.inside(row)
    for word, likeness, weight in zip(near.question.words, near.question.likeness, near.question.weights, strict=True):
        inside = likeness.cosines[among[likeness.ids]]
        if len(inside) and not word.small:
            matched.append((float(inside.max()), float(weight)))
    if sum(cosine >= STRONG / 2 for cosine, _ in matched) > 1:
        return True
    whole = max(1e-9, float(near.question.weights.sum()))
    return any(cosine >= STRONG and weight / whole >= ONE_WORD_COVERS for cosine, weight in matched)


def _has_a_word_of(near: Neighbourhood, entry: int) -> bool:
    inside = near.inside(near.rows[near.phrasing_of(entry)])
    return any(
        not word.small and found.cosines[inside[found.ids]].max(initial=0.0) >= REPAIR_FROM
        for word, found in zip(near.question.words, near.question.likeness, strict=True)
    )


def _unknown(near: Neighbourhood) -> float:
    """Return the share of the question that is like nothing in the base."""
    best = [float(found.cosines.max(initial=0.0)) for found in near.question.likeness]
    weights = near.question.weights
    return 1.0 - float(np.dot(best, weights)) / max(1e-9, float(weights.sum()))


@cache
def shipped() -> Confidence:
    """Return the weights that come with the package (`bench/fit_matching.py` writes them)."""
    known = json.loads((files(__package__) / "weights.json").read_text("utf-8"))
    return Confidence(order=known["order"], sure=known["sure"])
