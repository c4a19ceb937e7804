"""Chat messages per second beside bare bots that say each message back: ``python -m bench.xmpp``.

All are accounts on one private Prosody without an archive, whose own speed would else be all that is measured. Each of
the residents sends its next message when the last was acknowledged: by ours after the commit, by the others with their
echo. The rounds alternate, the median of the ratios counts.

Beside ours: slixmpp alone, which keeps nothing; slixmpp with one fsynced transaction per message in a thread
(``bench/bare.py``); and errbot with the same, where it is on the machine (``bench/errbot.py``): its rate is that of
committed messages, as ours is. Only ours reads what was said, finds the answer, and commits that too: it is timed up to
its receipt, but the answer is on its way meanwhile and takes its share of the machine.
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

from bench import errbot
from bench.bare import Store
from bench.channels import configured, fill, question
from bench.service import cpu, running, serving
from contactbot.demo.prosody import Prosody, find

RESIDENTS = 20
MESSAGES = int(os.environ.get("MESSAGES", "600"))  # per round
ROUNDS = int(os.environ.get("ROUNDS", "3"))
REACH = {"bare": 0.3, "keeping": 0.3, "errbot": 1.0}
DOES = {
    "bare": "echoes, keeps nothing",
    "keeping": "echoes after a commit with fsync of its own for each message",
    "errbot": "echoes after a commit with fsync of its own for each message: the peer per committed message",
}
ECHO = ""  # in the place of a receipt's key: errbot changes the words it says back
PASSWORD = "benchmark"  # noqa: S105 - of accounts that live as long as the benchmark
ERRBOT_SECONDS = 60.0  # until errbot is online
STUCK_SECONDS = 120.0  # for one round; a bot that says nothing for so long will not do so any more


def main() -> None:
    """Print messages a second of ours and of each peer, and the ratio."""
    program = find()
    if program is None:
        raise SystemExit("there is no Prosody here: apt-get install prosody")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        server = Prosody(program, folder / "prosody", without=frozenset({"mam"}))
        (folder / "prosody").mkdir()
        server.start()
        stack.callback(server.stop)
        roles = ("ours", *REACH, *map(_resident, range(RESIDENTS)))
        jids = {role: server.register(role, PASSWORD) for role in roles}
        configuration = configured(folder, {"gateway": "http://127.0.0.1:1", "mail": 1})
        configuration["conversation"] = {"flood_messages": 1_000_000, "flood_repeats": 1_000_000}
        account = {"jid": jids["ours"], "password": PASSWORD, "host": "127.0.0.1", "port": server.port,
                   "ca_file": str(server.certificate)}  # fmt: skip
        configuration["channels"] = {"xmpp": {"accounts": {"ours": account}}}
        asyncio.run(fill(configuration))
        process = stack.enter_context(serving(folder, configuration))
        peers = _started(stack, folder, server, jids)
        asyncio.run(_compare(server, jids, peers, process))


def _started(stack: ExitStack, folder: Path, server: Prosody, jids: dict[str, str]) -> list[str]:
    """Start the bots beside ours; return their names."""
    peers = ["bare", "keeping"]
    for name in peers:
        kept = str(folder) if name == "keeping" else ""
        bot = running("bench.xmpp", str(server.port), str(server.certificate), jids[name], kept)
        stack.enter_context(bot).readline()
    program = errbot.find()
    if program is None:
        print("errbot is not here, and not measured: see bench/errbot.py")
        return peers
    (folder / "errbot").mkdir()
    account = (jids["errbot"], PASSWORD)
    stack.enter_context(errbot.running(program, folder / "errbot", account, server.port, server.certificate))
    return [*peers, "errbot"]


async def _compare(server: Prosody, jids: dict[str, str], peers: list[str], process: int) -> None:
    clients = [
        await _online(server.port, str(server.certificate), jids[_resident(number)]) for number in range(RESIDENTS)
    ]
    if "errbot" in peers:
        await _until_there(clients[0], jids["errbot"])
    rates: dict[str, list[float]] = {name: [] for name in ("ours", *peers)}
    spent = 0.0
    for round_ in range(ROUNDS):
        for name, measured in rates.items():
            before = cpu(process)
            measured.append(await _rate(clients, jids[name], f"{name}-{round_}"))
            spent += cpu(process) - before if name == "ours" else 0.0
    print(f"ours: {statistics.median(rates['ours']):.0f}/s, {spent / ROUNDS / MESSAGES:.2f} ms of CPU a message")
    print("ours: a receipt after the commit; each message is also understood and answered, and the answer committed")
    print(f"{'peer':<10}{'peer/s':>9}{'ratio':>8}{'reach':>8}  what it does")
    for peer in peers:
        ratio = statistics.median(ours / other for ours, other in zip(rates["ours"], rates[peer], strict=True))
        print(f"{peer:<10}{statistics.median(rates[peer]):>9.0f}{ratio:>8.2f}{REACH[peer]:>8.2f}  {DOES[peer]}")
    for client in clients:
        await client.disconnect()


async def _until_there(client: Any, jid: str) -> None:  # noqa: ANN401 - slixmpp has no useful types
    """Write to a bot until it answers; errbot does not read what was written before it was online."""
    answered = asyncio.Event()
    client.add_event_handler("message", lambda _message: answered.set())
    async with asyncio.timeout(ERRBOT_SECONDS):
        while not answered.is_set():
            client.send_message(mto=jid, mbody="hei", mtype="chat")
            await asyncio.wait({asyncio.ensure_future(answered.wait())}, timeout=1)
    await asyncio.sleep(1)  # until every greeting is answered


async def _rate(clients: list[Any], to: str, name: str) -> float:
    share = MESSAGES // RESIDENTS
    started = time.perf_counter()
    async with asyncio.timeout(STUCK_SECONDS):
        await asyncio.gather(*(_talk(client, to, f"{name}-{number}", share) for number, client in enumerate(clients)))
    return share * RESIDENTS / (time.perf_counter() - started)


async def _talk(client: Any, to: str, name: str, share: int) -> None:  # noqa: ANN401 - see above
    """Send so many messages, each when the one before was acknowledged: by our receipt, or by its echo."""
    acknowledged: asyncio.Queue[str] = asyncio.Queue()

    def hear(message: Any) -> None:  # noqa: ANN401 - see above
        if message["from"].bare == to:
            acknowledged.put_nowait(message["receipt"] or ECHO)

    client.add_event_handler("message", hear)
    client.add_event_handler("receipt_received", hear)
    for number in range(share):
        key = f"{name}-{number}"
        message = client.make_message(mto=to, mbody=question(name, number), mtype="chat")
        message["id"] = key
        message["request_receipt"] = True
        message.send()
        while await acknowledged.get() != (key if name.startswith("ours") else ECHO):
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


async def _echo(port: int, certificate: str, jid: str, folder: str) -> None:
    """Be a bare bot until standard input ends: say each message back, once it is kept where a folder is given."""
    client = await _online(port, certificate, jid)
    store = Store(Path(folder))

    def say_back(message: Any) -> None:  # noqa: ANN401 - see above
        if message["type"] == "chat" and message["body"]:
            message.reply(message["body"]).send()

    async def keep(message: Any) -> None:  # noqa: ANN401 - see above
        await store.keep(message["body"].encode())
        say_back(message)

    client.add_event_handler("message", keep if folder else say_back)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await client.disconnect()


def _resident(number: int) -> str:
    return f"resident{number}"


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(_echo(int(sys.argv[1]), *sys.argv[2:]))
    else:
        main()
