"""What the bot does with a message, as one ordered table: the first step that has an outcome wins. Pure.

Order matters. Machines are never answered (1). A wish for silence is obeyed before anything can speak (2). Danger comes
before every brake and every owner of the turn (3). The brake comes before people are bothered (4), people before the
bot (5), what was asked before what is new (6, 7), and the bot is silent rather than wrong (9-11).
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from contactbot.conversation import replies
from contactbot.conversation.commands import CommandKind, first_line
from contactbot.conversation.facts import Facts
from contactbot.conversation.lookup import Part
from contactbot.conversation.outcome import Given, Outcome, Reply, SurveyAnswer, Work
from contactbot.conversation.questions import quoted, says_nothing
from contactbot.conversation.reasons import matched_words
from contactbot.conversation.smalltalk import SmallTalk
from contactbot.handoff.ticket import Reason, TicketState
from contactbot.kb.matching import Answer, Candidate, Choices
from contactbot.masking import without_marks
from contactbot.messages import Length
from contactbot.privacy.erasures.erasure import PURPOSE
from contactbot.threads.thread import TurnOwner
from contactbot.wording import language_name, say

Step = Callable[[Facts], Outcome | None]

CODE_LIFE = timedelta(minutes=15)
CODE_TRIES = 3  # with six digits, a code is guessed once in 300,000
SURVEY_ANSWERS: tuple[SurveyAnswer, ...] = ("yes", "partly", "no")
TITLE = 80  # characters


def decide(facts: Facts) -> Outcome:
    """Return the outcome of the first step that has one."""
    for step in STEPS:
        outcome = step(facts)
        if outcome is not None:
            return outcome
    raise AssertionError("the last step always has an outcome")


def automatic_mail(facts: Facts) -> Outcome | None:
    """1. Machines get a note in the thread and never an answer: no state moves, no clock starts."""
    if not facts.automatic:
        return None
    return Outcome("silent", f"automatic: {facts.automatic}", kind="automatic", pending=facts.pending)


def stop_and_start(facts: Facts) -> Outcome | None:
    """2. A wish for silence, or for an end of it, on this address."""
    obeyed = facts.command is not None and facts.may_reply and not facts.seen.by_another
    kind = facts.command.kind if facts.command is not None and obeyed else None
    if kind == CommandKind.STOP and _silenced(facts):
        return Outcome("command", "stopped already", pending=facts.pending)
    if kind == CommandKind.STOP:
        return Outcome("command", "stop", (replies.wording(facts, "stopped", "stop"),), silence=True)
    if kind == CommandKind.START and _silenced(facts):
        return Outcome("command", "start", (replies.wording(facts, "started", "command"),), silence=False)
    return None


def acute_danger(facts: Facts) -> Outcome | None:
    """3. Help lines at once and an urgent ticket, whoever owns the turn; after STOP only the ticket."""
    if facts.danger is None:
        return None
    work = Work(Reason.ACUTE, _title(facts), priority="urgent", team="")
    unheard = _silenced(facts) or not facts.may_reply or facts.seen.by_another  # who would be answered is not who wrote
    mute = unheard or _said_enough(facts, ACUTE_SHARE)
    told = () if mute else (replies.acute(facts, facts.danger),)
    return Outcome("acute", f"safety: {facts.danger.rule}", told, work)


def crowd_brake(facts: Facts) -> Outcome | None:
    """3a. Too many whom nobody ever answered write at once: what they say is kept, and one case tells of them all."""
    if not facts.seen.crowded:
        return None
    people_have_it = facts.seen.open_ticket is not None
    return Outcome("silent", "crowd", to_people=people_have_it, pending=facts.pending, set_aside=not people_have_it)


def flood_brake(facts: Facts) -> Outcome | None:
    """4. Too much, or too often the same, from one address: the bot is silent, one incident is raised, people look."""
    seen, limits = facts.seen, facts.limits
    if seen.recent < limits.messages and seen.repeats < limits.repeats:
        return None
    first = seen.recent == limits.messages or seen.repeats == limits.repeats
    people_have_it = seen.open_ticket is not None
    return Outcome(
        "silent",
        "flood",
        work=Work(Reason.FLOOD, _title(facts)) if first and not people_have_it else None,
        to_people=people_have_it,
        pending=facts.pending,
        incident="flood" if first else "",
    )


def automatic_brake(facts: Facts) -> Outcome | None:
    """4a. The bot has said enough to this address for an hour: a machine may be answering it, so people look."""
    if not _said_enough(facts):
        return None
    has_case = facts.seen.open_ticket is not None
    return Outcome(
        "silent" if has_case else "handoff",
        "automatic brake",
        work=None if has_case else Work(Reason.BRAKED, _title(facts)),
        to_people=has_case,
        pending=facts.pending,
    )


def silenced_address(facts: Facts) -> Outcome | None:
    """4b. After STOP nothing may be said, so what the resident asks becomes work for people."""
    if not _silenced(facts):
        return None
    if _asks_nothing(facts) and facts.seen.open_ticket is None:
        return Outcome("silent", "stopped, and nothing asked", pending=facts.pending)
    return Outcome("handoff", "stopped", work=Work(Reason.UNSURE, _title(facts)))


def unproven_sender(facts: Facts) -> Outcome | None:
    """4c. Spam and a sender whose address is not proven get no answer and no obedience; people decide."""
    if facts.spam:
        work = Work(Reason.SPAM, _title(facts))
        return Outcome("handoff", f"spam: {facts.spam}", work=work, pending=facts.pending)
    if facts.may_reply:
        return None
    reason = Reason.UNREADABLE if facts.unreadable else Reason.UNAUTHENTICATED
    work = Work(reason, _title_of_unread(facts))
    return Outcome("handoff", "sender not authenticated", work=work, pending=facts.pending)


def another_writes(facts: Facts) -> Outcome | None:
    """4d. Somebody else writes with a token of this conversation: the bot would answer the wrong person."""
    if not facts.seen.by_another:
        return None
    work = Work(Reason.UNSURE, _title(facts))
    return Outcome("handoff", "written from another address", work=work, pending=facts.pending)


def persons_turn(facts: Facts) -> Outcome | None:
    """5. People have the thread: the message goes to them. Commands to the machine are still the machine's.

    While nobody has taken the case yet, the bot also says what it is sure of. Thanks for an answer ask for no other.
    """
    owner = facts.seen.turn_owner
    if owner == TurnOwner.BOT or facts.seen.open_ticket is None:
        return None
    to_the_machine = facts.command is not None and facts.command.kind != CommandKind.PERSON
    if to_the_machine or _code(facts) or _picks(facts, owner):
        return None
    if owner == TurnOwner.STAFF and facts.smalltalk in _CONTENT and facts.seen.open_ticket.state == TicketState.WAITING:
        return Outcome("silent", "thanked", pending=facts.pending)
    if owner == TurnOwner.STAFF:
        return Outcome("silent", "a person has the turn", to_people=True)
    if facts.command is not None or facts.smalltalk is not None or isinstance(facts.decision, Answer):
        return None
    known = facts.corrects or (facts.seen.acknowledged and facts.length != Length.CHAT)
    told = () if known else (replies.added(facts),)
    return Outcome("silent", "waiting for a person", told, to_people=True)


def _picks(facts: Facts, owner: TurnOwner) -> bool:
    """Tell whether a message answers the bot; where a person has taken over, a choice it had offered is void."""
    offered = facts.pending is not None and facts.picked is not None
    return offered and (owner == TurnOwner.WAITING or (facts.pending or {}).get("kind") == "survey")


def pending_choice(facts: Facts) -> Outcome | None:
    """6. An answer to what the resident was asked: a choice, how it went, or a confirmation."""
    pending = facts.pending
    if pending is None:
        return None
    match pending.get("kind"):
        case "choices" if facts.picked is not None:
            return _picked_choice(facts, pending["options"], facts.picked)
        case "choices" if facts.text.strip().rstrip(".").isdecimal():
            return _said(facts, "no such choice", replies.wording(facts, "choices_again", "command"))
        case "survey" if facts.picked is not None and facts.picked >= 0:
            return _survey(facts, facts.picked)
        case "delete" if _code(facts):
            return _delete(facts, pending)
        case "continue" if _code(facts):
            return _go_on(facts, pending)
    return None


def corrected(facts: Facts) -> Outcome | None:
    """6a. An edited message is understood anew, but what it would be answered with is not said twice."""
    last = facts.seen.last_answer
    if not facts.corrects or last is None or not isinstance(facts.decision, Answer):
        return None
    if facts.decision.candidate.entry_id != last.entry:
        return None
    return Outcome("silent", "corrected, answered already", pending=facts.pending, considered=_considered(facts))


def command(facts: Facts) -> Outcome | None:  # noqa: PLR0911 - one return for each command
    """7. What the resident asks of the machine itself."""
    if facts.command is None:
        return None
    match facts.command.kind:
        case CommandKind.PERSON:
            work = Work(Reason.ASKED, _title(facts))
            return Outcome("handoff", "asked for a person", (replies.handed_off(facts, "handoff_person"),), work)
        case CommandKind.HELP:
            return _said(facts, "help", replies.wording(facts, "help", "command"))
        case CommandKind.STATUS:
            return _said(facts, "status", replies.status(facts, facts.command.argument))
        case CommandKind.WHY:
            return _said(facts, "why", replies.why(facts))
        case CommandKind.LANGUAGE:
            return _language(facts, facts.command.argument)
        case CommandKind.CONTINUE:
            return _continue(facts, facts.command.argument)
        case CommandKind.DELETE:
            pending = {"kind": "delete", "code": facts.code, "at": facts.now.isoformat()}
            told = (replies.wording(facts, "delete_confirm", "command", code=facts.code),)
            return Outcome("command", "delete", told, pending=pending)
        case CommandKind.START:
            return Outcome("command", "start", (replies.wording(facts, "started", "command"),))
        case _:
            return None


def small_talk(facts: Facts) -> Outcome | None:
    """8. Greetings and thanks are met decently and never open tickets."""
    if facts.smalltalk is None or facts.foreign:
        return None
    waits = facts.seen.open_ticket is not None and facts.smalltalk in _ASKING
    told = replies.status(facts, "") if waits else replies.smalltalk(facts, facts.smalltalk.value)
    return Outcome("smalltalk", facts.smalltalk.value, (told,), pending=facts.pending)


_CONTENT: Final = (SmallTalk.THANKS, SmallTalk.BYE, SmallTalk.COMPLIMENT)
_ASKING: Final = (SmallTalk.GREETING, SmallTalk.EMOJI, SmallTalk.INSULT, SmallTalk.OPENER, SmallTalk.MISSED)
"""What somebody who waits for a person says to hear how their case stands."""


def nothing_asked(facts: Facts) -> Outcome | None:
    """8a. A letter, "???", "ja" or a number when nothing was offered is no question, and no case either."""
    if not _asks_nothing(facts):
        return None
    offered = facts.pending is not None and facts.pending.get("kind") == "choices"
    told = replies.wording(facts, "choices_which" if offered else "nothing_asked", "smalltalk")
    return Outcome("smalltalk", "nothing asked", (told,), pending=facts.pending)


def unreadable(facts: Facts) -> Outcome | None:
    """8b. What could not be read goes to people with its raw copy."""
    if not facts.unreadable and facts.text.strip():
        return None
    work = Work(Reason.UNREADABLE, _title_of_unread(facts))
    return Outcome("handoff", "unreadable", (replies.handed_off(facts, "handoff_unreadable"),), work)


def answer(facts: Facts) -> Outcome | None:
    """9. Sure: the editor's words, in the resident's language and the channel's length."""
    if facts.parts:
        return _several(facts)
    if not isinstance(facts.decision, Answer) or facts.decision.candidate.entry_id not in facts.entries:
        return None
    best, rule = facts.decision.candidate, "follow-up" if facts.after else "sure"
    told = replies.answer(facts, facts.entries[best.entry_id], again=facts.after == best.entry_id)
    given = _given(best, facts.candidates, facts.text, rule)
    return Outcome("answer", rule, (told,), given=(given,), considered=_considered(facts))


def choices(facts: Facts) -> Outcome | None:
    """10. In doubt: up to three choices and a way out."""
    if not isinstance(facts.decision, Choices) or facts.foreign:
        return None
    options = [one for one in facts.decision.candidates if one.entry_id in facts.entries]
    if not options:
        return None
    told = replies.choices(facts, [facts.entries[one.entry_id] for one in options])
    pending = {
        "kind": "choices",
        "labels": list(told.choices),
        "options": [{"entry": one.entry_id, "confidence": one.probability} for one in options],
        "question": facts.text[:TITLE],
    }
    return Outcome("choices", "in doubt", (told,), pending=pending, considered=_considered(facts))


def hand_off(facts: Facts) -> Outcome:
    """11. Otherwise a person: a ticket, its number and the expected time, in one transaction."""
    topic, team = _likely(facts, facts.candidates)
    if facts.foreign:
        name = language_name(facts.foreign, facts.municipality.main_language)
        work = Work(Reason.LANGUAGE, _shortened(f"{name.capitalize()}: {_title(facts)}"), topic=name)
        told = replies.handed_off_in_a_foreign_language(facts)
        return Outcome("handoff", f"language {facts.foreign}", (told,), work, considered=_considered(facts))
    before = facts.entries.get(facts.after)
    about = "" if before is None else f"{before.text(facts.language).question} – "
    work = Work(Reason.UNSURE, _shortened(about + _title(facts)), topic=topic, team=team)
    return Outcome("handoff", "unsure", (replies.handed_off(facts, "handoff"),), work, considered=_considered(facts))


STEPS: tuple[Step, ...] = (
    automatic_mail,
    stop_and_start,
    acute_danger,
    crowd_brake,
    flood_brake,
    automatic_brake,
    silenced_address,
    unproven_sender,
    another_writes,
    persons_turn,
    pending_choice,
    corrected,
    command,
    small_talk,
    nothing_asked,
    unreadable,
    answer,
    choices,
    hand_off,
)

ACUTE_SHARE = 2  # help lines reach who has had the hour's answers already, until so many times as many have gone out
LIKELY_TOPIC = 0.15  # probability from which the best candidate's owner gets the ticket


def _several(facts: Facts) -> Outcome:
    """Answer what can be answered of several questions; what is left is one case for people."""
    answered = [(one.text, one.answer) for one in facts.parts if one.answer and one.answer.entry_id in facts.entries]
    told_of = {text for text, _ in answered}
    left = [one for one in facts.parts if one.text not in told_of]
    given = tuple(
        _given(part.answer, part.candidates, part.text, "several")
        for part in facts.parts
        if part.text in told_of and part.answer is not None
    )
    told = replies.several(
        facts,
        [(text, facts.entries[best.entry_id]) for text, best in answered],
        [one.text for one in left],
    )
    work = _work_left(facts, left) if left else None
    return Outcome("answer", "several", (told,), work, given=given, considered=_considered(facts))


def _work_left(facts: Facts, left: Sequence[Part]) -> Work:
    """Return the case of the questions that were not answered, for the team the first of them seems to belong to."""
    topic, team = _likely(facts, left[0].candidates)
    return Work(Reason.PARTLY, _shortened(" / ".join(quoted(one.text) for one in left)), topic=topic, team=team)


def _given(best: Candidate, candidates: Sequence[Candidate], text: str, rule: str) -> Given:
    runner_up = next((one.entry_id for one in candidates if one.entry_id != best.entry_id), "")
    words = matched_words(best, text)
    return Given(best.entry_id, best.version, best.language, best.probability, runner_up, best.phrasing, words, rule)


def _picked_choice(facts: Facts, options: list[dict[str, object]], picked: int) -> Outcome:
    if not 0 <= picked < len(options):
        work = Work(Reason.UNSURE, str((facts.pending or {}).get("question", "")) or _title(facts))
        return Outcome("handoff", "none of the choices", (replies.handed_off(facts, "handoff"),), work)
    entry = facts.entries.get(str(options[picked]["entry"]))
    if entry is None:
        return _said(facts, "choice is gone", replies.wording(facts, "choices_gone", "command"))
    confidence = float(str(options[picked]["confidence"]))
    given = Given(entry.id, entry.version, facts.language, confidence, "", "", (), "chosen")
    return Outcome("answer", "chosen", (replies.answer(facts, entry),), given=(given,), considered=(entry.id,))


def _survey(facts: Facts, picked: int) -> Outcome:
    said: SurveyAnswer = SURVEY_ANSWERS[min(picked, len(SURVEY_ANSWERS) - 1)]
    if said == "no":
        told = replies.handed_off(facts, "survey_reopened")
    else:
        told = replies.wording(facts, "survey_thanks", "command")
    return Outcome("command", "survey", (told,), survey=said)


def _delete(facts: Facts, pending: dict[str, object]) -> Outcome:
    asked_at = datetime.fromisoformat(str(pending["at"]))
    if _code(facts) != pending["code"] or facts.now - asked_at > CODE_LIFE:
        return _said(facts, "wrong code", replies.wording(facts, "delete_wrong", "command"))
    if facts.seen.ticket is not None and not facts.seen.forgettable:
        work = Work(Reason.ERASURE, _title(facts))
        return Outcome("command", "erasure asked", (replies.handed_off(facts, "delete_case"),), work, erase=True)
    return Outcome("command", "erased", (replies.wording(facts, "delete_done", PURPOSE),), erase=True)


def _continue(facts: Facts, reference: str) -> Outcome:
    """Ask for the code that those who wrote in the case are sent; nothing said here tells whether there is one."""
    if any(str(ticket.number) == reference for ticket in facts.seen.tickets):
        return _said(facts, "continue own", replies.status(facts, reference))
    pending = {"kind": "continue", "case": reference, "code": facts.code, "at": facts.now.isoformat(), "tries": 0}
    told = (replies.wording(facts, "continue_asked", "command", reference=reference),)
    return Outcome("command", "continue", told, pending=pending, code_for=reference)


def _go_on(facts: Facts, pending: dict[str, Any]) -> Outcome:
    tries, asked_at = int(pending["tries"]) + 1, datetime.fromisoformat(pending["at"])
    if _code(facts) == pending["code"] and facts.now - asked_at <= CODE_LIFE:
        told = (replies.wording(facts, "continue_done", "command", reference=pending["case"]),)
        return Outcome("command", "continued", told, go_on=pending["case"])
    left = {**pending, "tries": tries} if tries < CODE_TRIES else None
    return Outcome("command", "wrong code", (replies.wording(facts, "continue_wrong", "command"),), pending=left)


def _language(facts: Facts, wanted: str) -> Outcome:
    if not wanted:
        return _said(facts, "language", replies.wording(facts, "language_ask", "command"))
    told = replies.wording_in(wanted, "language_set", "command")
    return Outcome("command", "language", (told,), language=wanted, pending=facts.pending)


def _said(facts: Facts, rule: str, told: Reply) -> Outcome:
    """Return an outcome that says one thing and leaves what the resident was offered."""
    return Outcome("command", rule, (told,), pending=facts.pending)


def _code(facts: Facts) -> str:
    """Return the confirmation code in a message, when one was asked for and it holds little else."""
    if facts.pending is None or facts.pending.get("kind") not in ("delete", "continue"):
        return ""
    for words in (facts.text.strip(), first_line(facts.text)):  # a signature may follow
        if found := re.fullmatch(r"\D{0,12}(\d{6})\D{0,3}", words):
            return found.group(1)
    return ""


def _asks_nothing(facts: Facts) -> bool:
    """Tell whether a message is small talk, or has no words that could be about anything."""
    if facts.foreign or facts.unreadable or facts.after or not facts.text.strip():
        return False
    wordless = not facts.subject.strip() and says_nothing(without_marks(facts.text))
    return facts.smalltalk is not None or wordless


def _silenced(facts: Facts) -> bool:
    return facts.seen.address is not None and facts.seen.address.stopped_at is not None


def _said_enough(facts: Facts, times: int = 1) -> bool:
    limit = facts.limits.automatic
    return limit is not None and facts.seen.answered >= limit * times


def _considered(facts: Facts) -> tuple[str, ...]:
    parts = (one for part in facts.parts for one in part.candidates[:1])
    return tuple(dict.fromkeys(one.entry_id for one in (*parts, *facts.candidates)))


def _likely(facts: Facts, candidates: Sequence[Candidate]) -> tuple[str, str]:
    """Return topic and team of the best candidate, when it is near enough to be about the same."""
    best = facts.entries.get(candidates[0].entry_id) if candidates else None
    if best is None or candidates[0].probability < LIKELY_TOPIC:
        return "", ""
    return best.topic, best.owner


def _title(facts: Facts) -> str:
    """Return the ticket's title: the subject, or the beginning of the first line."""
    return _shortened(facts.subject.strip() or first_line(facts.text))


def _title_of_unread(facts: Facts) -> str:
    """Return what can be read of a message, or that nothing can; channels say why in English and in codes."""
    return _title(facts) or say(facts.municipality.main_language, "unreadable_title")


def _shortened(line: str) -> str:
    return line if len(line) <= TITLE else line[: TITLE - 1].rstrip() + "…"
