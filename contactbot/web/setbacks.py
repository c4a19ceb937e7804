"""Why something did not arrive, as staff understand it: channels and peers say it in English and in codes. Pure."""

import re
from typing import Final

# How the detail of a receipt begins, or all of it.
KNOWN: Final = {
    "opted_out": "mottakeren har sagt STOPP til meldinger herfra",
    "invalid_number": "nummeret er ikke et telefonnummer",
    "not_a_mobile_number": "nummeret er ikke en mobil",
    "landline": "nummeret er en fasttelefon",
    "unknown_number": "nummeret finnes ikke",
    "unreachable_number": "nummeret kan ikke nås",
    "unreachable_phone": "telefonen er av eller uten dekning",
    "blocked": "mottakeren eller operatøren har sperret for meldingen",
    "filtered_by_carrier": "operatøren stoppet meldingen som søppel",
    "region_not_allowed": "SMS til dette landet er ikke slått på",
    "text_too_long": "meldingen er for lang",
    "our_number_cannot_send": "nummeret vårt kan ikke sende SMS; si fra til driften",
    "refused": "leverandøren tok ikke imot meldingen",
    "given up": "den lot seg ikke levere i tide",
    "the channel took too long": "mottakersiden svarte ikke i tide",
    "the channel failed": "noe gikk galt hos oss; si fra til driften",
    "the process ended": "tjenesten stoppet mens den ble sendt",
    "the peer could not be asked": "mottakersiden kan ikke spørres om den kom fram",
    "a mail relay cannot be asked": "e-posttjeneren kan ikke si om den tok imot",
    "the account's archive could not be asked": "mottakersiden kan ikke spørres om den kom fram",
    "cannot_ask": "leverandøren kan ikke spørres om den kom fram",
    "no_answer": "leverandøren svarte ikke",
    "ambiguous": "leverandøren kan ikke si om den kom fram",
    "the address is not a bare JID": "adressen er ikke en chatadresse",
    "files cannot be sent over XMPP": "filer kan ikke sendes på XMPP; send dem på e-post",
    "service-unavailable": "kontoen finnes ikke, eller tar ikke imot meldinger herfra",
    "item-not-found": "kontoen finnes ikke",
    "remote-server-not-found": "chattjenesten til mottakeren finnes ikke",
    "remote-server-timeout": "chattjenesten til mottakeren svarer ikke",
}
# Enhanced mail status codes without their class (RFC 3463, section 3).
MAIL: Final = {
    "1.1": "e-postadressen finnes ikke",
    "1.2": "domenet i e-postadressen finnes ikke",
    "1.10": "domenet tar ikke imot e-post",
    "2.1": "postkassen er stengt",
    "2.2": "postkassen er full",
    "2.3": "e-posten er for stor for postkassen",
    "3.4": "e-posten er for stor",
    "4.1": "e-posttjenesten til mottakeren svarer ikke",
    "4.4": "e-posttjenesten til mottakeren ble ikke funnet",
    "4.7": "den lot seg ikke levere i tide",
    "7.1": "e-posttjenesten til mottakeren avviste den",
}
STATUS: Final = re.compile(r"\b[45]\.(\d{1,3}\.\d{1,3})\b")


def cause(detail: str) -> str:
    """Return why, in Norwegian and without a capital; "" where the detail says nothing we know."""
    status = STATUS.search(detail)
    if status is not None and status[1] in MAIL:
        return MAIL[status[1]]
    return next((words for begins, words in KNOWN.items() if detail.startswith(begins)), "")
