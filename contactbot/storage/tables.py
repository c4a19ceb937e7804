"""The whole schema, one table after the other.

Every table carries its municipality, and every reference between tables is composite with it, so no row can point into
another municipality. Times are ISO-8601 UTC text with microseconds (``*_at``), dates ISO text, truth values the
integers 0 and 1, lists and objects JSON text. Sort and search keys are folded by Python: the engines fold differently.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.sql.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Number = BigInteger().with_variant(Integer, "sqlite")


# Tables that belong to the installation as a whole and so carry no municipality.
OF_THE_INSTALLATION = frozenset({"municipality", "done", "house_state", "sign_in_attempt"})


def _text(name: str, *, null: bool = False, default: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=null, server_default=default)


def _number(name: str, *, null: bool = False, default: int | None = None) -> Column[int]:
    return Column(name, Number, nullable=null, server_default=None if default is None else str(default))


def _referable(name: str, *items: SchemaItem) -> Table:
    """Make a table with its own id, to which others refer together with the municipality."""
    return _numbered(name, *items, UniqueConstraint("municipality", "id"))


def _numbered(name: str, *items: SchemaItem) -> Table:
    """Make a table with its own id."""
    return _table(name, Column("id", Number, primary_key=True, autoincrement=True), *items)


def _table(name: str, *items: SchemaItem) -> Table:
    return Table(name, metadata, _text("municipality"), *items, sqlite_strict=True)


def _refers(column: str, to: str) -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["municipality", column], [f"{to}.municipality", f"{to}.id"])


def _where(condition: str) -> dict[str, Any]:
    """Return what makes an index hold only the rows that are asked for, so that those of the past cost nothing."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def _one_of(column: str, values: Sequence[str]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


# --- who we are -------------------------------------------------------------------------------------------------------

municipality = Table(
    "municipality",
    metadata,
    _text("id"),
    _text("name"),
    _text("country"),
    _text("main_language"),
    _text("time_zone"),
    _number("kb_revision", default=0),
    PrimaryKeyConstraint("id"),
    sqlite_strict=True,
)

account = _referable(
    "account",
    _text("channel"),
    _text("address"),
    _text("kind", default="service"),
    _text("cursor", null=True),  # what the channel last took in, such as the last XMPP archive id
    UniqueConstraint("channel", "address"),
    ForeignKeyConstraint(["municipality"], ["municipality.id"]),
)

team = _referable(
    "team",
    _text("name"),
    UniqueConstraint("municipality", "name"),
    ForeignKeyConstraint(["municipality"], ["municipality.id"]),
)

staff = _referable(
    "staff",
    _text("email"),
    _text("name"),
    _text("role"),
    _text("password_hash"),
    _number("team", null=True),
    _number("shortcuts", default=1),  # keyboard shortcuts can be switched off (WCAG 2.1.4)
    _text("created_at"),
    _text("disabled_at", null=True),
    UniqueConstraint("email"),
    _one_of("role", ("staff", "editor", "privacy", "admin")),
    _refers("team", "team"),
    ForeignKeyConstraint(["municipality"], ["municipality.id"]),
)

session = _table(
    "session",
    _text("token_hash"),  # SHA-256 of the cookie's token: a copy of the database opens no door
    _number("staff"),
    _text("created_at"),
    _text("seen_at"),
    _text("expires_at"),
    PrimaryKeyConstraint("token_hash"),
    _refers("staff", "staff"),
)

sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    Column("id", Number, primary_key=True, autoincrement=True),
    _text("email"),
    _text("at"),
    _number("succeeded"),
    Index(None, "email", "at"),
    sqlite_strict=True,
)

# --- who writes to us -------------------------------------------------------------------------------------------------

contact = _referable(
    "contact",
    _text("name", default=""),
    _text("note", default=""),
    _text("created_at"),
    ForeignKeyConstraint(["municipality"], ["municipality.id"]),
)

address = _referable(
    "address",
    _text("scheme"),
    _text("value"),
    _text("name", default=""),
    _text("verified_by", null=True),
    _text("stopped_at", null=True),  # the resident's STOP; START clears it
    _text("created_at"),
    UniqueConstraint("municipality", "scheme", "value"),
    Index(None, "value"),  # a chat knows its session, not its municipality
    ForeignKeyConstraint(["municipality"], ["municipality.id"]),
)

address_link = _numbered(
    "address_link",
    _number("address"),
    _number("contact"),
    _text("linked_by"),
    _text("linked_at"),
    _text("unlinked_at", null=True),
    Index(None, "address"),
    _refers("address", "address"),
    _refers("contact", "contact"),
)

# --- what was said ----------------------------------------------------------------------------------------------------

thread = _referable(
    "thread",
    _number("account"),
    _number("address"),
    _text("channel"),
    _text("subject", default=""),
    _text("language"),
    _text("state", default="open"),
    _text("turn_owner", default="bot"),
    _number("turn_epoch", default=0),
    _number("version", default=0),
    _number("positions", default=0),  # the highest position given to a message
    _number("shown", default=0),  # the highest number given to a message when the resident could first see it
    _number("disclosed", default=0),  # whether the resident has been told that a bot answers
    _text("pending", null=True),  # the choice or confirmation the resident was offered
    _text("left_address", null=True),  # where the resident said they can be reached when the session is gone
    _number("read_position", default=0),
    _text("created_at"),
    _text("last_at"),
    _text("words", default="all"),  # what retention has left: all, the questions without their sender, none
    _number("emptied_to", default=0),  # the position up to which it has come
    _text("set_aside_at", null=True),  # when a crowd of strangers kept the bot from answering; null once it did
    Index(None, "account", "address", "state"),
    Index(None, "address", "last_at"),
    Index(None, "municipality", "set_aside_at", **_where("set_aside_at IS NOT NULL")),
    Index(None, "municipality", "words", "last_at"),
    _one_of("words", ("all", "questions", "none")),
    _one_of("turn_owner", ("bot", "waiting", "staff")),
    _one_of("state", ("open", "closed")),
    _refers("account", "account"),
    _refers("address", "address"),
)

message = _referable(
    "message",
    _number("thread"),
    _number("position"),
    _number("shown", null=True),  # null until the resident could see it: what waits in the outbox may be overtaken
    _text("author"),
    _number("staff", null=True),
    _text("kind", default="message"),
    _text("text"),
    _text("markup", default="plain"),
    _text("language"),
    _text("folded", default="[]"),
    _text("choices", default="[]"),
    _text("key", default=""),
    _text("sender", default=""),  # who wrote it when it was somebody else than the thread's address, as scheme:value
    _text("removed", default="[]"),
    _text("outcome", default="{}"),  # what the bot made of it and why
    _text("created_at"),
    UniqueConstraint("thread", "position"),
    _one_of("author", ("resident", "bot", "staff")),
    _one_of("kind", ("message", "note", "automatic")),
    _refers("thread", "thread"),
    _refers("staff", "staff"),
)

accepted = _table(
    "accepted",
    _number("account"),
    _text("external_id"),
    _text("fingerprint"),
    _number("message"),
    _number("thread"),
    _number("position"),
    _text("at"),
    PrimaryKeyConstraint("account", "external_id", "fingerprint"),
    Index(None, "message"),
    _refers("account", "account"),
    _refers("message", "message"),
)

message_ref = _table(
    "message_ref",
    _text("ref"),
    _number("thread"),
    _number("message"),
    _number("own"),  # whether we gave the message this identifier, or a resident's mail mentioned it
    PrimaryKeyConstraint("municipality", "ref", "thread"),
    Index(None, "thread", "message"),
    _refers("thread", "thread"),
    _refers("message", "message"),
)

raw = _numbered(
    "raw",
    _number("message"),
    _text("media_type"),
    _text("sha256"),
    _number("size"),
    Index(None, "message"),
    _refers("message", "message"),
)

blob = _table(
    "blob",
    _text("sha256"),
    _number("part"),
    _text("created_at"),  # before the bytes: what is read to find old ones need not go past a megabyte each
    Column("bytes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("municipality", "sha256", "part"),
)

attachment = _numbered(
    "attachment",
    _number("message"),
    _text("name"),
    _text("media_type"),
    _number("size"),
    _text("sha256"),
    Index(None, "message"),
    _refers("message", "message"),
)

answer_given = _numbered(
    "answer_given",
    _number("message"),
    _text("entry"),
    _number("entry_version"),
    _text("language"),
    _text("confidence"),
    _text("runner_up", default=""),
    _text("phrasing", default=""),
    _text("words", default="[]"),
    _text("rule"),
    _number("helpful", null=True),  # what the resident thinks of it: null until they said
    _text("comment", default=""),  # their own words about it, masked
    Index(None, "message"),
    _refers("message", "message"),
)

# --- what people do ---------------------------------------------------------------------------------------------------

ticket = _referable(
    "ticket",
    _number("number"),
    _text("title"),
    _text("state", default="open"),
    _text("reason"),
    _text("topic", default=""),
    _text("priority", default="normal"),
    _number("team", null=True),
    _number("assignee", null=True),
    _text("source"),
    _text("opened_at"),
    _text("due_at"),
    _text("answered_at", null=True),
    _text("closed_at", null=True),
    _text("last_at"),
    _number("unread", default=1),
    _text("archive", default="undecided"),  # what the archive decision is: nothing goes before there is one
    _text("archived_at", null=True),  # when the archive had received it
    _text("words", default="all"),  # what retention has left
    _number("version", default=0),
    UniqueConstraint("municipality", "number"),
    # What the desk counts at each look, in the index itself; and what a view of closed tickets lists, in its order.
    Index("ix_ticket_desk", "municipality", "state", "due_at", "assignee", "team", "source"),
    Index(None, "municipality", "state", "last_at"),
    Index(
        "ix_ticket_undecided",
        "municipality",
        "state",
        "last_at",
        **_where("words = 'all' AND archive = 'undecided'"),
    ),
    Index(None, "municipality", "words", "closed_at"),
    Index("ix_ticket_unclaimed", "municipality", "source", "id", **_where("state = 'open' AND assignee IS NULL")),
    _one_of("archive", ("undecided", "keep", "leave_out")),
    _one_of("words", ("all", "none")),
    _one_of("state", ("open", "waiting", "closed")),
    _one_of("priority", ("normal", "urgent")),
    _refers("team", "team"),
    _refers("assignee", "staff"),
)

ticket_thread = _table(
    "ticket_thread",
    _number("ticket"),
    _number("thread"),
    _text("linked_at"),
    _text("unlinked_at", null=True),
    PrimaryKeyConstraint("ticket", "thread", "linked_at"),
    Index(None, "thread"),
    _refers("ticket", "ticket"),
    _refers("thread", "thread"),
)

# Who of the staff saw what: no change, so no event.
access = _numbered(
    "access",
    _text("at"),
    _number("staff"),
    _text("what"),
    _number("ticket"),
    _number("message", null=True),
    _text("relation"),  # what the member of staff had to do with the case
    _text("reason", default=""),
    Index(None, "ticket", "staff", "at"),
    Index(None, "municipality", "at"),
    _one_of("what", ("case", "file", "original")),
    _one_of("relation", ("own", "team", "other")),
    _refers("staff", "staff"),
    _refers("ticket", "ticket"),
    _refers("message", "message"),
)

# --- what must leave the house ----------------------------------------------------------------------------------------

outbox = _referable(
    "outbox",
    _number("thread"),
    _number("message"),
    _number("position"),
    _text("channel"),
    _text("purpose"),
    _text("author"),
    _number("turn_epoch"),
    _text("state"),
    _text("subject", default=""),
    _text("in_reply_to", default=""),
    _number("to_address", null=True),  # another address than the thread's, when the session is gone
    _number("urgent", default=0),
    _text("not_before"),
    _text("expires_at", null=True),
    _number("attempts", default=0),
    _number("doubtful", default=0),  # an earlier attempt may have reached the peer
    _text("lease_until", null=True),
    _text("lease_owner", null=True),
    _text("provider_id", null=True),
    _text("detail", default=""),
    _text("created_at"),
    _text("changed_at"),
    Index("ix_outbox_due", "not_before", **_where("state = 'queued'")),
    Index("ix_outbox_leased", "lease_until", **_where("state = 'sending'")),
    Index(None, "thread", "state"),
    Index(None, "message"),
    Index(None, "provider_id"),
    _one_of("author", ("bot", "staff")),
    _one_of("state", ("held", "queued", "sending", "sent", "delivered", "failed", "unknown", "cancelled", "expired")),
    _refers("thread", "thread"),
    _refers("message", "message"),
    _refers("to_address", "address"),
)

# Conversations that residents want by mail: the link in the first mail shows that the address is theirs.
transcript_request = _numbered(
    "transcript_request",
    _number("thread"),  # the conversation
    _number("letters", null=True),  # the thread of the mails about it; null where none left
    _text("key"),  # SHA-256 of the link's key
    _text("asked_at"),
    _text("sent_at", null=True),
    UniqueConstraint("municipality", "key"),
    Index(None, "thread", "asked_at"),
    _refers("thread", "thread"),
    _refers("letters", "thread"),
)

# The order in which they leave: a lease looks at as many rows as it takes, however many wait.
Index("ix_outbox_next", outbox.c.urgent.desc(), outbox.c.id, outbox.c.not_before, **_where("state = 'queued'"))

delivery_event = _numbered(
    "delivery_event",
    _number("outbox"),
    _text("state"),
    _text("detail", default=""),
    _number("segments", default=0),
    _text("at"),
    Index(None, "outbox"),
    _refers("outbox", "outbox"),
)

# --- what happened ----------------------------------------------------------------------------------------------------

event = _table(
    "event",
    Column("seq", Number, primary_key=True, autoincrement=True),
    _text("at"),
    _text("actor"),
    _text("kind"),
    _number("ticket", null=True),
    _number("thread", null=True),
    _text("subject", default=""),
    _text("data", default="{}"),
    Index(None, "municipality", "seq"),
    Index(None, "thread"),
    Index(None, "ticket"),
    _refers("ticket", "ticket"),
    _refers("thread", "thread"),
)

done = Table(
    "done",
    metadata,
    _text("key"),
    _text("result"),
    _text("at"),
    PrimaryKeyConstraint("key"),
    sqlite_strict=True,
)

# The last run of retention over each class of data: where it is, and what it has deleted.
retention_run = _table(
    "retention_run",
    _text("class"),
    _text("started_at"),
    _text("finished_at", null=True),
    _number("cursor", default=0),
    _text("deleted", default="{}"),  # rows by table
    PrimaryKeyConstraint("municipality", "class"),
    ForeignKeyConstraint(["municipality"], ["municipality.id"]),
)

# The forgetting of a person: where it is, and when it has ended the receipt, which tells nothing of who it was.
erasure = _numbered(
    "erasure",
    _text("actor"),
    _text("addresses"),  # the rows of address that were theirs and are nobody's now
    _number("thread", default=0),  # how far it has come
    _number("position", default=0),
    _text("erased", default="{}"),  # rows by table
    _text("kept", default="[]"),  # what stays, and the duty to keep it
    _text("started_at"),
    _text("finished_at", null=True),
    Index(None, "municipality", "finished_at"),
    ForeignKeyConstraint(["municipality"], ["municipality.id"]),
)

# That somebody has been forgotten, under a keyed hash of their address: by this a restored backup forgets them again.
tombstone = _table(
    "tombstone",
    _text("name"),
    _text("at"),
    PrimaryKeyConstraint("municipality", "name"),
    ForeignKeyConstraint(["municipality"], ["municipality.id"]),
)

# --- what the municipality knows --------------------------------------------------------------------------------------

entry = _table(
    "entry",
    _text("id"),
    _text("state", default="draft"),
    _number("published_version", null=True),
    _number("latest_version"),
    _text("changed_at"),
    PrimaryKeyConstraint("municipality", "id"),
    _one_of("state", ("draft", "published", "archived")),
    ForeignKeyConstraint(["municipality"], ["municipality.id"]),
)

entry_version = _table(
    "entry_version",
    _text("entry"),
    _number("version"),
    _text("content"),  # the entry in its exchange form
    _text("author"),
    _text("note", default=""),
    _text("created_at"),
    PrimaryKeyConstraint("municipality", "entry", "version"),
    ForeignKeyConstraint(["municipality", "entry"], ["entry.municipality", "entry.id"]),
)

synonym = _numbered(
    "synonym",
    _text("words"),
    _text("added_by"),
    _text("added_at"),
    _text("removed_by", null=True),
    _text("removed_at", null=True),
    ForeignKeyConstraint(["municipality"], ["municipality.id"]),
)

house_state = Table(
    "house_state",
    metadata,
    _text("name"),
    _text("value"),
    PrimaryKeyConstraint("name"),
    sqlite_strict=True,
)
