"""The table of steps alone: each step by rows of facts, and that the first with an outcome wins."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contactbot.conversation import replies, steps
from contactbot.conversation.commands import Command, CommandKind
from contactbot.conversation.facts import Facts, Limits
from contactbot.conversation.outcome import REFERENCE, Outcome
from contactbot.conversation.safety import assess
from contactbot.conversation.seen import LastAnswer, Seen
from contactbot.conversation.smalltalk import SmallTalk
from contactbot.handoff.ticket import Archive, Reason, Ticket, TicketState
from contactbot.kb.entry import Entry, EntryText
from contactbot.kb.matching import Answer, Candidate, Choices, Reasons, decide
from contactbot.messages import Length
from contactbot.municipalities import municipalities
from contactbot.settings import MunicipalitySettings
from contactbot.threads.thread import AddressRow, Thread, TurnOwner
from contactbot.wording import COMPLETE

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # a Monday, ten o'clock in Oslo
TOWN = municipalities({"fjordvik": MunicipalitySettings(name="Fjordvik kommune")}, "https://chat.example")["fjordvik"]
LIBRARY = Entry(
    "bibliotek",
    3,
    (
        EntryText(
            "nb", "Når er biblioteket åpent?", (), sms="10-19.", chat="Biblioteket er åpent 10-19.", full="Lenge."
        ),
    ),
    owner="Kultur",
)
RUBBISH = Entry(
    "avfall", 1, (EntryText("nb", "Når hentes søppelet?", (), chat="På tirsdager."),), owner="Teknisk drift"
)
KARI = AddressRow(1, "loopback", "kari", "Kari", None)
STOPPED = replace(KARI, stopped_at=NOW - timedelta(days=1))
OLA = AddressRow(2, "loopback", "ola", "Ola", None)


def thread(owner: TurnOwner = TurnOwner.BOT, **values: Any) -> Thread:  # noqa: ANN401 - any field
    """Return Kari's thread, in which a bot has said that it is one."""
    made = Thread(
        7, "fjordvik", 1, KARI.id, "loopback", "", "nb", "open", owner, 0, 3, 4, disclosed=True, pending=None,
        created_at=NOW - timedelta(hours=1), last_at=NOW - timedelta(minutes=5),
    )  # fmt: skip
    return replace(made, **values)


def ticket(state: TicketState = TicketState.OPEN, **values: Any) -> Ticket:  # noqa: ANN401 - any field
    """Return case 1001, due on Wednesday."""
    made = Ticket(
        1, "fjordvik", 1001, "Gjerde", state, Reason.ASKED, "", "normal", 1, None, "loopback", NOW - timedelta(hours=1),
        NOW + timedelta(days=2), None, None, NOW, unread=True, archive=Archive.UNDECIDED, archived_at=None, version=0,
        team_name="Innbyggerservice",
    )  # fmt: skip
    return replace(made, **values)


def seen(**values: Any) -> Seen:  # noqa: ANN401 - any field
    """Return the context of a resident's first message."""
    nothing = Seen(
        "fjordvik", 1, None, None, None, None, (), (), acknowledged=False, recent=0, repeats=0, kb_revision=1
    )
    return replace(nothing, **values)


def facts(text: str = "kan jeg få hjelp med en arv", **values: Any) -> Facts:  # noqa: ANN401 - any field
    """Return the facts of a message that fits nothing."""
    context = {name: values.pop(name) for name in tuple(values) if name in Seen.__dataclass_fields__}
    plain = Facts(
        seen=seen(**context), municipality=TOWN, channel="loopback", length=Length.CHAT, now=NOW, subject="", text=text,
        removed=(), folded=(), language="nb", foreign="", danger=None, command=None, picked=None, smalltalk=None,
        decision=decide(()), candidates=(), entries={"bibliotek": LIBRARY, "avfall": RUBBISH}, automatic="",
        unreadable="", may_reply=True, code="4711", limits=Limits(30, 8),
    )  # fmt: skip
    return replace(plain, **values)


def candidate(entry: str, probability: float) -> Candidate:
    """Return a candidate of the search."""
    return Candidate(entry, 3, "nb", probability, "når åpner det", lambda: Reasons((("åpner", "åpner"),)))


SURE: dict[str, Any] = {
    "decision": Answer(candidate("bibliotek", 0.97)),
    "candidates": (candidate("bibliotek", 0.97), candidate("avfall", 0.2)),
}
IN_DOUBT: dict[str, Any] = {
    "decision": Choices((candidate("bibliotek", 0.5), candidate("avfall", 0.4))),
    "candidates": (candidate("bibliotek", 0.5), candidate("avfall", 0.4)),
}
DANGER = assess("jeg vil ta livet mitt")
OFFER = {
    "kind": "choices",
    "labels": ["Når er biblioteket åpent?", "Når hentes søppelet?", "Noe annet"],
    "options": [{"entry": "bibliotek", "confidence": 0.5}, {"entry": "avfall", "confidence": 0.4}],
    "question": "når er det",
}
SURVEY = {"kind": "survey", "ticket": 1001, "labels": ["ja", "delvis", "nei"]}
DELETE = {"kind": "delete", "code": "123456", "at": (NOW - timedelta(minutes=1)).isoformat()}


def command(kind: CommandKind, argument: str = "") -> dict[str, Any]:
    """Return the facts of a command."""
    return {"command": Command(kind, argument)}


EVERYTHING: dict[str, Any] = {
    "automatic": "auto-submitted", "danger": DANGER, "recent": 30, "address": STOPPED, "may_reply": False,
    "thread": thread(TurnOwner.STAFF, pending=OFFER, address=99), "ticket": ticket(), "picked": 0,
    **command(CommandKind.HELP), "smalltalk": SmallTalk.GREETING, "unreadable": "broken", **SURE,
    "limits": Limits(30, 8, 3), "answered": 3, "spam": "x-spam-flag",
}  # fmt: skip
# What is taken away, one after the other, and which rule then speaks: this is the order of the table.
ORDER: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "automatic: auto-submitted"),
    ({"automatic": ""}, "safety"),
    ({"danger": None}, "flood"),
    ({"recent": 0}, "automatic brake"),
    ({"answered": 0}, "stopped"),
    ({"address": KARI}, "spam: x-spam-flag"),
    ({"spam": ""}, "sender not authenticated"),
    ({"may_reply": True}, "written from another address"),
    ({"thread": thread(TurnOwner.STAFF, pending=OFFER), "command": None, "picked": None}, "a person has the turn"),
    ({"thread": thread(pending=OFFER), "ticket": None, "picked": 0, **command(CommandKind.HELP)}, "chosen"),
    ({"picked": None, "thread": thread()}, "help"),
    ({"command": None}, "greeting"),
    ({"smalltalk": None}, "unreadable"),
    ({"unreadable": ""}, "sure"),
    (IN_DOUBT, "in doubt"),
    ({"decision": decide(()), "candidates": ()}, "unsure"),
)


def test_the_first_step_with_an_outcome_wins() -> None:
    stands: dict[str, Any] = dict(EVERYTHING)
    for change, rule in ORDER:
        stands |= change
        assert steps.decide(facts(**stands)).rule.startswith(rule)


def test_stop_comes_before_danger_and_after_machines() -> None:
    both = {"danger": DANGER, **command(CommandKind.STOP)}
    assert steps.decide(facts(**both)).rule == "stop"
    assert steps.decide(facts(**both, automatic="list")).kind == "automatic"


def test_a_machine_gets_a_note_and_nothing_moves() -> None:
    outcome = steps.decide(facts(automatic="auto-submitted", thread=thread(pending=OFFER), **SURE))
    assert (outcome.label, outcome.kind, outcome.replies, outcome.work) == ("silent", "automatic", (), None)
    assert outcome.pending == OFFER
    assert not outcome.to_people


# 2. STOP and START


@pytest.mark.parametrize(
    ("context", "said", "silence"),
    [
        ({"address": KARI}, 1, True),
        ({}, 1, True),
        ({"address": STOPPED, "thread": thread()}, 0, None),
    ],
    ids=["known", "first message", "again"],
)
def test_stop_is_confirmed_once_and_then_nothing_is_said(context: dict[str, Any], said: int, *, silence: bool) -> None:
    outcome = steps.decide(facts("STOPP", **command(CommandKind.STOP), **context))
    assert (len(outcome.replies), outcome.silence, outcome.work) == (said, silence, None)


def test_start_ends_the_silence_and_is_met_decently_without_one() -> None:
    ended = steps.decide(facts("START", **command(CommandKind.START), address=STOPPED))
    idle = steps.decide(facts("START", **command(CommandKind.START), address=KARI))
    assert (ended.silence, idle.silence) == (False, None)
    assert ended.replies
    assert idle.replies


@pytest.mark.parametrize("kind", [CommandKind.STOP, CommandKind.START])
@pytest.mark.parametrize(
    "who", [{"may_reply": False}, {"address": OLA, "thread": thread()}], ids=["unproven", "another"]
)
def test_nobody_else_can_silence_or_wake_an_address(kind: CommandKind, who: dict[str, Any]) -> None:
    outcome = steps.decide(facts(kind.value, **command(kind), **who))
    assert outcome.silence is None
    assert outcome.replies == ()
    assert outcome.work is not None


# 3. Danger


@pytest.mark.parametrize("owner", list(TurnOwner))
def test_danger_brings_help_and_an_urgent_case_whoever_has_the_turn_and_however_much_was_written(
    owner: TurnOwner,
) -> None:
    outcome = steps.decide(facts(danger=DANGER, thread=thread(owner), address=KARI, ticket=ticket(), recent=500))
    assert outcome.label == "acute"
    assert outcome.work is not None
    assert outcome.work.priority == "urgent"
    assert outcome.replies[0].urgent
    assert "113" in outcome.replies[0].text


@pytest.mark.parametrize("why", [{"address": STOPPED}, {"may_reply": False}], ids=["after STOP", "unproven sender"])
def test_danger_where_nothing_may_be_said_still_opens_an_urgent_case(why: dict[str, Any]) -> None:
    outcome = steps.decide(facts(danger=DANGER, **why))
    assert outcome.replies == ()
    assert outcome.work is not None
    assert outcome.work.reason == Reason.ACUTE


# 4. The brake


@pytest.mark.parametrize(
    ("recent", "repeats", "silent", "incident"),
    [(29, 7, False, ""), (30, 0, True, "flood"), (31, 0, True, ""), (0, 8, True, "flood"), (9, 9, True, "")],
)
def test_the_brake_silences_the_bot_and_raises_one_incident(
    recent: int, repeats: int, incident: str, *, silent: bool
) -> None:
    outcome = steps.decide(facts(recent=recent, repeats=repeats, **SURE))
    assert (outcome.label == "silent", outcome.incident) == (silent, incident)


def test_a_flood_becomes_one_piece_of_work_and_reaches_an_open_case() -> None:
    alone = steps.decide(facts(recent=30))
    with_case = steps.decide(facts(recent=30, thread=thread(), address=KARI, ticket=ticket()))
    assert alone.work is not None
    assert alone.work.reason == Reason.FLOOD
    assert (with_case.work, with_case.to_people) == (None, True)


# 4a-4d. Where nothing may be said


def test_what_comes_after_the_hours_answers_reaches_an_open_case_and_only_limited_channels_know_a_limit() -> None:
    braked = {"answered": 3, "thread": thread(), "address": KARI, **SURE}
    with_case = steps.decide(facts(limits=Limits(30, 8, 3), ticket=ticket(), **braked))
    assert (with_case.rule, with_case.replies, with_case.work, with_case.to_people) == (
        "automatic brake",
        (),
        None,
        True,
    )
    assert steps.decide(facts(limits=Limits(30, 8), **braked)).label == "answer"


def test_help_lines_reach_who_has_had_the_hours_answers_until_twice_as_many_went_out() -> None:
    told = [
        len(steps.decide(facts(danger=DANGER, limits=Limits(30, 8, 3), answered=answered)).replies)
        for answered in (2, 3, 5, 6)
    ]
    assert told == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"address": STOPPED}, Reason.UNSURE),
        ({"may_reply": False}, Reason.UNAUTHENTICATED),
        ({"may_reply": False, "unreadable": "broken"}, Reason.UNREADABLE),
        ({"may_reply": False, "spam": "x-spam-flag"}, Reason.SPAM),
        ({"answered": 3, "limits": Limits(30, 8, 3)}, Reason.BRAKED),
        ({"address": OLA, "thread": thread()}, Reason.UNSURE),
        ({"address": None, "thread": thread()}, Reason.UNSURE),
    ],
    ids=["after STOP", "unproven", "unread", "spam", "said enough", "another resident", "somebody new"],
)
@pytest.mark.parametrize("said", [SURE, command(CommandKind.DELETE), {}])
def test_where_nothing_may_be_said_what_is_asked_becomes_work(
    values: dict[str, Any], reason: Reason, said: dict[str, Any]
) -> None:
    outcome = steps.decide(facts(**values, **said))
    assert outcome.replies == ()
    assert outcome.work is not None
    assert outcome.work.reason == reason


# 5. People


@pytest.mark.parametrize("said", [SURE, IN_DOUBT, {}, {"smalltalk": SmallTalk.THANKS}, command(CommandKind.PERSON)])
def test_while_a_person_has_the_turn_the_bot_says_nothing(said: dict[str, Any]) -> None:
    outcome = steps.decide(facts(thread=thread(TurnOwner.STAFF), address=KARI, ticket=ticket(), **said))
    assert (outcome.label, outcome.replies, outcome.to_people) == ("silent", (), True)


@pytest.mark.parametrize("owner", [TurnOwner.STAFF, TurnOwner.WAITING])
@pytest.mark.parametrize(
    "kind", [CommandKind.HELP, CommandKind.STATUS, CommandKind.WHY, CommandKind.LANGUAGE, CommandKind.DELETE]
)
def test_commands_to_the_machine_are_the_machines_even_then(owner: TurnOwner, kind: CommandKind) -> None:
    outcome = steps.decide(facts(thread=thread(owner), address=KARI, ticket=ticket(), **command(kind)))
    assert (outcome.label, len(outcome.replies)) == ("command", 1)


@pytest.mark.parametrize(
    ("said", "acknowledged", "rule", "purposes"),
    [
        ({}, False, "waiting for a person", ["added"]),
        ({}, True, "waiting for a person", ["added"]),
        ({"length": Length.SMS}, True, "waiting for a person", []),
        ({**IN_DOUBT, "length": Length.SMS}, True, "waiting for a person", []),
        (SURE, False, "sure", ["answer"]),
        ({"smalltalk": SmallTalk.THANKS}, False, "thanks", ["smalltalk"]),
        (command(CommandKind.PERSON), False, "asked for a person", ["receipt"]),
    ],
)
def test_while_nobody_has_taken_the_case(
    said: dict[str, Any],
    rule: str,
    purposes: list[str],
    *,
    acknowledged: bool,
) -> None:
    about: dict[str, Any] = {
        "thread": thread(TurnOwner.WAITING),
        "address": KARI,
        "ticket": ticket(),
        "acknowledged": acknowledged,
    }
    outcome = steps.decide(facts(**about, **said))
    assert outcome.rule == rule
    assert [reply.purpose for reply in outcome.replies] == purposes


def test_a_closed_case_leaves_the_turn_to_the_bot() -> None:
    closed = ticket(TicketState.CLOSED)
    assert steps.decide(facts(thread=thread(TurnOwner.STAFF), address=KARI, ticket=closed, **SURE)).label == "answer"


# 6. What the resident was asked


@pytest.mark.parametrize(
    ("picked", "label", "rule"),
    [(0, "answer", "chosen"), (1, "answer", "chosen"), (2, "handoff", "none of the choices"), (-1, "handoff", "none")],
)
def test_a_choice_is_answered_and_none_of_them_is_a_person(picked: int, label: str, rule: str) -> None:
    outcome = steps.decide(facts("2", picked=picked, thread=thread(pending=OFFER), address=KARI))
    assert outcome.label == label
    assert outcome.rule.startswith(rule)
    assert outcome.pending is None
    if outcome.work is not None:
        assert outcome.work.title == OFFER["question"]


def test_a_choice_whose_answer_is_gone_says_so_and_promises_nothing() -> None:
    outcome = steps.decide(facts("1", picked=0, thread=thread(pending=OFFER), address=KARI, entries={}))
    assert (outcome.rule, outcome.work) == ("choice is gone", None)
    assert len(outcome.replies) == 1


def test_another_question_instead_of_a_choice_is_a_question() -> None:
    assert steps.decide(facts(thread=thread(pending=OFFER), address=KARI, **SURE)).rule == "sure"


@pytest.mark.parametrize(("picked", "said"), [(0, "yes"), (1, "partly"), (2, "no")])
def test_the_survey_is_answered_once_and_only_a_no_promises_anything(picked: int, said: str) -> None:
    closed = ticket(TicketState.CLOSED)
    outcome = steps.decide(facts("3", picked=picked, thread=thread(pending=SURVEY), address=KARI, ticket=closed))
    assert (outcome.survey, outcome.pending) == (said, None)
    assert (REFERENCE in outcome.replies[0].text) == (said == "no")


@pytest.mark.parametrize(
    ("text", "asked", "case", "rule"),
    [
        ("SLETT 123456", NOW - timedelta(minutes=1), None, "erased"),
        ("123456", NOW - timedelta(minutes=14), None, "erased"),
        ("123456.", NOW, ticket(), "erasure asked"),
        ("123457", NOW, None, "wrong code"),
        ("123456", NOW - timedelta(minutes=16), None, "wrong code"),
    ],
)
def test_deleting_needs_the_code_in_time_and_never_deletes_a_case(
    text: str, asked: datetime, case: Ticket | None, rule: str
) -> None:
    pending = DELETE | {"at": asked.isoformat()}
    outcome = steps.decide(facts(text, thread=thread(pending=pending), address=KARI, ticket=case))
    assert (outcome.rule, outcome.erase) == (rule, rule != "wrong code")
    assert (outcome.work is not None) == (rule == "erasure asked")


def test_four_digits_in_a_question_are_no_code() -> None:
    outcome = steps.decide(facts("hva gjelder for gnr 1234 ved sjøen vår", thread=thread(pending=DELETE), address=KARI))
    assert outcome.label == "handoff"


# 7. Commands


@pytest.mark.parametrize("kind", [kind for kind in CommandKind if kind != CommandKind.STOP])
@pytest.mark.parametrize("language", COMPLETE)
def test_every_command_is_met_in_every_language_also_as_the_first_message(kind: CommandKind, language: str) -> None:
    outcome = steps.decide(facts(language=language, **command(kind)))
    assert outcome.label == ("handoff" if kind == CommandKind.PERSON else "command")
    assert len(outcome.replies) == 1
    assert outcome.replies[0].text


@pytest.mark.parametrize(
    ("argument", "state", "words"),
    [
        ("1001", TicketState.OPEN, "hos Innbyggerservice"),
        ("", TicketState.OPEN, "1001"),
        ("#1001", TicketState.WAITING, "besvart"),
        ("1001", TicketState.CLOSED, "lukket"),
        ("1002", TicketState.OPEN, "finner ingen sak med nummer 1002"),
    ],
)
def test_status_tells_where_the_residents_own_case_stands(argument: str, state: TicketState, words: str) -> None:
    outcome = steps.decide(facts(**command(CommandKind.STATUS, argument), tickets=(ticket(state),), address=KARI))
    assert words in outcome.replies[0].text


def test_status_admits_that_a_promised_time_has_passed() -> None:
    late = ticket(due_at=NOW - timedelta(days=1))
    outcome = steps.decide(facts(**command(CommandKind.STATUS), tickets=(late,), address=KARI))
    assert "passert" in outcome.replies[0].text


def test_why_tells_the_entry_and_the_words() -> None:
    last = LastAnswer("bibliotek", 3, "nb", "0.9700", "når åpner det", (("åpner", "åpner"),), "sure")
    said = steps.decide(facts(**command(CommandKind.WHY), last_answers=(last,))).replies[0].text
    for word in ("bibliotek", "versjon 3", "når åpner det", "97\u00a0%", "åpner"):
        assert word in said


def test_why_explains_each_answer_of_a_message_that_asked_for_several() -> None:
    library = LastAnswer("bibliotek", 3, "nb", "0.9700", "når åpner det", (), "several")
    rubbish = LastAnswer("avfall", 1, "nb", "0.9500", "når kommer bilen", (), "several")
    said = steps.decide(facts(**command(CommandKind.WHY), last_answers=(library, rubbish))).replies[0].text
    assert "når åpner det" in said
    assert "når kommer bilen" in said


def test_a_command_leaves_what_was_offered() -> None:
    for kind in (CommandKind.HELP, CommandKind.STATUS, CommandKind.WHY, CommandKind.LANGUAGE):
        assert steps.decide(facts(**command(kind), thread=thread(pending=OFFER), address=KARI)).pending == OFFER


# 8-11. Words, answers, people


def test_small_talk_is_met_and_opens_nothing() -> None:
    for kind in SmallTalk:
        outcome = steps.decide(facts(smalltalk=kind))
        assert (outcome.label, outcome.work, len(outcome.replies)) == ("smalltalk", None, 1)


@pytest.mark.parametrize("language", COMPLETE)
def test_the_bot_greets_once(language: str) -> None:
    hello = ("Hei!", "Hello!")
    first = steps.decide(facts("hei", smalltalk=SmallTalk.GREETING, language=language))
    again = steps.decide(facts("hei", smalltalk=SmallTalk.GREETING, language=language, thread=thread(), address=KARI))
    by_text = steps.decide(facts("hei", smalltalk=SmallTalk.GREETING, language=language, length=Length.SMS))
    assert not first.replies[0].text.startswith(hello)
    assert again.replies[0].text.startswith(hello)
    assert by_text.replies[0].text.startswith(hello)


@pytest.mark.parametrize("may_reply", [True, False])
@pytest.mark.parametrize(
    ("text", "unreadable", "title"),
    [
        ("", "encrypted with OMEMO", "Melding som ikke kunne leses"),
        ("halvt", "a broken charset", "halvt"),
        ("Se bildet", "picture_not_fetched", "Se bildet"),
    ],
)
def test_what_cannot_be_read_goes_to_people_under_what_can(
    text: str, unreadable: str, title: str, *, may_reply: bool
) -> None:
    outcome = steps.decide(facts(text, unreadable=unreadable, may_reply=may_reply))
    assert outcome.work is not None
    assert (outcome.work.reason, outcome.work.title) == (Reason.UNREADABLE, title)


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_message_without_words_goes_to_people(text: str) -> None:
    outcome = steps.decide(facts(text))
    assert outcome.work is not None
    assert (outcome.work.reason, outcome.work.title) == (Reason.UNREADABLE, "Melding som ikke kunne leses")


@pytest.mark.parametrize(
    ("length", "words", "markup"),
    [
        (Length.SMS, "10-19.", "plain"),
        (Length.CHAT, "Biblioteket er åpent 10-19.", "markdown"),
        (Length.FULL, "Lenge.", "markdown"),
    ],
)
def test_a_sure_answer_is_the_editors_words_in_the_channels_length(length: Length, words: str, markup: str) -> None:
    outcome = steps.decide(facts(length=length, **SURE))
    assert [(one.entry, one.version, one.runner_up) for one in outcome.given] == [("bibliotek", 3, "avfall")]
    assert (outcome.replies[0].text, outcome.replies[0].markup) == (words, markup)


def test_an_answer_in_another_language_says_so() -> None:
    assert "only" in steps.decide(facts(language="en", **SURE)).replies[0].text
    assert "berre på bokmål" in steps.decide(facts(language="nn", **SURE)).replies[0].text
    assert "bare på bokmål" in steps.decide(facts(foreign="sv", **SURE)).replies[0].text
    assert steps.decide(facts(**SURE)).replies[0].text == "Biblioteket er åpent 10-19."


def test_doubt_offers_the_questions_and_a_way_out_and_remembers_them() -> None:
    outcome = steps.decide(facts("når er det åpent", **IN_DOUBT))
    assert outcome.replies[0].choices[:2] == ("Når er biblioteket åpent?", "Når hentes søppelet?")
    assert len(outcome.replies[0].choices) == 3
    assert outcome.pending is not None
    assert [option["entry"] for option in outcome.pending["options"]] == ["bibliotek", "avfall"]


def test_an_answer_that_is_no_longer_published_is_not_given() -> None:
    assert steps.decide(facts(entries={}, **SURE)).label == "handoff"
    assert steps.decide(facts(entries={}, **IN_DOUBT)).label == "handoff"


def test_a_foreign_language_goes_to_people_who_speak_it_and_gets_no_choices() -> None:
    outcome = steps.decide(facts(foreign="pl", **IN_DOUBT))
    assert outcome.work is not None
    assert (outcome.work.reason, outcome.work.topic) == (Reason.LANGUAGE, "polsk")
    assert "(polsk)" in outcome.replies[0].text


@pytest.mark.parametrize(("probability", "team"), [(0.3, "Kultur"), (0.05, "")])
def test_a_case_goes_to_the_owner_of_a_likely_answer(probability: float, team: str) -> None:
    outcome = steps.decide(facts(candidates=(candidate("bibliotek", probability),)))
    assert outcome.work is not None
    assert outcome.work.team == team


def _every_outcome() -> list[Outcome]:
    stands: dict[str, Any] = dict(EVERYTHING)
    found = []
    for change, _ in ORDER:
        stands |= change
        found.append(steps.decide(facts(**stands)))
    return found


def test_whoever_promises_opens_a_case_in_the_same_outcome() -> None:
    for outcome in _every_outcome():
        if any(REFERENCE in reply.text for reply in outcome.replies):
            assert outcome.work is not None or outcome.survey == "no"


def test_titles_are_short_and_of_one_line() -> None:
    long = steps.decide(facts("x" * 300 + "\nmer"))
    assert long.work is not None
    assert len(long.work.title) == steps.TITLE
    assert "\n" not in long.work.title


@pytest.mark.parametrize("language", COMPLETE)
def test_what_the_bot_says_by_text_message_fits_three_parts(language: str) -> None:
    for values in ({}, command(CommandKind.PERSON), command(CommandKind.STATUS), {"smalltalk": SmallTalk.GREETING}):
        outcome = steps.decide(facts(language=language, length=Length.SMS, **values))
        disclosure = replies.disclosure(facts(language=language, length=Length.SMS), "plain")
        assert len(f"{disclosure} {outcome.replies[0].text}") <= 3 * 153  # GSM 03.38: parts of a longer message


@pytest.mark.parametrize(
    ("text", "kind"), [("takk", SmallTalk.THANKS), ("👍", SmallTalk.EMOJI), ("ok", None), ("?", None)]
)
def test_thanks_after_stop_are_nobodys_work(text: str, kind: SmallTalk | None) -> None:
    outcome = steps.decide(facts(text, address=STOPPED, smalltalk=kind))
    assert (outcome.label, outcome.work, outcome.replies) == ("silent", None, ())


def test_thanks_after_stop_reach_the_people_who_have_a_case_open() -> None:
    outcome = steps.decide(facts("takk", address=STOPPED, smalltalk=SmallTalk.THANKS, ticket=ticket()))
    assert outcome.work is not None


def test_a_number_for_a_person_picks_none_of_the_choices_the_bot_had_offered() -> None:
    with_staff = facts("2", address=KARI, thread=thread(TurnOwner.STAFF, pending=OFFER), ticket=ticket(), picked=1)
    assert steps.decide(with_staff).rule == "a person has the turn"
    waiting = facts("2", address=KARI, thread=thread(TurnOwner.WAITING, pending=OFFER), ticket=ticket(), picked=1)
    assert steps.decide(waiting).rule == "chosen"


@pytest.mark.parametrize("context", [{"may_reply": False}, {"may_reply": False, "spam": "x-spam-flag"}])
def test_a_sender_who_is_not_proven_takes_nothing_away_that_the_resident_was_offered(context: dict[str, Any]) -> None:
    assert steps.decide(facts(thread=thread(pending=OFFER), **context)).pending == OFFER


@pytest.mark.parametrize("kind", [SmallTalk.GREETING, SmallTalk.EMOJI, SmallTalk.INSULT, SmallTalk.OPENER])
def test_who_waits_for_a_person_and_says_hello_hears_how_the_case_stands(kind: SmallTalk) -> None:
    waiting: dict[str, Any] = {
        "address": KARI,
        "thread": thread(TurnOwner.WAITING),
        "ticket": ticket(),
        "tickets": (ticket(),),
    }
    [told] = steps.decide(facts("hallo?", smalltalk=kind, **waiting)).replies
    assert "1001" in told.text
    [thanked] = steps.decide(facts("takk", smalltalk=SmallTalk.THANKS, **waiting)).replies
    assert "1001" not in thanked.text


def test_no_time_is_said_to_have_passed_for_somebody_in_danger() -> None:
    urgent = replace(ticket(), priority="urgent", due_at=NOW - timedelta(hours=1))
    case: dict[str, Any] = {
        "address": KARI,
        "ticket": urgent,
        "tickets": (urgent,),
        "thread": thread(TurnOwner.WAITING),
    }
    for said in (command(CommandKind.STATUS), command(CommandKind.PERSON), {}):
        [told] = steps.decide(facts("er det noen som hjelper", **case, **said)).replies
        assert "varslet" in told.text
        assert "senest" not in told.text


def test_yes_to_several_choices_is_asked_back_which() -> None:
    offered = facts("ja", address=KARI, thread=thread(pending=OFFER))
    assert "Hvilket av dem" in steps.decide(offered).replies[0].text
    assert steps.decide(offered).pending == OFFER


def test_thanks_for_an_answer_leave_the_case_answered_and_anything_else_opens_it_again() -> None:
    answered: dict[str, Any] = {
        "address": KARI, "thread": thread(TurnOwner.STAFF), "ticket": ticket(TicketState.WAITING),
    }  # fmt: skip
    thanked = steps.decide(facts("Tusen takk!", smalltalk=SmallTalk.THANKS, **answered))
    assert (thanked.rule, thanked.to_people, thanked.replies) == ("thanked", False, ())
    assert steps.decide(facts("hallo?", smalltalk=SmallTalk.GREETING, **answered)).to_people
    assert steps.decide(facts("men hva koster det?", **answered)).to_people
    answered["ticket"] = ticket()
    assert steps.decide(facts("takk", smalltalk=SmallTalk.THANKS, **answered)).to_people


@pytest.mark.parametrize("said", [{}, command(CommandKind.PERSON), command(CommandKind.STATUS)])
def test_a_time_that_was_missed_is_owned_up_to_and_no_other_is_promised(said: dict[str, Any]) -> None:
    late = ticket(due_at=NOW - timedelta(hours=1))
    case: dict[str, Any] = {"address": KARI, "ticket": late, "tickets": (late,), "thread": thread(TurnOwner.WAITING)}
    [told] = steps.decide(facts("når kommer svaret på gjerdet", **case, **said)).replies
    assert "beklager" in told.text
    assert "senest" not in told.text
