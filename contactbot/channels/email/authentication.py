"""What our own relay found out about the sender: Authentication-Results (RFC 8601). Pure.

Only fields that carry our relay's own name are believed; the relay removes such fields from what comes from outside
(RFC 8601, section 5), which ``contactbot check`` cannot see and the documentation asks for.
"""

import re
from collections.abc import Sequence

from contactbot.channels.email.parse import Mail

_COMMENT = re.compile(r"\([^()]{0,998}\)")
_RESULT = re.compile(r"\s*([a-z-]{2,20})\s*=\s*([a-z]{2,20})")
_DOMAIN = re.compile(
    r"(?:header\.d|header\.i|header\.from|smtp\.mailfrom)\s*=\s*\"?(?:[^\s;@\"]{0,320}@)?([^\s;\"]{1,255})"
)


def authenticated(mail: Mail, authserv_ids: Sequence[str]) -> bool | None:
    """Say whether the From address is proven: DMARC passed, or else DKIM or SPF passed for its domain.

    None where no field of our own relay is there, so that nothing can be told. A mail that names no sender, or several,
    proves nobody.
    """
    if not mail.senders:
        return False
    results = [
        result for field in mail.fields.all("authentication-results") for result in _results(field, authserv_ids)
    ]
    if not results:
        return None
    if mail.senders != 1:
        return False
    domain = mail.sender.address.rpartition("@")[2]
    dmarc = [outcome for method, outcome, _ in results if method == "dmarc"]
    if dmarc and dmarc[0] != "none":
        return dmarc[0] == "pass"
    return any(
        method in ("dkim", "spf") and outcome == "pass" and _is_aligned(proven, domain)
        for method, outcome, proven in results
    )


def _results(field: str, authserv_ids: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return (method, outcome, domain) of each result in a field of ours; nothing of anybody else's."""
    server, *statements = _COMMENT.sub(" ", field[:10_000].lower()).split(";")
    if "=" in server:  # Exchange Online leaves its name out
        server, statements = "", [server, *statements]
    if (server.split() or [""])[0] not in {name.lower() for name in authserv_ids}:
        return []
    found = []
    for statement in statements:
        result = _RESULT.match(statement)
        if result:
            domain = _DOMAIN.search(statement)
            found.append((result[1], result[2], domain[1].rstrip(".") if domain else ""))
    return found or [("none", "none", "")]


def _is_aligned(proven: str, domain: str) -> bool:
    """Relaxed alignment (RFC 7489, 3.1): the same domain, or one within the other."""
    return bool(proven and domain) and (
        proven == domain or (proven.endswith("." + domain)) or (domain.endswith("." + proven) and "." in proven)
    )
