"""Which rule says that a machine wrote a mail. Pure.

An ordered table: the first rule that holds gives its name. Nothing we send automatically may answer such mail
(RFC 3834), or two machines would write to each other until somebody notices. Header rules alone found 821 of 832 real
bounces; the envelope's null sender finds others.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from contactbot.channels.email.parse import Mail

NULL_SENDER: Final = "<>"
_LIST_FIELDS: Final = ("list-id", "list-unsubscribe", "list-post", "list-help", "list-owner", "list-archive")
_REPLY_FIELDS: Final = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply",
    "x-autoreply-from",
    "x-auto-respond",
    "x-mail-autoreply",
    "x-vacation",
    "x-ms-exchange-inbox-rules-loop",
    "x-amazon-auto-reply",
    "delivered-to-autoresponder",
)
_BULK: Final = frozenset({"bulk", "junk", "list", "auto_reply", "auto-reply"})
_DAEMON = re.compile(r"(?:mailer-?daemon|mail[-.]?daemon|mdaemon|postmaster|bounces?)(?:[+=-].*)?@")
# How programs begin the subject of an absence notice; a person's answer to one begins with "SV:" or "Re:".
_NOTICE: Final = (
    r"autosvar|automatisk svar|automatisk svarmelding|automatisk e-post|autosvarmelding|fraværsassistent|"
    r"fråværsassistent|jeg er ikke på kontoret|"
    r"automatic reply|auto[ -]?reply|automatic response|auto[ -]response|out of (?:the )?office|"
    r"ooo|vacation (?:reply|response)|away from (?:the )?office|automatiskt svar|"
    r"automatische antwort|abwesenheitsnotiz|réponse automatique|absence du bureau|automatisch antwoord|"
    r"odpowiedź automatyczna|automatyczna odpowiedź|autoodpowiedź|автоматична відповідь|"
    r"автоматический ответ|"
    r"respuesta automática|resposta automática|risposta automatica|automaattinen vastaus"
)
# A parent's word to a school, or a wreck by the road, may begin like these.
_PERHAPS_NOTICE: Final = (
    r"fravær:|fraværsmelding|fråværsmelding|ikke på kontoret|ikkje på kontoret|ferieavvikling:|auto:|frånvaro|"
    r"fraværsbesked|ikke til stede:|abwesenheit|afwezigheid"
)
# By itself the phrase is all of the subject, or a mark follows: "Autosvar fra dere er feil" is a complaint.
_ABSENCE = re.compile(rf"(?:{_NOTICE})\s*(?:[:;!.,(\[–—-]|$)", re.IGNORECASE)
_ABSENCE_IN_AN_ANSWER = re.compile(rf"(?:{_NOTICE}|{_PERHAPS_NOTICE})", re.IGNORECASE)
_FAILURE = re.compile(
    r"(?:undeliver(?:able|ed)|delivery (?:status notification|failure|has failed)|mail delivery|returned mail|"
    r"failure notice|kunne ikke leveres|kan ikke leveres|ikke levert|leveringsfeil|retur(?:nert)? (?:e-)?post)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the rules look at: the mail, its envelope sender ("<>" is the null sender), and whether it is our own."""

    mail: Mail
    mail_from: str
    own: Collection[str]
    is_our_message: bool = False

    def field(self, name: str) -> str:
        """Return the first header field of that name in lower case, or an empty text."""
        return self.mail.fields.first(name).strip().lower()

    def has(self, *names: str) -> bool:
        """Tell whether any of the fields is there at all."""
        return any(name in self.mail.fields for name in names)


def _from_ourselves(seen: Evidence) -> bool:
    return seen.mail.sender.address in seen.own


def _our_message(seen: Evidence) -> bool:
    return seen.is_our_message


def _report(seen: Evidence) -> bool:
    return seen.mail.media_type == "multipart/report"


def _null_sender(seen: Evidence) -> bool:
    return seen.mail_from == NULL_SENDER or seen.field("return-path") == NULL_SENDER


def _auto_submitted(seen: Evidence) -> bool:
    return seen.field("auto-submitted").partition(";")[0].strip() not in ("", "no")


def _mailer_daemon(seen: Evidence) -> bool:
    return bool(_DAEMON.match(seen.mail.sender.address))


def _failed_recipients(seen: Evidence) -> bool:
    return seen.has("x-failed-recipients")


def _auto_reply_field(seen: Evidence) -> bool:
    return any(seen.field(name) not in ("", "no", "false", "0") for name in _REPLY_FIELDS)


def _precedence(seen: Evidence) -> bool:
    return seen.field("precedence") in _BULK or seen.field("x-precedence") in _BULK


def _list(seen: Evidence) -> bool:
    return seen.has(*_LIST_FIELDS)


def _absence_subject(seen: Evidence) -> bool:
    """Believe a subject alone only where no person writes it so: a machine's mail is nobody's work, and never read."""
    subject = seen.mail.subject
    return bool(_ABSENCE.match(subject) or (seen.mail.references and _ABSENCE_IN_AN_ANSWER.match(subject)))


def _failure_subject(seen: Evidence) -> bool:
    """Believe a failure's subject only from somebody whose name says mail system: people complain of mail, too."""
    name = f"{seen.mail.sender.name} {seen.mail.sender.address}".lower()
    return bool(_FAILURE.match(seen.mail.subject)) and (
        "mail delivery" in name or "daemon" in name or "postmaster" in name
    )


def _response_suppressed(seen: Evidence) -> bool:
    """Exchange's way to ask that nothing answers by itself (MS-OXCMAIL 2.2.3.2.14)."""
    return bool({"all", "autoreply"} & {word.strip() for word in seen.field("x-auto-response-suppress").split(",")})


RULES: Final[tuple[tuple[str, Callable[[Evidence], bool]], ...]] = (
    ("from_ourselves", _from_ourselves),
    ("our_own_message", _our_message),
    ("delivery_report", _report),
    ("null_sender", _null_sender),
    ("auto_submitted", _auto_submitted),
    ("mailer_daemon", _mailer_daemon),
    ("failed_recipients", _failed_recipients),
    ("auto_reply_field", _auto_reply_field),
    ("precedence", _precedence),
    ("mailing_list", _list),
    ("absence_subject", _absence_subject),
    ("failure_subject", _failure_subject),
    ("response_suppressed", _response_suppressed),
)


def rule(mail: Mail, mail_from: str = "", own: Collection[str] = (), *, is_our_message: bool = False) -> str:
    """Return the name of the first rule by which a machine wrote the mail, or an empty text for a person's."""
    seen = Evidence(mail, mail_from, own, is_our_message)
    return next((name for name, holds in RULES if holds(seen)), "")
