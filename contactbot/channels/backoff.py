"""How long to wait before the next attempt. Pure but for the dice, which are given."""

import random
from collections.abc import Callable

DOUBLINGS = 16  # no wait is doubled more often; keeps the power small however long an outage lasts


class Backoff:
    """Waits that double up to a cap, each shortened by up to a half so that many clients do not return at once.

    ``first`` and ``longest`` are seconds; ``draw`` returns a number between its two arguments.
    """

    def __init__(self, first: float, longest: float, draw: Callable[[float, float], float] = random.uniform) -> None:
        self._first = min(first, longest)
        self._longest = longest
        self._draw = draw
        self._failures = 0

    def pause(self) -> float:
        """Return the seconds to wait after one more failure."""
        wait = min(self._longest, self._first * 2 ** min(self._failures, DOUBLINGS))
        self._failures += 1
        return self._draw(wait / 2, wait)

    def long_pause(self) -> float:
        """Return the seconds to wait where coming back soon would do harm."""
        return self._draw(self._longest / 2, self._longest)

    def reset(self) -> None:
        """Forget the failures: something worked."""
        self._failures = 0
