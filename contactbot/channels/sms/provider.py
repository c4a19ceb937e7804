"""The port between the channel and whoever carries its text messages.

It names what any provider does: it calls us with texts and reports, it takes texts to send, and it may be asked what it
has. Signatures, formats, codes and states belong to the provider behind it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contactbot.channels.base import Finding
from contactbot.errors import ContactbotError
from contactbot.messages import Attachment, Receipt


class ForgedCallError(ContactbotError):
    """A call to us is not proven to come from the provider; nothing in it is believed."""


class MalformedCallError(ContactbotError):
    """A call comes from the provider and still lacks what it must have."""


class NotAnsweredError(ContactbotError):
    """The provider gave no usable answer to a question; ``retry_after`` is in seconds, None when it did not say."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class WebCall:
    """One HTTP call to us. ``url`` is where the provider was told to call, never what the request claims."""

    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ReceivedText:
    """A text a resident sent us. Numbers are as the provider writes them; ``media`` names pictures not fetched yet."""

    id: str
    sender: str
    recipient: str
    body: str
    raw: bytes
    raw_type: str
    sent_at: datetime | None = None
    media: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextToSend:
    """A text ready to go. ``report_url`` is called with what becomes of it, and names the outbox row."""

    outbox: int
    sender: str
    recipient: str
    body: str
    segments: int
    report_url: str
    created_at: datetime


Foreign = Callable[[str], bool]
"""Tells whether a provider's identifier is known to belong to another outbox row."""


class Provider(Protocol):
    """Somebody who carries texts. Methods that call out end within the configured timeout."""

    @property
    def address(self) -> str:
        """The web address its interface is at."""

    def read_text(self, call: WebCall) -> ReceivedText:
        """Read a text from a call; raises ForgedCallError or MalformedCallError."""

    def read_report(self, call: WebCall) -> Receipt:
        """Read what became of a text; raises ForgedCallError or MalformedCallError."""

    def thanks(self) -> tuple[str, str]:
        """Give the body and content type of a successful answer to a call."""

    async def open(self) -> None:
        """Get ready to send: what is slow to import or connect is done here."""

    async def close(self) -> None:
        """Let go of connections; ``open`` may be called again."""

    async def send(self, text: TextToSend) -> Receipt:
        """Hand over a text; every outcome is a receipt."""

    async def find(self, text: TextToSend, foreign: Foreign) -> Receipt | None:
        """Look for a text that may have been handed over before; ``unknown`` when several could be it.

        Raises NotAnsweredError when the provider cannot be asked now.
        """

    async def received(self, recipient: str, since: datetime) -> Sequence[ReceivedText]:
        """List the texts that came to a number of ours since a moment, oldest first; empty where none are kept.

        Raises NotAnsweredError when the provider cannot be asked now.
        """

    async def fetch(self, media: str) -> Attachment:
        """Fetch one picture of a text; raises NotAnsweredError."""

    async def check(self, numbers: Sequence[str], text_url: str) -> Sequence[Finding]:
        """Tell what is wrong with credentials, numbers and the address texts are sent to; sends nothing."""
