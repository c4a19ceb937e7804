"""Naive Bayes over arrays is what counting words one by one would give."""

from math import log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactbot.kb.entry import Entry, EntryText
from contactbot.kb.index import Index
from contactbot.kb.likelihood import HARDLY_ALIKE, SHARPNESS, SMOOTHING, likelihood
from contactbot.kb.normalise import tokens, word
from contactbot.kb.survey import Question

APPLY = EntryText("nb", "Søknad om barnehage", ("plass i barnehage", "søke barnehageplass"), full="På Min side.")
ENTRIES = (
    Entry("barnehage", 1, (APPLY,)),
    Entry("sfo", 1, (EntryText("nb", "Søknad om plass i SFO"),)),
    Entry("septik", 1, (EntryText("nb", "Hvem tømmer tanken", ("slam",)), EntryText("nn", "Kven tømmer slammet"))),
)
ASKABLE = sorted(
    {one for entry in ENTRIES for text in entry.texts for way in text.ways_to_ask() for one in tokens(way)}
)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from([*ASKABLE, "barnehagane", "kjempe"]), min_size=1, max_size=5, unique=True),
    st.none() | st.integers(0, 7),
)
def test_an_entry_is_as_likely_as_its_phrasings_say_the_words(asked: list[str], without: int | None) -> None:
    corpus = Index.build(ENTRIES)._state.corpus
    question = Question.of(corpus, [word(form) for form in asked])
    rows = corpus.rows
    firsts = sorted(set(rows.firsts.tolist()))

    found = likelihood(corpus, question, rows.firsts[firsts], without)

    roots = [sqrt(one.rarity) for one in question.asked]
    plain = []
    for first in firsts:
        own = [at for at in range(len(rows)) if rows.firsts[at] == first and not rows.answers[at] and at != without]
        said = [one for at in own for one in rows.words[rows.starts[at] : rows.starts[at] + rows.sizes[at]].tolist()]
        size = len(said) + SMOOTHING * len(corpus.in_use)
        score = 0.0
        for one, root in zip(question.asked, roots, strict=True):
            alike = zip(one.ids.tolist(), one.cosines.tolist(), strict=True)
            same = {at: cosine for at, cosine in alike if cosine >= HARDLY_ALIKE}
            count = sum(same.get(at, 0.0) ** SHARPNESS for at in said)
            score += root * log((count + SMOOTHING) / size) * len(roots) / sum(roots)
        plain.append(score)
    assert found.tolist() == pytest.approx([score - max(plain) for score in plain], abs=1e-3)


def test_of_two_entries_with_a_phrasing_as_near_the_one_whose_other_phrasings_say_so_too_comes_first() -> None:
    rent = EntryText("nb", "Leie av hallen", ("hallen til leie", "leie hallen til trening", "hva koster det å leie"))
    clean = EntryText("nb", "Hallen og leie", ("garderober", "dusjene er kalde", "vask av gulv"))

    found = Index.build([Entry("vask", 1, (clean,)), Entry("leie", 1, (rent,))]).search("leie hall")

    assert found[0].entry_id == "leie"
