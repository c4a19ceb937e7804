"""A case's conversation as one line of time: days, what was said on any channel, and what happened. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final, Literal, TypeAlias

from contactbot.handoff.content import Content
from contactbot.handoff.desk import Case
from contactbot.handoff.ticket import Archive, HistoryLine
from contactbot.messages import Address, Author, DeliveryState
from contactbot.threads.thread import Message
from contactbot.web.setbacks import cause

CHANNELS: Final = {
    "email": "E-post",
    "sms": "SMS",
    "xmpp": "XMPP",
    "webchat": "Nettprat",
    "phone": "Telefon",
    "letter": "Brev",
    "counter": "Skranke",
    "loopback": "Prøve",
}
REASONS: Final = {
    "unsure": "boten var ikke sikker på svaret",
    "partly": "boten svarte på en del av spørsmålene",
    "asked": "innbyggeren ba om en person",
    "language": "språk boten ikke kan",
    "unreadable": "meldingen kunne ikke leses",
    "unauthenticated": "avsenderen er ikke bekreftet",
    "spam": "filteret vårt mener det er søppelpost, så ingenting er sendt",
    "braked": "boten har sendt så mange automatiske svar den kan på en time",
    "acute": "mulig fare",
    "erasure": "innbyggeren ber om sletting",
    "flood": "mange meldinger på kort tid",
    "strangers": "mange nye avsendere på kort tid; det de skriver, er satt til side uten svar",
    "undelivered": "et svar kom ikke fram",
    "registered": "registrert av ansatt",
    "busy": "samtalen endret seg for fort for boten",
}
STATES: Final[Mapping[str, tuple[str, str]]] = {  # words, and which mark they get
    DeliveryState.HELD: ("Venter på å bli sendt", "way"),
    DeliveryState.QUEUED: ("I kø for sending", "way"),
    DeliveryState.SENDING: ("Sendes nå", "way"),
    DeliveryState.SENT: ("Sendt", "calm"),
    DeliveryState.DELIVERED: ("Levert", "calm"),
    DeliveryState.FAILED: ("Kom ikke fram", "failed"),
    DeliveryState.UNKNOWN: ("Usikkert om den kom fram", "failed"),
    DeliveryState.CANCELLED: ("Trukket tilbake, ikke sendt", "calm"),
    DeliveryState.EXPIRED: ("For gammel, ikke sendt", "failed"),
}
HAPPENED: Final = {
    "ticket.opened": "Saken ble opprettet: {reason}",
    "ticket.registered": "{who} registrerte henvendelsen",
    "ticket.claimed": "{who} tok saken",
    "ticket.released": "{who} slapp saken",
    "ticket.moved": "{who} flyttet saken til {team}",
    "ticket.given": "{who} ga saken til {to}",
    "ticket.answered": "{who} svarte",
    "ticket.noted": "{who} skrev et notat",
    "ticket.announced": "{who} sendte bare varsel: {content}",
    "ticket.archive_decided": "{who} avgjorde arkivspørsmålet: {decision}",
    "ticket.archived": "Arkivet har mottatt saken",
    "ticket.emptied": "Innholdet er slettet etter oppbevaringstiden",
    "ticket.joined": "{who} koblet {what} til saken",
    "ticket.joined_into": "{who} koblet saken til sak {other}",
    "ticket.parted": "{who} koblet en samtale fra; den er i sak {other}",
    "ticket.code_sent": "Innbyggeren fikk en kode for å fortsette på {channel}",
    "transcript.asked": "Innbyggeren ba om å få samtalen på e-post",
    "transcript.sent": "Innbyggeren fikk samtalen på e-post",
    "ticket.written": "Innbyggeren skrev igjen",
    "ticket.undelivered": "Noe til innbyggeren kom ikke fram",
    "ticket.surveyed": "Innbyggeren ble spurt om hvordan det gikk",
    "ticket.left": "Innbyggeren avsluttet chatten",
    "ticket.rated": "Innbyggeren svarte {answer} på om de fikk hjelp",
    "ticket.closed": "{who} lukket saken",
    "ticket.reopened": "{who} åpnet saken igjen",
    "message.received": "Innbyggeren skrev",
    "original.read": "{who} så originalen: {reason}",
    "incident.flood": "Mange meldinger på kort tid: boten er stille",
    "incident.strangers": "Mange nye avsendere på kort tid: boten setter dem til side og svarer ikke",
}
# What is told in the conversation itself; the rest stands in the history.
INLINE: Final = frozenset(
    {
        "ticket.opened", "ticket.registered", "ticket.claimed", "ticket.released", "ticket.moved", "ticket.given",
        "ticket.closed",
        "ticket.left", "ticket.reopened", "ticket.joined", "ticket.joined_into", "ticket.parted", "ticket.announced",
        "ticket.archive_decided", "ticket.archived", "ticket.emptied", "original.read", "incident.flood",
        "incident.strangers",
    }
)  # fmt: skip
RATED: Final = {"yes": "ja", "partly": "delvis", "no": "nei"}
CONTENTS: Final[Mapping[str, str]] = {
    Content.ORDINARY: "Vanlig svar",
    Content.DECISION: "Vedtak",
    Content.ADVANCE_NOTICE: "Forhåndsvarsel",
    Content.SHIELDED: "Skjermet eller sensitivt innhold",
}
ARCHIVE: Final[Mapping[str, str]] = {
    Archive.UNDECIDED: "Ikke avgjort",
    Archive.KEEP: "Skal arkiveres",
    Archive.LEAVE_OUT: "Skal ikke arkiveres",
}
ACTORS: Final = {"resident": "Innbyggeren", "bot": "Boten", "operator": "Driften", "delivery": "Utsendingen"}


@dataclass(frozen=True, slots=True)
class Day:
    """Where a new day begins."""

    day: date
    kind: Literal["day"] = "day"


@dataclass(frozen=True, slots=True)
class File:
    """An attachment of a message; ``size`` is in bytes."""

    name: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Said:
    """Something said: by whom, on which channel, and what became of it on its way out.

    ``detail`` is what the other side said of it, and ``cause`` what that means. ``reserved`` names content that was
    kept here because it may not be sent openly.
    """

    message: Message
    name: str
    channel: str
    files: tuple[File, ...]
    has_original: bool
    state: str = ""
    weight: str = "calm"
    detail: str = ""
    cause: str = ""
    reserved: str = ""
    kind: Literal["said"] = "said"


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened to the case."""

    at: datetime
    words: str
    kind: Literal["happened"] = "happened"


Item: TypeAlias = Day | Said | Happened


def timeline(case: Case, originals: frozenset[int], zone: tzinfo) -> tuple[Item, ...]:
    """Return everything said, and what happened between, in order and parted by days."""
    events = [Happened(line.at, in_words(line)) for line in case.history if _is_told(line)]
    items: list[Said | Happened] = sorted((*_said(case, originals), *events), key=_at)
    return tuple(_with_days(items, zone))


def history(case: Case) -> tuple[Happened, ...]:
    """Return all that happened to a case, newest first."""
    return tuple(Happened(line.at, in_words(line)) for line in reversed(case.history))


def in_words(line: HistoryLine) -> str:
    """Say an event in one line."""
    who = line.staff_name or ACTORS.get(line.actor, line.actor)
    if line.kind.startswith("delivery."):
        state = line.kind.partition(".")[2]
        words, _ = STATES.get(state, (state, ""))
        return f"{words} ({CHANNELS.get(str(line.data.get('channel', '')), '')})"
    reason = str(line.data.get("reason", ""))
    if line.kind == "ticket.opened":
        reason = REASONS.get(reason, reason)
    channel, other = CHANNELS.get(str(line.data.get("channel", "")), ""), line.data.get("other", "")
    content, decision = str(line.data.get("content", "")), str(line.data.get("decision", ""))
    return HAPPENED.get(line.kind, line.kind).format(
        who=who, reason=reason, team=line.data.get("team", ""), to=line.to or "en kollega",
        content=CONTENTS.get(content, content).lower(),
        decision=ARCHIVE.get(decision, decision).lower(), channel=channel, other=other,
        answer=RATED.get(str(line.data.get("answer", "")), ""),
        what=f"sak {other}" if other else f"en samtale på {channel}",
    )  # fmt: skip


def shown(address: Address) -> str:
    """Return an address as staff read it; a chat session's is only a token, and says nothing."""
    if address.scheme == "webchat":
        return "Besøkende i nettprat"
    return "Ukjent" if address.value.startswith("anonym-") else address.value


def _is_told(line: HistoryLine) -> bool:
    """Say whether the conversation itself tells of an event; that a registered case was opened goes without saying."""
    return line.kind in INLINE and line.data.get("reason") != "registered"


def size_in_words(size: int) -> str:
    """Return a size in bytes as people write it."""
    if size < 1000:  # noqa: PLR2004 - SI prefixes
        return f"{size} byte"
    kilo = size / 1000
    return f"{kilo:.0f} kB" if kilo < 1000 else f"{kilo / 1000:.1f} MB".replace(".", ",")  # noqa: PLR2004 - SI prefixes


def _said(case: Case, originals: frozenset[int]) -> Iterator[Said]:
    people = zip(case.threads, case.names, case.addresses, strict=True)
    names = {thread.id: name or shown(address) for thread, name, address in people}
    channels = {thread.id: thread.channel for thread in case.threads}
    states = {message: (*STATES[state], detail) for message, state, detail in case.sending}
    for message in case.messages:
        words, weight, detail = states.get(message.id, ("", "calm", ""))
        files = tuple(File(*file[1:]) for file in case.files if file[0] == message.id)
        why = cause(detail) if weight == "failed" else ""
        yield Said(
            message, _name(message, names[message.thread]), channels[message.thread], files, message.id in originals,
            words, weight, detail, why, CONTENTS.get(str(message.outcome.get("content", "")), ""),
        )  # fmt: skip


def _name(message: Message, resident: str) -> str:
    match message.author:
        case Author.RESIDENT if message.sender:
            scheme, _, value = message.sender.partition(":")
            return f"{shown(Address(scheme, value))} (annen avsender)"
        case Author.RESIDENT:
            return resident
        case Author.BOT:
            return "Boten"
        case Author.STAFF:
            return message.staff_name or "Ansatt"


def _at(item: Said | Happened) -> datetime:
    return item.message.created_at if isinstance(item, Said) else item.at


def _with_days(items: Iterable[Said | Happened], zone: tzinfo) -> Iterator[Item]:
    last: date | None = None
    for item in items:
        today = _at(item).astimezone(zone).date()
        if today != last:
            yield Day(today)
            last = today
        yield item
