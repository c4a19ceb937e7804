"""A real Postfix as a relay of the tests' own: a second instance in its own folder, listening on 127.0.0.1."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket

from tests.parts import missing, program
from tests.patience import PATIENCE

_DIST = Path("/usr/share/postfix/master.cf.dist")

_MAIN = """\
compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.example
mydestination =
mynetworks = 127.0.0.0/8
relay_domains = {domains}
transport_maps = inline:{{{transports}}}
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_tls_security_level = may
smtp_host_lookup = native
local_recipient_maps =
alias_maps =
alias_database =
maillog_file = {base}/maillog
maillog_file_prefixes = {base}
minimal_backoff_time = 1s
queue_run_delay = 1s
default_process_limit = 10
message_size_limit = 52428800
smtputf8_enable = yes
biff = no
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """A running relay. Mail for a routed domain goes to its port; reports of failure go to the sender's domain."""

    port: int
    folder: Path

    async def flush(self) -> None:
        """Try everything that waits in the queue now."""
        await _run(program("postqueue", "postfix"), "-c", str(self.folder), "-f")

    def log(self) -> str:
        """Return what it logged, for a failing test to show."""
        file = self.folder / "maillog"
        return file.read_text("utf-8", "replace") if file.exists() else ""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody holds now."""
    with socket(AF_INET, SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def postfix(port: int, routes: Mapping[str, str]) -> AsyncIterator[Postfix]:
    """Run a relay on ``port``; ``routes`` gives each domain's transport, such as ``smtp:[127.0.0.1]:10025``."""
    command = program("postfix", "postfix")
    if os.geteuid() != 0:
        missing("postfix as root", "run the tests as root, for Postfix changes to its own users")
    folder = Path(tempfile.mkdtemp(prefix="contactbot-postfix-"))
    try:
        _configure(folder, port, routes)
        await _run(command, "-c", str(folder), "start")
        try:
            await _answers(port)
            yield Postfix(port, folder)
        finally:
            await _run(command, "-c", str(folder), "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path, port: int, routes: Mapping[str, str]) -> None:
    folder.chmod(0o755)  # Postfix's own user goes through it
    (folder / "queue").mkdir()
    (folder / "data").mkdir()
    shutil.chown(folder / "data", "postfix")
    transports = ", ".join(f"{domain}={transport}" for domain, transport in routes.items())
    (folder / "main.cf").write_text(_MAIN.format(base=folder, domains=" ".join(routes), transports=transports))
    (folder / "master.cf").write_text(_master(port))


def _master(port: int) -> str:
    """Take the distribution's services, none of them in a changed root, and SMTP on our port only."""
    services = []
    for line in _DIST.read_text().splitlines():
        fields = line.split(None, 7)
        if line[:1] in ("#", " ", "") or len(fields) < 8:
            continue
        name = f"127.0.0.1:{port}" if fields[:2] == ["smtp", "inet"] else fields[0]
        services.append(" ".join([name, *fields[1:4], "n", *fields[5:]]))
    return "\n".join(services) + "\n"


async def _run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(PATIENCE):
        code = await process.wait()
    assert code == 0, f"{' '.join(command)} ended with {code}"


async def _answers(port: int) -> None:
    """Wait until the relay greets."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
                continue
            assert (await reader.readline()).startswith(b"220")
            writer.close()
            await writer.wait_closed()
            return
