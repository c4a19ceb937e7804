"""The bare servers that ours is measured against: the same library, one fsynced transaction per message, nothing else.

Run as ``python -m bench.bare smtp|lmtp|sms|webchat FOLDER``; prints its port, ends with its standard input.
"""

import asyncio
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiohttp import WSMsgType, web
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session


class Store:
    """One SQLite table; each message is one transaction with an fsync, in an executor thread, without grouping."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "bare.db"
        self._executor = ThreadPoolExecutor(1)
        self._local = threading.local()

    async def keep(self, content: bytes) -> None:
        """Return after the commit."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._keep, content)

    def _keep(self, content: bytes) -> None:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = sqlite3.connect(self._path, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, content BLOB)")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO message (content) VALUES (?)", (content,))
        connection.execute("COMMIT")


class Mail:
    """The handler of a bare SMTP server."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name for the event
        """Keep the mail, then say so."""
        content = envelope.content
        await self._store.keep(content if isinstance(content, bytes) else str(content).encode())
        return "250 OK"


async def mail(store: Store, protocol: type[SMTP]) -> int:
    """Start bare aiosmtpd; return its port."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(Mail(store), loop=loop), "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    return port


async def http(store: Store) -> int:
    """Start bare aiohttp with a webhook and a WebSocket; return its port."""

    async def webhook(request: web.Request) -> web.Response:
        await store.keep(await request.read())
        return web.Response(text="<Response/>", content_type="text/xml")

    async def line(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for frame in socket:
            if frame.type is WSMsgType.TEXT:
                await store.keep(frame.data.encode())
                await socket.send_str("accepted")
        return socket

    app = web.Application()
    app.add_routes([web.post("/inbound", webhook), web.get("/ws", line)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port: int = runner.addresses[0][1]
    return port


async def _serve(kind: str, folder: Path) -> None:
    store = Store(folder)
    protocol = {"smtp": SMTP, "lmtp": LMTP}.get(kind)
    print(await (mail(store, protocol) if protocol else http(store)), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], Path(sys.argv[2])))
