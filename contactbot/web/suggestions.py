"""Published answers that staff may put into a reply: the bot's best matches, or what they search for."""

import asyncio
from dataclasses import dataclass

from contactbot import markdown
from contactbot.conversation.understand import SEARCHED, Knowledge
from contactbot.house import House
from contactbot.messages import Length
from contactbot.threads.thread import Thread

MOST = 4  # suggestions at a time
LEAST = 0.2  # probability below which an answer only takes up room


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom answers are looked up: from which base, in which language, in which length."""

    municipality: str
    revision: int
    language: str
    length: Length


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A published answer in the words that suit a channel; ``percent`` is how likely it is the right one."""

    entry: str
    language: str
    question: str
    text: str
    percent: int


async def nearest(house: House, reader: Reader, text: str) -> tuple[Suggestion, ...]:
    """Return the published answers nearest to a text, best first."""
    wanted = text.strip()[:SEARCHED]
    if not wanted:
        return ()
    knowledge = await house.bases.current(reader.municipality, reader.revision)
    return await asyncio.to_thread(_search, knowledge, reader, wanted)


async def named(house: House, reader: Reader, entry: str) -> Suggestion | None:
    """Return one published answer, None when there is none of that name."""
    knowledge = await house.bases.current(reader.municipality, reader.revision)
    return _suggestion(knowledge, reader, entry, 0.0) if entry in knowledge.entries else None


def reader(house: House, thread: Thread, revision: int) -> Reader:
    """Return who reads what is written in a thread: its language, and the length its channel takes."""
    channel = house.channels.get(thread.channel)
    length = channel.abilities.length if channel is not None else Length.FULL
    return Reader(thread.municipality, revision, thread.language, length)


def _search(knowledge: Knowledge, reader: Reader, text: str) -> tuple[Suggestion, ...]:
    found = knowledge.index.search(text, reader.language, MOST)
    known = (one for one in found if one.entry_id in knowledge.entries and one.probability >= LEAST)
    return tuple(_suggestion(knowledge, reader, one.entry_id, one.probability) for one in known)


def _suggestion(knowledge: Knowledge, reader: Reader, entry: str, probability: float) -> Suggestion:
    text = knowledge.entries[entry].text(reader.language)
    answer = text.answer(reader.length.value)
    # Staff write plain text, so Markdown is put into words; a text message's own answer is plain already.
    plain = answer if reader.length == Length.SMS and text.sms else markdown.to_plain(answer)
    return Suggestion(entry, text.language, text.question, plain, round(probability * 100))
