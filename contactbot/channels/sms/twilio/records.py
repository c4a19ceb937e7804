"""Message records as Twilio's API gives them, read as ours. Pure."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from contactbot.channels.sms.provider import ReceivedText, TextToSend
from contactbot.channels.sms.twilio.outcomes import of_status
from contactbot.messages import Receipt

if TYPE_CHECKING:
    from twilio.rest.api.v2010.account.message import MessageInstance

TRIAL: Final = "Sent from your Twilio trial account - "  # what Twilio puts before the words until an account is paid
CLOCKS_DIFFER: Final = timedelta(minutes=2)  # a text found at Twilio may seem this much older than our outbox row


def receipt(text: TextToSend, message: "MessageInstance") -> Receipt:
    """Give the receipt of a text that Twilio has; its own count of parts wins when it has one."""
    state, detail = of_status(str(message.status), message.error_code)
    segments = int(message.num_segments or 0) or text.segments
    return Receipt(state, text.outbox, provider_id=str(message.sid), detail=detail, segments=segments)


def could_be(message: "MessageInstance", text: TextToSend) -> bool:
    """Tell whether a record may be this text: sent by us since it was written, with the same words."""
    created = message.date_created or datetime.max.replace(tzinfo=UTC)
    return (
        not came_in(message)
        and (message.body or "").removeprefix(TRIAL).strip() == text.body.strip()
        and created >= text.created_at - CLOCKS_DIFFER
    )


def came_in(message: "MessageInstance") -> bool:
    """Tell whether a record is of a text from a resident."""
    return str(message.direction) == "inbound"


def received(message: "MessageInstance", media: Sequence[str]) -> ReceivedText:
    """Read the record of an incoming text; ``media`` are its pictures' addresses, since the record only counts them."""
    fields = {
        "MessageSid": message.sid,
        "From": message.from_,
        "To": message.to,
        "Body": message.body,
        "NumMedia": message.num_media,
        "Media": list(media),
    }
    return ReceivedText(
        id=str(message.sid),
        sender=message.from_ or "",
        recipient=message.to or "",
        body=message.body or "",
        raw=json.dumps(fields, ensure_ascii=False).encode(),
        raw_type="application/json",
        sent_at=message.date_sent or message.date_created,
        media=tuple(media),
    )
