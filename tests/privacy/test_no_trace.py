"""Whatever residents write, on whichever channel, no national id of theirs is left where anybody could come upon it.

Two places hold what was sent as it was, and are excepted: the original of a message, which staff open for a reason and
which expires, and the files that came with it; both lie in ``blob``. An address is kept as it is, or nobody could
answer.
"""

import io
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from contactbot.clock import now
from contactbot.places import place
from contactbot.privacy.people import export, person
from contactbot.staff import password
from contactbot.storage.transaction import Transaction
from tests.conversation.town import HERE
from tests.privacy.everywhere import PASSWORD, QUICK, WAYS, Everywhere, Said, everywhere
from tests.test_masking import FORMATS, national_id, written

NORWAY = place("no")
BETWEEN = re.compile(r"[\s.,:;/|_·•()'’\-‐-―−\u00ad\u200b-\u200f\u2060\ufeff]+")
AROUND = (
    "{}", "når åpner biblioteket? mitt nummer er {}", "fnr {} hva skjer med arven", "HVORFOR {}", "STATUS {}",
    "{} vil snakke med et menneske", "Sønnen min {} og datteren {} skal begynne", "jeg er fødd {}, når hentes søppelet",
    "I want to know about {}", "jeg har tenkt å ta livet mitt, {}", "SLETT {}", "1 {}",
)  # fmt: skip
SAME = {"Sec-Fetch-Site": "same-origin"}
PAGES = ("/desk", "/desk?view=all", "/desk?q={}", "/svar/?q={}", "/", "/personvern", "/kb", "/desk/contacts/new")


@st.composite
def messages(draw: st.DrawFn) -> tuple[Said, frozenset[str]]:
    """Draw what one resident sends, with national ids in every place that words can stand, and those ids."""
    numbers = [national_id() for _ in range(draw(st.integers(1, 3)))]
    shown = [written(number, draw(st.sampled_from(FORMATS))) for number in numbers]
    around = draw(st.sampled_from(AROUND))
    text = around.format(*(shown * 2))
    odd = draw(st.sampled_from(("", "subject", "name", "file")))
    said = Said(
        draw(st.sampled_from(sorted(WAYS))), text, draw(st.integers(1, 9)),
        name=f"Kim {shown[0]}" if odd == "name" else "Kim Nilsen",
        subject=f"Søknad for {shown[-1]}" if odd == "subject" else "",
        file=f"søknad {written(numbers[0], '{0}{1}')}.txt" if odd == "file" else "",
    )  # fmt: skip
    return said, frozenset(numbers)


@pytest.fixture(scope="module")
def log() -> Iterator[io.StringIO]:
    """Catch what is logged, down to the least."""
    caught = io.StringIO()
    handler = logging.StreamHandler(caught)
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(caught), wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    logging.getLogger().addHandler(handler)
    yield caught
    logging.getLogger().removeHandler(handler)
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def house(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory, log: io.StringIO) -> Iterator[Everywhere]:
    """Run one house for all conversations."""
    del log
    folder = tmp_path_factory.mktemp("no-trace")
    file = folder / "contactbot.db"
    file.write_bytes(migrated_file.read_bytes())
    with pytest.MonkeyPatch.context() as patch, everywhere(f"sqlite:///{file}", folder) as running:
        patch.setattr(password, "_HASHER", QUICK)
        yield running


SEEN: set[str] = set()  # every number that any conversation so far has held


@given(st.lists(messages(), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_no_national_id_is_left_anywhere_after_any_conversation(
    house: Everywhere, log: io.StringIO, conversation: list[tuple[Said, frozenset[str]]]
) -> None:
    for said, numbers in conversation:
        SEEN.update(numbers)
        for reply in house.hears(said):
            assert clean(reply), reply
    for where, text in house.stored():
        assert clean(text), where
        assert where not in MASKED or not list(NORWAY.national_ids(text)), where
    assert clean(log.getvalue())


# Where residents' words are kept; elsewhere an identifier of a machine may look like a number by accident.
MASKED = frozenset(
    {"message.text", "message.folded", "thread.subject", "ticket.title", "outbox.subject", "message_search.folded"}
)


def clean(text: str) -> bool:
    """Tell whether none of the numbers is in a text, however it is typed."""
    together = BETWEEN.sub("", text)
    return not any(number in together for number in SEEN)


def test_no_national_id_is_on_any_page(house: Everywhere) -> None:
    numbers = [national_id() for _ in range(3)]
    SEEN.update(numbers)
    for resident, number in enumerate(numbers, start=50):
        house.hears(Said("sms", f"fnr {number}, hva skjer med arven", resident, name=f"Kim {number}"))
        house.hears(Said("sms", "jeg vil snakke med et menneske", resident))
    pages = house.do(all_pages(house, numbers[0]))
    assert len(pages) > len(PAGES)
    for path, page in pages.items():
        assert clean(page), path


def test_no_national_id_is_in_what_a_person_is_given_or_in_why_somebody_looked(house: Everywhere) -> None:
    number = national_id()
    SEEN.add(number)
    house.hears(Said("email", f"fnr {number}, hva skjer med arven", 70, name=f"Kim {number}", subject=f"Om {number}"))
    asked_for = "kim70@resident.example"
    for shown in house.do(exports(house, asked_for)):
        assert asked_for in shown
        assert clean(shown)
    house.do(look_at_all_originals(house, f"gjelder {number}"))
    reasons = [text for where, text in house.stored() if where == "event.data" and "gjelder" in text]
    assert reasons
    assert all(map(clean, reasons))


async def exports(house: Everywhere, asked_for: str) -> list[str]:
    """Return everything held about somebody, in both forms; raw copies and files apart, which are what was sent."""
    town, database = house.house.municipalities[HERE], house.house.database
    key = house.house.settings.secret.get_secret_value().encode()
    found = await database.read(person.look_up, HERE, [asked_for], town.place.normalise_phone, key)
    records = [person.records(database, HERE, found, person.Extent(), key, now()) for _ in range(2)]
    forms = export.as_json(records[0], person.kind_of), export.as_html(records[1], town)
    return ["".join([part async for part in form]) for form in forms]


async def look_at_all_originals(house: Everywhere, reason: str) -> None:
    """Open the original of every message of every case, for a reason that should not stand anywhere as it is."""
    base = str(house.server.make_url("")).rstrip("/")
    async with signed_in(base) as client:
        for path in await house.house.database.read(_originals):
            async with client.post(f"{base}{path}", data={"reason": reason}, headers=SAME) as answer:
                assert answer.status == 200


async def all_pages(house: Everywhere, number: str) -> dict[str, str]:
    """Return every page that an administrator and a resident can open, by path."""
    base = str(house.server.make_url("")).rstrip("/")
    found = {}
    async with signed_in(base) as client:
        cases = [f"/desk/tickets/{case}" for case in await house.house.database.read(_cases)]
        assert cases
        for path in (*PAGES, *cases):
            async with client.get(base + path.format(number)) as answer:
                if answer.status == 200:
                    found[path] = await answer.text()
    return found


@asynccontextmanager
async def signed_in(base: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Sign an administrator in."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        form = {"email": "ada@fjordvik.example", "password": PASSWORD}
        async with client.post(f"{base}/sign-in", data=form, headers=SAME) as answer:
            assert answer.status == 200
        yield client


def _originals(tx: Transaction) -> list[str]:
    rows = tx.rows(
        "SELECT k.number, r.message FROM raw r JOIN message m ON m.id = r.message"
        " JOIN ticket_thread x ON x.thread = m.thread JOIN ticket k ON k.id = x.ticket"
    )
    return [f"/raw/tickets/{number}/messages/{message}/original" for number, message in rows]


def _cases(tx: Transaction) -> list[int]:
    return [number for (number,) in tx.rows("SELECT number FROM ticket")]
