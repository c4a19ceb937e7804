"""Whether our side of the wire can work: the public address and the numbers, as ``contactbot check`` tells it. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from contactbot.channels.base import Finding
from contactbot.messages import Account

E164: Final = re.compile(r"\+[1-9]\d{6,14}")  # ITU-T E.164: at most 15 digits, the country code among them
SHORT_CODE: Final = re.compile(r"\d{3,6}")
NAME: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")  # GSM: eleven characters of a name as the sender


def public_address(public_url: str, *, only_here: bool) -> Iterator[Finding]:
    """Find why a provider could not call us, or would sign another address than ours.

    ``only_here`` says that the provider is a gateway on this machine, which needs neither https nor a public name.
    """
    parts = urlsplit(public_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield Finding("error", f"public_url «{public_url}» is not a web address: write https:// and the host's name.")
        return
    if parts.query or parts.fragment or parts.username is not None:
        yield Finding("error", "public_url has a query, a fragment or a user name; signatures would fail: take it off.")
    if "_" in parts.hostname:
        yield Finding(
            "error", f"public_url's host «{parts.hostname}» has an underscore, which providers refuse to call."
        )
    if only_here:
        return
    if parts.scheme != "https":
        yield Finding("error", "public_url is http: set the https address that the provider calls, or signatures fail.")
    if _is_private(parts.hostname):
        yield Finding(
            "error", f"public_url's host «{parts.hostname}» cannot be reached by the provider: set a public one."
        )


def numbers(accounts: Sequence[Account], municipalities: Sequence[str]) -> Iterator[Finding]:
    """Find numbers that cannot be ours, are there twice, or belong to nobody."""
    for account in accounts:
        if account.municipality not in municipalities:
            yield Finding(
                "error",
                f"channels.sms.numbers: {account.address} is for «{account.municipality}», which is not configured"
                f" (known: {', '.join(municipalities)}); with several municipalities each number must name one.",
            )
        if NAME.fullmatch(account.address):
            yield Finding("warning", f"channels.sms.numbers: residents cannot answer to the name «{account.address}».")
        elif not E164.fullmatch(account.address) and not SHORT_CODE.fullmatch(account.address):
            yield Finding(
                "error",
                f"channels.sms.numbers: «{account.address}» is neither a number in international form (+ and country"
                " code first) nor a short code.",
            )
    for address, times in Counter(account.address for account in accounts).items():
        if times > 1:
            yield Finding("error", f"channels.sms.numbers: {address} is there {times} times; name it once.")


def is_local(url: str) -> bool:
    """Tell whether an address is on this machine."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or (_is_ip(host) and ip_address(host).is_loopback)


def _is_private(host: str) -> bool:
    return (
        not ip_address(host).is_global if _is_ip(host) else "." not in host or host.endswith((".local", ".localhost"))
    )


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
