"""Mail is fetched from a real Dovecot: each mail once, none skipped, whatever happens to server, numbers or tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import HttpUrl, SecretStr

from contactbot.channels.email import EmailChannel, pickup
from contactbot.channels.email.oauth import TokenError, Tokens
from contactbot.channels.email.settings import EmailSettings, Listen, MailAccount, Mailbox, OAuth, Relay
from contactbot.messages import Accepted, Address, Inbound
from tests.channels.house import RecordingHouse, outbound, running, surroundings
from tests.channels.test_email import KARI, POST, letter
from tests.patience import PATIENCE
from tests.peers.dovecot import PASSWORD, Dovecot, TokenEndpoint, dovecot, token_endpoint
from tests.peers.smtp import sink


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Come back at once after a failure."""
    monkeypatch.setattr(pickup, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(pickup, "LONGEST_PAUSE", 0.1)


@pytest.fixture
async def server() -> AsyncIterator[Dovecot]:
    async with dovecot() as running_server:
        yield running_server


def mailbox(server: Dovecot, **more: object) -> Mailbox:
    return Mailbox.model_validate(
        {"host": "127.0.0.1", "port": server.port, "tls": "none", "password": PASSWORD, "poll": 0.05, **more}
    )


def channel(box: Mailbox, folder: Path, *, max_size: int = 35_000_000) -> EmailChannel:
    accounts = [MailAccount(address=POST, municipality="fjordvik", mailbox=box)]
    return EmailChannel(EmailSettings(accounts=accounts, listen=Listen(max_size=max_size)), surroundings(folder))


@asynccontextmanager
async def following(house: RecordingHouse, made: EmailChannel) -> AsyncIterator[None]:
    house.ready.clear()
    async with running(made, house):
        yield


async def begun(house: RecordingHouse) -> None:
    """Wait until the mailbox was opened for the first time."""
    async with asyncio.timeout(PATIENCE):
        while POST not in house.cursors:  # noqa: ASYNC110 - the house rings for messages only
            await asyncio.sleep(0.01)


def texts(house: RecordingHouse) -> list[str]:
    return [inbound.text for inbound in house.kept]


async def test_a_mail_is_fetched_as_it_comes_read_by_others_or_not_and_the_mailbox_stays_as_it_was(
    server: Dovecot, tmp_path: Path
) -> None:
    house = RecordingHouse()
    server.deliver(POST, letter("Fra i fjor", "old").as_bytes())
    async with following(house, channel(mailbox(server, poll=60.0), tmp_path)):
        await begun(house)
        raw = letter("Når åpner svømmehallen?", "m1").as_bytes()
        mail = server.deliver(POST, raw)
        await house.seen(kept=1)
    [inbound] = house.kept
    assert (inbound.text, inbound.sender, inbound.account) == ("Når åpner svømmehallen?", Address("email", KARI), POST)
    assert inbound.raw.replace(b"\r\n", b"\n") == raw
    assert house.cursors[POST].endswith(":2 <m1@innbygger.example>")
    assert not [path for path in mail.parents[1].glob("cur/*") if path.name.endswith("S")], "a mail was marked as read"


async def test_what_came_while_nobody_looked_is_fetched_at_the_next_start_and_nothing_twice(
    server: Dovecot, tmp_path: Path
) -> None:
    house = RecordingHouse()
    async with following(house, channel(mailbox(server), tmp_path)):
        await begun(house)
    for number in range(3):
        server.deliver(POST, letter(f"Spørsmål {number}", f"m{number}").as_bytes())
    async with following(house, channel(mailbox(server), tmp_path)):
        await house.seen(kept=3)
    async with following(house, channel(mailbox(server), tmp_path)):
        server.deliver(POST, letter("Enda et", "m3").as_bytes())
        await house.seen(kept=4)
    assert texts(house) == ["Spørsmål 0", "Spørsmål 1", "Spørsmål 2", "Enda et"]
    assert len(house.offered) == 4


async def test_a_mailbox_that_was_never_read_begins_at_its_oldest_where_the_operator_says_so(
    server: Dovecot, tmp_path: Path
) -> None:
    house = RecordingHouse()
    for number in range(5):
        server.deliver(POST, letter(f"Gammelt {number}", f"m{number}").as_bytes())
    async with following(house, channel(mailbox(server, begin="oldest"), tmp_path)):
        await house.seen(kept=5)
    assert texts(house) == [f"Gammelt {number}" for number in range(5)]


async def test_after_the_server_was_away_mail_comes_in_again(server: Dovecot, tmp_path: Path) -> None:
    house = RecordingHouse()
    async with following(house, channel(mailbox(server), tmp_path)):
        await begun(house)
        server.deliver(POST, letter("Før", "m1").as_bytes())
        await house.seen(kept=1)
        await server.stop()
        server.deliver(POST, letter("Imens", "m2").as_bytes())
        await server.start()
        await house.seen(kept=2)
    assert texts(house) == ["Før", "Imens"]


async def test_a_mailbox_numbered_anew_goes_on_after_the_last_mail_taken(server: Dovecot, tmp_path: Path) -> None:
    house = RecordingHouse()
    server.deliver(POST, letter("Fra i fjor", "old").as_bytes())
    async with following(house, channel(mailbox(server), tmp_path)):
        await begun(house)
        server.deliver(POST, letter("Før", "m1").as_bytes())
        await house.seen(kept=1)
    before = house.cursors[POST]
    await server.stop()
    server.renumber(POST)
    server.deliver(POST, letter("Etter", "m2").as_bytes())
    await server.start()
    async with following(house, channel(mailbox(server), tmp_path)):
        await house.seen(kept=2)
    assert texts(house) == ["Før", "Etter"]
    assert house.cursors[POST].partition(":")[0] != before.partition(":")[0]


async def test_where_the_last_mail_taken_is_gone_too_people_are_told_and_the_next_mail_comes_in(
    server: Dovecot, tmp_path: Path
) -> None:
    house = RecordingHouse()
    house.cursors[POST] = "1:7 <gone@innbygger.example>"
    server.deliver(POST, letter("Fra i fjor", "old").as_bytes())
    async with following(house, channel(mailbox(server), tmp_path)):
        await house.seen(kept=1)
        server.deliver(POST, letter("Nytt", "m1").as_bytes())
        await house.seen(kept=2)
    note, mail = house.kept
    assert note.subject.startswith("Postkassen er bygget om")
    assert (note.authenticated, bool(note.unreadable), mail.text) == (False, True, "Nytt")


async def test_a_mail_that_the_server_does_not_give_out_becomes_a_note_and_the_next_comes_in(
    server: Dovecot, tmp_path: Path
) -> None:
    house = RecordingHouse()
    async with following(house, channel(mailbox(server), tmp_path)):
        await begun(house)
    server.deliver(POST, letter("Ødelagt", "m1").as_bytes()).chmod(0)
    server.deliver(POST, letter("Hel", "m2").as_bytes())
    async with following(house, channel(mailbox(server), tmp_path)):
        await house.seen(kept=2)
    note, whole = house.kept
    assert note.subject == "En e-post i postkassen kunne ikke hentes: les den der"
    assert (note.unreadable, note.authenticated) == ("it could not be fetched or kept 3 times", False)
    assert (whole.text, whole.unreadable) == ("Hel", "")


class FussyHouse(RecordingHouse):
    """Breaks on one mail in whatever form it is offered."""

    async def receive(self, inbound: Inbound, cursor: str | None = None) -> Accepted:
        if b"Gift" in inbound.raw:
            raise KeyError
        return await super().receive(inbound, cursor)


async def test_a_mail_that_the_house_breaks_on_in_any_form_becomes_a_note_and_the_next_comes_in(
    server: Dovecot, tmp_path: Path
) -> None:
    house = FussyHouse()
    async with following(house, channel(mailbox(server), tmp_path)):
        await begun(house)
        server.deliver(POST, letter("Gift", "m1").as_bytes())
        server.deliver(POST, letter("Hel", "m2").as_bytes())
        await house.seen(kept=2)
    note, whole = house.kept
    assert note.subject == "En e-post i postkassen kunne ikke hentes: les den der"
    assert (whole.text, whole.unreadable) == ("Hel", "")


async def test_of_a_mail_that_is_too_large_the_header_is_kept(server: Dovecot, tmp_path: Path) -> None:
    house = RecordingHouse()
    async with following(house, channel(mailbox(server), tmp_path, max_size=10_000)):
        await begun(house)
        server.deliver(POST, letter("stor\n" * 10_000, "m1").as_bytes())
        await house.seen(kept=1)
    [kept] = house.kept
    assert (kept.sender, kept.subject, kept.text) == (Address("email", KARI), "Spørsmål", "")
    assert kept.unreadable == "it is larger than 10000 bytes; read it in the mailbox"


async def test_while_the_store_is_busy_a_mail_waits_and_is_kept_once(server: Dovecot, tmp_path: Path) -> None:
    house = RecordingHouse()
    async with following(house, channel(mailbox(server), tmp_path)):
        await begun(house)
        house.busy = True
        server.deliver(POST, letter("Hei", "m1").as_bytes())
        await house.seen(offered=1)
        house.busy = False
        await house.seen(kept=1)
    assert texts(house) == ["Hei"]


async def test_a_large_mail_comes_whole(server: Dovecot, tmp_path: Path) -> None:
    house = RecordingHouse()
    message = letter("Se vedlegg", "m1")
    content = bytes(range(256)) * 8_000
    message.add_attachment(content, "image", "jpeg", filename="vei.jpg")
    async with following(house, channel(mailbox(server), tmp_path)):
        await begun(house)
        server.deliver(POST, message.as_bytes())
        await house.seen(kept=1)
    assert house.kept[0].attachments[0].content == content


async def test_check_says_whether_the_mailbox_can_be_read(server: Dovecot, tmp_path: Path) -> None:
    for more, level in (({}, "ok"), ({"password": "feil"}, "error"), ({"folder": "Finnes ikke"}, "error")):
        findings = await channel(mailbox(server, **more), tmp_path).check()
        [found] = [finding for finding in findings if "the mailbox of" in finding.text]
        assert found.level == level
        assert PASSWORD not in found.text
        assert not [finding for finding in findings if "listen" in finding.text], "nothing listens here"


# Tokens


@pytest.fixture
async def endpoint() -> AsyncIterator[TokenEndpoint]:
    async with token_endpoint(POST) as running_endpoint:
        yield running_endpoint


def application(endpoint: TokenEndpoint, secret: str = "") -> OAuth:
    return OAuth(
        token_url=HttpUrl(f"{endpoint.url}/token"),
        client_id=endpoint.client_id,
        client_secret=SecretStr(secret or endpoint.client_secret),
    )


async def test_a_token_opens_the_mailbox_and_a_new_one_is_fetched_when_it_is_refused(
    endpoint: TokenEndpoint, tmp_path: Path
) -> None:
    house = RecordingHouse()
    async with dovecot(endpoint.url) as server:
        box = mailbox(server, password="", oauth=application(endpoint))
        async with following(house, channel(box, tmp_path)):
            await begun(house)
            server.deliver(POST, letter("Med første", "m1").as_bytes())
            await house.seen(kept=1)
            endpoint.revoked.update(endpoint.given)
            await server.stop()
            await server.start()
            server.deliver(POST, letter("Med neste", "m2").as_bytes())
            await house.seen(kept=2)
    assert texts(house) == ["Med første", "Med neste"]
    assert endpoint.given == ["token-1", "token-2"]


async def test_a_token_is_kept_until_shortly_before_it_ends(endpoint: TokenEndpoint) -> None:
    tokens = Tokens(application(endpoint))
    assert [await tokens.current() for _ in range(3)] == ["token-1"] * 3
    endpoint.lasts = 0
    tokens.forget()
    assert [await tokens.current() for _ in range(2)] == ["token-2", "token-3"]


async def test_an_endpoint_that_gives_no_token_is_told_to_the_operator_without_any_secret(
    endpoint: TokenEndpoint,
) -> None:
    with pytest.raises(TokenError, match=r"status 401, invalid_client.*client_secret") as refused:
        await Tokens(application(endpoint, "feil hemmelighet")).current()
    assert "feil hemmelighet" not in str(refused.value)
    endpoint.url = "http://127.0.0.1:9"
    with pytest.raises(TokenError, match="cannot be reached"):
        await Tokens(application(endpoint)).current()


async def test_the_same_token_submits_mail_and_without_one_the_mail_waits(
    endpoint: TokenEndpoint, tmp_path: Path
) -> None:
    async with sink() as relay:
        relay.token = "token-1"
        signed_in = Relay(port=relay.port, tls="none", user=POST, oauth=application(endpoint))
        made = EmailChannel(
            EmailSettings(accounts=[MailAccount(address=POST, municipality="fjordvik")], relay=signed_in),
            surroundings(tmp_path),
        )
        async with running(made, RecordingHouse()):
            assert (await made.send(outbound(made, Address("email", KARI), "Hei", 1))).state == "sent"
        relay.token = "token-2"
        async with running(made, RecordingHouse()):
            assert (await made.send(outbound(made, Address("email", KARI), "Hei", 2))).state == "retry"
            assert (await made.send(outbound(made, Address("email", KARI), "Hei", 2))).state == "sent"
            endpoint.refusal = "temporarily_unavailable"
        made = EmailChannel(
            EmailSettings(accounts=[MailAccount(address=POST, municipality="fjordvik")], relay=signed_in),
            surroundings(tmp_path),
        )
        async with running(made, RecordingHouse()):
            assert (await made.send(outbound(made, Address("email", KARI), "Hei", 3))).state == "retry"
        assert len(relay.mails) == 2
