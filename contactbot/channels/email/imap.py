"""As much of IMAP (RFC 9051 and 3501, IDLE of RFC 2177) as reading a mailbox takes, over asyncio's streams.

The mailbox is opened read-only and nothing in it is changed: which messages were taken is the house's to know. The
library at hand, aioimaplib, is under the GPL, which a program that anybody may build on cannot ask of them.
"""

import asyncio
import re
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from contactbot.channels.email.oauth import Tokens
from contactbot.channels.email.settings import Mailbox
from contactbot.errors import ContactbotError

# Silence of the server after which the connection counts as lost. Seconds.
_PATIENCE = 60.0
_CONNECT_PATIENCE = 20.0
# The longest line without a literal: the numbers of half a million messages. Bytes.
_LONGEST_LINE = 1 << 22
# A large message comes in pieces, so that copying it never holds the loop long. Bytes.
_PIECE = 1 << 18
_LITERAL = re.compile(rb"\{(\d{1,12})\}\r\n$")
_UID = re.compile(r"\bUID (\d+)")
_SIZE = re.compile(r"\bRFC822\.SIZE (\d+)")
_QUOTED_BODY = re.compile(r'BODY\[[^\]]*\] "((?:[^"\\]|\\.)*)"')
_GROWN = re.compile(r"\* \d+ (?:EXISTS|RECENT)$", re.IGNORECASE)


class ImapError(ContactbotError):
    """The server cannot be understood, or closed the connection; come back later."""


class RefusedError(ImapError):
    """The server said NO or BAD to a command; the connection can go on."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as it was opened: while ``uidvalidity`` is the same, a UID names the same message for ever."""

    uidvalidity: int
    uidnext: int


@dataclass(frozen=True, slots=True)
class _Response:
    """One response: its line, with literals cut out, and those literals."""

    line: str
    literals: tuple[bytes, ...] = ()


@asynccontextmanager
async def connected(mailbox: Mailbox, user: str, tokens: Tokens | None) -> AsyncIterator["Imap"]:
    """Open a connection as the settings ask, and sign in. Raises ImapError, TokenError, OSError and TimeoutError."""
    context = ssl.create_default_context(cafile=str(mailbox.ca_file) if mailbox.ca_file else None)
    async with asyncio.timeout(_CONNECT_PATIENCE):
        reader, writer = await asyncio.open_connection(
            mailbox.host, mailbox.port, ssl=context if mailbox.tls == "tls" else None, limit=_LONGEST_LINE
        )
    imap = Imap(reader, writer)
    try:
        await imap.greet()
        if mailbox.tls == "starttls":
            await imap.start_tls(context)
        if tokens is None:
            await imap.sign_in(user, mailbox.password.get_secret_value())
        else:
            await _show_token(imap, user, tokens)
        yield imap
        await imap.leave()
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()


async def _show_token(imap: "Imap", user: str, tokens: Tokens) -> None:
    try:
        await imap.show_token(user, await tokens.current())
    except RefusedError:
        tokens.forget()
        raise


class Imap:
    """One connection. A command waits for its answer, and every wait has an end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._tags = 0
        self._capabilities: frozenset[str] = frozenset()
        self._has_grown = False

    async def greet(self) -> None:
        """Read the greeting and what the server can do."""
        greeting = await self._response()
        if not greeting.line.upper().startswith("* OK"):
            raise ImapError(f"the mail server turns us away ({greeting.line[:100]})")
        await self._ask_abilities()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Encrypt; what was said before counts for nothing."""
        await self._command("STARTTLS")
        await self._writer.start_tls(context)
        await self._ask_abilities()

    async def sign_in(self, user: str, password: str) -> None:
        """Sign in with a password (SASL PLAIN, RFC 4616)."""
        await self._authenticate("PLAIN", f"\0{user}\0{password}")

    async def show_token(self, user: str, token: str) -> None:
        """Sign in with an access token, in the form that Microsoft and Google ask for."""
        await self._authenticate("XOAUTH2", f"user={user}\x01auth=Bearer {token}\x01\x01")

    async def examine(self, name: str) -> Folder:
        """Open a folder without changing anything in it."""
        said = " ".join(response.line for response in await self._command(f"EXAMINE {_quoted(name)}"))
        self._has_grown = False
        validity, following = (re.search(rf"\[{code} (\d+)\]", said) for code in ("UIDVALIDITY", "UIDNEXT"))
        if validity is None or following is None:
            raise ImapError("the mail server numbers no messages (no UIDVALIDITY or UIDNEXT); it cannot be followed")
        return Folder(int(validity[1]), int(following[1]))

    async def above(self, uid: int) -> list[int]:
        """Return the UIDs above that one, oldest first; no message is opened, so a broken one hides no other."""
        self._has_grown = False
        found = await self._search(f"UID {uid + 1}:*")
        return sorted(one for one in found if one > uid)  # "*" names the last message even where it is an older one

    async def find(self, message_id: str) -> int:
        """Return the last UID of a message by its Message-ID, or 0 where none is there."""
        return max(await self._search(f"HEADER MESSAGE-ID {_quoted(message_id)}"), default=0)

    async def size(self, uid: int) -> int:
        """Return a message's size in bytes, 0 where it is gone."""
        for response in await self._command(f"UID FETCH {uid} (UID RFC822.SIZE)"):
            named, size = _UID.search(response.line), _SIZE.search(response.line)
            if named and size and int(named[1]) == uid:
                return int(size[1])
        return 0

    async def fetch(self, uid: int, section: str = "") -> bytes | None:
        """Return a message (or its section, such as HEADER) byte for byte, or None where it is gone."""
        for response in await self._command(f"UID FETCH {uid} (UID BODY.PEEK[{section}])"):
            named = _UID.search(response.line)
            if named and int(named[1]) == uid and "BODY[" in response.line:
                return response.literals[0] if response.literals else _short_body(response.line)
        return None

    async def wait(self, seconds: float, poll: float) -> None:
        """Return when a message may have come, at the latest after so many seconds; a server without IDLE is polled."""
        if self._has_grown:
            return
        if "IDLE" not in self._capabilities:
            await asyncio.sleep(poll)
            await self._command("NOOP")
            return
        tag = self._say("IDLE")
        async with asyncio.timeout(_PATIENCE):
            while not (await self._response()).line.startswith("+"):
                pass
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._has_grown:
                    await self._response(patience=None)
        self._writer.write(b"DONE\r\n")
        await self._answer(tag, iter(()))

    async def leave(self) -> None:
        """Say goodbye."""
        with suppress(ImapError, OSError, TimeoutError):
            await self._command("LOGOUT")

    async def _authenticate(self, mechanism: str, answer: str) -> None:
        encoded = b64encode(answer.encode()).decode("ascii")
        if "SASL-IR" in self._capabilities:  # RFC 4959: the answer comes with the question
            await self._command(f"AUTHENTICATE {mechanism} {encoded}")
        else:
            await self._command(f"AUTHENTICATE {mechanism}", [encoded])
        await self._ask_abilities()

    async def _ask_abilities(self) -> None:
        said = await self._command("CAPABILITY")
        lines = [response.line.upper() for response in said if response.line.upper().startswith("* CAPABILITY")]
        self._capabilities = frozenset(" ".join(lines).split())

    async def _search(self, criteria: str) -> list[int]:
        said = await self._command(f"UID SEARCH {criteria}")
        lines = [response.line for response in said if response.line.upper().startswith("* SEARCH")]
        return [int(word) for line in lines for word in line.split() if word.isdecimal()]

    async def _command(self, text: str, answers: Iterable[str] = ()) -> list[_Response]:
        """Give a command and return what came before its OK; ``answers`` go where the server asks for more."""
        return await self._answer(self._say(text), iter(answers))

    def _say(self, text: str) -> str:
        self._tags += 1
        tag = f"c{self._tags}"
        self._writer.write(f"{tag} {text}\r\n".encode())
        return tag

    async def _answer(self, tag: str, answers: Iterator[str]) -> list[_Response]:
        before: list[_Response] = []
        while True:
            response = await self._response()
            if response.line.startswith("+"):
                self._writer.write(f"{next(answers, '')}\r\n".encode())
            elif not response.line.startswith(f"{tag} "):
                before.append(response)
            elif response.line.split(" ", 2)[1].upper() == "OK":
                return before
            else:
                raise RefusedError(f"the mail server refuses ({response.line.partition(' ')[2][:100]})")

    async def _response(self, patience: float | None = _PATIENCE) -> _Response:
        """Read one response with its literals. Raises ImapError where the server hangs up or talks nonsense."""
        line, literals = b"", list[bytes]()
        try:
            while True:
                async with asyncio.timeout(patience):
                    line += await self._reader.readuntil(b"\r\n")
                literal = _LITERAL.search(line)
                if literal is None:
                    break
                line = line[: literal.start()]
                literals.append(await self._exactly(int(literal[1])))
        except asyncio.IncompleteReadError as error:
            raise ImapError("the mail server closed the connection") from error
        except asyncio.LimitOverrunError as error:
            raise ImapError("the mail server sent an endless line") from error
        response = _Response(line.decode("utf-8", "replace").rstrip("\r\n"), tuple(literals))
        self._has_grown |= bool(_GROWN.match(response.line))
        return response

    async def _exactly(self, size: int) -> bytes:
        pieces = []
        while size:
            async with asyncio.timeout(_PATIENCE):
                pieces.append(await self._reader.readexactly(min(size, _PIECE)))
            size -= len(pieces[-1])
        return b"".join(pieces)


def _quoted(text: str) -> str:
    """Write a quoted string (RFC 9051, 4.3); line ends cannot be in one."""
    return '"' + re.sub(r'(["\\])', r"\\\1", re.sub(r"[\r\n]", "", text)) + '"'


def _short_body(line: str) -> bytes:
    """Return a body that the server wrote as a quoted string, or nothing where it wrote NIL."""
    quoted = _QUOTED_BODY.search(line)
    return re.sub(r"\\(.)", r"\1", quoted[1]).encode("utf-8", "surrogateescape") if quoted else b""
