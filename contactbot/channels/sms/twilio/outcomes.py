"""What Twilio's states and error codes mean for an outgoing text. Pure.

Source: the description of the Messages resource (status) and Twilio's error dictionary (codes). Details handed to the
house begin with a stable English word, such as ``opted_out``, and carry Twilio's code.
"""

from typing import Final, Literal

from contactbot.messages import Receipt

DELIVERED: Final = frozenset({"delivered", "read"})
FAILED: Final = frozenset({"failed", "undelivered", "canceled"})

# Refusals whose cause goes away: the text was certainly not taken.
CAUSES_THAT_PASS: Final = {
    14107: ("rate_limited", 60.0),
    20429: ("rate_limited", 10.0),
    21611: ("queue_full", 120.0),
    20003: ("not_authenticated", 300.0),
    20005: ("account_suspended", 900.0),
    20403: ("not_authenticated", 300.0),
    30001: ("queue_full", 120.0),
    30002: ("account_suspended", 900.0),
}
CAUSES_THAT_STAY: Final = {
    21211: "invalid_number",
    21408: "region_not_allowed",
    21602: "empty_text",
    21606: "our_number_cannot_send",
    21610: "opted_out",
    21612: "unreachable_number",
    21614: "not_a_mobile_number",
    21617: "text_too_long",
    30003: "unreachable_phone",
    30004: "blocked",
    30005: "unknown_number",
    30006: "landline",
    30007: "filtered_by_carrier",
    30008: "unknown_error",
}
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
TOO_MANY_REQUESTS: Final = 429
SERVER_ERRORS: Final = 500
LATER: Final = 30.0  # seconds, where neither Twilio nor the table says


class BusyError(Exception):
    """Twilio, or something before it, cannot serve now; ``retry_after`` is in seconds, None when it did not say."""

    def __init__(self, status: int, code: int | None, retry_after: float | None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.code = code
        self.retry_after = retry_after


def is_busy(http_status: int) -> bool:
    """Tell whether a status says that the same request may succeed later."""
    return http_status == TOO_MANY_REQUESTS or http_status >= SERVER_ERRORS


def of_status(status: str, error_code: int | None = None) -> tuple[Literal["sent", "delivered", "failed"], str]:
    """Give the state and detail of a message's status; a state Twilio invents later counts as on its way."""
    if status in DELIVERED:
        return "delivered", ""
    if status in FAILED:
        return "failed", _detail(CAUSES_THAT_STAY.get(error_code or 0, status), error_code)
    return "sent", ""


def of_refusal(outbox: int, http_status: int, code: int | None, retry_after: float | None = None) -> Receipt:
    """Give the receipt of a refused request; ``retry_after`` is Twilio's own wish in seconds."""
    if code in CAUSES_THAT_PASS:
        cause, wait = CAUSES_THAT_PASS[code]
        return Receipt("retry", outbox, detail=_detail(cause, code), retry_after=retry_after or wait)
    if code in CAUSES_THAT_STAY:
        return Receipt("failed", outbox, detail=_detail(CAUSES_THAT_STAY[code], code))
    if http_status in (UNAUTHORIZED, FORBIDDEN):
        return Receipt("retry", outbox, detail=_detail("not_authenticated", http_status), retry_after=300.0)
    if is_busy(http_status):
        return Receipt("retry", outbox, detail=_detail("provider_busy", http_status), retry_after=retry_after or LATER)
    return Receipt("failed", outbox, detail=_detail("refused", code or http_status))


def _detail(cause: str, code: int | None) -> str:
    return f"{cause} ({code})" if code else cause
