"""Erasing what a resident wrote: the words go, the counts stay."""

from contactbot.privacy import store
from contactbot.storage.transaction import Transaction


def erase_thread(tx: Transaction, municipality: str, thread: int) -> int:
    """Take every word, file and raw copy out of a thread that never became a case; return how many messages.

    The rows themselves stay, without words, so that figures and delivery history still add up. Blobs that nothing
    refers to any more are swept by the daily job.
    """
    store.withdraw_words(tx, thread)
    messages = store.messages_of(tx, municipality, thread)
    for message in messages:
        store.empty_message(tx, message)
    store.empty_thread(tx, municipality, thread)
    return len(messages)
