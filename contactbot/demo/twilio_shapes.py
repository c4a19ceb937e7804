"""Texts in the shapes of Twilio's API and webhooks, version 2010-04-01. Pure.

Source: Twilio's published description of its API, and of the parameters of its webhooks.
"""

from collections.abc import Sequence
from email.utils import format_datetime
from typing import Any, Final

from contactbot.channels.sms.segments import cost
from contactbot.demo.texts import Text

VERSION: Final = "2010-04-01"


def record(text: Text, account_sid: str) -> dict[str, Any]:
    """Give a message's record as the API lists it; a queued one has no date of sending yet."""
    at = format_datetime(text.at)
    return {
        "account_sid": account_sid,
        "api_version": VERSION,
        "body": text.body,
        "date_created": at,
        "date_sent": None if text.status == "queued" else at,
        "date_updated": at,
        "direction": "inbound" if text.inbound else "outbound-api",
        "error_code": text.error_code,
        "error_message": None,
        "from": text.sender,
        "messaging_service_sid": None,
        "num_media": str(len(text.media)),
        "num_segments": str(cost(text.body).segments),
        "price": None,
        "price_unit": "USD",
        "sid": text.sid,
        "status": text.status,
        "subresource_uris": {"media": f"{path(text, account_sid)}/Media.json"},
        "to": text.recipient,
        "uri": f"{path(text, account_sid)}.json",
    }


def text_form(text: Text, account_sid: str, media: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Give the fields posted with a resident's text, blank ones among them; ``media`` are addresses and types."""
    form = {
        "ToCountry": "",
        "ToState": "",
        "ToCity": "",
        "ToZip": "",
        "FromCountry": "",
        "FromState": "",
        "FromCity": "",
        "FromZip": "",
        "SmsMessageSid": text.sid,
        "SmsSid": text.sid,
        "MessageSid": text.sid,
        "AccountSid": account_sid,
        "SmsStatus": "received",
        "From": text.sender,
        "To": text.recipient,
        "Body": text.body,
        "NumMedia": str(len(media)),
        "NumSegments": str(cost(text.body).segments),
        "ApiVersion": VERSION,
    }
    for number, (address, media_type) in enumerate(media):
        form |= {f"MediaUrl{number}": address, f"MediaContentType{number}": media_type}
    return form


def report_form(text: Text, account_sid: str) -> dict[str, str]:
    """Give the fields posted with a change of status."""
    form = {
        "MessageSid": text.sid,
        "SmsSid": text.sid,
        "AccountSid": account_sid,
        "From": text.sender,
        "To": text.recipient,
        "MessageStatus": text.status,
        "SmsStatus": text.status,
        "ApiVersion": VERSION,
    }
    return form if text.error_code is None else form | {"ErrorCode": str(text.error_code)}


def page(key: str, records: Sequence[dict[str, Any]], uri: str, more: str | None) -> dict[str, Any]:
    """Give one page of a list; ``more`` is the address of the next, None on the last."""
    return {
        key: list(records),
        "end": max(0, len(records) - 1),
        "first_page_uri": uri,
        "next_page_uri": more,
        "page": 0,
        "page_size": len(records),
        "previous_page_uri": None,
        "start": 0,
        "uri": uri,
    }


def media_record(text: Text, account_sid: str, name: str, media_type: str) -> dict[str, Any]:
    """Give the record of one picture; its content is at the address without the ending."""
    uri = f"{path(text, account_sid)}/Media/{name}.json"
    return {"sid": name, "account_sid": account_sid, "parent_sid": text.sid, "content_type": media_type, "uri": uri}


def error(status: int, code: int, message: str) -> dict[str, Any]:
    """Give the body of a refusal."""
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    return {"code": code, "message": message, "more_info": more_info, "status": status}


def path(text: Text, account_sid: str) -> str:
    """Give the path of a message's record, without its ending."""
    return f"/{VERSION}/Accounts/{account_sid}/Messages/{text.sid}"
