"""The knowledge base leaves and comes back whole in every form, and no file from outside does harm."""

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from contactbot.kb import packs
from contactbot.kb.entry import Entry, EntryError
from tests.kb.samples import TAX, WASTE, entries

ENDINGS = list(packs.FORMS)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
HEADER = "id;språk;spørsmål;formuleringer;fullt svar"


def sheet(*lines: str, encoding: str = "utf-8") -> bytes:
    return "\r\n".join(lines).encode(encoding)


def refusal(name: str, content: bytes) -> str:
    with pytest.raises(EntryError) as refused:
        packs.read(name, content)
    return str(refused.value)


def outcome(name: str, content: bytes) -> tuple[Entry, ...] | str:
    """Return the entries of a file, or the words it is refused with."""
    try:
        return packs.read(name, content)
    except EntryError as error:
        return str(error)


@pytest.mark.parametrize("ending", ENDINGS)
@QUICK
@given(some=entries())
def test_what_is_given_out_comes_back_the_same(ending: str, some: tuple[Entry, ...]) -> None:
    assert packs.read(f"x{ending}", packs.write(f"x{ending}", some)) == some


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_sample_base_comes_back_the_same(ending: str) -> None:
    assert packs.read(f"X{ending.upper()}", packs.write(f"x{ending}", (WASTE, TAX))) == (WASTE, TAX)


@pytest.mark.parametrize("ending", ENDINGS)
@QUICK
@given(content=st.binary(max_size=400))
def test_any_bytes_are_entries_or_a_clear_refusal(ending: str, content: bytes) -> None:
    assert outcome(f"x{ending}", content)


@pytest.mark.parametrize("ending", ENDINGS)
@QUICK
@given(at=st.integers(0, 10_000), flipped=st.integers(1, 255), cut=st.integers(0, 10_000))
def test_a_damaged_file_is_entries_or_a_clear_refusal(ending: str, at: int, flipped: int, cut: int) -> None:
    content = bytearray(WHOLE[ending])
    content[at % len(content)] ^= flipped
    del content[len(content) - cut % len(content) // 8 :]
    assert outcome(f"x{ending}", bytes(content))


@pytest.mark.parametrize("ending", [".json", ".jsonl"])
@QUICK
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["id", "texts", "nb", "question", "tags", "lang"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_json_is_entries_or_a_clear_refusal(ending: str, value: object) -> None:
    assert outcome(f"x{ending}", json.dumps([value] if ending == ".json" else value).encode())


def test_json_of_a_thousand_levels_or_digits_is_refused() -> None:
    assert "not JSON" in refusal("x.json", b"[" * 100_000)
    assert "not JSON" in refusal("x.jsonl", b'{"id": ' + b"[" * 100_000)
    assert "not JSON" in refusal("x.jsonl", b'{"id": ' + b"9" * 10_000 + b"}")


# --- sheets ---


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_sheets_of_every_kind_of_excel_are_read(encoding: str, separator: str) -> None:
    content = sheet(HEADER, "a;nb;Når åpner bøkene?;øl;ål", encoding=encoding)
    (entry,) = packs.read("x.csv", content.decode(encoding).replace(";", separator).encode(encoding))
    assert (entry.texts[0].question, entry.texts[0].full) == ("Når åpner bøkene?", "ål")


def test_rows_with_one_id_are_the_languages_of_one_entry() -> None:
    content = sheet(f"{HEADER};tema", "a;nb;Hva?;;Ja;vann", "a;nn;Kva?;;Jau;", "b;nb;Hvem?;;Meg;")
    one, other = packs.read("x.csv", content)
    assert (one.languages, one.topic, other.id) == (("nb", "nn"), "vann", "b")


def test_dates_are_read_as_norwegian_sheets_write_them() -> None:
    (entry,) = packs.read("x.csv", sheet(f"{HEADER};gyldig til", "a;nb;Hva?;;Ja;31.12.2026"))
    assert str(entry.valid_to) == "2026-12-31"


def test_no_cell_that_is_given_out_can_run_as_a_formula() -> None:
    for sign in "=+-@\t":
        evil = Entry("a", 1, (TAX.texts[0].__class__("nb", f"{sign}cmd|' /C calc'!A0", full=f"{sign}1+1"),))
        content = packs.write("x.csv", [evil]).decode("utf-8-sig")
        assert f";{sign}" not in content
        assert f'"{sign}' not in content


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((HEADER, "a;nb;;;x"), "line 2, spørsmål: missing or empty"),
        ((HEADER, "a;nb;Hva?;;x", "b;;Hvem?;;y"), "line 3, språk: missing or empty"),
        ((HEADER, 'a;nb;"To\nlinjer";;x', ";nb;Hvem?;;y"), "line 4, id: missing or empty"),
        ((HEADER, "a;nb;Hva?;;x", "a;nb;Igjen?;;y"), "line 3, språk: the id 'a' is there twice in this language"),
        ((f"{HEADER};gyldig til", "a;nb;Hva?;;x;snart"), "line 2, gyldig til: expected a date"),
        ((f"{HEADER};eier", "a;nb;Hva?;;x;Ola", "a;nn;Kva?;;x;Kari"), "line 3, eier: differs from line 2"),
        ((f"{HEADER};farge", "a;nb;Hva?;;x;rød"), "line 1, farge: unknown column"),
        (("id;språk", "a;nb"), "line 1, spørsmål: the column is missing"),
        ((HEADER, "a;nb;Hva?;;x;for;mye"), "line 2: 7 cells below 5 column names"),
        ((HEADER, 'a;nb;"Hva?;;x'), "line 2: not CSV"),
        ((HEADER,), "the file holds no entries"),
        (("",), "empty; the first line must name the columns"),
    ],
)
def test_a_mistake_in_a_sheet_is_named_with_line_and_column(lines: tuple[str, ...], words: str) -> None:
    assert words in refusal("x.csv", sheet(*lines))


# --- packs ---


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Return a good pack, to be spoiled."""
    file = tmp_path / "pack.db"
    file.write_bytes(packs.write("pack.db", (WASTE, TAX)))
    return file


def test_a_pack_opens_in_any_tool(pack: Path) -> None:
    database = Database(pack)
    assert database.table("entry").count == 2
    assert [row["phrasing"] for row in database.table("phrasing").rows] == list(WASTE.texts[0].phrasings)
    database.close()


@pytest.mark.parametrize(
    ("spoiling", "words"),
    [
        ("DROP TABLE text", "there is no table text"),
        ("ALTER TABLE entry RENAME COLUMN tags TO labels", "no column tags"),
        ("UPDATE about SET value = '99'", "not a pack of form 1"),
        ("UPDATE entry SET kind = 'riddle' WHERE id = 'skatt'", "id 'skatt', kind: expected answer or referral"),
        ("UPDATE entry SET tags = 'not json'", "tags: expected a list"),
        ("UPDATE text SET question = x'00ff' WHERE entry = 'skatt'", "question: expected a string"),
        ("DELETE FROM entry", "the file holds no entries"),
        ("DROP TABLE entry; CREATE VIEW entry AS SELECT 1 AS id", "there is no table entry"),
        ("DROP TABLE entry; CREATE VIRTUAL TABLE entry USING fts5(id, tags)", "there is no table entry"),
    ],
)
def test_a_pack_that_is_not_one_is_refused_in_words(pack: Path, spoiling: str, words: str) -> None:
    connection = sqlite3.connect(pack)
    connection.executescript(f"PRAGMA foreign_keys = OFF; {spoiling}")
    connection.close()
    assert words in refusal("x.db", pack.read_bytes())


def test_a_pack_cannot_keep_us_busy(pack: Path) -> None:
    """A generated column may count for ever; reading is stopped after a bounded number of steps."""
    endless = "INTEGER GENERATED ALWAYS AS (length(replace(hex(zeroblob(9000000)), '0', 'ab'))) VIRTUAL"
    connection = sqlite3.connect(pack)
    connection.executescript(
        f"DROP TABLE phrasing; CREATE TABLE phrasing (entry TEXT, language TEXT, position {endless}, phrasing TEXT);"  # noqa: S608 - of our own
        "INSERT INTO phrasing (entry, language, phrasing) VALUES ('skatt', 'nb', 'x')"
    )
    connection.close()
    assert outcome("x.db", pack.read_bytes())


# --- any form ---


@pytest.mark.parametrize("name", ["x.xlsx", "x", "csv", "x.csv.exe"])
def test_an_unknown_ending_is_refused_and_the_known_are_named(name: str) -> None:
    assert ".csv, .json, .jsonl, .db" in refusal(name, b"")


def test_signs_that_nobody_can_read_are_dropped() -> None:
    line = json.dumps({"id": "a", "lang": "nb", "phrasings": ["Hva\0 \ud800er\x1b[31m?"], "answer": "Ja\r\nda"})
    (entry,) = packs.read("x.jsonl", line.encode())
    assert (entry.texts[0].question, entry.texts[0].full) == ("Hva er[31m?", "Ja\nda")


@pytest.mark.parametrize("name", ["a/b", "..", "a\nb", "x" * 201])
def test_an_id_that_no_address_can_hold_is_refused(name: str) -> None:
    line = json.dumps({"id": name, "lang": "nb", "phrasings": ["Hva?"]})
    assert "no slash or control character" in refusal("x.jsonl", line.encode())


def test_a_line_separator_inside_a_text_ends_no_line() -> None:
    line = json.dumps({"id": "a", "lang": "nb", "phrasings": ["Hva\u2028er?"]}, ensure_ascii=False)
    assert len(packs.read("x.jsonl", line.encode())) == 1


WHOLE = {ending: packs.write(f"x{ending}", (WASTE, TAX)) for ending in ENDINGS}
