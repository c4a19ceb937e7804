"""The gateway and the channel both speak Twilio's published API, version 2010-04-01.

The fields are told here; where the published description lies beside the project they are compared with it too.
"""

import json
import re
from typing import Any

import aiohttp
import pytest

from contactbot import clock
from contactbot.channels.sms.provider import TextToSend
from contactbot.channels.sms.settings import TwilioSettings
from contactbot.channels.sms.twilio import TwilioProvider
from contactbot.channels.sms.twilio.outcomes import of_refusal, of_status
from contactbot.demo.gateway import Gateway
from contactbot.demo.twilio_shapes import VERSION
from contactbot.messages import Receipt
from tests.parts import reference

MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
FIELDS = {
    "account_sid": r"AC[0-9a-f]{32}",
    "api_version": VERSION,
    "body": r"(?s).+",
    "date_created": r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} \+0000",
    "date_sent": r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} \+0000",
    "date_updated": r"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} \+0000",
    "direction": r"inbound|outbound-api",
    "error_code": None,
    "error_message": None,
    "from": r"\+\d+",
    "messaging_service_sid": None,
    "num_media": r"\d+",
    "num_segments": r"\d+",
    "price": None,
    "price_unit": r"[A-Z]{3}",
    "sid": r"SM[0-9a-f]{32}",
    "status": r"queued|sent|delivered|undelivered|received",
    "subresource_uris": None,
    "to": r"\+\d+",
    "uri": r"/2010-04-01/Accounts/AC\w+/Messages/SM\w+\.json",
}
SENT_FIELDS = {"To", "From", "Body", "StatusCallback"}
STATES = {
    "accepted": "sent",
    "scheduled": "sent",
    "queued": "sent",
    "sending": "sent",
    "sent": "sent",
    "partially_delivered": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "failed": "failed",
    "undelivered": "failed",
    "canceled": "failed",
}


async def test_the_gateways_records_have_the_apis_fields_in_the_apis_forms() -> None:
    async with Gateway(numbers=("+4759440000",)) as gateway:
        await gateway.keep("+4799887766", "+4759440000", "Hei")
        sid = gateway.texts[0].sid
        record = await _get(gateway, f"/{VERSION}/Accounts/{gateway.account_sid}/Messages/{sid}.json")
        page = await _get(gateway, f"/{VERSION}/Accounts/{gateway.account_sid}/Messages.json?PageSize=1")
    assert set(record) == set(FIELDS)
    assert [
        name
        for name, form in FIELDS.items()
        if form is not None and record[name] is not None and not re.fullmatch(form, record[name])
    ] == []
    assert page["messages"] == [record]


async def test_the_channel_posts_only_fields_the_api_knows() -> None:
    async with Gateway(numbers=("+4759440000",), reports=False) as gateway:
        provider = _provider(gateway)
        await provider.send(_text())
        await provider.close()
        assert set(gateway.posted[0]) == SENT_FIELDS


async def test_lists_longer_than_a_page_are_read_whole_and_in_order() -> None:
    async with Gateway(numbers=("+4759440000",), reports=False) as gateway:
        for number in range(1_100):
            await gateway.keep("+4799887766", "+4759440000", f"Melding {number}")
        provider = _provider(gateway)
        received = await provider.received("+4759440000", clock.now().replace(microsecond=0))
        await provider.close()
    assert [text.body for text in received] == [f"Melding {number}" for number in range(1_100)]


async def test_requests_without_the_accounts_credentials_are_refused_with_the_apis_code() -> None:
    async with Gateway(numbers=("+4759440000",)) as gateway:
        settings = TwilioSettings.model_validate(
            {"account_sid": gateway.account_sid, "auth_token": "0" * 32, "api_url": gateway.url}
        )
        provider = TwilioProvider(settings)
        receipt = await provider.send(_text())
        await provider.close()
    assert (receipt.state, receipt.detail) == ("retry", "not_authenticated (20003)")


@pytest.mark.parametrize(("status", "state"), STATES.items())
def test_every_status_of_an_outgoing_message_has_a_meaning(status: str, state: str) -> None:
    assert of_status(status)[0] == state


@pytest.mark.parametrize(
    ("http_status", "code", "expected"),
    [
        (400, 21610, Receipt("failed", 1, detail="opted_out (21610)")),
        (400, 21211, Receipt("failed", 1, detail="invalid_number (21211)")),
        (400, 12345, Receipt("failed", 1, detail="refused (12345)")),
        (429, None, Receipt("retry", 1, detail="provider_busy (429)", retry_after=30.0)),
        (503, None, Receipt("retry", 1, detail="provider_busy (503)", retry_after=30.0)),
        (403, None, Receipt("retry", 1, detail="not_authenticated (403)", retry_after=300.0)),
        (400, 21611, Receipt("retry", 1, detail="queue_full (21611)", retry_after=120.0)),
    ],
)
def test_every_refusal_is_either_for_good_or_for_now(http_status: int, code: int | None, expected: Receipt) -> None:
    assert of_refusal(1, http_status, code) == expected


def test_all_this_agrees_with_the_published_description() -> None:
    published = json.loads(reference("twilio/twilio_api_v2010.json").read_text("utf-8"))
    schemas = published["components"]["schemas"]
    assert set(schemas["api.v2010.account.message"]["properties"]) == set(FIELDS)
    assert set(schemas["message_enum_status"]["enum"]) - {"receiving", "received"} == set(STATES)
    form = published["paths"][MESSAGES]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    assert set(form["schema"]["properties"]) >= SENT_FIELDS
    assert {"To", "From", "DateSent>", "PageSize", "Page"} <= {
        parameter["name"] for parameter in published["paths"][MESSAGES]["get"]["parameters"]
    }


async def _get(gateway: Gateway, path: str) -> dict[str, Any]:
    headers = {"Authorization": aiohttp.encode_basic_auth(gateway.account_sid, gateway.auth_token)}
    async with aiohttp.ClientSession() as session, session.get(gateway.url + path, headers=headers) as answer:
        assert answer.status == 200
        record: dict[str, Any] = await answer.json()
        return record


def _provider(gateway: Gateway) -> TwilioProvider:
    return TwilioProvider(
        TwilioSettings.model_validate(
            {"account_sid": gateway.account_sid, "auth_token": gateway.auth_token, "api_url": gateway.url}
        )
    )


def _text() -> TextToSend:
    return TextToSend(
        outbox=1,
        sender="+4759440000",
        recipient="+4799887766",
        body="Hei",
        segments=1,
        report_url="https://kommune.example/channels/sms/status?outbox=1",
        created_at=clock.now(),
    )
