"""An encoder is read from a folder, gives vectors, and counts in the index as much as it is worth."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from contactbot import checking
from contactbot.channels.base import Finding
from contactbot.cli.kb import app
from contactbot.conversation.knowledge import encoder_in
from contactbot.kb.encoder import Encoder, EncoderError
from contactbot.kb.entry import Entry, EntryText
from contactbot.kb.index import Index
from contactbot.kb.vocabulary import Shares
from contactbot.settings import from_values
from tests.kb import tiny_bert


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return Encoder.of(tiny_bert.write(tmp_path_factory.mktemp("model")))


def test_a_vector_has_length_one_and_does_not_depend_on_its_company(encoder: Encoder) -> None:
    texts = ["når åpner biblioteket?", "når", "åpner åpner åpner åpner"]

    together = encoder.vectors(texts)

    assert np.linalg.norm(together, axis=1) == pytest.approx(1.0, abs=1e-5)
    for text, vector in zip(texts, together, strict=True):
        assert encoder.vector(text) == pytest.approx(vector, abs=1e-5)
    assert encoder.known(texts) == pytest.approx(together, abs=1e-5)


def test_words_are_taken_apart_into_the_longest_known_pieces(encoder: Encoder) -> None:
    pieces = encoder._pieces
    names = [tiny_bert.WORDS[at] for at in pieces.of("når åpner biblioteket? xyz")]

    assert names == ["[CLS]", "når", "åpner", "bibliotek", "##et", "?", "[UNK]", "[SEP]"]


def test_case_and_accents_are_dropped_where_the_model_says_so(tmp_path: Path) -> None:
    lower = Encoder.of(tiny_bert.write(tmp_path, lower=True))

    assert lower.vector("ÅPNER") == pytest.approx(lower.vector("apner"))


def test_a_vocabulary_tells_its_own_language_from_others(encoder: Encoder) -> None:
    assert encoder.knows_the_language_of(["når åpner biblioteket?"])
    assert not encoder.knows_the_language_of(["biblioteket biblioteket"])


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=400))
def test_any_text_has_a_vector(encoder: Encoder, text: str) -> None:
    assert np.isfinite(encoder.vector(text)).all()


@pytest.mark.parametrize("missing", ["config.json", "vocab.txt", "model.safetensors"])
def test_a_folder_that_lacks_a_part_is_refused_by_name_and_the_words_serve_alone(missing: str, tmp_path: Path) -> None:
    folder = tiny_bert.write(tmp_path)
    (folder / missing).unlink()

    with pytest.raises(EncoderError, match=folder.name):
        Encoder.of(folder)
    assert encoder_in(folder) is None


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.json", '{"model_type": "gpt2"}', "gpt2"),
        ("vocab.txt", "a\nb", "CLS"),
        ("model.safetensors", "\x02\0\0\0\0\0\0\0{}", "lacks"),
        ("model.safetensors", "\xff" * 20, "expected"),
    ],
)
def test_what_is_no_bert_is_refused_in_words(name: str, content: str, said: str, tmp_path: Path) -> None:
    folder = tiny_bert.write(tmp_path)
    (folder / name).write_text(content, "latin-1")

    with pytest.raises(EncoderError, match=said):
        Encoder.of(folder)


class Knowing(Encoder):
    """An encoder that knows which of two matters a text is about, or, `wrong`, draws lots."""

    def __init__(self, *, wrong: bool = False) -> None:
        self.size = 8
        self._known = {}
        self._wrong = wrong
        self.vector = lambda text: self.vectors([text])[0]  # type: ignore[assignment]  # needs no memory

    def knows_the_language_of(self, texts: Sequence[str]) -> bool:
        return not self._wrong and bool(texts)

    def vectors(self, texts: Sequence[str]) -> Shares:
        return np.array([self._about(text) for text in texts], np.float32).reshape(-1, self.size)

    def _about(self, text: str) -> Shares:
        if self._wrong:
            vector = np.random.default_rng(len(text)).normal(size=self.size)
            return np.asarray(vector / np.linalg.norm(vector), np.float32)
        return np.asarray(np.eye(self.size)[0 if "bok" in text or "lese" in text else 1], np.float32)


def entry(name: str, *ways: str) -> Entry:
    return Entry(name, 1, (EntryText("nb", ways[0], ways[1:]),))


BOOKS = tuple(
    f"{verb} en bok {when}" for verb in ("Låne", "Levere", "Fornye", "Bestille") for when in ("nå", "her", "")
)
WASTE = tuple(f"{verb} søppel {when}" for verb in ("Hente", "Tømme", "Kaste", "Sortere") for when in ("nå", "her", ""))
BASE = (entry("books", *BOOKS), entry("waste", *WASTE))


def test_a_question_in_other_words_is_found_by_its_meaning() -> None:
    few = (entry("books", "Låne en bok"), entry("waste", "Hente søppel"))

    assert not Index.build(few).search("hvor får jeg lese")
    assert Index.build(few, encoder=Knowing()).search("hvor får jeg lese")[0].entry_id == "books"


def test_an_encoder_that_finds_nothing_in_this_base_weighs_nothing() -> None:
    plain, misled = Index.build(BASE), Index.build(BASE, encoder=Knowing(wrong=True))

    assert not misled.is_slow
    assert misled.search("tømmes søppelet i dag") == plain.search("tømmes søppelet i dag")


def test_an_edit_with_an_encoder_equals_building_anew() -> None:
    new = entry("opening", "Når åpner dere?", "Åpningstider")
    edited = Index.build(BASE[:1], encoder=Knowing())
    edited.changed(entry("waste", "Noe helt annet"))
    edited.changed(BASE[1])
    edited.changed(new)
    edited.without("opening")

    asked = "kan jeg lese noe"
    anew = Index.build(BASE[:1], encoder=Knowing())
    anew.changed(BASE[1])
    assert [one.entry_id for one in edited.search(asked)] == [one.entry_id for one in anew.search(asked)]


def test_the_start_check_tells_whether_the_encoder_can_be_read(tmp_path: Path) -> None:
    told = {folder: _encoder_findings(folder) for folder in (tiny_bert.write(tmp_path / "model"), tmp_path / "none")}

    assert [finding.level for found in told.values() for finding in found] == ["ok", "warning"]
    assert _encoder_findings(None) == []


def test_the_encoder_of_the_command_counts_in_the_measures(tmp_path: Path) -> None:
    model = tiny_bert.write(tmp_path / "model")
    entries, queries = tmp_path / "entries.jsonl", tmp_path / "queries.jsonl"
    entries.write_text('{"id": "a", "lang": "nb", "phrasings": ["Når åpner biblioteket?"]}\n', "utf-8")
    queries.write_text('{"text": "når åpner biblioteket", "expect": "a"}\n', "utf-8")
    words = ["evaluate", "--entries", entries, "--queries", queries, "--encoder", model, "--json"]

    result = CliRunner().invoke(app, [str(word) for word in words])

    assert result.exit_code == 0, result.output
    assert '"top1": 1.0' in result.stdout


def _encoder_findings(folder: Path | None) -> list[Finding]:
    values = {
        "public_url": "http://127.0.0.1",
        "secret": "s" * 40,
        "municipalities": {"fjordvik": {"name": "Fjordvik kommune"}},
        "kb": {"encoder": folder},
    }
    return checking._encoder(from_values(values, "a test"))
