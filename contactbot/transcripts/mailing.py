"""A conversation by mail in two steps, since anybody may type anybody's address.

First a mail with a link and not a word of what was said; the conversation only to whoever follows the link. Each mail
goes through the outbox, in a thread of its own: who answers it begins a conversation of their own and is joined to
nothing.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from contactbot.messages import Address, Author, MailText
from contactbot.outbox import store as outbox
from contactbot.outbox.parcel import Post
from contactbot.storage import events
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.thread import NewMessage, Thread
from contactbot.transcripts import store

LIFE: Final = timedelta(hours=24)  # of the link
MOST: Final = 3  # mails with a link that one conversation may ask for while one of them lives
HOUR: Final = timedelta(hours=1)  # in which the bot's mails to one address are counted

Sent: TypeAlias = Literal["sent", "later", "gone"]


@dataclass(frozen=True, slots=True)
class Postbox:
    """The municipality's way to send mail: the channel, and how many automatic mails an address gets in an hour."""

    municipality: str
    channel: str
    hourly: int | None

    def room(self, tx: Transaction, address: int, at: datetime) -> float:
        """Return how many automatic mails the address may still get."""
        return float("inf") if self.hourly is None else self.hourly - outbox.by_the_bot(tx, address, at - HOUR)


@dataclass(frozen=True, slots=True)
class Wish:
    """A session wants its conversation at an address; ``mail`` holds a link with ``key`` in it."""

    session: Address
    to: Address
    key: str
    mail: MailText


def ask(tx: Transaction, box: Postbox, wish: Wish, at: datetime) -> bool:
    """Send the mail with the link; False when the conversation has not begun or has asked too often.

    To an address that wants none, or has had its share, no mail leaves, and nobody who typed it is told. There must be
    room for the conversation itself too.
    """
    town = box.municipality
    thread = store.conversation_of(tx, town, wish.session)
    account = threads.service_account(tx, town, box.channel)
    if thread is None or account is None or store.asked(tx, thread, at - LIFE) >= MOST:
        return False
    known = threads.find_address(tx, town, wish.to)
    letters = None
    if known is None or (known.stopped_at is None and box.room(tx, known.id, at) > 1):
        address, mail = threads.keep_address(tx, town, wish.to, "", at), wish.mail
        letters = threads.open_thread(tx, town, account, address, box.channel, mail.subject, mail.language, at)
        _post(tx, letters, mail, "transcript_link", at, expires_at=at + LIFE)
    store.add(tx, town, thread, None if letters is None else letters.id, digest(wish.key), at)
    events.record(tx, town, at, "resident", "transcript.asked", thread=thread)
    return True


def wanted(tx: Transaction, municipality: str, key: str, at: datetime) -> store.Request | None:
    """Return the wish that a link is for, None when there is none any more."""
    return store.find(tx, municipality, digest(key), at - LIFE)


def send(tx: Transaction, box: Postbox, key: str, mail: MailText, at: datetime) -> Sent:
    """Send the conversation to the address whose mail the link was in; once, however often the link is followed."""
    request = wanted(tx, box.municipality, key, at)
    letters = None if request is None else threads.thread_by_id(tx, box.municipality, request.letters)
    if request is None or letters is None:
        return "gone"
    if request.sent_at is not None:
        return "sent"
    if box.room(tx, letters.address, at) < 1:
        return "later"
    _post(tx, letters, mail, "transcript", at, expires_at=None)
    store.note_sent(tx, request.id, at)
    events.record(tx, box.municipality, at, "resident", "transcript.sent", thread=request.thread)
    return "sent"


def digest(key: str) -> str:
    """Return what is kept of a link's key: a copy of the database opens no link."""
    return hashlib.sha256(key.encode()).hexdigest()


def _post(
    tx: Transaction, letters: Thread, mail: MailText, purpose: str, at: datetime, expires_at: datetime | None
) -> None:
    new = NewMessage(Author.BOT, mail.text, mail.language, at, outcome={"outcome": "command", "rule": purpose})
    placed = threads.append(tx, letters.municipality, letters.id, new)
    post = Post(purpose, Author.BOT, placed.turn_epoch, at, subject=mail.subject, expires_at=expires_at)
    outbox.post(tx, letters.municipality, letters.id, letters.channel, placed, post)
