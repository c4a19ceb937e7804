"""The statements that take words away."""

from contactbot.storage.transaction import Transaction

ABOUT_A_MESSAGE = ("raw", "attachment", "answer_given")  # tables whose rows tell what a message said


def messages_of(tx: Transaction, municipality: str, thread: int) -> tuple[int, ...]:
    """Return the messages of a thread."""
    rows = tx.rows(
        "SELECT id FROM message WHERE municipality = :municipality AND thread = :thread",
        municipality=municipality,
        thread=thread,
    )
    return tuple(int(row[0]) for row in rows)


def empty_message(tx: Transaction, message: int) -> None:
    """Take away the words of a message and everything that tells them; the row stays."""
    tx.dialect.unindex_message(tx, message)
    for table in ABOUT_A_MESSAGE:
        tx.execute(f"DELETE FROM {table} WHERE message = :message", message=message)
    tx.execute("UPDATE message SET text = '', folded = '[]', choices = '[]' WHERE id = :message", message=message)


def empty_thread(tx: Transaction, municipality: str, thread: int) -> None:
    """Take away what a thread itself tells: its subject, a left address, and the peer's identifiers."""
    tx.execute(
        "DELETE FROM message_ref WHERE municipality = :municipality AND thread = :thread",
        municipality=municipality,
        thread=thread,
    )
    tx.execute("UPDATE thread SET subject = '', left_address = NULL WHERE id = :thread", thread=thread)


def withdraw_words(tx: Transaction, thread: int) -> None:
    """Let nothing leave whose words are taken away, and take away the subject of what has left."""
    tx.execute(
        "UPDATE outbox SET state = 'cancelled' WHERE thread = :thread AND state IN ('held', 'queued')", thread=thread
    )
    tx.execute("UPDATE outbox SET subject = '' WHERE thread = :thread", thread=thread)
