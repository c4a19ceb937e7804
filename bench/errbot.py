"""errbot as a peer of the XMPP benchmark, where it is on the machine, with a plugin that keeps and echoes.

By itself errbot keeps nothing. The plugin commits each message before it says it back: SQLite in autocommit makes every
INSERT a transaction, and ``synchronous=FULL`` makes every transaction an fsync. So it answers for committed messages.

Install it anywhere (``pip install errbot 'slixmpp<1.9'``, in an environment of its own) and name its program in ERRBOT.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

_PLUGIN = """
    [Core]
    Name = Keeper
    Module = keeper

    [Python]
    Version = 3
"""
_KEEPER = """
    import os, sqlite3, threading
    from errbot import BotPlugin

    class Keeper(BotPlugin):
        mine = threading.local()

        def callback_message(self, message):
            store = getattr(self.mine, "store", None) or self.opened()
            store.execute("INSERT INTO message (content) VALUES (?)", (message.body,))
            self.send(message.frm, message.body)

        def opened(self):
            store = self.mine.store = sqlite3.connect(os.environ["KEPT"], isolation_level=None, timeout=30)
            store.execute("PRAGMA journal_mode=WAL")
            store.execute("PRAGMA synchronous=FULL")
            store.execute("CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, content TEXT)")
            return store
"""
_CONFIGURATION = """
    import logging
    BACKEND, STORAGE, CORE_PLUGINS = "XMPP", "Memory", ()
    BOT_DATA_DIR, BOT_EXTRA_PLUGIN_DIR = {data!r}, {plugins!r}
    BOT_LOG_FILE, BOT_LOG_LEVEL = {log!r}, logging.ERROR
    BOT_ADMINS = ("nobody@localhost",)
    BOT_IDENTITY = {{"username": {jid!r}, "password": {password!r}, "server": ("127.0.0.1", {port})}}
    XMPP_CA_CERT_FILE = {certificate!r}
    XMPP_FEATURE_MECHANISMS = {{"use_mech": "PLAIN"}}
"""


def find() -> str | None:
    """Return errbot's program, or None."""
    return os.environ.get("ERRBOT") or shutil.which("errbot")


@contextmanager
def running(program: str, folder: Path, account: tuple[str, str], port: int, certificate: Path) -> Iterator[None]:
    """Run errbot on an account (address and password) until the block ends; it may not be online yet."""
    data, plugins = folder / "data", folder / "plugins"
    (plugins / "keeper").mkdir(parents=True)
    data.mkdir()
    jid, password = account
    values = {
        "data": str(data), "plugins": str(plugins), "log": str(folder / "log"), "jid": jid, "password": password,
        "port": port, "certificate": str(certificate),
    }  # fmt: skip
    (plugins / "keeper" / "keeper.plug").write_text(dedent(_PLUGIN).lstrip(), "utf-8")
    (plugins / "keeper" / "keeper.py").write_text(dedent(_KEEPER), "utf-8")
    (folder / "config.py").write_text(dedent(_CONFIGURATION).format(**values), "utf-8")
    environment = {**os.environ, "KEPT": str(folder / "kept.db")}
    command = [program, "-c", str(folder / "config.py")]
    with (folder / "out").open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=environment) as bot:
        try:
            yield
        finally:
            bot.terminate()
