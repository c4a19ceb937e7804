"""What a plain gateway posts to us: JSON under a signature. Pure.

The signature is that of the Standard Webhooks specification (version 1, symmetric): HMAC-SHA256 over
``id.timestamp.body``, in Base64 behind ``v1,``, with the time of signing so that an old call cannot be played again.
"""

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal

from contactbot.channels.sms.provider import ForgedCallError, MalformedCallError, ReceivedText, WebCall
from contactbot.messages import Receipt

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
TOLERANCE: Final = timedelta(minutes=5)  # between the two clocks, and for the call's way here
THANKS: Final = ("", "text/plain")
LONGEST_DETAIL: Final = 200
STATES: Final[Mapping[str, Literal["sent", "delivered", "failed"]]] = {
    "sent": "sent",
    "delivered": "delivered",
    "failed": "failed",
}


def sign(secret: str, call_id: str, timestamp: str, body: bytes) -> str:
    """Compute the signature of a call."""
    signed = f"{call_id}.{timestamp}.".encode() + body
    return f"v1,{b64encode(hmac.digest(secret.encode(), signed, sha256)).decode()}"


def read_text(call: WebCall, secret: str, now: datetime) -> ReceivedText:
    """Read an incoming text; raises ForgedCallError or MalformedCallError."""
    fields = _proven(call, secret, now)
    return ReceivedText(
        id=_needed(fields, "id"),
        sender=_needed(fields, "from"),
        recipient=_needed(fields, "to"),
        body=_text(fields, "text"),
        raw=call.body,
        raw_type="application/json",
    )


def read_report(call: WebCall, secret: str, now: datetime) -> Receipt:
    """Read a report. This signature leaves our address out, so the outbox row is read from the body's reference."""
    fields = _proven(call, secret, now)
    state = STATES.get(_needed(fields, "state"))
    outbox = _needed(fields, "reference").partition(".")[0]
    if state is None or not outbox.isascii() or not outbox.isdecimal():
        raise MalformedCallError(f"the state is one of {', '.join(STATES)}, and the reference is the one we gave")
    return Receipt(
        state, int(outbox), provider_id=_needed(fields, "id"), detail=_text(fields, "detail")[:LONGEST_DETAIL]
    )


def _proven(call: WebCall, secret: str, now: datetime) -> dict[str, Any]:
    call_id, timestamp, given = (call.headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (call_id and timestamp and given):
        raise ForgedCallError(
            f"the headers {ID}, {TIMESTAMP} and {SIGNATURE} are needed: only the gateway may call this"
        )
    if (
        not timestamp.isascii()
        or not timestamp.isdecimal()
        or abs(int(timestamp) - now.timestamp()) > TOLERANCE.seconds
    ):
        raise ForgedCallError(f"{TIMESTAMP} is not within five minutes of our clock: check both clocks")
    expected = sign(secret, call_id, timestamp, call.body)
    # Several signatures may stand side by side while the secret is being changed.
    if not any(hmac.compare_digest(expected.encode(), each.encode("utf-8", "replace")) for each in given.split(" ")):
        raise ForgedCallError(f"{SIGNATURE} does not fit the body: check the secret on both sides")
    return _object(call.body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedCallError("the body is not JSON in UTF-8") from error
    if not isinstance(fields, dict):
        raise MalformedCallError("the body is not a JSON object")
    return fields


def _needed(fields: dict[str, Any], name: str) -> str:
    value = _text(fields, name).strip()
    if not value:
        raise MalformedCallError(f"the field {name} is missing or empty")
    return value


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise MalformedCallError(f"the field {name} is not a string")
    return value
