"""What the installation as a whole forgets."""

from datetime import datetime

from contactbot.storage.transaction import Transaction


def forget_keys(tx: Transaction, before: datetime) -> int:
    """Forget the keys of units that ran before a moment; return how many."""
    return tx.execute("DELETE FROM done WHERE at < :before", before=before)
