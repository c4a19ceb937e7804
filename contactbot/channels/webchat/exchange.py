"""One frame of the browser's into the house, and the house's word back: the same for every line and for plain forms."""

import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import cast

import phonenumbers
import structlog

from contactbot.brake import Brake
from contactbot.channels.base import House, Opening, Surroundings
from contactbot.channels.webchat import frames
from contactbot.channels.webchat.assets import display_name
from contactbot.channels.webchat.files import taken
from contactbot.channels.webchat.frames import (
    Code,
    End,
    Frame,
    Hello,
    LeaveAddress,
    Message,
    Ping,
    Rate,
    Read,
    RefusedError,
    Reply,
    Transcript,
    Typing,
)
from contactbot.channels.webchat.session import Session, Signer
from contactbot.channels.webchat.settings import Site, WebchatSettings
from contactbot.channels.webchat.wording import COMPLETE, words
from contactbot.errors import StoreBusyError, UnknownAccountError
from contactbot.messages import Accepted, Address, Attachment, Inbound, MailText, Spoken, Standing
from contactbot.wording.words import Words

_log = structlog.get_logger()

# One @, a dot in the domain, nothing that could end a header: whether there is a mailbox, only a mail can tell.
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@(?:[^\s@<>,;:\"()\[\]\\.]{1,63}\.)+[^\s@<>,;:\"()\[\]\\.]{2,63}")

# Links by mail that one network address may ask for: anybody can type anybody's address.
MAILS_AT_ONCE = 5
MAILS_PER_HOUR = 10
LOOK_BACK = 20  # positions in which a message may appear late; the widget asks as far back (widget.js)

STATUS: dict[Code, int] = {
    "frame": 400,
    "origin": 403,
    "session": 401,
    "empty": 422,
    "too_long": 422,
    "too_big": 413,
    "flood": 429,
    "busy": 503,
    "starting": 503,
    "unknown_site": 404,
    "bad_address": 422,
    "bad_mail": 422,
    "no_mail": 403,
    "asked_enough": 429,
    "mail_later": 429,
    "link_gone": 410,
    "gone": 404,
    "no_files": 403,
    "file_type": 415,
    "file_too_big": 413,
}
"""The HTTP status of each refusal (RFC 9110 §15, 429 from RFC 6585)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the other end: the chat they use, and the network address floods are counted by."""

    site: Site
    address: str


@dataclass(frozen=True, slots=True)
class Update:
    """What is new for a browser: messages, and how the conversation stands, None when that is as it was."""

    spoken: Sequence[Spoken]
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as a form brought it, with the form's other fields."""

    fields: Mapping[str, str]
    name: str
    content: bytes


class Exchange:
    """Takes frames to the house. ``house`` is None while the channel does not run."""

    def __init__(self, settings: WebchatSettings, surroundings: Surroundings, signer: Signer) -> None:
        def timer() -> float:
            return surroundings.clock().timestamp()

        self.house: House | None = None
        self._settings = settings
        self._surroundings = surroundings
        self._signer = signer
        self._sessions = Brake(settings.session_burst, settings.session_per_minute, timer)
        self._addresses = Brake(settings.address_burst, settings.address_per_minute, timer)
        self._mails = Brake(MAILS_AT_ONCE, MAILS_PER_HOUR / 60, timer)

    def running(self) -> House:
        """Return the house; raises RefusedError ``starting`` while the channel does not run."""
        if self.house is None:
            raise RefusedError("starting", retry_after=2)
        return self.house

    def enter(self, caller: Caller, token: str) -> Session:
        """Return the conversation a token names, a new one for no token. Raises RefusedError ``session``, ``flood``."""
        if not token:
            self._brake(self._addresses, caller.address, "")
            return self._signer.new(caller.site.site)
        session = self._signer.read(caller.site.site, token)
        if session is None:
            raise RefusedError("session")
        return session

    def prepare(self, site: str) -> str:
        """Return a token for a form that may never be sent; nothing is kept of it here."""
        return self._signer.new(site).token

    def ready(self, caller: Caller, session: Session, language: str) -> Reply:
        """Tell the browser its token, the opening hours and the limit."""
        opening = self.opening(caller.site, language)
        return {
            "type": "ready",
            "token": session.token,
            "open": opening.open,
            "opening": opening.sentence,
            "limit": self._settings.text_limit,
        }

    async def answer(self, caller: Caller, session: Session, frame: Frame) -> Reply:
        """Do what a frame asks and return the answer. Raises RefusedError."""
        match frame:
            case Message():
                accepted = await self.say(caller, session, frame)
                return {"type": "accepted", "id": frame.id, "position": accepted.position}
            case Typing() | Read():
                await self._hint(session, frame.position if isinstance(frame, Read) else None)
                return {"type": "ok"}
            case LeaveAddress(value):
                await self.leave(caller, session, value)
                return {"type": "noted"}
            case Transcript():
                await self.ask_for_transcript(caller, session, frame)
                return {"type": "asked"}
            case Rate(position, helpful):
                await self.rate(caller, session, frame)
                return {"type": "rated", "position": position, "helpful": helpful}
            case End():
                await self.end(session)
                return {"type": "ok"}
            case Ping():
                return {"type": "pong"}
            case Hello():
                return self.ready(caller, session, frame.language or caller.site.languages[0])

    async def say(self, caller: Caller, session: Session, message: Message, *files: Attachment) -> Accepted:
        """Hand a message to the house, with any files, and return after its commit. Raises RefusedError."""
        self._brake(self._sessions, session.id, message.id)
        self._brake(self._addresses, caller.address, message.id)
        inbound = Inbound(
            channel="webchat",
            account=caller.site.site,
            sender=session.address,
            external_id=f"{session.id}:{message.id}",
            text=message.text,
            received_at=self._surroundings.clock(),
            raw=message.text.encode("utf-8", "surrogatepass"),
            raw_type="text/plain; charset=utf-8",
            language=message.language,
            attachments=files,
        )
        with _asking(message.id):
            return await self.running().receive(inbound)

    async def send_file(self, caller: Caller, session: Session, upload: Upload, said: Words) -> Accepted:
        """Hand a file to the people who have the conversation. Raises RefusedError, ``no_files`` when nobody has it."""
        if not (await self.standing(session)).with_people:
            raise RefusedError("no_files")
        key = upload.fields.get("key") or secrets.token_urlsafe(12)
        file = taken(upload.name, upload.content, self._settings.file_types)
        message = frames.message(key, said.say("file_sent", name=file.name), "", self._settings.text_limit)
        return await self.say(caller, session, message, file)

    async def standing(self, session: Session) -> Standing:
        """Return how the conversation stands, with a place in the queue only while people are there to shorten it.

        Raises RefusedError ``busy`` or ``starting``.
        """
        with _asking():
            house = self.running()
            stands = await house.standing(session.address)
            there = stands.place is not None and house.opening(session.site, COMPLETE[0]).open
            return stands if there else replace(stands, place=None)

    async def leave(self, caller: Caller, session: Session, value: str) -> None:
        """Note where the resident may be reached. Raises RefusedError ``bad_address`` or ``busy``."""
        self._brake(self._sessions, session.id, "")
        country = self._surroundings.countries.get(caller.site.municipality, "")
        address = reachable(value, country)
        if address is None:
            raise RefusedError("bad_address")
        with _asking():
            await self.running().leave_address(session.address, address)

    async def rate(self, caller: Caller, session: Session, rate: Rate) -> None:
        """Pass on what the resident thinks of an answer. Raises RefusedError ``gone``, ``flood`` or ``busy``."""
        self._brake(self._sessions, session.id, "")
        with _asking():
            rated = await self.running().rate(
                caller.site.site, session.address, rate.position, helpful=rate.helpful, comment=rate.words
            )
        if not rated:
            raise RefusedError("gone")

    async def end(self, session: Session) -> None:
        """Pass on that the resident has ended the conversation. Raises RefusedError ``flood`` or ``busy``."""
        self._brake(self._sessions, session.id, "")
        with _asking():
            await self.running().leave(session.address)

    async def history(self, session: Address, after: int) -> Sequence[Spoken]:
        """Return what the resident has not seen. Raises RefusedError ``busy``."""
        with _asking():
            return await self.running().history(session, after)

    def sends_mail(self, site: Site) -> bool:
        """Say whether a conversation can be had by mail."""
        return self.house is not None and self.house.sends_mail(site.site)

    async def ask_for_transcript(self, caller: Caller, session: Session, asked: Transcript) -> None:
        """Send a link to the address where a resident wants the conversation.

        Raises RefusedError ``bad_mail``, ``no_mail``, ``asked_enough``, ``flood`` or ``busy``.
        """
        to = reachable(asked.value, "")
        if to is None or to.scheme != "email":
            raise RefusedError("bad_mail")
        if not self.sends_mail(caller.site):
            raise RefusedError("no_mail")
        self._brake(self._sessions, session.id, "")
        if self._mails.wait(caller.address):
            raise RefusedError("asked_enough")
        key = secrets.token_urlsafe(16)
        mail = self._link(caller.site, key, asked.language)
        with _asking():
            if not await self.running().ask_for_transcript(caller.site.site, session.address, to, key, mail):
                raise RefusedError("asked_enough")

    def _link(self, site: Site, key: str, language: str) -> MailText:
        said = words(language if language in site.languages else site.languages[0])
        link = f"{self._surroundings.public_url}/chat/{site.site}/mail/{key}?lang={said.language}"
        text = said.say("link_text", title=display_name(site, self._surroundings), link=link)
        return MailText(said["link_subject"], text, said.lang)

    async def wanted(self, caller: Caller, key: str) -> Address:
        """Return the session whose conversation a link is for. Raises RefusedError ``link_gone`` or ``busy``."""
        with _asking():
            session = await self.running().transcript_for(caller.site.site, key)
        if session is None:
            raise RefusedError("link_gone")
        return session

    async def send_transcript(self, caller: Caller, key: str, mail: MailText) -> None:
        """Send the conversation where the link was. Raises RefusedError ``link_gone``, ``mail_later`` or ``busy``."""
        with _asking():
            sent = await self.running().send_transcript(caller.site.site, key, mail)
        if sent == "later":
            raise RefusedError("mail_later", retry_after=3600)
        if sent == "gone":
            raise RefusedError("link_gone")

    def zone(self, site: Site) -> tzinfo:
        """Return the zone of the times a chat shows."""
        return site.zone(self._surroundings.countries.get(site.municipality, ""))

    def opening(self, site: Site, language: str) -> Opening:
        """Say whether people are there. Raises RefusedError ``busy`` or ``starting``."""
        with _asking():
            return self.running().opening(site.site, language)

    async def updates(self, session: Session, after: int) -> AsyncGenerator[Update, None]:
        """Yield every message above ``after`` once and in order, and how the conversation stands, as they change.

        Close it with ``aclosing``. The database is asked each time, so a lost wake-up, a reload or a restart loses
        nothing. Each look goes back a little: an answer is in the history once it has left the outbox, and the
        resident's next message may be there before it. Raises RefusedError ``busy``.
        """
        house = self.running()
        # The port promises that the iterator can be closed.
        changes = cast("AsyncGenerator[None, None]", house.changes(session.address))
        highest, shown, told = after, set[int](), Standing()
        with _asking():
            async with aclosing(changes):
                async for _ in changes:
                    history = await house.history(session.address, max(after, highest - LOOK_BACK))
                    standing = await self.standing(session)
                    spoken = [one for one in history if one.position not in shown]
                    if spoken:
                        highest = max(highest, spoken[-1].position)
                        shown = {at for at in (*shown, *(one.position for one in spoken)) if at > highest - LOOK_BACK}
                    # That somebody writes is said as often as they do: the browser forgets it by itself.
                    news = standing if standing != told or standing.writing is not None else None
                    told = standing
                    if spoken or news is not None:
                        yield Update(spoken, news)

    def sentence(self, error: RefusedError, said: Words) -> str:
        """Say to the resident why something was not done."""
        return said.say(
            f"refused_{error.code}",
            limit=self._settings.text_limit,
            megabytes=self._settings.file_limit // 1_048_576,
            types=", ".join(self._settings.file_types),
        )

    def refusal(self, error: RefusedError, said: Words) -> Reply:
        """Tell the browser why a frame was not obeyed, for programs and in the resident's language."""
        reply: Reply = {"type": "refused", "code": error.code, "text": self.sentence(error, said)}
        if error.key:
            reply["id"] = error.key
        if error.retry_after:
            reply["retry_after"] = error.retry_after
        return reply

    async def _hint(self, session: Session, position: int | None) -> None:
        with suppress(RefusedError), _asking():  # a lost hint does no harm
            if position is None:
                await self.running().hint(session.address, "typing")
            else:
                await self.running().hint(session.address, "read", position)

    @staticmethod
    def _brake(brake: Brake, name: str, key: str) -> None:
        if wait := brake.wait(name):
            raise RefusedError("flood", key, retry_after=round(wait + 0.5))


@contextmanager
def _asking(key: str = "") -> Iterator[None]:
    """Turn what the house raises into a refusal: the message was not kept, and its writer may try again."""
    try:
        yield
    except UnknownAccountError:
        raise RefusedError("unknown_site", key) from None
    except StoreBusyError:
        raise RefusedError("busy", key, retry_after=3) from None
    except (RefusedError, ConnectionError, TimeoutError):
        raise
    except Exception as error:  # noqa: BLE001 - one resident's trouble must not end another's line
        # The error's own text may quote the message, so only its kind is logged.
        _log.error("webchat.house_failed", error=type(error).__name__)
        raise RefusedError("busy", key, retry_after=10) from None


def reachable(value: str, country: str) -> Address | None:
    """Read a mail address or a telephone number as people write them; None when it is neither."""
    text = value.strip()
    if _EMAIL.fullmatch(text):
        local, _, domain = text.rpartition("@")
        return Address("email", f"{local}@{domain.lower()}")
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number) or re.search(r"[^\W\d_]", text):
        return None
    return Address("tel", phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


async def first_answer(updates: AsyncIterator[Update], position: int) -> None:
    """Wait until something stands after a position that is not the resident's own."""
    async for update in updates:
        if any(one.position > position and one.author != "resident" for one in update.spoken):
            return
