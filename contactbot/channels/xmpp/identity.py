"""The stable identity of an outgoing message: the same on every attempt, and nobody else can make one. Pure."""

import hashlib
import hmac
import re

MAC_DIGITS = 16  # hexadecimal; 64 bits, each guess costs a stanza

_FORM = re.compile(rf"cb-([1-9][0-9]{{0,18}})-([0-9a-f]{{{MAC_DIGITS}}})", re.ASCII)


def stanza_id(outbox: int, account: str, recipient: str, secret: bytes) -> str:
    """Return the stanza's ``id`` and origin id (XEP-0359) for an outbox row; the addresses are bare JIDs."""
    return f"cb-{outbox}-{_mac(outbox, account, recipient, secret)}"


def outbox_of(identity: str, account: str, sender: str, secret: bytes) -> int | None:
    """Return the outbox row a receipt or an error speaks of, or None when we never sent ``sender`` such a stanza."""
    match = _FORM.fullmatch(identity)
    if match is None:
        return None
    outbox = int(match[1])
    return outbox if hmac.compare_digest(match[2], _mac(outbox, account, sender, secret)) else None


def _mac(outbox: int, account: str, recipient: str, secret: bytes) -> str:
    content = "\0".join(("xmpp", account, recipient, str(outbox))).encode()
    return hmac.new(secret, content, hashlib.sha256).hexdigest()[:MAC_DIGITS]
