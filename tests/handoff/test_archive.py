"""Whether the archive shall have a case is decided by somebody, once it has it for good, and the history says who."""

import pytest

from contactbot.errors import ConflictError
from contactbot.handoff import archive
from contactbot.handoff.ticket import Archive
from tests.conversation.town import Town

PERSON = "jeg vil snakke med et menneske"


async def test_a_case_begins_undecided_and_each_decision_leaves_who_made_it(town: Town) -> None:
    await town.channel.say(PERSON)
    assert (await town.ticket()).archive == Archive.UNDECIDED
    for decision in (Archive.LEAVE_OUT, Archive.LEAVE_OUT, Archive.KEEP):
        await town.do(archive.decide, 1001, decision, town.actor())
    told = [line for line in (await town.case()).history if line.kind == "ticket.archive_decided"]
    assert [(line.actor, line.data["before"], line.data["decision"]) for line in told] == [
        (f"staff:{town.kari}", "undecided", "leave_out"),
        (f"staff:{town.kari}", "leave_out", "keep"),
    ]


async def test_what_the_archive_has_received_cannot_be_decided_again(town: Town) -> None:
    await town.channel.say(PERSON)
    await town.do(archive.decide, 1001, Archive.KEEP, town.actor())
    await town.do(archive.received, 1001, town.actor())
    first = (await town.ticket()).archived_at
    await town.do(archive.received, 1001, town.actor())
    assert (await town.ticket()).archived_at == first is not None
    with pytest.raises(ConflictError):
        await town.do(archive.decide, 1001, Archive.LEAVE_OUT, town.actor())


@pytest.mark.parametrize("decision", [Archive.UNDECIDED, Archive.LEAVE_OUT])
async def test_the_archive_receives_only_what_it_shall_have(town: Town, decision: Archive) -> None:
    await town.channel.say(PERSON)
    await town.do(archive.decide, 1001, decision, town.actor())
    with pytest.raises(ConflictError):
        await town.do(archive.received, 1001, town.actor())
