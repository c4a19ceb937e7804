"""Signed names in addresses and identifiers, so that a reply finds its thread without being believed. Pure.

``post+t123.k3v…@kommune.example`` names thread 123 and proves that we wrote it there; ``<o45.x7q…@kommune.example>``
is the Message-ID of outbox row 45. The signature is HMAC-SHA-256 over purpose, account and number, cut to 80 bits and
written in base 32, because relays and people change the case of addresses.
"""

import hmac
import re
from base64 import b32encode
from dataclasses import dataclass

# 80 bits: a forger who could try a million a second would need ten billion years, and the address stays short.
_BYTES = 10
_TOKEN = re.compile(r"t([0-9]{1,18})\.([a-z2-7]{16})")
_MESSAGE_ID = re.compile(r"<o([0-9]{1,18})\.([a-z2-7]{16})@[^<>@\s]{1,255}>")


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs and reads; ``secret`` is the installation's, at least 32 bytes."""

    secret: bytes

    def reply_address(self, account: str, thread: int, delimiter: str = "+") -> str:
        """Return the address that answers in this thread come to."""
        local, _, domain = account.rpartition("@")
        return f"{local}{delimiter}t{thread}.{self._sign('thread', account, thread)}@{domain}"

    def thread(self, account: str, token: str) -> int | None:
        """Return the thread a token of this account names, or None where we did not sign it."""
        found = _TOKEN.fullmatch(token.lower())
        return self._verified("thread", account, found)

    def message_id(self, account: str, outbox: int) -> str:
        """Return the Message-ID of an outbox row: the same on every attempt, with angle brackets."""
        domain = account.rpartition("@")[2]
        return f"<o{outbox}.{self._sign('message', account.lower(), outbox)}@{domain}>"

    def outbox(self, account: str, message_id: str) -> int | None:
        """Return the outbox row of a Message-ID of ours, or None where it is not ours."""
        found = _MESSAGE_ID.fullmatch(message_id.lower())
        return self._verified("message", account, found)

    def _verified(self, purpose: str, account: str, found: "re.Match[str] | None") -> int | None:
        if found is None:
            return None
        number = int(found[1])
        genuine = hmac.compare_digest(self._sign(purpose, account.lower(), number), found[2])
        return number if genuine else None

    def _sign(self, purpose: str, account: str, number: int) -> str:
        said = f"contactbot email {purpose}\0{account.lower()}\0{number}"
        digest = hmac.digest(self.secret, said.encode("utf-8", "surrogatepass"), "sha256")
        return b32encode(digest[:_BYTES]).decode("ascii").lower()
