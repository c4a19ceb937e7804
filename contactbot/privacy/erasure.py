"""Erasing what a resident wrote: the words go, the counts stay."""

from contactbot.storage.transaction import Transaction


def erase_thread(tx: Transaction, municipality: str, thread: int) -> int:
    """Take every word, file and raw copy out of a thread that never became a case; return how many messages.

    The rows themselves stay, without words, so that figures and delivery history still add up. Blobs that nothing
    refers to any more are swept by the daily job.
    """
    messages = [
        row[0]
        for row in tx.rows(
            "SELECT id FROM message WHERE municipality = :municipality AND thread = :thread",
            municipality=municipality,
            thread=thread,
        )
    ]
    for message in messages:
        tx.dialect.unindex_message(tx, message)
        for table in ("raw", "attachment", "answer_given"):
            tx.execute(f"DELETE FROM {table} WHERE message = :message", message=message)  # noqa: S608 - our own tables
        tx.execute("UPDATE message SET text = '', folded = '[]', choices = '[]' WHERE id = :message", message=message)
    tx.execute("DELETE FROM message_ref WHERE municipality = :m AND thread = :thread", m=municipality, thread=thread)
    tx.execute("UPDATE thread SET subject = '', left_address = NULL WHERE id = :thread", thread=thread)
    return len(messages)
