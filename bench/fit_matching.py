"""Fit the shipped weights on the development sets: ``python -m bench.fit_matching [--unseen] [--write]``.

Two linear models, one after the other, every variant of every set weighing the same: `order` is a softmax over the
entries near a question, `sure` a logistic regression of whether the first one is right. Each is fitted by
gradient steps with momentum and a ridge, so that numpy is enough. With `--unseen` a table shows for every family of
sets what weights would give that never saw that family; the last table is of the weights to ship.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

import contactbot.kb
from bench.question_sets import QuestionSet, as_json, question_sets, text_message, two_typos
from contactbot.kb.confidence import Confidence, sure_features
from contactbot.kb.evaluation import auroc, auto
from contactbot.kb.index import Index
from contactbot.kb.ranking import FEATURES, Neighbourhood

WEIGHTS: Final = Path(contactbot.kb.__file__).parent / "weights.json"
QUESTIONS: Final = 250
"""Questions taken of each variant of a set."""
ORDER: Final = ("votes", "kernel", "covered", "covering", "ratio", "answer", "likelihood")
STEPS: Final = 3000


@dataclass(frozen=True, slots=True)
class Case:
    """One question among its neighbours; `right` is the number of the right entry, None where there is none."""

    near: Neighbourhood
    right: int | None
    answerable: bool


Cases = Mapping[str, Sequence[Case]]
Floats = npt.NDArray[np.float64]


def main() -> None:
    """Fit, print what each family of sets makes of weights fitted without it, and write the weights if asked."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", action="store_true", help="write contactbot/kb/weights.json")
    options.add_argument("--unseen", action="store_true", help="also measure each family of sets unseen")
    chosen = options.parse_args()
    cases = {one.name: cases_of(one) for one in variants()}
    if chosen.unseen:
        show_unseen(cases)
    fitted = fit(cases)
    show("shipped", cases, fitted)
    if chosen.write:
        WEIGHTS.write_text(as_json({"order": dict(fitted.order), "sure": dict(fitted.sure)}), "utf-8")


def show_unseen(cases: Cases) -> None:
    """Print what each family of sets gets from weights that were fitted on the others."""
    for family in sorted({name.split("_")[0].split()[0] for name in cases}):
        others = {name: found for name, found in cases.items() if not name.startswith(family)}
        if others:
            show(f"without {family}", {name: cases[name] for name in cases.keys() - others.keys()}, fit(others))


def variants() -> Iterator[QuestionSet]:
    """Yield each set clean, mistyped, with gaps, and with more and with fewer phrasings."""
    for one in question_sets():
        yield one.sample(QUESTIONS)
        yield one.mistyped(two_typos).sample(QUESTIONS // 2)
        yield one.mistyped(text_message).sample(QUESTIONS // 2)
        yield one.with_gaps(0.25).sample(QUESTIONS)
        if one.name == "municipal":
            yield one.with_one_phrasing().sample(QUESTIONS)
            yield one.with_one_phrasing().with_gaps(0.25, seed=6).sample(QUESTIONS)
        if one.name.endswith("k5"):
            yield one.with_learnt(4).sample(QUESTIONS)
            yield one.with_learnt(4).with_gaps(0.25, seed=8).sample(QUESTIONS)


def cases_of(one: QuestionSet) -> list[Case]:
    """Look every question of a set up."""
    index = Index.build(one.entries)
    found = []
    for query in one.queries:
        near = index.near(query.text)
        if near is not None:
            right = near.entries.index(query.expect) if query.expect in near.entries else None
            found.append(Case(near, right, query.expect is not None))
    return found


def fit(cases: Cases) -> Confidence:
    """Return the weights that explain `cases` best."""
    order = fit_order(cases)
    return Confidence(order, fit_sure(cases, Confidence(order, {})))


def fit_order(cases: Cases) -> dict[str, float]:
    """Fit the softmax that puts the right entry first."""
    blocks: list[Floats] = []
    chosen: list[int] = []
    sizes: list[int] = []
    shares: list[float] = []
    for found in cases.values():
        known = [case for case in found if case.right is not None]
        for case in known:
            blocks.append(case.near.features[[FEATURES.index(name) for name in ORDER]].T.astype(np.float64))
            chosen.append(sum(sizes) + int(case.right or 0))
            sizes.append(len(case.near.entries))
            shares.append(1.0 / len(known))
    matrix, scale = _scaled(np.concatenate(blocks))
    owner = np.repeat(np.arange(len(sizes)), sizes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    share = np.array(shares) / sum(shares)
    target = np.zeros(len(matrix))
    target[chosen] = 1.0

    def slope(weights: Floats) -> Floats:
        score = matrix @ weights
        odds = np.exp(score - np.maximum.reduceat(score, starts)[owner])
        wrong = odds / np.add.reduceat(odds, starts)[owner] - target
        return np.asarray(matrix.T @ (wrong * share[owner]) + 1e-4 * weights)

    return _named(ORDER, _descend(slope, len(ORDER), rate=0.3) / scale)


def fit_sure(cases: Cases, order: Confidence) -> dict[str, float]:
    """Fit the logistic regression of whether the first entry is right."""
    rows, labels, shares = [], [], []
    for found in cases.values():
        for case in found:
            known, right = _first(case, order)
            rows.append(known)
            labels.append(float(right))
            shares.append(1.0 / len(found))
    names = tuple(rows[0])
    matrix, scale = _scaled(np.array([[row[name] for name in names] for row in rows]))
    label, share = np.array(labels), np.array(shares) / sum(shares)

    def slope(weights: Floats) -> Floats:
        wrong = 1.0 / (1.0 + np.exp(-(matrix @ weights))) - label
        return np.asarray(matrix.T @ (wrong * share) + 1e-3 * weights)

    return _named(names, _descend(slope, len(names), rate=0.5) / scale)


def _first(case: Case, order: Confidence) -> tuple[dict[str, float], bool]:
    shares = order.shares(case.near)
    ranked = sorted(range(len(shares)), key=lambda at: (-float(shares[at]), case.near.entries[at]))
    return sure_features(case.near, shares, ranked), ranked[0] == case.right


def _scaled(matrix: Floats) -> tuple[Floats, Floats]:
    scale = np.maximum(np.sqrt((matrix * matrix).mean(axis=0)), 1e-6)
    return matrix / scale, scale


def _descend(slope: Callable[[Floats], Floats], size: int, rate: float) -> Floats:
    weights, speed = np.zeros(size), np.zeros(size)
    for _ in range(STEPS):
        speed = 0.9 * speed - rate * slope(weights)
        weights = weights + speed
    return weights


def _named(names: Sequence[str], values: Floats) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(names, values, strict=True)}


def show(title: str, cases: Cases, weights: Confidence) -> None:
    """Print what `weights` make of each set: first place, separation, and answers at three thresholds."""
    print(f"\n{title:34} top1  auroc auto95 | precision and share answered at .80 .85 .90 .93")
    for name, found in cases.items():
        ranked = [(case, *weights.rank(case.near, 1)[0]) for case in found]
        right = [case.right == first for case, first, _ in ranked]
        sure = [probability for *_, probability in ranked]
        inside = sum(case.answerable for case in found)
        apart = auroc(sure, [case.answerable for case in found])
        print(
            f"{name:34} {100 * sum(right) / max(1, inside):4.1f}  {apart or 0:4.2f}  "
            f"{100 * (auto(sure, right, inside) or 0):5.1f}  | "
            + "  ".join(_at(limit, sure, right, inside) for limit in (0.8, 0.85, 0.9, 0.93))
        )


def _at(limit: float, sure: Sequence[float], right: Sequence[bool], inside: int) -> str:
    given = [ok for ok, probability in zip(right, sure, strict=True) if probability >= limit]
    return f"{sum(given) / max(1, len(given)):.3f}/{sum(given) / max(1, inside):.2f}"


if __name__ == "__main__":
    main()
