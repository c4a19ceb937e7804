"""From likeness to a probability, with weights that were fitted once and are shipped."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp, log
from typing import Final

import numpy as np

from contactbot.kb.corpus import REPAIR_FROM
from contactbot.kb.ranking import FEATURES, NEIGHBOURS, Neighbourhood
from contactbot.kb.vocabulary import Shares

STRONG: Final = 0.75
"""Cosine from which a matched word is surely the same word, inflected or misspelt once."""
SAME_MEANING: Final = 0.7
"""Cosine of an encoder from which two sentences mean the same, whatever their words."""
WEAK_AT_MOST: Final = 0.5
"""The probability that an entry gets at most when only one weak word speaks for it."""
NOTHING_AT_MOST: Final = 0.2
"""The same when no word of the question can be read as one of the entry's: too little even for a choice."""
SHARED_AT_MOST: Final = 0.85
"""The same when one word is all that was asked and other entries have it just as well: it asks for none of them."""
SHARED_AT_LEAST: Final = 0.1
"""What those others get at least then, so that the resident may choose among them."""
ONE_WORD_COVERS: Final = 0.6
"""Share of what the question says beside its small words that a single matched word must cover to be enough."""


_NEXT_TO_NOTHING: Final = 1e-9
_NOBODY: Final = (0.0,) * len(FEATURES)
_COVERED: Final = FEATURES.index("covered")


@dataclass(frozen=True, slots=True)
class Confidence:
    """Weights of two linear models: `order` ranks entries, `sure` says how probably the first one is right.

    Both take their features by name; `sure` has a constant named `one`.
    """

    order: Mapping[str, float]
    sure: Mapping[str, float]

    def rank(self, near: Neighbourhood, limit: int) -> list[tuple[int, float]]:
        """Return `limit` entries of `near` by number, best first, each with the probability of being the right one."""
        shares = self.shares(near)
        order = _best(shares, near.entries, max(2, limit))
        known = sure_features(near, shares, order)
        score = sum([self.sure.get(name, 0.0) * value for name, value in known.items()])
        most = most_probable(near, order[0])
        first = min(1.0 / (1.0 + exp(-score)), most)
        top = shares[order[0]]
        ranked = [(at, min(first, first * float(shares[at] / top))) for at in order[:limit]]
        return _with_equals(near, ranked) if most == SHARED_AT_MOST else ranked

    @np.errstate(invalid="ignore")  # as in `neighbourhood`
    def shares(self, near: Neighbourhood) -> Shares:
        """Return for each entry its share, the sum being 1, if one of them is right."""
        score = np.array([self.order.get(name, 0.0) for name in FEATURES], np.float32) @ near.features
        odds = np.exp(score - score.max())
        shares: Shares = odds / odds.sum()
        return shares


def _best(shares: Shares, entries: Sequence[str], count: int) -> list[int]:
    """Return the numbers of the `count` greatest of `shares`, best first; names choose between equals."""
    rounded = shares.round(6)
    least = np.partition(rounded, -count)[-count] if len(rounded) > count else 0.0
    found = (rounded >= least).nonzero()[0].tolist()
    return [at for _, _, at in sorted([(-rounded[at], entries[at], at) for at in found])[:count]]


def _with_equals(near: Neighbourhood, ranked: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return what is ranked with entries that have the one word asked as well as the first has raised to be offered."""
    (first, most), *others = ranked
    raised = [
        (at, max(probability, min(most, SHARED_AT_LEAST)) if _is_equal(near, at, first) else probability)
        for at, probability in others
    ]
    return [(first, most), *sorted(raised, key=lambda one: -one[1])]


def sure_features(near: Neighbourhood, shares: Shares, order: list[int]) -> dict[str, float]:
    """Return what tells whether the first entry of `order` is right."""
    first = order[0]
    second = float(shares[order[1]]) if len(order) > 1 else 0.0
    values = near.features[:, first].tolist()
    known = dict(zip(FEATURES, values, strict=True))
    others = near.features.copy()
    others[:, first] = -np.inf
    best = dict(zip(FEATURES, others.max(axis=1).tolist() if len(order) > 1 else _NOBODY, strict=True))
    weights = [one.weight for one in near.question.asked]
    met = sum([one.best * one.weight for one in near.question.asked])
    unknown = 1.0 - met / max(1e-9, sum(weights))
    return {
        "one": 1.0,
        **{name: value for name, value in known.items() if name != "likelihood"},
        **{f"lead_{name}": known[name] - best[name] for name in ("votes", "kernel", "covered", "likelihood")},
        "doubt": _doubt(shares, unknown),
        "share": float(shares[first]),
        "lead": log(max(shares[first], 1e-6) / max(second, 1e-6)),
        "length": log(sum([1 for one in near.question.asked if not one.word.small]) + 1.0),
        "unknown": unknown,
    }


def _doubt(shares: Shares, unknown: float) -> float:
    """Return the entropy of the shares, in nats.

    One entry alone leaves nothing to compare, so the words that nobody has count as if they spoke for others.
    """
    if len(shares) == 1:
        return unknown * log(NEIGHBOURS)
    return float(-(shares * np.log(shares + _NEXT_TO_NOTHING)).sum())


def most_probable(near: Neighbourhood, entry: int) -> float:
    """Return how probable an entry may be at most, by the words of the question that it has.

    Two words that carry a subject are enough for anything, in whichever of its texts they stand, and so is one of its
    best phrasing that is most of what was asked.
    """
    row = near.phrasing_of(entry)
    if near.meant is not None and near.meant[row] >= SAME_MEANING:
        return 1.0
    tell = np.array([not one.word.small for one in near.question.asked])
    closest = near.survey.closest[:, tell]
    if np.count_nonzero(closest[near.bounds[entry] : near.bounds[entry + 1]].max(axis=0) >= STRONG / 2) > 1:
        return 1.0
    weights = near.question.weights[tell]
    weights = weights / max(_NEXT_TO_NOTHING, weights.sum())
    if ((closest[row] >= STRONG) & (weights >= ONE_WORD_COVERS)).any():
        return SHARED_AT_MOST if len(weights) == 1 and _is_shared(near, entry) else 1.0
    return WEAK_AT_MOST if (closest[row] >= REPAIR_FROM).any() else NOTHING_AT_MOST


def _is_shared(near: Neighbourhood, entry: int) -> bool:
    return any(_is_equal(near, other, entry) for other in range(len(near.entries)) if other != entry)


def _is_equal(near: Neighbourhood, other: int, entry: int) -> bool:
    covered = near.features[_COVERED]
    return bool(covered[other] >= covered[entry] * STRONG)


@cache
def shipped() -> Confidence:
    """Return the weights that come with the package (`bench/fit_matching.py` writes them)."""
    known = json.loads((files(__package__) / "weights.json").read_text("utf-8"))
    return Confidence(order=known["order"], sure=known["sure"])
