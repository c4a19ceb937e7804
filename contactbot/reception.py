"""The house as one channel sees it: the port behind which everything else is hidden."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from contactbot.channels.base import Channel, Opening
from contactbot.clock import Clock
from contactbot.conversation import store
from contactbot.conversation.engine import Engine
from contactbot.delivery import Delivery
from contactbot.handoff import desk
from contactbot.kb import store as kb
from contactbot.marks import in_words
from contactbot.masking import EVERYTHING
from contactbot.messages import Accepted, Address, Inbound, MailText, Receipt, Spoken, Standing
from contactbot.municipality import Municipality
from contactbot.storage.database import Database
from contactbot.storage.notices import session_topic
from contactbot.threads import writing
from contactbot.threads.sessions import store as sessions
from contactbot.threads.writing import Writing
from contactbot.transcripts import mailing

SLOW_POLL = 120.0  # seconds between looks at a session when no notice comes: thousands of chats may be open


class Reception:
    """What one channel is given: the ``House`` port (``channels/base.py``). ``mail`` is what sends mail."""

    def __init__(  # noqa: PLR0913 - the parts of the house that a channel meets
        self,
        channel: Channel,
        database: Database,
        engine: Engine,
        delivery: Delivery,
        municipalities: Mapping[str, Municipality],
        clock: Clock,
        writing: Writing,
        mail: Channel | None = None,
    ) -> None:
        self.ready = asyncio.Event()
        self._channel = channel
        self._database = database
        self._engine = engine
        self._delivery = delivery
        self._municipalities = municipalities
        self._clock = clock
        self._writing = writing
        self._mail = mail

    def started(self) -> None:
        """Note that the channel receives."""
        self.ready.set()

    async def receive(self, inbound: Inbound, cursor: str | None = None) -> Accepted:
        """Take a message in and return after the commit."""
        received = await self._engine.receive(inbound, self._channel.abilities, cursor)
        return received.accepted

    async def receipt(self, receipt: Receipt) -> None:
        """Record what a peer says became of an outgoing message."""
        await self._delivery.record(receipt)

    async def cursor(self, account: str) -> str | None:
        """Return the cursor last stored for this account."""
        found: str | None = await self._database.glance(store.cursor, self._channel.name, account)
        return found

    async def note_cursor(self, account: str, cursor: str) -> None:
        """Store where an account is read from."""
        await self._database.jot(store.set_cursor, self._channel.name, account, cursor)

    async def history(self, session: Address, after: int) -> Sequence[Spoken]:
        """Return the session's messages with a position above ``after``; staff appear as the municipality decides.

        What masking took out of what the resident wrote is named in words.
        """
        spoken: Sequence[Spoken] = await self._database.glance(sessions.spoken_to, self._channel.name, session, after)
        return [
            replace(one, author_name=self._shown_name(one), text=in_words(one.text, one.language)) for one in spoken
        ]

    def _shown_name(self, spoken: Spoken) -> str:
        town = self._municipalities.get(spoken.municipality)
        return "" if town is None else town.shown_name(spoken.author_name)

    def changes(self, session: Address) -> AsyncIterator[None]:
        """Yield whenever the session's history may have grown; first at once."""
        topic = session_topic(session.scheme, session.value)
        return self._database.notices.changes(topic, poll=SLOW_POLL)

    async def hint(self, sender: Address, kind: Literal["typing", "read"], position: int = 0) -> None:
        """Note how far a resident has read; tell the desk that they are typing."""
        if kind == "read":
            await self._database.jot(sessions.note_read, sender, position)
        else:
            for municipality, ticket in await self._database.glance(sessions.cases_of, sender):
                await self._database.jot(writing.tell_of_resident, municipality, ticket, mode="queue")

    async def leave_address(self, session: Address, address: Address) -> None:
        """Note where the resident may be reached when the session is gone."""
        await self._database.write(sessions.leave_address, session, address)

    def sends_mail(self, account: str) -> bool:
        """Say whether the municipality can send mail."""
        municipality = self._municipality(account).id
        return self._mail is not None and any(one.municipality == municipality for one in self._mail.accounts)

    async def ask_for_transcript(self, account: str, session: Address, to: Address, key: str, mail: MailText) -> bool:
        """Send a mail with a link to whom a session wants its conversation sent."""
        wish = mailing.Wish(session, to, key, mail)
        asked: bool = await self._database.write(mailing.ask, self._postbox(account), wish, self._clock())
        return asked

    async def transcript_for(self, account: str, key: str) -> Address | None:
        """Return the session whose conversation a link is for."""
        found = await self._database.read(mailing.wanted, self._municipality(account).id, key, self._clock())
        return None if found is None else found.session

    async def send_transcript(self, account: str, key: str, mail: MailText) -> mailing.Sent:
        """Send a conversation to the address whose link was followed."""
        sent: mailing.Sent = await self._database.write(mailing.send, self._postbox(account), key, mail, self._clock())
        return sent

    def _postbox(self, account: str) -> mailing.Postbox:
        mail = self._mail
        municipality = self._municipality(account).id
        if mail is None:
            return mailing.Postbox(municipality, "", 0)
        return mailing.Postbox(municipality, mail.name, mail.abilities.automatic_per_hour)

    async def leave(self, session: Address) -> None:
        """Tell the people who have a session's case that the resident has ended the conversation."""
        await self._database.write(desk.left, session, self._clock())

    async def standing(self, session: Address) -> Standing:
        """Return how the session's conversation stands, and who of the staff is writing to it."""
        stands: Standing = await self._database.glance(sessions.standing, self._channel.name, session)
        return replace(stands, writing=self._writing.to(session))

    async def rate(self, account: str, session: Address, position: int, *, helpful: bool, comment: str) -> bool:
        """Keep what the resident thinks of an answer, their words masked, for the editors."""
        town = self._municipality(account)
        masked = town.mask(comment, EVERYTHING).text
        unit = partial(kb.rate, helpful=helpful, comment=masked)
        rated: bool = await self._database.write(unit, town.id, session, position, self._clock())
        return rated

    def opening(self, account: str, language: str) -> Opening:
        """Say whether people are there now."""
        return Opening(*self._municipality(account).opening(self._clock(), language))

    def _municipality(self, account: str) -> Municipality:
        return self._municipalities[next(a.municipality for a in self._channel.accounts if a.address == account)]
