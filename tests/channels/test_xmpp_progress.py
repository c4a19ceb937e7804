"""However several messages are finished, fail or die together, the place in the archive skips and doubles nothing."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactbot.channels.xmpp.lanes import Lanes
from contactbot.channels.xmpp.progress import Progress, Taken
from contactbot.channels.xmpp.reading import Typing

# What happens next: a message is taken, one in hand is committed, one is refused without a commit, or we die.
STEPS = st.lists(
    st.tuples(st.sampled_from(["take", "take", "commit", "commit", "refuse", "crash"]), st.integers(0, 50))
)


@dataclass(slots=True)
class Model:
    """An archive of numbered messages, a store that keeps each once and the cursor with it, and us between them."""

    messages: int
    kept: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    stored: str = ""
    progress: Progress = field(default_factory=lambda: Progress(""))
    in_hand: list[tuple[Taken, str]] = field(default_factory=list)

    def take(self) -> None:
        """Take the archive's next message, and begin a call with the cursor of that moment, if there is one."""
        following = int(self.progress.taken_to or "0") + 1
        if following <= self.messages:
            taken = self.progress.take(str(following), Typing(f"r{following}@example"))
            self.in_hand.append((taken, self.progress.cursor(taken)))

    def commit(self, which: int) -> None:
        """Have the store finish one of the calls: the message, and the cursor that came with it."""
        if self.in_hand:
            taken, cursor = self.in_hand.pop(which % len(self.in_hand))
            self.kept.add(taken.archive_id)
            self.stored = cursor or self.stored
            self.progress.finish(taken)

    def refuse(self, which: int) -> None:
        """Finish a message that is not kept: it was too long, or said nothing."""
        if self.in_hand:
            taken, _ = self.in_hand.pop(which % len(self.in_hand))
            self.refused.add(taken.archive_id)
            self.progress.finish(taken)

    def crash(self) -> None:
        """Die: only the store is left, and reading goes on from its cursor."""
        self.in_hand.clear()
        self.progress = Progress(self.stored)

    def step(self, kind: str, which: int) -> None:
        """Do what comes next."""
        match kind:
            case "take":
                self.take()
            case "commit":
                self.commit(which)
            case "refuse":
                self.refuse(which)
            case _:
                self.crash()


@given(STEPS)
def test_the_place_that_is_stored_never_passes_a_message_that_is_not_finished(steps: list[tuple[str, int]]) -> None:
    model = Model(messages=30)
    for kind, which in steps:
        model.step(kind, which)
        handled = model.kept | model.refused
        assert {str(number) for number in range(1, int(model.stored or "0") + 1)} <= handled


@given(STEPS)
def test_after_any_crashes_every_message_is_handled_in_the_end(steps: list[tuple[str, int]]) -> None:
    model = Model(messages=12)
    for kind, which in steps:
        model.step(kind, which)
    model.crash()
    while model.in_hand or int(model.progress.taken_to or "0") < model.messages:
        model.take()
        model.commit(0)
    assert model.kept | model.refused == {str(number) for number in range(1, 13)}


@given(STEPS)
def test_what_is_taken_since_the_first_unfinished_bounds_what_a_crash_gives_again(steps: list[tuple[str, int]]) -> None:
    model = Model(messages=30)
    for kind, which in steps:
        if kind != "crash":
            model.step(kind, which)
        place = int(model.progress.finished_to or "0")
        assert int(model.progress.taken_to or "0") - place == len(model.progress)


def test_a_message_may_be_stored_with_its_own_place_when_all_before_it_are_finished() -> None:
    progress = Progress("3")
    first, second = progress.take("4", None), progress.take("5", None)
    assert (progress.cursor(first), progress.cursor(second)) == ("4", "3")
    progress.finish(first)
    assert progress.cursor(second) == "5"


def test_a_new_stream_goes_on_behind_what_is_finished_and_keeps_what_no_archive_has() -> None:
    progress = Progress("3")
    live, archived = progress.take("", Typing("a@example")), progress.take("4", Typing("b@example"))
    progress.take("5", Typing("c@example"))
    progress.finish(archived)
    assert progress.turn_back() == [live.reading]
    assert (progress.taken_to, len(progress)) == ("3", 0)


async def test_one_senders_jobs_run_in_order_and_different_senders_side_by_side() -> None:
    done: list[str] = []
    gate = asyncio.Event()

    async def patient() -> None:
        await gate.wait()
        done.append("kari 1")

    async def behind() -> None:
        done.append("kari 2")

    async def beside() -> None:
        done.append("ola 1")
        gate.set()

    async with asyncio.TaskGroup() as group:
        lanes = Lanes(group, most=2)
        lanes.add("kari", patient)
        lanes.add("kari", behind)
        lanes.add("ola", beside)
    assert done == ["ola 1", "kari 1", "kari 2"]


@pytest.mark.parametrize("most", [1, 3])
async def test_no_more_jobs_run_at_a_time_than_may(most: int) -> None:
    running, highest = 0, 0

    async def job() -> None:
        nonlocal running, highest
        running += 1
        highest = max(highest, running)
        await asyncio.sleep(0)
        running -= 1

    async with asyncio.TaskGroup() as group:
        lanes = Lanes(group, most)
        for number in range(10):
            lanes.add(number, job)
    assert highest == most
