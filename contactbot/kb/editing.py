"""What editors do with entries. Each function is a unit."""

from collections.abc import Sequence
from datetime import datetime

from contactbot.kb import store
from contactbot.kb.entry import Entry
from contactbot.storage.transaction import Transaction


def take_in(tx: Transaction, municipality: str, entries: Sequence[Entry], author: str, at: datetime) -> int:
    """Save and publish entries, such as an import; return the base's new revision."""
    for entry in entries:
        store.publish(tx, municipality, entry.id, store.save(tx, municipality, entry, author, at), author, at)
    return store.revision(tx, municipality)
