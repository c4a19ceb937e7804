"""A month of the municipality's life: questions the bot answered, and cases that people had, on every channel.

Everything goes through the house's own operations as if its time had come: the messages are understood and answered as
any others, staff act through the desk, and what leaves is written off as delivered without being sent. All of it is one
transaction, so a first start that is cut short leaves nothing half done.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from importlib.resources import files
from random import Random
from typing import Any, Final

from contactbot.channels.base import Abilities
from contactbot.conversation import effects, steps, store
from contactbot.conversation.facts import Facts, Limits
from contactbot.conversation.seen import Seen
from contactbot.conversation.understand import Knowledge, Moment, understand
from contactbot.handoff import desk
from contactbot.handoff import store as tickets
from contactbot.handoff.desk import REGISTERED_CHANNELS, Actor
from contactbot.house import House
from contactbot.kb import store as kb
from contactbot.messages import Address, DeliveryState, Inbound, Receipt
from contactbot.municipality import Municipality
from contactbot.outbox import store as outbox
from contactbot.settings import Settings
from contactbot.staff import store as staff
from contactbot.storage.transaction import Transaction

DAYS: Final = 28
QUESTIONS_A_DAY: Final = 6
PHRASINGS: Final = 3  # in which residents ask the same
# How residents spread over the channels, and over the hours of a day.
CHANNELS: Final = {"webchat": 9, "sms": 5, "email": 4, "xmpp": 2}
HOURS: Final = (7, 8, 8, 9, 9, 10, 10, 11, 12, 12, 13, 14, 15, 16, 18, 19, 20, 20, 21, 22)
REPORTED: Final = ("sms", "xmpp")  # channels whose peers report delivery
CODE: Final = "1000"
OPEN_AT: Final = time(10)  # on a working day somebody is there at this time
BATCH: Final = 20
FIRST_NAMES: Final = (
    "Anne",
    "Bjørn",
    "Camilla",
    "Daniel",
    "Elin",
    "Fatima",
    "Geir",
    "Hanne",
    "Ivar",
    "Johanne",
    "Knut",
)
LAST_NAMES: Final = ("Aas", "Berge", "Dahl", "Eide", "Fossum", "Hauge", "Lie", "Myhre", "Nordli", "Sæther")
PLAIN: Final = str.maketrans({"æ": "ae", "ø": "o", "å": "a"})


@dataclass(slots=True)
class Contact:
    """One resident's matter: what they say and what staff do, the mails so far, and the number of its case, 0 for none.

    With ``left_out_for_people`` a message that the bot would hand over is not taken in.
    """

    channel: str
    who: str
    name: str
    subject: str
    begins: datetime
    steps: tuple[Mapping[str, Any], ...]
    left_out_for_people: bool = False
    refs: list[str] = field(default_factory=list)
    number: int = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the month is played in."""

    municipality: Municipality
    knowledge: Knowledge
    settings: Settings
    accounts: Mapping[str, str]
    abilities: Mapping[str, Abilities]
    now: datetime
    understood: dict[str, Facts] = field(default_factory=dict)


def write(tx: Transaction, around: Surroundings) -> None:
    """Write the month, in the order in which it happened. A unit."""
    people = {member.name: member.id for member in staff.everybody(tx, around.municipality.id)}
    contacts = [*_scripted(around), *_questions(around)]
    for at, number, step in sorted(_timetable(contacts, around.now)):
        contact = contacts[number]
        action = contact.steps[step]
        if "by" in action:
            actor = Actor(people[action["by"]], action["by"], around.municipality.id, at)
            _act(tx, contact, action, actor, around)
        else:
            _say(tx, contact, action["says"], f"demo-{number}-{step}", at, around)
        _deliver(tx, at)


async def surroundings(house: House, key: str) -> Surroundings:
    """Return what the month is played in: the house as it stands."""
    return Surroundings(
        municipality=house.municipalities[key],
        knowledge=await house.bases.current(key, await house.database.read(kb.revision, key)),
        settings=house.settings,
        accounts={
            name: next(one.address for one in channel.accounts if one.municipality == key)
            for name, channel in house.channels.items()
        },
        abilities={name: channel.abilities for name, channel in house.channels.items()},
        now=house.clock(),
    )


def _script() -> dict[str, Any]:
    return tomllib.loads(files("contactbot.demo").joinpath("history.toml").read_text("utf-8"))


def _scripted(around: Surroundings) -> Iterator[Contact]:
    """Yield the contacts of the script, but those on channels that are not there."""
    for number, contact in enumerate(_script()["contact"]):
        if contact["channel"] in (*around.accounts, *REGISTERED_CHANNELS):
            yield Contact(
                channel=contact["channel"],
                who=contact.get("who", f"demo-case-{number}"),
                name=contact.get("name", ""),
                subject=contact.get("subject", ""),
                begins=_begins(around, *contact["at"]),
                steps=tuple(contact["steps"]),
            )


def _begins(around: Surroundings, days: int, at: str | int) -> datetime:
    """Return a time some working days ago, or some minutes ago when it is today."""
    if isinstance(at, int):
        return around.now - timedelta(minutes=at)
    day = around.now.astimezone(around.municipality.zone)
    while days:
        day -= timedelta(days=1)
        days -= around.municipality.hours.is_open(datetime.combine(day, OPEN_AT, around.municipality.zone))
    return datetime.combine(day, time.fromisoformat(at), around.municipality.zone).astimezone(UTC)


def _questions(around: Surroundings) -> Iterator[Contact]:
    """Yield questions as residents ask them, in the words that editors expect; the same ones every time."""
    dice = Random("fjordvik")  # noqa: S311 - a history that is the same every time, no secret
    asked, weights = _popular(around.knowledge, dice)
    channels = [name for name, weight in CHANNELS.items() if name in around.accounts for _ in range(weight)]
    today = around.now.astimezone(around.municipality.zone)
    for number in range(DAYS * QUESTIONS_A_DAY):
        at = (today - timedelta(days=number // QUESTIONS_A_DAY)).replace(
            hour=dice.choice(HOURS), minute=dice.randrange(60), second=dice.randrange(60)
        )
        [words], channel = dice.choices(asked, weights), dice.choice(channels)
        if at < today:
            who, name = _resident(channel, number)
            yield Contact(channel, who, name, "", at.astimezone(UTC), ({"says": words},), left_out_for_people=True)


def _popular(knowledge: Knowledge, dice: Random) -> tuple[list[str], list[float]]:
    """Return questions and how often each is asked: the n-th subject one n-th as often as the first (Zipf)."""
    asked, weights = [], []
    for rank, name in enumerate(_script()["popular"], start=1):
        texts = knowledge.entries[name].texts if name in knowledge.entries else ()
        known = [phrasing for text in texts for phrasing in text.ways_to_ask()]
        for words in dice.sample(known, min(PHRASINGS, len(known))):
            asked.append(words)
            weights.append(1 / rank)
    return asked, weights


def _resident(channel: str, number: int) -> tuple[str, str]:
    first, last = FIRST_NAMES[number % len(FIRST_NAMES)], LAST_NAMES[number % len(LAST_NAMES)]
    match channel:
        case "email":
            return f"{first}.{last}@resident.example".lower().translate(PLAIN), f"{first} {last}"
        case "xmpp":
            return f"{first}{number}@chat.resident.example".lower().translate(PLAIN), ""
        case "sms":
            return f"+479999{number:04}", ""
    return f"demo-question-{number}", ""


def _timetable(contacts: Sequence[Contact], now: datetime) -> Iterator[tuple[datetime, int, int]]:
    """Yield when each step of each contact happens; nothing happens later than now."""
    for number, contact in enumerate(contacts):
        at = contact.begins
        for step, action in enumerate(contact.steps):
            at += timedelta(minutes=action.get("wait", 0))
            yield min(at, now - timedelta(seconds=len(contact.steps) - step)), number, step


def _say(tx: Transaction, contact: Contact, words: str, identity: str, at: datetime, around: Surroundings) -> None:
    """Take a resident's message in, as the engine does."""
    abilities = around.abilities[contact.channel]
    inbound = Inbound(
        channel=contact.channel,
        account=around.accounts[contact.channel],
        sender=Address(abilities.scheme, contact.who),
        sender_name=contact.name,
        external_id=f"<{identity}@resident.example>" if contact.channel == "email" else identity,
        text=words,
        subject=contact.subject if contact.channel == "email" else "",
        received_at=at,
        refs=tuple(contact.refs) if contact.channel == "email" else (),
    )
    settings = around.settings.conversation
    here = around.municipality
    seen = store.load_context(tx, inbound, abilities, at, settings, {here.id: here})
    facts = _understood(inbound, seen, around, at)
    outcome = steps.decide(facts)
    if outcome.work is not None and contact.left_out_for_people:
        return
    thread, _ = effects.keep_message(tx, inbound, facts, outcome, around.settings.secret.get_secret_value().encode())
    give_up = timedelta(hours=around.settings.delivery.give_up_after)
    effects.carry_out(tx, thread, inbound, facts, outcome, give_up)
    contact.refs.append(inbound.external_id)
    ticket = tickets.of_thread(tx, thread.id)
    contact.number = 0 if ticket is None else ticket.number


def _understood(inbound: Inbound, seen: Seen, around: Surroundings, at: datetime) -> Facts:
    """Understand a message; what many residents ask first is understood once, to spare the first start seconds."""
    settings, length = around.settings.conversation, around.abilities[inbound.channel].length
    moment = Moment(at, CODE, Limits(settings.flood_messages, settings.flood_repeats))
    known = around.understood.get(inbound.text) if seen.thread is None else None
    if known is not None and known.subject == inbound.subject:
        return replace(known, seen=seen, channel=inbound.channel, length=length, now=at)
    facts = understand(inbound, seen, around.municipality, length, around.knowledge, moment)
    if seen.thread is None:
        around.understood[inbound.text] = facts
    return facts


def _act(tx: Transaction, contact: Contact, action: Mapping[str, Any], actor: Actor, around: Surroundings) -> None:
    """Do at the desk what a member of staff did."""
    text = action.get("text", "")
    match action["does"]:
        case "register":
            due_at = around.municipality.due(actor.at)
            contact.number = desk.register(
                tx, contact.channel, contact.who, contact.name, contact.subject, text, due_at, "normal", actor
            )
        case "claim":
            desk.claim(tx, contact.number, actor)
        case "assign":
            desk.assign(tx, contact.number, text, actor)
        case "reply":
            desk.reply(tx, contact.number, text, actor)
        case "note":
            desk.note(tx, contact.number, text, actor)
        case "close":
            desk.close(tx, contact.number, actor, survey=around.settings.conversation.survey)
        case other:
            raise ValueError(f"staff cannot {other!r} anything in history.toml")


def _deliver(tx: Transaction, at: datetime) -> None:
    """Let everything that waits be delivered, as its channel's peer would report it."""
    while leased := outbox.lease(tx, "history", at, at, BATCH):
        for parcel in leased:
            outbox.change(tx, outbox.standing(tx, parcel.id), DeliveryState.SENT, Receipt("sent", parcel.id), at)
            if parcel.channel in REPORTED:
                outbox.change(
                    tx, outbox.standing(tx, parcel.id), DeliveryState.DELIVERED, Receipt("delivered", parcel.id), at
                )
