"""What is already known of each text on its way, so that late reports never lead backwards."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from contactbot.messages import Receipt

# Sent, then refused by the network, then on the phone: what the phone has outranks every report that says otherwise.
RANKS: Final = {"sent": 1, "failed": 2, "delivered": 3}
REMEMBERED: Final = 10_000  # texts; older ones are left to the house, which never goes backwards either


@dataclass(frozen=True, slots=True)
class _Known:
    outbox: int
    rank: int


class Progress:
    """The furthest state of each of the latest texts, by the provider's identifier."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._remembered = remembered

    def is_news(self, receipt: Receipt) -> bool:
        """Tell whether a receipt leads further than what was noted of its text."""
        known = self._known.get(receipt.provider_id)
        return known is None or RANKS.get(receipt.state, 0) > known.rank

    def note(self, receipt: Receipt) -> None:
        """Remember a receipt that the house has recorded or will record."""
        if not receipt.provider_id or receipt.outbox is None or not self.is_news(receipt):
            return
        self._known[receipt.provider_id] = _Known(receipt.outbox, RANKS.get(receipt.state, 0))
        self._known.move_to_end(receipt.provider_id)
        if len(self._known) > self._remembered:
            self._known.popitem(last=False)

    def belongs_to_another(self, provider_id: str, outbox: int) -> bool:
        """Tell whether a provider's identifier is known to be of another outbox row."""
        known = self._known.get(provider_id)
        return known is not None and known.outbox != outbox
