"""The running house: its parts, as the web server and the commands see them."""

from collections.abc import Mapping
from dataclasses import dataclass

from contactbot.channels.base import Channel
from contactbot.clock import Clock
from contactbot.conversation.engine import Engine
from contactbot.conversation.knowledge import Bases
from contactbot.delivery import Delivery
from contactbot.municipality import Municipality
from contactbot.reception import Reception
from contactbot.settings import Settings
from contactbot.storage.database import Database
from contactbot.threads.writing import Writing


@dataclass(frozen=True, slots=True)
class House:
    """The running house."""

    settings: Settings
    database: Database
    municipalities: Mapping[str, Municipality]
    channels: Mapping[str, Channel]
    receptions: Mapping[str, Reception]
    engine: Engine
    bases: Bases
    delivery: Delivery
    clock: Clock
    writing: Writing

    @property
    def ready(self) -> bool:
        """Whether every channel receives."""
        return all(reception.ready.is_set() for reception in self.receptions.values())
