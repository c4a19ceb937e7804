"""How often somebody may do something: token buckets in memory, of a bounded number."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_KEYS = 20_000  # about 4 MB; the least recently seen are forgotten first, which can only be kind to them


@dataclass(slots=True)
class Brake:
    """Allows ``burst`` at once and ``per_minute`` in the long run, for each key. ``timer`` gives monotonic seconds."""

    burst: float
    per_minute: float
    timer: Callable[[], float]
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait(self, key: str) -> float:
        """Take one and return 0.0, or take nothing and return the seconds until one is there."""
        now = self.timer()
        held, seen = self._buckets.pop(key, (self.burst, now))
        held = min(self.burst, held + max(0.0, now - seen) * self.per_minute / 60)
        allowed = held >= 1
        self._buckets[key] = (held - 1 if allowed else held, now)
        while len(self._buckets) > MOST_KEYS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - held) * 60 / self.per_minute
