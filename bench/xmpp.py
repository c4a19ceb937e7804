"""Chat messages per second beside a bare slixmpp bot that echoes and keeps nothing: ``python -m bench.xmpp``.

Both are accounts on one private Prosody without an archive, whose own speed would else be all that is measured. Each of
the residents sends its next message when the last was acknowledged: by ours after the commit, by the bare bot with its
echo. The rounds alternate, the median of the ratios counts; at least 0.3 is the aim, and is not reached: an account's
messages are taken in one after the other, in the archive's order, so no two of them share a commit.
"""

import asyncio
import os
import ssl
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from slixmpp import ClientXMPP

from bench.channels import configured, fill, question
from bench.service import running, serving
from contactbot.demo.prosody import Prosody, find

RESIDENTS = 20
MESSAGES = int(os.environ.get("MESSAGES", "600"))  # per round
ROUNDS = int(os.environ.get("ROUNDS", "3"))
REACH = 0.3
PASSWORD = "benchmark"  # noqa: S105 - of accounts that live as long as the benchmark


def main() -> None:
    """Print messages a second of ours, of the bare bot, and the ratio."""
    program = find()
    if program is None:
        raise SystemExit("there is no Prosody here: apt-get install prosody")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        server = Prosody(program, folder / "prosody", without=frozenset({"mam"}))
        (folder / "prosody").mkdir()
        server.start()
        stack.callback(server.stop)
        jids = {role: server.register(role, PASSWORD) for role in ("ours", "bare", *map(_resident, range(RESIDENTS)))}
        configuration = configured(folder, {"gateway": "http://127.0.0.1:1", "mail": 1})
        configuration["conversation"] = {"flood_messages": 1_000_000, "flood_repeats": 1_000_000}
        account = {"jid": jids["ours"], "password": PASSWORD, "host": "127.0.0.1", "port": server.port,
                   "ca_file": str(server.certificate)}  # fmt: skip
        configuration["channels"] = {"xmpp": {"accounts": {"ours": account}}}
        asyncio.run(fill(configuration))
        stack.enter_context(serving(folder, configuration))
        bare = stack.enter_context(running("bench.xmpp", str(server.port), str(server.certificate), jids["bare"]))
        bare.readline()
        asyncio.run(_compare(server, jids))


async def _compare(server: Prosody, jids: dict[str, str]) -> None:
    clients = [
        await _online(server.port, str(server.certificate), jids[_resident(number)]) for number in range(RESIDENTS)
    ]
    rates: dict[str, list[float]] = {"ours": [], "bare": []}
    for round_ in range(ROUNDS):
        for whose, measured in rates.items():
            measured.append(await _rate(clients, jids[whose], f"{whose}-{round_}"))
    ratio = statistics.median(ours / bare for ours, bare in zip(rates["ours"], rates["bare"], strict=True))
    print(f"{'channel':<10}{'ours/s':>9}{'bare/s':>9}{'ratio':>8}{'reach':>8}")
    ours, bare = (statistics.median(rates[whose]) for whose in ("ours", "bare"))
    print(f"{'xmpp':<10}{ours:>9.0f}{bare:>9.0f}{ratio:>8.2f}{REACH:>8.2f}")
    for client in clients:
        await client.disconnect()


async def _rate(clients: list[Any], to: str, name: str) -> float:
    share = MESSAGES // RESIDENTS
    started = time.perf_counter()
    await asyncio.gather(*(_talk(client, to, f"{name}-{number}", share) for number, client in enumerate(clients)))
    return share * RESIDENTS / (time.perf_counter() - started)


async def _talk(client: Any, to: str, name: str, share: int) -> None:  # noqa: ANN401 - slixmpp has no useful types
    """Send so many messages, each when the one before was acknowledged by its id."""
    acknowledged: asyncio.Queue[str] = asyncio.Queue()

    def hear(message: Any) -> None:  # noqa: ANN401 - see above
        if message["from"].bare == to:
            acknowledged.put_nowait(message["receipt"] or message["id"])

    client.add_event_handler("message", hear)
    client.add_event_handler("receipt_received", hear)
    for number in range(share):
        message = client.make_message(mto=to, mbody=question(name, number), mtype="chat")
        message["id"] = f"{name}-{number}"
        message["request_receipt"] = True
        message.send()
        while await acknowledged.get() != f"{name}-{number}":
            pass
    client.del_event_handler("message", hear)
    client.del_event_handler("receipt_received", hear)


async def _online(port: int, certificate: str, jid: str) -> Any:  # noqa: ANN401 - see above
    trust = ssl.create_default_context(cafile=certificate)
    client: Any = ClientXMPP(f"{jid}/bench", PASSWORD, sasl_mech="PLAIN", ssl_context=trust)
    client.enable_direct_tls = False
    client.register_plugin("xep_0184", {"auto_ack": False, "auto_request": False})
    client.connect("127.0.0.1", port)
    await client.wait_until("session_start", 10)
    client.send_presence()
    return client


async def _echo(port: int, certificate: str, jid: str) -> None:
    """Be the bare bot until standard input ends: say each message back under its own id."""
    client = await _online(port, certificate, jid)

    def say_back(message: Any) -> None:  # noqa: ANN401 - see above
        if message["type"] == "chat" and message["body"]:
            echo = message.reply(message["body"])
            echo["id"] = message["id"]
            echo.send()

    client.add_event_handler("message", say_back)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await client.disconnect()


def _resident(number: int) -> str:
    return f"resident{number}"


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(_echo(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
    else:
        main()
