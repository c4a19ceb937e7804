"""Fold away what the resident did not write now: quotations, copied headers, signatures. Pure.

The text is read once, line by line. A region that is folded carries the name of the rule that said so, and nothing
is thrown away. In doubt a line is the resident's own: "Fra: Torget" alone is not a header block, and "Den 5. mai skrev
dere" alone is not an attribution. Every pattern is anchored and looks at a bounded part of a line, so the time is
linear in the text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from contactbot.messages import Folded
from contactbot.quoted import words
from contactbot.quoted.ours import find_ours

SENT_BY_US: Final = "sent_by_us"
QUOTE_MARKS: Final = "quote_marks"
ATTRIBUTION: Final = "attribution"
HEADER_BLOCK: Final = "header_block"
ORIGINAL_MESSAGE: Final = "original_message"
FORWARDED_MESSAGE: Final = "forwarded_message"
SIGNATURE: Final = "signature"
MOBILE_SIGNATURE: Final = "mobile_signature"
SIGNATURES: Final = frozenset({SIGNATURE, MOBILE_SIGNATURE})

# Lines that are examined; what stands below goes with the last of them. Real mail is shorter.
_MOST_LINES = 3_000
# How much of a line the patterns look at, and how many lines one attribution may be wrapped over.
_LOOK = 400
_WRAPPED = 6
# A signature longer than this is not one. Lines.
_LONGEST_SIGNATURE = 12
# A forward with at most this many own words before it ("FYI") is what the mail is about.
_FEW_WORDS = 1


@dataclass(frozen=True, slots=True)
class Folding:
    """What the resident wrote, and what was folded, in the order of the mail."""

    text: str
    folded: tuple[Folded, ...] = ()


@dataclass(frozen=True, slots=True)
class _Region:
    """Lines from here up to ``end`` that somebody else (or a program) wrote."""

    end: int
    rule: str


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of a mail, which of them are known to be ours, and what was found out of each so far."""

    all: Sequence[str]
    ours: frozenset[int]
    found: dict[int, _Region | None] = field(default_factory=dict)

    def is_quoted(self, at: int) -> bool:
        line = self.all[at]
        marked = bool(_QUOTED.match(line)) and not _NOT_QUOTED.match(line[:_LOOK])
        return at in self.ours or (marked and not self._is_comparison(at))

    def _is_comparison(self, at: int) -> bool:
        """Tell a sign in the middle of a sentence ("barn", "> 12 år") from a mark: it stands alone, before a number."""
        if not _COMPARED.match(self.all[at]) or at == 0:
            return False
        before, after = self.all[at - 1].strip(), self.all[at + 1 : at + 2]
        goes_on = bool(before) and not before.startswith(">") and not before.endswith(":")
        return goes_on and not any(line.lstrip().startswith(">") for line in after)

    def is_blank(self, at: int) -> bool:
        return not self.all[at].strip()

    def next_words(self, at: int, within: int = 3) -> int | None:
        """Return the next line that is not blank, among so many."""
        return next((i for i in range(at, min(at + within, len(self.all))) if not self.is_blank(i)), None)

    def quote_follows(self, at: int) -> bool:
        found = self.next_words(at)
        return found is not None and self.is_quoted(found)


def fold(text: str, sent: Sequence[str] = ()) -> Folding:
    """Separate the resident's words from the rest; ``sent`` are our earlier texts in the thread, found first."""
    written = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    parted, unseen = _part_shared_lines([line.rstrip() for line in written[:_MOST_LINES]]), written[_MOST_LINES:]
    lines = _Lines(parted, find_ours(parted, sent) if sent else frozenset())
    own: list[str] = []
    folded: list[Folded] = []
    region: _Region | None = None
    at = 0
    while at < len(parted):
        if _is_forward_to_keep(lines, at, own):
            own += parted[at:]
            break
        region = _region_at(lines, at)
        if region is None:
            own.append(parted[at])
            at += 1
        else:
            folded.append(Folded("\n".join(parted[at : region.end]).strip("\n"), region.rule))
            at = region.end
    if region is None:
        own += unseen
    elif unseen:
        folded.append(Folded("\n".join(unseen).strip("\n"), region.rule))
    return Folding(re.sub(r"\n{3,}", "\n\n", "\n".join(own)).strip(), tuple(folded))


def refold(text: str, sent: Sequence[str]) -> Folding:
    """Fold a text once more, now that it is known what we sent; without any of our words in it, it stays as it is."""
    return fold(text, sent) if find_ours(text.split("\n")[:_MOST_LINES], sent) else Folding(text)


def _region_at(lines: _Lines, at: int) -> _Region | None:
    """Say whether somebody else's words begin at this line, and how far they go."""
    if lines.is_blank(at):
        return None
    return _quotation_at(lines, at) or _signature(lines, at) or _mobile_signature(lines, at)


def _quotation_at(lines: _Lines, at: int) -> _Region | None:
    """Look for a quotation; each line is asked once, although signatures look ahead."""
    if at not in lines.found:
        lines.found[at] = _find_quotation(lines, at)
    return lines.found[at]


def _find_quotation(lines: _Lines, at: int) -> _Region | None:
    if at in lines.ours and not _QUOTED.match(lines.all[at]):
        return _Region(_past_quote(lines, at), SENT_BY_US)
    return _marked_message(lines, at) or _header_block(lines, at) or _attribution(lines, at) or _quote_marks(lines, at)


# Quotation marks

_QUOTED = re.compile(r"[ \t]{0,3}>")
_COMPARED = re.compile(r">=? ?\d")
_WRAP = 60  # programs wrap at 65 to 78 characters


def _quote_marks(lines: _Lines, at: int) -> _Region | None:
    return _Region(_past_quote(lines, at), QUOTE_MARKS) if lines.is_quoted(at) else None


def _past_quote(lines: _Lines, at: int) -> int:
    """Return the line after a quotation; blank lines and ends of lines that were broken off belong to it."""
    end = at
    while end < len(lines.all) and (lines.is_blank(end) or lines.is_quoted(end) or _is_broken_off(lines, end)):
        end += 1
    return end


def _is_broken_off(lines: _Lines, at: int) -> bool:
    """Tell the end of a quoted line that a mail program broke off without marking it: the next is quoted again."""
    if at + 1 >= len(lines.all) or not lines.is_quoted(at - 1) or not lines.is_quoted(at + 1):
        return False
    before = lines.all[at - 1][-_LOOK:]
    is_open = before.rfind("(http") > before.rfind(")") or before.rfind("<http") > before.rfind(">", 3)
    return is_open or (len(before) > _WRAP and lines.all[at][:1].islower())


# A line such as ">>> offer <<<" is decoration; "> wrote:" is the end of an attribution whose address was broken.
_NOT_QUOTED = re.compile(r"[ \t]{0,3}(?:>{2,}.{0,200}<{2,}|>\s?[^\s>]{3,12}\s?:)$")

# Attributions, such as "On Monday Kari wrote" and a colon

_VERB = re.compile(
    r"(?<!\w)(?:" + "|".join(re.escape(word) for word in sorted(words.WROTE, key=len, reverse=True)) + r")(?![\w(])",
    re.IGNORECASE,
)
_OPENER = re.compile(
    r"[\s>*_\-–—]{0,12}(?:"
    r"(?:" + "|".join(words.ON) + r")[ ,.]{1,3}(?=\S)"  # On, Den, Am, Le ...
    r"|[^\W\d_]{2,12}[.,]{0,2} (?:den )?\d"  # mandag 5., pon., 5
    r"|\d{1,4}[./\-‑]\s?\d{1,2}[./\-‑]\s?\d{1,4}"  # 2014-10-17, 02.04.2012
    r"|\d{1,2}\.? [^\W\d_]{3,12}\.?,? (?:\d{4}|kl)"  # 5. jan. 2026
    r"|[在于]?\s?\d{4}\s?年"
    r"|sent from )",
    re.IGNORECASE,
)
_TIME = re.compile(r"(?<!\d)\d{1,2}[:.]\d{2}(?!\d|[.]\d)")
_DAY = re.compile(
    r"\d{1,4}[./\-]\s?\d{1,2}[./\-]\s?\d{1,4}|\d{1,2}[.,]? ?(?:de )?[^\W\d_]{3}|[^\W\d_]{3}\.? \d{1,2}\b|\d{1,2}\s?月"
)
_EMAIL = re.compile(r"[^\s<>@(]{1,128}@[^\s<>@)]{1,128}")
_ENDS = re.compile(r"(?::|：|-{3,}|—{2,})[\s*_]{0,5}$")
_SHARED = re.compile(r"(?P<own>.{0,300}?\S)(?:-{2,}\s?|\s)(?=(?:On|Den|Am|Le|Op|På) .{0,30}\d)")
_TRAILED = re.compile(r"(?P<above>.{0,300}?<[^<>]{3,128}>:)\s{2,}(?P<quoted>\S.*)")
_ENDS_WITH_ADDRESS = re.compile(r"@[\w.-]{1,64}[>)\]] ?[:：]$")
_FIRST_WORD = re.compile(r"^\s{0,3}(\w{1,12})\b")
_LAST_WORD = re.compile(r"\b(\w{1,12})\s{0,3}$")
_LONGEST_NAMED = 160  # a name, an address and a verb


def _attribution(lines: _Lines, at: int) -> _Region | None:
    first = _bounded(lines.all[at])
    end = (_OPENER.match(first) and _end_of_wrapped(lines, at)) or _end_of_named(lines, at, first)
    return _Region(_past_answered(lines, end), ATTRIBUTION) if end else None


def _end_of_wrapped(lines: _Lines, at: int) -> int | None:
    """Return where an attribution ends that begins with a date, or the word before one, and may be wrapped."""
    joined = ""
    for end in range(at, min(at + _WRAPPED, len(lines.all))):
        line = _bounded(lines.all[end])
        if not line and not _goes_on_after_blank(lines, end):
            return None
        if end > at and _OPENER.match(line) and not _EMAIL.match(line):
            return None  # if there is an attribution, it begins here and not above
        joined = f"{joined} {line}".strip()
        if len(joined) > _LOOK:
            return None
        if _is_attribution(joined, quoted=lines.quote_follows(end + 1)):
            return end + 1
    return None


def _goes_on_after_blank(lines: _Lines, at: int) -> bool:
    """Tell Polymail, alone in leaving a blank line inside an attribution, by the address that stands after it."""
    return at + 1 < len(lines.all) and lines.all[at + 1].lstrip().startswith("<")


def _is_attribution(joined: str, *, quoted: bool) -> bool:
    """Weigh the evidence: with quotation marks below, a verb and a date will do; without them it takes more."""
    email, time, day = bool(_EMAIL.search(joined)), bool(_TIME.search(joined)), bool(_DAY.search(joined))
    verb = _VERB.search(joined)
    if not _ENDS.search(joined):
        return quoted and email and day and joined.endswith(">")
    if quoted:
        return bool(verb and (day or email)) or (email and (day or time))
    if verb is None:
        return email and time and bool(_ENDS_WITH_ADDRESS.search(joined))
    if _tells(joined, verb):
        return False
    return (email and (time or day)) or (time and day and _names_somebody(joined, verb))


def _tells(joined: str, verb: re.Match[str]) -> bool:
    """Tell a person's own sentence by the pronoun beside the verb: "skrev dere", "I wrote"."""
    beside = (*_LAST_WORD.findall(joined[: verb.start()]), *_FIRST_WORD.findall(joined[verb.end() :]))
    return any(word.casefold() in words.SELF for word in beside)


def _names_somebody(joined: str, verb: re.Match[str]) -> bool:
    """Tell whether a name stands beside the verb: "skrev Kari Nordmann:", "..., Julius Caesar wrote"."""
    name = joined[verb.end() :].strip(" :-*_") or joined[: verb.start()].rpartition(",")[2].strip()
    return name[:1].isupper()


def _end_of_named(lines: _Lines, at: int, first: str) -> int | None:
    """Find "Kari Nordmann skrev:" (or "... skrev 5.1.2026 10:12:") right above quotation marks, or between dashes."""
    verb = _VERB.search(first)
    if verb is None or not _ENDS.search(first) or len(first) > _LONGEST_NAMED:
        return None
    dashed = first.startswith("--") and first.endswith("--")
    rest = first[verb.end() :].strip(" :*_")
    timed = bool(_TIME.search(first) and _DAY.search(first))
    is_whole = not rest or (timed and bool(_TIME.search(rest)))
    sure = lines.quote_follows(at + 1) or (timed and bool(_EMAIL.search(first)) and not _tells(first, verb))
    return at + 1 if dashed or (is_whole and sure) else None


def _past_answered(lines: _Lines, at: int) -> int:
    """Return where an answered message ends: with its quotation marks, or with the mail where it has none."""
    start = lines.next_words(at, len(lines.all))
    return _past_quote(lines, start) if start is not None and lines.is_quoted(start) else len(lines.all)


def _part_shared_lines(written: list[str]) -> list[str]:
    """Part a line on which an attribution stands together with the resident's words or with what it is about."""
    lines = _Lines(written, frozenset())
    parted: list[str] = []
    for at, line in enumerate(written):
        trailed = _TRAILED.match(line[: 2 * _LOOK]) if _OPENER.match(line[:_LOOK]) else None
        if trailed and _VERB.search(trailed["above"]) and _TIME.search(trailed["above"]):
            parted += [trailed["above"], line[trailed.start("quoted") :]]
            continue
        shared = _SHARED.match(line) if len(line) <= _LOOK and line.endswith(":") else None
        rest = line[shared.end() :] if shared else ""
        if shared and _VERB.search(rest) and _TIME.search(rest) and lines.quote_follows(at + 1):
            parted += [shared["own"].rstrip("- "), rest]
        else:
            parted.append(line)
    return parted


def _bounded(line: str) -> str:
    """Return a line as the patterns may see it; a line too long for any mark is none."""
    return line.strip() if len(line) <= _LOOK else ""


# Copied header blocks: "Fra: ... Sendt: ... Til: ... Emne: ..."

_KINDS: Final = {label: kind for kind, labels in words.FIELDS.items() for label in labels.split("|")}
_RULE = re.compile(r"\s{0,3}(?:[_\-=*]\s?){5,200}$")
_TELLING: Final = frozenset({"from", "to", "date", "subject"})
_ENOUGH_KINDS = 3
_LONGEST_BLOCK = 25  # lines, wrapped recipients included


def _header_block(lines: _Lines, at: int) -> _Region | None:
    start = at
    if _RULE.match(lines.all[at][:_LOOK]):
        found = lines.next_words(at + 1)
        start = at if found is None else found
    fields, end = _fields(lines, start)
    return _Region(_past_answered(lines, end), HEADER_BLOCK) if _is_header_block(fields) else None


def _fields(lines: _Lines, at: int) -> tuple[dict[str, str], int]:
    """Read the fields that stand together from this line on: kind to value, and the line after them."""
    fields: dict[str, str] = {}
    kind, end = "", at
    for end in range(at, min(at + _LONGEST_BLOCK, len(lines.all))):
        line = lines.all[end][:_LOOK]
        found, value = _field(line)
        if found:
            kind = found
            fields[kind] = f"{fields.get(kind, '')} {value}".strip()
        elif kind and line.strip() and _continues(fields[kind], line):
            fields[kind] += " " + line.strip()
        elif not (kind and _is_gap(lines, end)):
            return fields, end
    return fields, end + 1


def _is_gap(lines: _Lines, at: int) -> bool:
    """Tell a blank line between two fields, as programs leave it that write each field as a paragraph."""
    return lines.is_blank(at) and at + 1 < len(lines.all) and bool(_field(lines.all[at + 1][:_LOOK])[0])


def _field(line: str) -> tuple[str, str]:
    label, colon, value = line.partition(":")
    if not colon or len(label) > 40:  # noqa: PLR2004 - no label is longer, markup included
        return "", ""
    return _KINDS.get(label.strip(" \t>*_\xa0").casefold(), ""), value.strip(" \t*_\xa0")


def _continues(value: str, line: str) -> bool:
    return line[:1] in " \t" or value.endswith(("mailto:", ",", ";", "<", "["))


def _is_header_block(fields: dict[str, str]) -> bool:
    """Weigh the evidence. "Fra: Oslo, Til: Bergen, Dato: 5. mai" is a journey; an address or a subject makes a mail."""
    if not fields or next(iter(fields)) not in {"from", "sent", "date", "subject", "to"}:
        return False
    moment = f"{fields.get('sent', '')} {fields.get('date', '')}"
    timed = bool(_TIME.search(moment))
    address = any(_EMAIL.search(fields.get(kind, "")) for kind in ("from", "to", "cc"))
    kinds = {"date" if kind == "sent" else kind for kind in fields}
    if address:
        dated_first = next(iter(fields)) in {"date", "sent"}
        return (timed and ("from" in kinds or dated_first)) or len(kinds & _TELLING) >= _ENOUGH_KINDS
    return {"from", "subject", "date"} <= kinds and (timed or "sent" in fields)


# Marks between dashes: "-----Opprinnelig melding-----"

_MARK = re.compile(
    r"[\s>*_]{0,6}(?P<before>[-‐‑–—_=*#]{0,40})\s{0,3}(?P<phrase>[^\n]{4,60}?)\s{0,3}(?P<after>[-‐‑–—_=*:#]{0,40})[\s*_]{0,5}$"
)
_ORIGINAL: Final = frozenset(words.ORIGINAL)
_FORWARDED: Final = frozenset(words.FORWARDED)


def _marked_message(lines: _Lines, at: int) -> _Region | None:
    phrase, is_marked = _mark(lines.all[at])
    if phrase in _FORWARDED and (is_marked or _block_follows(lines, at)):
        return _Region(len(lines.all), FORWARDED_MESSAGE)
    if phrase in _ORIGINAL and (is_marked or _block_follows(lines, at)):
        return _Region(_past_answered(lines, _fields_end(lines, at + 1)), ORIGINAL_MESSAGE)
    return None


def _mark(line: str) -> tuple[str, bool]:
    found = _MARK.match(line) if len(line) <= _LOOK else None
    if found is None:
        return "", False
    return found["phrase"].casefold().replace("’", "'").rstrip(": "), bool(found["before"] or found["after"])


def _block_follows(lines: _Lines, at: int) -> bool:
    found = lines.next_words(at + 1)
    return found is not None and bool(_fields(lines, found)[0])


def _fields_end(lines: _Lines, at: int) -> int:
    found = lines.next_words(at)
    return at if found is None else _fields(lines, found)[1]


def _is_forward_to_keep(lines: _Lines, at: int, own: list[str]) -> bool:
    """Tell a forward that is itself what the mail is about: passed on without a word, or with "FYI" alone."""
    phrase, _ = _mark(lines.all[at])
    if phrase not in _FORWARDED:
        return False
    written = sum(len(line.split()) for line in own)
    return not written or (written <= _FEW_WORDS and lines.all[at].lstrip().startswith("--"))


# Signatures

_SENT_FROM = tuple(words.SENT_FROM)
_GET = tuple(words.GET)
_LINK = re.compile(r"[<(\[]\s?(?:https?://|mailto:)[^>)\]]{0,300}[>)\]]")
_LONGEST_MOBILE = 12  # words


def _signature(lines: _Lines, at: int) -> _Region | None:
    """Find what stands below a line of two dashes (RFC 3676, 4.3), unless it is too long, or asks something."""
    if lines.all[at].strip() not in ("--", "—", "- -"):
        return None
    for end in range(at + 1, min(at + 2 + _LONGEST_SIGNATURE, len(lines.all))):
        if "?" in lines.all[end].partition("://")[0]:
            return None
        if not lines.is_blank(end) and _quotation_at(lines, end):
            return _Region(end, SIGNATURE)
    return _Region(len(lines.all), SIGNATURE) if len(lines.all) - at - 1 <= _LONGEST_SIGNATURE else None


def _mobile_signature(lines: _Lines, at: int) -> _Region | None:
    line = _LINK.sub("", _bounded(lines.all[at])).strip(" *_[]\t.").casefold()
    if not _is_mobile_signature(line):
        return None
    end = at + 1
    alone = end >= len(lines.all) or lines.is_blank(end) or _quotation_at(lines, end) is not None
    return _Region(end, MOBILE_SIGNATURE) if alone or _is_signature_line(lines, end) else None


def _is_mobile_signature(line: str) -> bool:
    if not line or len(line.split()) > _LONGEST_MOBILE or "?" in line:
        return False
    if line.startswith(_GET):
        return "outlook" in line and line.endswith(("ios", "android", "mac", "windows"))
    return line.startswith(_SENT_FROM) and any(device in line for device in words.DEVICES)


def _is_signature_line(lines: _Lines, at: int) -> bool:
    return _is_mobile_signature(_LINK.sub("", _bounded(lines.all[at])).strip(" *_[]\t.").casefold())
