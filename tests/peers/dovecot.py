"""A real Dovecot as the mail server of a municipality whose mailbox lives elsewhere, on ports of 127.0.0.1."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.parts import missing, program
from tests.patience import PATIENCE
from tests.peers.postfix import free_port

PASSWORD = "hemmelig-æøå"

_MAIN = """\
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = {mechanisms}
mail_location = maildir:{base}/mail/%u
first_valid_uid = 1
default_internal_user = dovecot
default_login_user = dovenull
maildir_broken_filename_sizes = yes
mail_fsync = never
{passwords}
userdb {{
  driver = static
  args = uid=dovecot gid=dovecot home={base}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""
_PASSWORD = """\
passdb {{
  driver = static
  args = password={password}
}}
"""
_TOKENS = """\
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {base}/oauth2.conf.ext
}}
"""
_OAUTH = """\
introspection_mode = post
introspection_url = {url}/introspect
username_attribute = username
active_attribute = active
active_value = true
"""


@dataclass(slots=True)
class Dovecot:
    """A running mail server; each user's mailbox is a folder that mail is put into as a delivery agent does."""

    port: int
    folder: Path
    _process: asyncio.subprocess.Process | None = None
    _delivered: int = 0

    def deliver(self, user: str, raw: bytes) -> Path:
        """Put a mail into a user's mailbox; the server tells whoever waits for it."""
        inbox = self.folder / "mail" / user
        for part in ("tmp", "new", "cur"):
            (inbox / part).mkdir(parents=True, exist_ok=True)
        self._delivered += 1
        name = f"{1_700_000_000 + self._delivered}.M{self._delivered}.test"
        draft, mail = inbox / "tmp" / name, inbox / "new" / name
        draft.write_bytes(raw)
        for path in (inbox, inbox / "tmp", inbox / "new", inbox / "cur", draft):
            shutil.chown(path, "dovecot", "dovecot")
        draft.rename(mail)
        return mail

    def renumber(self, user: str) -> None:
        """Make the server forget how it numbered a mailbox, as a restored backup does: UIDVALIDITY changes."""
        inbox = self.folder / "mail" / user
        for file in [*inbox.glob("dovecot*"), *inbox.glob("subscriptions")]:
            file.unlink()

    async def start(self) -> None:
        """Start the server; return when it greets."""
        command = program("dovecot", "dovecot-imapd")
        self._process = await asyncio.create_subprocess_exec(
            command, "-F", "-c", str(self.folder / "dovecot.conf"),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE):
            while not await self._greets():
                assert self._process.returncode is None, self.log()
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """End the server and every connection: those that are served by processes of their own outlive its first."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            async with asyncio.timeout(PATIENCE):
                await self._process.wait()
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def log(self) -> str:
        """Return what it logged, for a failing test to show."""
        file = self.folder / "log"
        return file.read_text("utf-8", "replace") if file.exists() else ""

    async def _greets(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            line = await reader.readline()
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return line.startswith(b"* OK")


@asynccontextmanager
async def dovecot(tokens_at: str = "") -> AsyncIterator[Dovecot]:
    """Run a mail server that takes ``PASSWORD`` from every user, or tokens that the endpoint at that URL knows."""
    program("dovecot", "dovecot-imapd")
    if os.geteuid() != 0:
        missing("dovecot as root", "run the tests as root, for Dovecot changes to its own users")
    folder = Path(tempfile.mkdtemp(prefix="contactbot-dovecot-"))
    server = Dovecot(free_port(), folder)
    try:
        _configure(server, tokens_at)
        await server.start()
        yield server
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _configure(server: Dovecot, tokens_at: str) -> None:
    folder = server.folder
    folder.chmod(0o755)  # Dovecot's own users go through it
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", "dovecot", "dovecot")
    passwords = (_TOKENS if tokens_at else _PASSWORD).format(base=folder, password=PASSWORD)
    mechanisms = "xoauth2" if tokens_at else "plain"
    main = _MAIN.format(base=folder, port=server.port, passwords=passwords, mechanisms=mechanisms)
    (folder / "dovecot.conf").write_text(main, "utf-8")
    (folder / "oauth2.conf.ext").write_text(_OAUTH.format(url=tokens_at), "utf-8")


# The token endpoint


@dataclass(slots=True)
class TokenEndpoint:
    """Gives an application tokens and tells the mail server which of them are good; says ``refusal`` instead if set."""

    user: str
    client_id: str = "contactbot"
    client_secret: str = "applikasjonens hemmelighet"
    lasts: int = 3600
    refusal: str = ""
    url: str = ""
    given: list[str] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)

    async def give(self, request: web.Request) -> web.Response:
        """Answer a client credentials grant (RFC 6749, 4.4.3)."""
        form = await request.post()
        if self.refusal:
            return web.json_response({"error": self.refusal}, status=400)
        known = (self.client_id, self.client_secret)
        if form["grant_type"] != "client_credentials" or (form["client_id"], form["client_secret"]) != known:
            return web.json_response({"error": "invalid_client"}, status=401)
        self.given.append(f"token-{len(self.given) + 1}")
        return web.json_response({"access_token": self.given[-1], "expires_in": self.lasts, "token_type": "Bearer"})

    async def introspect(self, request: web.Request) -> web.Response:
        """Tell whether a token is good (RFC 7662)."""
        token = str((await request.post())["token"])
        active = token in self.given and token not in self.revoked
        return web.json_response({"active": active, "username": self.user} if active else {"active": False})


@asynccontextmanager
async def token_endpoint(user: str) -> AsyncIterator[TokenEndpoint]:
    """Run a token endpoint whose tokens open this user's mailbox."""
    endpoint = TokenEndpoint(user)
    app = web.Application()
    app.add_routes([web.post("/token", endpoint.give), web.post("/introspect", endpoint.introspect)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield endpoint
    finally:
        await runner.cleanup()
