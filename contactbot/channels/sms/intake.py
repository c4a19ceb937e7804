"""From a text as a provider gives it to a message as the house takes it."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from typing import Final

from contactbot.channels.base import Surroundings
from contactbot.channels.sms.provider import NotAnsweredError, Provider, ReceivedText
from contactbot.channels.sms.settings import NumberSettings
from contactbot.messages import Account, Address, Attachment, Inbound
from contactbot.places import UnknownPlaceError, place

CHANNEL: Final = "sms"
PICTURE_SECONDS: Final = 8.0  # for all pictures of a text; Twilio waits 15 s for our answer


class Intake:
    """Knows our numbers and each municipality's way of writing numbers."""

    def __init__(self, numbers: Sequence[NumberSettings], surroundings: Surroundings, provider: Provider) -> None:
        self._surroundings = surroundings
        self._provider = provider
        self.accounts = tuple(self._account(number) for number in numbers)

    async def inbound(self, text: ReceivedText) -> Inbound:
        """Make the message, its pictures fetched; a number that is not ours is left for the house to refuse."""
        account = self._account_for(text.recipient)
        pictures, unreadable = await self._pictures(text.media)
        return Inbound(
            channel=CHANNEL,
            account=account.address if account else text.recipient,
            sender=Address("tel", self._normal(text.sender, account) if account else text.sender),
            external_id=text.id,
            text=text.body,
            received_at=text.sent_at or self._surroundings.clock(),
            raw=text.raw,
            raw_type=text.raw_type,
            attachments=pictures,
            authenticated=False if _is_name(text.sender) else None,
            unreadable=unreadable,
        )

    async def _pictures(self, media: Sequence[str]) -> tuple[tuple[Attachment, ...], str]:
        """Fetch what can be had in time; the addresses of the rest stay in the raw copy."""
        fetched: list[Attachment] = []
        try:
            async with asyncio.timeout(PICTURE_SECONDS):
                for picture in media:
                    fetched.append(await self._provider.fetch(picture))  # noqa: PERF401 - keeps what came before a failure
        except (NotAnsweredError, TimeoutError):
            return tuple(fetched), "picture_not_fetched"
        return tuple(fetched), ""

    def _account_for(self, number: str) -> Account | None:
        """Find our account; most providers write a number as we do, so that is tried before each country's way."""
        same = (each for each in self.accounts if number == each.address)
        alike = (each for each in self.accounts if self._normal(number, each) == each.address)
        return next(chain(same, alike), None)

    def _account(self, number: NumberSettings) -> Account:
        """Give the number to its municipality; with several and none named to nobody, which ``check`` reports."""
        names = self._surroundings.municipality_names
        only = next(iter(names), "") if len(names) == 1 else ""
        account = Account(CHANNEL, number.number, number.municipality or only, number.kind)
        return Account(CHANNEL, self._normal(number.number, account), account.municipality, account.kind)

    def _normal(self, number: str, account: Account) -> str:
        """Write a number as the account's country does; short codes and names stay as they are."""
        try:
            return place(self._surroundings.countries.get(account.municipality, "")).normalise_phone(number)
        except UnknownPlaceError:
            return number.strip()


def _is_name(sender: str) -> bool:
    """Tell a name that a company sends under, to which no answer can go: people read what it says."""
    return "+" not in sender and any(char.isalpha() for char in sender)
