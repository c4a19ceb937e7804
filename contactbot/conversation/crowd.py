"""How many strangers the bot takes up: many addresses are cheap, and each would be answered or become work."""

from collections.abc import Callable, Iterable

from contactbot.brake import Brake
from contactbot.channels.base import Abilities
from contactbot.messages import Inbound

MINUTES = 60  # in an hour


class Crowd:
    """Counts strangers by account and by their server, in memory. ``timer`` gives seconds.

    Our own server's users are counted by account alone: whoever runs it knows whom it lets in. Machines are not
    counted, for nobody answers them, and spam is by itself: a wave of it takes no room from residents. After a restart
    each account is told once whom it took up before.
    """

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._brakes: dict[int, Brake] = {}
        self._told: set[str] = set()

    def remembers(self, inbound: Inbound) -> bool:
        """Tell whether what this message's account took up before the start is known."""
        return _account(inbound) in self._told

    def recall(self, inbound: Inbound, abilities: Abilities, taken_up: Iterable[str]) -> None:
        """Count whom the message's account took up before the start, by their addresses; once, and no more."""
        if not self.remembers(inbound):
            self._told.add(_account(inbound))
            for sender in taken_up:
                self._has_room(_account(inbound), inbound.account, sender, abilities)

    def has_room(self, inbound: Inbound, abilities: Abilities) -> bool:
        """Count one more message of a stranger where there is room, and tell whether there was.

        The server comes first: a hostile one that has used up its own share takes nothing of the others'.
        """
        if inbound.automatic:
            return True
        counted = _account(inbound) + (" spam" if inbound.spam else "")
        return self._has_room(counted, inbound.account, inbound.sender.value, abilities)

    def _has_room(self, counted: str, account: str, sender: str, abilities: Abilities) -> bool:
        server = sender.rpartition("@")[2]
        elsewhere = server != account.rpartition("@")[2]
        return (not elsewhere or self._takes(f"{counted} {server}", abilities.strangers_per_server)) and self._takes(
            counted, abilities.strangers_per_hour
        )

    def _takes(self, key: str, limit: int | None) -> bool:
        if limit is None:
            return True
        if limit not in self._brakes:
            self._brakes[limit] = Brake(limit, limit / MINUTES, self._timer)
        return self._brakes[limit].wait(key) == 0.0


def _account(inbound: Inbound) -> str:
    return f"{inbound.channel} {inbound.account}"
