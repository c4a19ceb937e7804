"""How many strangers the bot takes up: many addresses are cheap, and each would be answered or become work."""

from collections.abc import Callable

from contactbot.brake import Brake
from contactbot.channels.base import Abilities
from contactbot.messages import Inbound

MINUTES = 60  # in an hour


class Crowd:
    """Counts strangers by account and by their server, in memory; a restart begins anew. ``timer`` gives seconds.

    Our own server's users are counted by account alone: whoever runs it knows whom it lets in.
    """

    def __init__(self, timer: Callable[[], float]) -> None:
        self._timer = timer
        self._brakes: dict[int, Brake] = {}

    def has_room(self, inbound: Inbound, abilities: Abilities) -> bool:
        """Count one more message of a stranger where there is room, and tell whether there was.

        The server comes first: a hostile one that has used up its own share takes nothing of the others'.
        """
        server, account = inbound.sender.value.rpartition("@")[2], f"{inbound.channel} {inbound.account}"
        elsewhere = server != inbound.account.rpartition("@")[2]
        return (not elsewhere or self._takes(f"{account} {server}", abilities.strangers_per_server)) and self._takes(
            account, abilities.strangers_per_hour
        )

    def _takes(self, key: str, limit: int | None) -> bool:
        if limit is None:
            return True
        if limit not in self._brakes:
            self._brakes[limit] = Brake(limit, limit / MINUTES, self._timer)
        return self._brakes[limit].wait(key) == 0.0
