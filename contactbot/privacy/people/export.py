"""What is held about a person as a file: one JSON object a line for programs, or one HTML page to read. Pure.

Both are written record by record. The page stands alone: no script, no address it would fetch anything from.
"""

import dataclasses
import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from contactbot.handoff.accesses.access import Access
from contactbot.handoff.ticket import HistoryLine
from contactbot.municipality import Municipality
from contactbot.privacy.people.held import (
    HeldAddress,
    HeldAnswer,
    HeldCase,
    HeldContact,
    HeldElsewhere,
    HeldFile,
    HeldMessage,
    HeldThread,
    Person,
    Record,
    Total,
)

HEAD: Final = Markup(
    '<!doctype html>\n<html lang="nb"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>Innsyn: det vi har om deg</title><style>"
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:46rem;padding:0 1rem;color:#1a1a1a}"
    "h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.5rem;border-top:1px solid #bbb;padding-top:1rem}"
    "h3{font-size:1rem;margin:1.5rem 0 .25rem}article{border-left:3px solid #bbb;margin:1rem 0;padding:0 0 0 .75rem}"
    "article.note{border-color:#a34700}p{margin:.25rem 0}.text{white-space:pre-wrap;overflow-wrap:anywhere}"
    ".quiet{color:#555;font-size:.875rem}ul{margin:.25rem 0;padding-left:1.25rem}"
    "</style></head><body><main>\n<h1>Det vi har om deg</h1>\n"
)
CHANNELS: Final = {
    "email": "e-post",
    "tel": "SMS",
    "sms": "SMS",
    "xmpp": "XMPP",
    "webchat": "nettprat",
    "phone": "telefon",
    "letter": "brev",
    "counter": "skranke",
}
AUTHORS: Final = {"resident": "Du", "bot": "Boten", "staff": "Ansatt"}
STATES: Final = {
    "held": "venter", "queued": "i kø", "sending": "sendes", "sent": "sendt", "delivered": "levert",
    "failed": "kom ikke fram", "unknown": "usikkert om den kom fram", "cancelled": "trukket tilbake",
    "expired": "for gammel, ikke sendt", "open": "åpen", "waiting": "besvart", "closed": "avsluttet",
}  # fmt: skip
ARCHIVE: Final = {"undecided": "ikke vurdert ennå", "keep": "skal arkiveres", "leave_out": "skal ikke arkiveres"}
SAW: Final = {"case": "saken", "file": "et vedlegg", "original": "originalen av en melding"}
TOTALS: Final = {  # one of them, and several
    "address": ("adresse", "adresser"), "contact": ("kontakt", "kontakter"), "case": ("sak", "saker"),
    "thread": ("samtale", "samtaler"), "message": ("melding", "meldinger"),
    "elsewhere": ("nettprat der adressen er oppgitt", "nettprater der adressen er oppgitt"),
    "access": ("oppslag fra en ansatt", "oppslag fra ansatte"),
}  # fmt: skip
CHOSEN: Final = {  # why an answer was given
    "sure": "det lignet nok på spørsmålet", "follow-up": "spørsmålet hang sammen med svaret før",
    "several": "det svarte på ett av flere spørsmål", "chosen": "du valgte det",
}  # fmt: skip
REMOVED: Final = {
    "national_id": "fødselsnummer", "account_number": "kontonummer", "card_number": "kortnummer",
    "phone": "telefonnummer", "email": "e-postadresse", "street_address": "gateadresse", "term": "sensitivt ord",
}  # fmt: skip


async def as_json(records: AsyncIterator[Record], name: Callable[[Record], str]) -> AsyncIterator[str]:
    """Yield one JSON object a line, each with the kind of its ``record``."""
    async for record in records:
        values = {"record": name(record), **dataclasses.asdict(record)}
        yield json.dumps(values, ensure_ascii=False, default=_json) + "\n"


async def as_html(records: AsyncIterator[Record], town: Municipality) -> AsyncIterator[str]:
    """Yield a page in Norwegian that can be handed to the person; what they wrote is only ever text."""
    yield HEAD
    yield Markup("<p>{}</p>\n").format(town.name)
    async for record in records:
        yield _part(record, town.zone)
    yield "</main></body></html>\n"


def _json(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return str(value)


def _part(record: Record, zone: ZoneInfo) -> Markup:  # noqa: PLR0911 - one for each kind of record
    match record:
        case Person():
            return _person(record, zone)
        case HeldAddress():
            return _address(record, zone)
        case HeldContact():
            return Markup("<p>Kontakt hos oss: {} {}</p>\n").format(record.name, record.note)
        case HeldCase():
            return _case(record, zone)
        case HeldThread():
            return _thread(record, zone)
        case HeldMessage():
            return _message(record, zone)
        case HeldElsewhere():
            return Markup('<p>Adressen ble oppgitt i en nettprat <span class="quiet">{}</span></p>\n').format(
                _when(record.created_at, zone)
            )
        case Access():
            return _access(record, zone)
        case Total():
            return _total(record)


def _person(person: Person, zone: ZoneInfo) -> Markup:
    forgotten = person.forgotten_at
    return Markup("<p>Laget {}. Søkt på: {}.</p>\n{}").format(
        _when(person.made_at, zone),
        ", ".join(person.asked_for),
        Markup("<p>Det som var her fra før, ble slettet {}.</p>\n").format(_when(forgotten, zone)) if forgotten else "",
    )


def _address(address: HeldAddress, zone: ZoneInfo) -> Markup:
    stopped = address.stopped_at
    return Markup("<h2>Adresse: {}</h2>\n<p>{}{} Brukt første gang {}.{}</p>\n").format(
        address.value,
        _first_upper(CHANNELS.get(address.scheme, address.scheme)),
        f", navn: {address.name}." if address.name else ".",
        _when(address.created_at, zone),
        f" Du har bedt om ingen meldinger (STOPP) {_when(stopped, zone)}." if stopped else "",
    )


def _case(case: HeldCase, zone: ZoneInfo) -> Markup:
    lines = Markup("").join(_history(line, zone) for line in case.history)
    return Markup("<h2>Sak {}: {}</h2>\n<p>{}. Åpnet {}. Frist {}.{} Hos {}{}. Arkiv: {}.</p>\n<ul>{}</ul>\n").format(
        case.number,
        case.title,
        STATES.get(case.state, case.state).capitalize(),
        _when(case.opened_at, zone),
        _when(case.due_at, zone),
        f" Avsluttet {_when(case.closed_at, zone)}." if case.closed_at else "",
        case.team or "ingen",
        f", {case.assignee}" if case.assignee else "",
        ARCHIVE.get(case.archive, case.archive),
        lines,
    )


def _history(line: HistoryLine, zone: ZoneInfo) -> Markup:
    actor = line.staff_name or AUTHORS.get(line.actor, line.actor)
    given = "; ".join(f"{name}: {value}" for name, value in line.data.items())
    return Markup('<li>{} {} <span class="quiet">{} {}</span></li>').format(
        actor, line.kind, _when(line.at, zone), given
    )


def _thread(thread: HeldThread, zone: ZoneInfo) -> Markup:
    cases = ", ".join(str(number) for number in thread.cases)
    return Markup("<h2>Samtale på {}{}</h2>\n<p>Fra {} til {}.{}{}</p>\n").format(
        CHANNELS.get(thread.channel, thread.channel),
        f": {thread.subject}" if thread.subject else "",
        _when(thread.created_at, zone),
        _when(thread.last_at, zone),
        f" Hører til sak {cases}." if cases else "",
        f" Du oppga {thread.left_address}." if thread.left_address else "",
    )


def _message(message: HeldMessage, zone: ZoneInfo) -> Markup:
    return Markup(
        '<article{}><h3>{} <span class="quiet">{}</span></h3>\n<p class="text">{}</p>\n{}</article>\n'
    ).format(
        Markup(' class="note"') if message.kind == "note" else "",
        _author(message),
        _when(message.created_at, zone),
        message.text or "(ordene er slettet)",
        Markup("").join(Markup('<p class="quiet">{}</p>\n').format(line) for line in _about(message)),
    )


def _author(message: HeldMessage) -> str:
    if message.kind == "note":
        return f"Internt notat, {message.staff or 'ansatt'}"
    who = f"{message.staff}, ansatt" if message.staff else AUTHORS.get(message.author, message.author)
    return f"{who} (automatisk melding)" if message.kind == "automatic" else who


def _about(message: HeldMessage) -> list[str]:
    removed = ", ".join(REMOVED.get(kind, kind) for kind in message.removed)
    lines = [f"Tatt ut før lagring: {removed}."] if removed else []
    lines += [f"Sitert eller signatur: {part['text']}" for part in message.folded]
    lines += [f"Valg: {', '.join(message.choices)}"] if message.choices else []
    lines += [f"Vedlegg: {_file(file)}" for file in message.files]
    lines += [f"Originalen slik den kom: {_file(file)}" for file in message.originals]
    lines += [
        f"Svaret «{one.entry}» (versjon {one.entry_version}), gitt fordi {CHOSEN.get(one.rule, one.rule)}."
        f" Boten var {round(float(one.confidence) * 100)} % sikker."
        for one in message.answers
    ]
    lines += [f"Din vurdering: {_rating(one)}" for one in message.answers if one.helpful is not None]
    lines += [
        f"{_first_upper(CHANNELS.get(one.channel, one.channel))}: {STATES.get(one.state, one.state)}"
        + (f" ({one.detail})." if one.detail else ".")
        for one in message.parcels
    ]
    return lines


def _rating(answer: HeldAnswer) -> str:
    verdict = "nyttig" if answer.helpful else "ikke nyttig"
    return f"{verdict}. «{answer.comment}»" if answer.comment else f"{verdict}."


def _file(file: HeldFile) -> str:
    whole = f"{file.name or 'uten navn'}, {file.media_type}, {file.size} byte"
    return f"{whole}, innhold (base64): {file.content}" if file.content is not None else whole


def _access(access: Access, zone: ZoneInfo) -> Markup:
    return Markup('<p>{} så {} i sak {} <span class="quiet">{}{}</span></p>\n').format(
        access.staff_name or "En tidligere ansatt",
        SAW.get(access.what, access.what),
        access.number,
        _when(access.at, zone),
        f". Grunn: {access.reason}" if access.reason else "",
    )


def _total(total: Total) -> Markup:
    lines = (f"{number} {TOTALS[kind][number != 1]}" for kind, number in total.records.items() if kind in TOTALS)
    return Markup("<h2>I alt</h2>\n<p>{}.</p>\n").format(", ".join(lines))


def _first_upper(words: str) -> str:
    return words[:1].upper() + words[1:]


def _when(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%d.%m.%Y kl. %H.%M}"
