"""What Twilio posts to us: proven by its signature, then read. Pure.

The signature covers the address Twilio was given, so it is checked against our configured public address; the request's
own Host and scheme are the proxy's affair and could be anybody's.
"""

from typing import Final
from urllib.parse import parse_qsl

from multidict import MultiDict
from twilio.request_validator import RequestValidator

from contactbot.channels.sms.provider import ForgedCallError, MalformedCallError, ReceivedText, WebCall
from contactbot.channels.sms.twilio.outcomes import of_status
from contactbot.messages import Receipt

SIGNATURE: Final = "X-Twilio-Signature"
MOST_FIELDS: Final = 200  # Twilio posts about 25
MOST_MEDIA: Final = 10  # pictures in one message, Twilio's own limit
THANKS: Final = ('<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml")


def read_text(call: WebCall, token: str) -> ReceivedText:
    """Read an incoming text; raises ForgedCallError or MalformedCallError."""
    form = _proven(call, token)
    return ReceivedText(
        id=_needed(form, "MessageSid"),
        sender=_needed(form, "From"),
        recipient=_needed(form, "To"),
        body=form.get("Body", ""),
        raw=call.body,
        raw_type="application/x-www-form-urlencoded",
        media=tuple(form[f"MediaUrl{number}"] for number in range(MOST_MEDIA) if form.get(f"MediaUrl{number}")),
    )


def read_report(call: WebCall, token: str) -> Receipt:
    """Read a status report; the outbox row comes from our own address in it, which the signature covers."""
    form = _proven(call, token)
    state, detail = of_status(_needed(form, "MessageStatus"), _number(form.get("ErrorCode", "")))
    return Receipt(state, _number(call.query.get("outbox", "")), provider_id=_needed(form, "MessageSid"), detail=detail)


def _proven(call: WebCall, token: str) -> MultiDict[str]:
    signature = call.headers.get(SIGNATURE, "")
    if not signature:
        raise ForgedCallError(f"the header {SIGNATURE} is missing: only Twilio may call this address")
    form = _form(call.body)
    if not signature.isascii() or not _fits(call.url, form, signature, token):
        raise ForgedCallError(
            f"{SIGNATURE} does not fit {call.url}: check public_url, the auth token and the address set at Twilio"
        )
    return form


def _fits(url: str, form: MultiDict[str], signature: str, token: str) -> bool:
    validator = RequestValidator(token)
    return bool(validator.validate(url, form, signature))


def _form(body: bytes) -> MultiDict[str]:
    """Read the form with its blank fields, which the signature covers too."""
    try:
        fields = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise MalformedCallError("the body is not a form in UTF-8 with at most 200 fields") from error
    return MultiDict(fields)


def _needed(form: MultiDict[str], name: str) -> str:
    value = form.get(name, "").strip()
    if not value:
        raise MalformedCallError(f"the field {name} is missing or empty")
    return value


def _number(digits: str) -> int | None:
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 19 else None  # noqa: PLR2004 - fits int64
