"""Starts the fictional municipality with all around it: a text gateway, a mailbox, and XMPP where there is one."""

import asyncio
import json
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contactbot import app
from contactbot.clock import now
from contactbot.demo import history, pages, town
from contactbot.demo.gateway import Gateway
from contactbot.demo.mailbox import Mailbox
from contactbot.demo.prosody import HOW_TO_GET, Prosody, find
from contactbot.demo.texts import Texts
from contactbot.house import House
from contactbot.kb import editing
from contactbot.kb import store as kb
from contactbot.staff import password
from contactbot.staff import store as staff
from contactbot.storage.transaction import Transaction

RESIDENT = "kim@resident.example"
PHONE = "+4799999901"


@dataclass(frozen=True, slots=True)
class Town:
    """The running demo."""

    house: House
    gateway: Gateway
    mailbox: Mailbox
    mail_port: int
    xmpp: dict[str, Any] | None


async def run(folder: Path, port: int) -> None:
    """Run the demo until it is told to stop (Ctrl-C, SIGTERM)."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with running(folder, port) as demo:
        await _ready(demo.house)
        sys.stdout.write(_where_to_look(demo))
        sys.stdout.flush()
        await stopped.wait()
        sys.stdout.write(f"\nThe demo stops; what was said is kept in {folder}\n")


@asynccontextmanager
async def running(folder: Path, port: int) -> AsyncIterator[Town]:
    """Run the demo while the context lasts; its data stay in ``folder``."""
    kept = await asyncio.to_thread(_kept_secrets, folder)
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(
            Gateway(
                account_sid=kept["account_sid"], auth_token=kept["auth_token"], numbers=(town.NUMBER,), pace=0.4,
                text_url=f"http://127.0.0.1:{port}/channels/sms/inbound", texts=Texts(folder / "texts.jsonl"),
            )
        )  # fmt: skip
        mailbox = await stack.enter_async_context(Mailbox(folder / "mailbox", RESIDENT).listening())
        xmpp = await _xmpp(stack, folder / "prosody", kept)
        ports = town.Ports(web=port, mail_in=_free_port(), mail_out=mailbox.port, gateway_url=gateway.url)
        settings = town.settings(
            folder, ports, secret=kept["secret"], twilio=(gateway.account_sid, gateway.auth_token),
            xmpp=None if xmpp is None else xmpp["bot"],
        )  # fmt: skip
        scene = pages.Scene(gateway, mailbox, PHONE, ports.mail_in, xmpp)
        house = await stack.enter_async_context(
            app.running(settings, serve=True, more_routes=scene.routes(), prepare=_settle_in)
        )
        yield Town(house, gateway, mailbox, ports.mail_in, xmpp)


async def _settle_in(house: House) -> None:
    """On the first start: answers, people and a month of history."""
    if not await house.database.read(kb.shelf, town.KEY):
        await house.database.write(editing.take_in, town.KEY, town.base(), "operator", now())
    if not await house.database.read(staff.everybody, town.KEY):
        hashed = await asyncio.to_thread(password.hash_of, town.PASSWORD)
        await house.database.write(_move_in, hashed, await history.surroundings(house, town.KEY))


def _move_in(tx: Transaction, hashed: str, around: history.Surroundings) -> None:
    for person in town.PEOPLE:
        staff.add(tx, town.KEY, person.email, person.name, person.role, hashed, person.team, around.now)
    history.write(tx, around)


async def _xmpp(stack: AsyncExitStack, folder: Path, kept: dict[str, str]) -> dict[str, Any] | None:
    program = find()
    if program is None:
        return None
    server = Prosody(program, folder)
    bot = await asyncio.to_thread(server.register, "fjordvik", kept["xmpp_bot"])
    resident = await asyncio.to_thread(server.register, "kim", kept["xmpp_resident"])
    await asyncio.to_thread(server.start)
    stack.push_async_callback(asyncio.to_thread, server.stop)
    reach = {"host": "127.0.0.1", "port": server.port, "ca_file": str(server.certificate)}
    return {
        "bot": {"jid": bot, "password": kept["xmpp_bot"], **reach},
        "resident": resident,
        "password": kept["xmpp_resident"],
        "port": server.port,
        "certificate": str(server.certificate),
    }


async def _ready(house: House) -> None:
    """Wait until every channel receives."""
    for reception in house.receptions.values():
        await reception.ready.wait()


def _kept_secrets(folder: Path) -> dict[str, str]:
    """Return the demo's passwords, drawn on its first start, so that everything is the same on the next."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / "demo.json"
    if file.exists():
        kept: dict[str, str] = json.loads(file.read_text("utf-8"))
        return kept
    drawn = {
        "secret": secrets.token_urlsafe(32),
        "account_sid": f"AC{secrets.token_hex(16)}",
        "auth_token": secrets.token_hex(16),
        "xmpp_bot": secrets.token_hex(12),
        "xmpp_resident": secrets.token_hex(6),
    }
    file.touch(mode=0o600)
    file.write_text(json.dumps(drawn), "utf-8")
    return drawn


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _where_to_look(demo: Town) -> str:
    url = demo.house.settings.public_url
    people = "\n".join(f"    {p.role.value:<7} {p.email:<26} {town.PASSWORD}" for p in town.PEOPLE)
    lines = [
        f"Fjordvik kommune is open: {url}/",
        "",
        f"  Ask as a resident         {url}/",
        f"  A phone and a mailbox     {url}/demo",
        f"  Answer as staff           {url}/desk",
        f"  Edit the answers          {url}/kb",
        f"  See who saw what          {url}/privacy",
        "",
        "  Sign in as",
        people,
        "",
        f"  Email                     SMTP on 127.0.0.1:{demo.mail_port}, to {town.MAILBOX}",
    ]
    if demo.xmpp is None:
        lines.append(f"  {HOW_TO_GET}")
    else:
        lines += [
            f"  XMPP                      {demo.xmpp['resident']} with password {demo.xmpp['password']}",
            f"                            on 127.0.0.1:{demo.xmpp['port']}, writing to {demo.xmpp['bot']['jid']}",
            f"                            (trust {demo.xmpp['certificate']})",
        ]
    return "\n".join([*lines, "", "  Ctrl-C stops it.", ""])
