"""``contactbot serve`` as it is, but for what tests of faults must have in hand: its failpoints, its clock, its waits.

Started as ``python -m tests.faults.serve serve --config FILE`` with the folder of a test in FAULTS.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

from contactbot import clock, failpoints
from tests.faults.traps import Trapper

# Waits that are minutes in service. A test cannot sit them out, and nothing else about them differs.
SHORTER: dict[str, object] = {
    "contactbot.storage.dialect.LOCK_WAIT": 0.5,
    "contactbot.delivery.LEASE": timedelta(seconds=2),
    "contactbot.delivery.SLOW_POLL": 0.5,
    "contactbot.delivery.STORE_PAUSE": 0.2,
    "contactbot.channels.sms.look_back.LOOK_AGAIN": 0.5,
    "contactbot.channels.sms.channel.ASK_AGAIN": 0.5,
    "contactbot.channels.sms.twilio.outcomes.LATER": 0.5,
    "contactbot.channels.sms.twilio.provider.ASK_AGAIN": 0.5,
    "contactbot.channels.sms.twilio.provider.RECONNECT": 0.5,
}


@contextmanager
def in_hand(folder: Path) -> Iterator[None]:
    """Watch the failpoints, and put the clock and the waits in the place of the house's own."""
    file, real = folder / "clock", clock.now

    def shifted() -> datetime:
        """Return the time, as wrong as the file says in seconds."""
        return real() + timedelta(seconds=float(file.read_text("utf-8") if file.exists() else 0))

    failpoints.watch(Trapper(folder / "traps"))
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(clock, "now", shifted))  # before anybody imports it by name
        for name, value in SHORTER.items():
            stack.enter_context(mock.patch(name, value))
        yield


if __name__ == "__main__":
    with in_hand(Path(os.environ["FAULTS"])):
        from contactbot.cli.main import main

        main()
