"""N-grams, sketches and the kernel are what the plain and slow way would give."""

from itertools import combinations
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactbot.kb.entry import Entry, EntryText
from contactbot.kb.grams import LONGEST, grams
from contactbot.kb.index import Index
from contactbot.kb.kernel import CONCEPTS, GRAMS, PAIRS, kernel
from contactbot.kb.normalise import tokens, word
from contactbot.kb.survey import Question, nearest
from contactbot.kb.vocabulary import sketches

forms = st.text("abcdefghijklmnoprstuvy0123456789", min_size=1, max_size=20)


@given(st.lists(forms, min_size=1, max_size=6))
def test_each_word_has_each_of_its_n_grams_once_whatever_words_stand_beside_it(words: list[str]) -> None:
    hashes, owners = grams(words)

    for number, form in enumerate(words):
        text = f"^{form}$"
        plain = {text[at : at + size] for size in range(2, LONGEST + 1) for at in range(len(text) - size + 1)}
        own = hashes[owners == number].tolist()
        assert len(set(own)) == len(own) == len(plain)
        assert own == grams([form])[0].tolist()


def test_sketches_tell_about_how_many_n_grams_two_words_share() -> None:
    words = ["barnehageplass", "barnehagen", "eiendomsskatt"]
    hashes, owners = grams(words)
    sets = [set(hashes[owners == number].tolist()) for number in range(len(words))]
    found = sketches(hashes, owners, len(words)).astype(np.float32)

    for one, other in combinations(range(len(words)), 2):
        about = 3 * sqrt(len(sets[one]) * len(sets[other]) / found.shape[1])
        assert float(found[one] @ found[other]) == pytest.approx(len(sets[one] & sets[other]), abs=about)


TEXTS = (
    "Når tømmes søppelet i gata",
    "Søppelet i gata er ikke tømt",
    "Hvem tømmer septiktanken",
    "Søknad om barnehage",
)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(sorted({one for text in TEXTS for one in tokens(text)})), min_size=1, max_size=5))
def test_the_kernel_adds_up_concepts_and_pairs_as_counting_them_would(asked: list[str]) -> None:
    corpus = Index.build([Entry(text, 1, (EntryText("nb", text),)) for text in TEXTS])._state.corpus
    words = [word(form) for form in dict.fromkeys(asked)]
    question = Question.of(corpus, words)
    near = nearest(corpus, question, 10)
    assert near is not None
    numbers = near.numbers.tolist()

    found = kernel(corpus, question, near)

    known = corpus.vocabulary
    bags = [{one.kin: one.rarity for one in question.asked}]
    bags += [
        {int(known.kin[at]): float(corpus.rarity[at]) for at in corpus.rows.words_of(np.array([n]))} for n in numbers
    ]
    for one, other in combinations(range(len(bags)), 2):
        plain = CONCEPTS * _cosine(_concepts(bags[one]), _concepts(bags[other]))
        plain += PAIRS * _cosine(_pairs(bags[one]), _pairs(bags[other]))
        assert plain - 0.15 * GRAMS <= float(found[one, other]) <= plain + 1.15 * GRAMS
    if len(bags[0]) == len(words) > 1 and any(bag == bags[0] for bag in bags[1:]):
        assert found[0].max() == pytest.approx(1.0, abs=1e-3)


def _concepts(bag: dict[int, float]) -> dict[tuple[int, ...], float]:
    return {(at,): value for at, value in bag.items()}


def _pairs(bag: dict[int, float]) -> dict[tuple[int, ...], float]:
    return {pair: sqrt(bag[pair[0]] * bag[pair[1]]) for pair in combinations(sorted(bag), 2)}


def _cosine(one: dict[tuple[int, ...], float], other: dict[tuple[int, ...], float]) -> float:
    both = sum(value * other.get(name, 0.0) for name, value in one.items())
    return both / sqrt(max(1e-12, sum(v * v for v in one.values()) * sum(v * v for v in other.values())))
