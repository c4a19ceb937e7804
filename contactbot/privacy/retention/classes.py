"""The classes of data: what belongs to each, when its clock starts, what stays, and the unit that deletes it.

Times and legal bases are the country's (``places``) and the municipality's; what a class is does not depend on either.
Titles and explanations are what the privacy officer reads, in bokmål.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from contactbot.municipality import Municipality
from contactbot.places.place import Keep
from contactbot.privacy.retention import store
from contactbot.privacy.retention.due import Due, Step
from contactbot.storage.transaction import Transaction

Unit: TypeAlias = Callable[[Transaction, Due], Step]

CONVERSATION: Final = (
    "thread", "message", "message_ref", "raw", "attachment", "answer_given", "outbox", "delivery_event", "accepted",
    "address", "address_link", "contact",
)  # fmt: skip
COUNTS: Final = "Tall uten ord, navn og adresse: når, hvilken kanal, hvilket svar"


@dataclass(frozen=True, slots=True)
class DataClass:
    """A class of data. ``starts`` and ``remains`` are sentences; without ``unit`` nothing goes by time alone."""

    name: str
    title: str
    tables: tuple[str, ...]
    starts: str
    remains: str
    unit: Unit | None


CLASSES: Final = (
    DataClass(
        "bot_conversations", "Samtaler bare med boten", CONVERSATION, "Siste melding i samtalen",
        "Spørsmålene, skjult for fødselsnummer og lignende og uten avsender, til neste frist",
        store.empty_bot_conversations,
    ),
    DataClass(
        "bot_questions", "Spørsmål uten avsender fra samtaler med boten", ("message",), "Siste melding i samtalen",
        COUNTS, store.empty_bot_questions,
    ),
    DataClass(
        "transcript_requests", "Samtaler sendt på e-post", ("transcript_request", *CONVERSATION),
        "Innbyggeren ba om samtalen, eller fikk den", "Tall uten ord, navn og adresse", store.forget_transcripts,
    ),
    DataClass(
        "cases_undecided", "Saker uten arkivvurdering", ("ticket", "ticket_thread", *CONVERSATION),
        "Ingen klokke: saken står til noen har avgjort om den skal arkiveres", "Alt", None,
    ),
    DataClass(
        "cases_left_out", "Lukkede saker som ikke skal arkiveres", ("ticket", "ticket_thread", *CONVERSATION),
        "Saken er lukket, og ingen har skrevet siden", COUNTS, store.empty_left_out_cases,
    ),
    DataClass(
        "cases_archived", "Lukkede saker som arkivet har mottatt", ("ticket", "ticket_thread", *CONVERSATION),
        "Arkivet har mottatt saken", COUNTS, store.empty_archived_cases,
    ),
    DataClass(
        "originals", "Meldingene slik de kom inn (originaler)", ("raw",),
        "Meldingen kom inn; i en sak tidligst når arkivet har fått sitt", "Den skjulte teksten i samtalen",
        store.expire_originals,
    ),
    DataClass(
        "contents", "Innhold i filer og originaler", ("blob",), "Ingenting viser til innholdet", "Ingenting",
        store.sweep_contents,
    ),
    DataClass(
        "delivery_keys", "Kjennetegn på mottatte meldinger", ("accepted",), "Meldingen kom inn", "Ingenting",
        store.expire_delivery_keys,
    ),
    DataClass(
        "opt_outs", "Adresser som har sagt STOPP", ("address",), "Ingen klokke: til innbyggeren skriver START",
        "Adressen alene, uten navn og samtaler", None,
    ),
    DataClass("accesses", "Hvem som har sett hva", ("access",), "Innsynet", "Ingenting", store.expire_accesses),
    DataClass(
        "events", "Historikk: hvem gjorde hva", ("event",),
        "Hendelsen; i en samtale eller sak tidligst når ordene i den er slettet", "Ingenting", store.expire_events,
    ),
    DataClass(
        "tombstones", "Merker etter slettede personer", ("tombstone",), "Personen ble slettet", "Ingenting",
        store.expire_tombstones,
    ),
    DataClass(
        "sessions", "Innlogginger", ("session",), "Økten er over: etter 12 timer, eller 2 timer uten bruk", "Ingenting",
        store.end_sessions,
    ),
    DataClass(
        "sign_in_attempts", "Forsøk på å logge inn", ("sign_in_attempt",), "Forsøket", "Ingenting",
        store.forget_attempts,
    ),
    DataClass(
        "form_keys", "Nøkler som hindrer at et skjema virker to ganger", ("done",), "Skjemaet ble sendt", "Ingenting",
        store.forget_keys,
    ),
    DataClass(
        "staff_accounts", "Ansatte som har sluttet", ("staff",), "Brukeren ble sperret", "Nummeret i historikken",
        store.forget_former_staff,
    ),
    DataClass(
        "knowledge_versions", "Utkast og gamle versjoner av svar", ("entry_version",),
        "Versjonen ble skrevet; den nyeste og den publiserte slettes ikke", "Gjeldende svar", store.prune_versions,
    ),
)  # fmt: skip

# Tables that hold nothing of a person; a test asks of every other one which class it belongs to.
NOT_PERSONAL: Final[Mapping[str, str]] = {
    "municipality": "the municipality itself, from the configuration",
    "account": "the municipality's own addresses, and how far a channel has read",
    "team": "names of teams, from the configuration",
    "entry": "which version of an answer is published",
    "synonym": "words of the knowledge base; who added them is a member of staff's number",
    "house_state": "what the installation remembers of itself",
    "erasure": "receipts of what was erased: when and how much, and rows that are nobody's",
    "retention_run": "how many rows retention has deleted",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a municipality's retention table: a class of data, and how long it is kept there on what ground."""

    data: DataClass
    keep: Keep


def table(municipality: Municipality) -> tuple[Row, ...]:
    """Return how long a municipality keeps what: the one table that job, pages, commands and papers read."""
    return tuple(Row(data, municipality.retention[data.name]) for data in CLASSES)
