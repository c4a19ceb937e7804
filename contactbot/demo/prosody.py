"""A private XMPP server for the demo and the tests: a Prosody of our own beside whatever else runs on the machine.

It listens on 127.0.0.1 only, speaks to no other server, keeps everything in one folder, and ends with us.
"""

import ipaddress
import os
import pwd
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Template
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from contactbot.errors import ContactbotError

HOW_TO_GET = "XMPP is left out: there is no Prosody on this machine. On Debian and Ubuntu: apt-get install prosody"
DOMAIN = "localhost"
CERTIFICATE_DAYS = 825  # the longest that clients of today accept for a certificate they are told to trust
START_SECONDS = 20.0
STOP_SECONDS = 5.0
UNPRIVILEGED = "prosody"  # the user Debian's package makes; Prosody refuses to be root

# Prosody's names for its settings; everything it would open by itself is turned off.
_CONFIGURATION = Template("""\
daemonize = false
pidfile = "$folder/prosody.pid"
data_path = "$folder/data"
interfaces = { "127.0.0.1" }
local_interfaces = { "127.0.0.1" }
c2s_ports = { $port }
c2s_direct_tls_ports = { $tls_port }
s2s_ports = { }
s2s_direct_tls_ports = { }
http_ports = { }
https_ports = { }
modules_enabled = { $modules }
modules_disabled = { "s2s" }
authentication = "internal_plain"
storage = "internal"
c2s_require_encryption = true
allow_registration = false
certificates = "$folder"
ssl = { key = "$folder/server.key", certificate = "$folder/server.crt" }
default_archive_policy = true
archive_expires_after = "1w"
log = { info = "$folder/prosody.log" }
component_ports = { $component_port }
VirtualHost "$domain"
$components
""")
_MODULES = ("roster", "saslauth", "tls", "disco", "ping", "carbons", "smacks", "mam", "offline", "blocklist")
_STREAM_HEADER = (  # RFC 6120, section 4.7
    b"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client'"
    b" xmlns:stream='http://etherx.jabber.org/streams'>"
)
_SAFE = re.compile(r"[a-z0-9]+")
_SAFE_PASSWORD = re.compile(r"[A-Za-z0-9_-]+")


class ProsodyError(ContactbotError):
    """The private Prosody cannot be started or used; the message says why."""


def find() -> Path | None:
    """Return Prosody's program, or None; ``HOW_TO_GET`` then says what to do."""
    found = shutil.which("prosody", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    return Path(found) if found else None


class Prosody:
    """A server in a folder; start it in one thread and stop it in any.

    ``port`` is where clients connect (0: a free one is chosen) and ``tls_port`` where they may speak TLS at once,
    ``certificate`` is what they must trust, ``folder`` where it lives. When root starts it, its user need not be
    able to reach that folder: it gets the folder itself, opened, and finds everything through that. ``without``
    names modules of Prosody's that it shall do without. ``components`` gives external components' domains and secrets,
    which connect to ``component_port``.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        port: int = 0,
        without: frozenset[str] = frozenset(),
        components: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.port = port or _free_port()
        self.tls_port = _free_port()
        self.component_port = _free_port()
        self._components = components
        self._program = program
        self._modules = [module for module in _MODULES if module not in without]
        self._user = pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else None
        self.folder = folder.absolute()
        self.certificate = self.folder / "server.crt"
        self._process: subprocess.Popen[bytes] | None = None

    def register(self, name: str, password: str) -> str:
        """Make an account, or change its password, also while the server runs; return its JID.

        Only small letters and digits in names, and letters, digits, ``_`` and ``-`` in passwords: they go into a Lua
        table as they are, in the format of Prosody's internal store.
        """
        if not _SAFE.fullmatch(name) or not _SAFE_PASSWORD.fullmatch(password):
            raise ProsodyError("a name takes a-z and 0-9, a password also A-Z, _ and -")
        accounts = self.folder / "data" / DOMAIN / "accounts"
        self._make(accounts)
        self._write(accounts / f"{name}.dat", f'return {{\n\t["password"] = "{password}";\n}};\n')
        return f"{name}@{DOMAIN}"

    def start(self) -> None:
        """Start and return when clients can connect. Raises ProsodyError when it does not come up."""
        self._make(self.folder / "data")
        lent = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._prepare(Path(f"/proc/self/fd/{lent}"))
            self._process = self._launched(lent)
        finally:
            os.close(lent)
        self._await_listening(self._process)

    def _launched(self, lent: int) -> "subprocess.Popen[bytes]":
        configuration = f"/proc/self/fd/{lent}/prosody.cfg.lua"
        command = [*self._guards(), str(self._program), "--config", configuration, "-F"]
        with (self.folder / "console.log").open("ab") as console:
            return subprocess.Popen(  # noqa: S603 - our own program and our own arguments
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                cwd=self.folder,
                pass_fds=(lent,),
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder), "LANG": "C.UTF-8"},
            )

    def stop(self) -> None:
        """Stop, politely and then not; a second call does nothing."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def kill(self) -> None:
        """End it as a crash would, at once and without a word to its clients; ``start`` brings it back."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _prepare(self, reached: Path) -> None:
        """Write what it needs, with the path under which it finds the folder."""
        self.folder.chmod(0o711)  # others may read the certificate, and nothing else
        if not self.certificate.exists():
            key, certificate = _self_signed()
            self._write(self.folder / "server.key", key)
            self._write(self.certificate, certificate)
            self.certificate.chmod(0o644)
        modules = ", ".join(f'"{module}"' for module in self._modules)
        components = "\n".join(
            f'Component "{domain}"\n\tcomponent_secret = "{secret}"' for domain, secret in self._components.items()
        )
        values = {
            "folder": reached, "port": self.port, "tls_port": self.tls_port, "modules": modules,
            "component_port": self.component_port, "components": components,
        }  # fmt: skip
        self._write(self.folder / "prosody.cfg.lua", _CONFIGURATION.substitute(values, domain=DOMAIN))
        self._give(self.folder)

    def _make(self, folder: Path) -> None:
        """Make a folder and those above it, up to our own."""
        folder.mkdir(parents=True, exist_ok=True)
        for made in (folder, *folder.relative_to(self.folder).parents):
            self._give(self.folder / made)

    def _write(self, path: Path, content: str) -> None:
        path.touch(mode=0o600)
        path.write_text(content, "utf-8")
        self._give(path)

    def _give(self, path: Path) -> None:
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _guards(self) -> list[str]:
        """Have it end when we are killed, and never be root."""
        setpriv = shutil.which("setpriv")
        if setpriv is None and self._user is not None:
            raise ProsodyError("setpriv (of util-linux) is missing: start as an ordinary user instead of as root")
        if setpriv is None:
            return []
        guards = [setpriv, "--pdeathsig=TERM"]
        if self._user is not None:
            guards += [f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}", "--clear-groups"]
        return guards

    def _await_listening(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = datetime.now(UTC) + timedelta(seconds=START_SECONDS)
        while datetime.now(UTC) < deadline:
            if _greets(self.port):
                return
            try:
                process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            raise ProsodyError(f"Prosody ended at once; {self.folder / 'console.log'} says why")
        self.stop()
        raise ProsodyError(f"Prosody does not listen after {START_SECONDS:g} s; see {self.folder / 'prosody.log'}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _greets(port: int) -> bool:
    """Tell whether a stream is answered; who hangs up before that leaves an error in Prosody's log."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(_STREAM_HEADER)
            return connection.recv(1) == b"<"
    except OSError:
        return False


def _self_signed() -> tuple[str, str]:
    """Make a key and a certificate for localhost, both as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(DOMAIN), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()
