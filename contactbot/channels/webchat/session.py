"""Signed names of conversations. A token is kept by the browser's tab (or a form) and never in a cookie."""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta

from contactbot.clock import Clock
from contactbot.messages import Address

SCHEME = "webchat"
_TOKEN = re.compile(r"(?P<id>[A-Za-z0-9_-]{22})\.(?P<issued>[0-9a-f]{1,10})\.(?P<mac>[A-Za-z0-9_-]{22})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation of one site. ``id`` is 128 random bits in base64url; ``token`` is what the browser keeps."""

    site: str
    id: str
    token: str

    @property
    def address(self) -> Address:
        """The conversation as the house knows it."""
        return Address(SCHEME, self.id)


@dataclass(frozen=True, slots=True)
class Signer:
    """Makes and reads tokens: ``id.issued.mac``.

    The mac covers site, id and time of issue: HMAC-SHA256 cut to 128 bits (RFC 2104 §5).
    """

    secret: bytes
    clock: Clock
    lifetime: timedelta

    def new(self, site: str) -> Session:
        """Begin a conversation that nobody else can name."""
        identity = secrets.token_urlsafe(16)
        issued = f"{int(self.clock().timestamp()):x}"
        return Session(site, identity, f"{identity}.{issued}.{self._mac(site, identity, issued)}")

    def read(self, site: str, token: str) -> Session | None:
        """Return the conversation a token names, None when it is forged, too old or of another site."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        mac = self._mac(site, match["id"], match["issued"])
        age = self.clock().timestamp() - int(match["issued"], 16)
        if not hmac.compare_digest(mac, match["mac"]) or age > self.lifetime.total_seconds():
            return None
        return Session(site, match["id"], token)

    def _mac(self, site: str, identity: str, issued: str) -> str:
        digest = hmac.digest(self.secret, f"webchat session\n{site}\n{identity}\n{issued}".encode(), "sha256")
        return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
