"""What ``contactbot check`` says about mail: each finding is a sentence with its remedy."""

import asyncio
import socket
from collections.abc import Sequence

import aiosmtplib
from aiosmtplib import SMTP, SMTPException

from contactbot.channels.base import Finding, Surroundings
from contactbot.channels.email.compose import Letterhead
from contactbot.channels.email.imap import ImapError, connected
from contactbot.channels.email.listener import IDENT, tls_context
from contactbot.channels.email.oauth import TokenError, Tokens
from contactbot.channels.email.sender import connect, only_encrypted
from contactbot.channels.email.settings import EmailSettings, Listen, MailAccount, Relay
from contactbot.channels.email.sightings import Sightings
from contactbot.channels.email.tokens import Signer
from contactbot.errors import SettingsError
from contactbot.messages import Account

_PATIENCE = 10.0  # seconds for each part
_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})
_FIRST_PERMANENT = 500


async def findings(
    settings: EmailSettings, surroundings: Surroundings, accounts: Sequence[Account], heads: Sequence[Letterhead]
) -> list[Finding]:
    """Look at everything that can be seen without sending a mail."""
    return [
        *_accounts(accounts, surroundings),
        *_certificate(settings.listen),
        *(await _listener(settings.listen) if settings.listens else []),
        *[finding for account in settings.accounts for finding in await _mailbox(account)],
        *await _relay(settings, Signer(surroundings.secret), heads),
        *_authentication(settings, Sightings(surroundings.data)),
    ]


def _accounts(accounts: Sequence[Account], surroundings: Surroundings) -> list[Finding]:
    found = []
    addresses = [account.address for account in accounts]
    for account in accounts:
        if account.municipality not in surroundings.municipality_names:
            found.append(
                _error(
                    f"{account.address} belongs to «{account.municipality}», which is no municipality "
                    "here; correct channels.email.accounts"
                )
            )
        if addresses.count(account.address) > 1:
            found.append(_error(f"{account.address} is listed more than once in channels.email.accounts; keep one"))
        domain = account.address.rpartition("@")[2]
        if "." not in domain or domain.endswith((".invalid", ".local", ".localhost")):
            found.append(
                _warning(
                    f"nobody outside can answer to {account.address}, so threading cannot work; use an "
                    "address with a public domain"
                )
            )
    return found


def _certificate(listen: Listen) -> list[Finding]:
    try:
        context = tls_context(listen)
    except SettingsError as error:
        return [_error(str(error))]
    if context is None and listen.host not in _LOCAL:
        return [_warning("mail comes in unencrypted from other machines; set listen.certificate and listen.key")]
    return []


async def _listener(listen: Listen) -> list[Finding]:
    """Tell whether the port is free, or held by ourselves."""
    where = f"{listen.host}:{listen.port}"
    try:
        with socket.create_server((listen.host, listen.port)):
            return [_ok(f"mail can come in on {where}")]
    except OSError as error:
        greeting = await _greeting(listen)
        if IDENT in greeting:
            return [_ok(f"mail comes in on {where}, where contactbot runs")]
        return [
            _error(
                f"cannot listen on {where} ({error.strerror or error}); free the port or change channels.email.listen"
            )
        ]


async def _greeting(listen: Listen) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await asyncio.open_connection(listen.host, listen.port)
            line = await reader.readline()
            writer.close()
            await writer.wait_closed()
    except (OSError, TimeoutError, ValueError):
        return ""
    return line.decode("ascii", "replace")


async def _mailbox(account: MailAccount) -> list[Finding]:
    """Tell whether the account's mail can be fetched, where it lives elsewhere."""
    mailbox = account.mailbox
    if mailbox is None:
        return []
    tokens = Tokens(mailbox.oauth) if mailbox.oauth else None
    try:
        async with asyncio.timeout(_PATIENCE), connected(mailbox, mailbox.user or account.address, tokens) as imap:
            await imap.examine(mailbox.folder)
    except (ImapError, TokenError, OSError, TimeoutError) as error:
        said = str(error) if isinstance(error, ImapError | TokenError) else f"{type(error).__name__}: {error!s:.120}"
        return [
            _error(
                f"the mailbox of {account.address} at {mailbox.host}:{mailbox.port} cannot be read: {said}; check "
                "host, tls, user, and password or oauth in its mailbox"
            )
        ]
    return [_ok(f"the mailbox of {account.address} at {mailbox.host} can be read")]


async def _relay(settings: EmailSettings, signer: Signer, heads: Sequence[Letterhead]) -> list[Finding]:
    need_tls = any(account.require_tls for account in settings.accounts)
    relay = only_encrypted(settings.relay) if need_tls else settings.relay
    try:
        async with asyncio.timeout(_PATIENCE):
            smtp = await connect(relay, Tokens(relay.oauth) if relay.oauth else None)
    except aiosmtplib.SMTPAuthenticationError as error:
        return [
            _error(
                f"the relay {relay.host}:{relay.port} refuses our user ({error.code}); correct "
                "channels.email.relay.user and password"
            )
        ]
    except (SMTPException, TokenError, OSError, TimeoutError, ValueError) as error:
        return [
            _error(
                f"the relay {relay.host}:{relay.port} cannot be used ({type(error).__name__}: "
                f"{error!s:.120}); check host, port and tls in channels.email.relay"
            )
        ]
    try:
        async with asyncio.timeout(_PATIENCE):
            return [*_encryption(relay, smtp), *await _threading(settings, smtp, signer, heads)]
    except (SMTPException, OSError, TimeoutError) as error:
        return [_warning(f"the relay hung up while it was asked ({type(error).__name__}); look in its log")]
    finally:
        smtp.close()


def _encryption(relay: Relay, smtp: SMTP) -> list[Finding]:
    if smtp.get_transport_info("sslcontext") is not None:
        return [_ok(f"the relay {relay.host}:{relay.port} answers, encrypted")]
    if relay.host in _LOCAL:
        return [_ok(f"the relay {relay.host}:{relay.port} answers, unencrypted on this machine")]
    return [_warning(f"answers travel unencrypted to {relay.host}; set channels.email.relay.tls to starttls or tls")]


async def _threading(settings: EmailSettings, smtp: SMTP, signer: Signer, heads: Sequence[Letterhead]) -> list[Finding]:
    """Ask the relay whether it would take a resident's answer, without sending one."""
    if not settings.plus_addresses:
        return [
            _warning(
                "answers find their thread by Message-ID only; where a relay rewrites it they open new "
                "ones: set channels.email.plus_addresses"
            )
        ]
    found = []
    for head in heads:
        address = signer.reply_address(head.account, 0, head.delimiter)
        shown = address.replace(address.partition("@")[0], head.account.partition("@")[0] + head.delimiter + "...")
        refusal = await _refusal(smtp, address)
        if refusal:
            found.append(
                _warning(
                    f"the relay would refuse answers to {shown} ({refusal}), so threading cannot work; let "
                    f"it take them (Postfix: recipient_delimiter = {head.delimiter}) or set "
                    "channels.email.plus_addresses = false"
                )
            )
        else:
            found.append(_ok(f"the relay takes answers to {shown}"))
    return found


async def _refusal(smtp: SMTP, address: str) -> str:
    try:
        await smtp.mail("")
        await smtp.rcpt(address)
    except aiosmtplib.SMTPResponseException as error:
        return f"{error.code}" if error.code >= _FIRST_PERMANENT else ""
    finally:
        if smtp.is_connected:
            await smtp.rset()
    return ""


def _authentication(settings: EmailSettings, sightings: Sightings) -> list[Finding]:
    """Tell where no sender can be proven, and what becomes of their mail then."""
    become = "is answered all the same" if settings.unproven == "answer" else "goes to people unanswered"
    if not settings.authserv_ids:
        return [
            _warning(
                "no sender can be proven; let the relay write Authentication-Results and name it in "
                f"channels.email.authserv_ids; until then all mail {become} (channels.email.unproven)"
            )
        ]
    names = ", ".join(name or "(no name)" for name in settings.authserv_ids)
    if sightings.last() is False:
        return [
            _warning(
                f"the last mail came without Authentication-Results of {names}: let the relay write them, or correct "
                f"channels.email.authserv_ids; such mail {become} (channels.email.unproven)"
            )
        ]
    return [_ok(f"senders are proven by the word of {names}")] if sightings.last() else []


def _ok(text: str) -> Finding:
    return Finding("ok", text)


def _warning(text: str) -> Finding:
    return Finding("warning", text)


def _error(text: str) -> Finding:
    return Finding("error", text)
