"""How long a Norwegian municipality keeps what, unless it says otherwise, and what it never sends openly.

The times are the market's and the law's as far as we could read them (personvernforordningen is the GDPR); a
municipality's own decision about retention goes before, and is written into its settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from contactbot.places.place import Keep

if TYPE_CHECKING:
    from collections.abc import Mapping

_TASK: Final = "Personvernforordningen art. 6 nr. 1 e og art. 5 nr. 1 e: ikke lenger enn oppgaven krever"
_SECURITY: Final = "Personvernforordningen art. 32: sikkerhet ved behandlingen"
_ACCOUNTABLE: Final = "Personvernforordningen art. 5 nr. 2 og art. 32: å kunne vise hvem som gjorde hva"
_ARCHIVE: Final = "Arkivlova: ingenting slettes før arkivvurderingen"
_THREE_WEEKS: Final = 21  # days
_APPEAL: Final = "forvaltningsloven § 29: klagefristen er tre uker"

RETENTION: Final[Mapping[str, Keep]] = {
    "bot_conversations": Keep(21, _TASK),
    "bot_questions": Keep(31, f"{_TASK}; spørsmålene er uten avsender og brukes til å gjøre svarene bedre"),
    "transcript_requests": Keep(
        2, f"{_TASK}; adressen brukes bare til å sende samtalen", 1, "lenken i e-posten virker i 24 timer"
    ),
    "cases_undecided": Keep(None, _ARCHIVE),
    "cases_left_out": Keep(
        365,
        "Arkivlova: arkivbegrenset; forvaltningsloven § 31: en klage tas ikke opp etter et år",
        _THREE_WEEKS,
        _APPEAL,
    ),
    "cases_archived": Keep(30, "Arkivlova: arkivet har saken; tiden er til å rette feil i overføringen"),
    "originals": Keep(31, f"{_TASK}; originalen trengs når teksten er uklar eller lest feil"),
    "contents": Keep(
        1,
        "Personvernforordningen art. 5 nr. 1 e: ingenting viser til innholdet lenger",
        1,
        "innholdet lagres før meldingen som viser til det",
    ),
    "delivery_keys": Keep(365, f"{_TASK}; en melding som kommer to ganger, skal besvares én gang"),
    "opt_outs": Keep(None, "Personvernforordningen art. 21: innbyggeren har sagt STOPP, og det gjelder til START"),
    "accesses": Keep(730, _ACCOUNTABLE, 90, "innsyn i hvem som har sett saken må kunne gis"),
    "events": Keep(730, _ACCOUNTABLE),
    "tombstones": Keep(
        730,
        "Personvernforordningen art. 17: en sikkerhetskopi som legges tilbake, skal glemme den samme personen igjen",
    ),
    "sessions": Keep(0, _SECURITY),
    "sign_in_attempts": Keep(1, _SECURITY, 1, "gale passord telles i et kvarter"),
    "form_keys": Keep(30, f"{_TASK}; et skjema som sendes to ganger, skal virke én gang"),
    "staff_accounts": Keep(730, f"{_ACCOUNTABLE}; navnet hører til historikken"),
    "knowledge_versions": Keep(1825, "Personvernforordningen art. 6 nr. 1 e: å kunne vise hva innbyggerne ble svart"),
}

NEVER_OPEN: Final[Mapping[str, str]] = {
    "decision": "forvaltningsloven § 27 og eForvaltningsforskriften § 8: et vedtak legges der parten logger inn",
    "advance_notice": (
        "forvaltningsloven § 16 og eForvaltningsforskriften § 8: et forhåndsvarsel legges der parten logger inn"
    ),
    "shielded": "forvaltningsloven § 13 og personvernforordningen art. 9 og 32: skjermet innhold sendes ikke åpent",
}
