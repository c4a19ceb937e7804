"""A municipality with residents who write, and units that the store's tests run."""

from datetime import UTC, datetime, timedelta

from contactbot.messages import Account, Address, Author
from contactbot.outbox import store as outbox
from contactbot.outbox.parcel import Post
from contactbot.storage import installation
from contactbot.storage.transaction import Transaction
from contactbot.threads import store as threads
from contactbot.threads.thread import NewMessage, Thread

TOWN = "fjordvik"
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOON = MONDAY + timedelta(minutes=1)


def founded(tx: Transaction) -> None:
    """Make the municipality and its account."""
    town = installation.Member(TOWN, "Fjordvik kommune", "NO", "nb", "Europe/Oslo", ("Innbyggerservice",))
    installation.write(tx, [town], [Account("loopback", "us", TOWN)])


def thread_of(tx: Transaction, resident: str) -> Thread:
    """Start a thread with a resident."""
    account, _ = threads.account_of(tx, "loopback", "us")
    address = threads.keep_address(tx, TOWN, Address("loopback", resident), resident, MONDAY)
    return threads.open_thread(tx, TOWN, account, address, "loopback", "", "nb", MONDAY)


def answer(tx: Transaction, thread: Thread, text: str, post: Post | None = None) -> int:
    """Let the bot say something in a thread; return the outbox row."""
    said = threads.append(tx, TOWN, thread.id, NewMessage(Author.BOT, text, "nb", MONDAY))
    return outbox.post(
        tx, TOWN, thread.id, "loopback", said, post or Post("answer", Author.BOT, thread.turn_epoch, MONDAY)
    )


def increment(tx: Transaction) -> int:
    """Read a number and write it one higher, as a careless program would."""
    number = tx.value("SELECT kb_revision FROM municipality WHERE id = :id", id=TOWN)
    tx.execute("UPDATE municipality SET kb_revision = :number WHERE id = :id", number=number + 1, id=TOWN)
    return int(number) + 1


def counted(tx: Transaction) -> int:
    """Return the number that ``increment`` raises."""
    return int(tx.value("SELECT kb_revision FROM municipality WHERE id = :id", id=TOWN))


def teams(tx: Transaction) -> list[str]:
    """Return the names of the teams, in order of making."""
    return [row[0] for row in tx.rows("SELECT name FROM team WHERE municipality = :id ORDER BY id", id=TOWN)]


def add_team(tx: Transaction, name: str) -> None:
    """Make a team; a name that is taken is refused by the database."""
    tx.insert("team", municipality=TOWN, name=name)
