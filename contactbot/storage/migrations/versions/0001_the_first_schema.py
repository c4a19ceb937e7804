"""The first schema."""

import sqlalchemy as sa
from alembic import op

from contactbot.storage.extras import POSTGRESQL, SQLITE

revision = "0001"
down_revision = None
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915 - a statement for each table and index
    """Make the change."""
    op.create_table(
        "blob",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("part", NUMBER, nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("municipality", "sha256", "part", name=op.f("pk_blob")),
        sqlite_strict=True,
    )
    op.create_table(
        "done",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_done")),
        sqlite_strict=True,
    )
    op.create_table(
        "house_state",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_house_state")),
        sqlite_strict=True,
    )
    op.create_table(
        "municipality",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("main_language", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("kb_revision", NUMBER, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_municipality")),
        sqlite_strict=True,
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("succeeded", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_sign_in_attempt_email_at"), "sign_in_attempt", ["email", "at"], unique=False)
    op.create_table(
        "account",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="service", nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["municipality"], ["municipality.id"], name=op.f("fk_account_municipality")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("channel", "address", name=op.f("uq_account_channel_address")),
        sa.UniqueConstraint("municipality", "id", name=op.f("uq_account_municipality_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "address",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("verified_by", sa.Text(), nullable=True),
        sa.Column("stopped_at", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["municipality"], ["municipality.id"], name=op.f("fk_address_municipality")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sa.UniqueConstraint("municipality", "id", name=op.f("uq_address_municipality_id")),
        sa.UniqueConstraint("municipality", "scheme", "value", name=op.f("uq_address_municipality_scheme_value")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_address_value"), "address", ["value"], unique=False)
    op.create_table(
        "contact",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["municipality"], ["municipality.id"], name=op.f("fk_contact_municipality")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("municipality", "id", name=op.f("uq_contact_municipality_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "entry",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("published_version", NUMBER, nullable=True),
        sa.Column("latest_version", NUMBER, nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'published', 'archived')", name=op.f("ck_entry_state")),
        sa.ForeignKeyConstraint(["municipality"], ["municipality.id"], name=op.f("fk_entry_municipality")),
        sa.PrimaryKeyConstraint("municipality", "id", name=op.f("pk_entry")),
        sqlite_strict=True,
    )
    op.create_table(
        "synonym",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.Text(), nullable=False),
        sa.Column("removed_by", sa.Text(), nullable=True),
        sa.Column("removed_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["municipality"], ["municipality.id"], name=op.f("fk_synonym_municipality")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_synonym")),
        sqlite_strict=True,
    )
    op.create_table(
        "team",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["municipality"], ["municipality.id"], name=op.f("fk_team_municipality")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
        sa.UniqueConstraint("municipality", "id", name=op.f("uq_team_municipality_id")),
        sa.UniqueConstraint("municipality", "name", name=op.f("uq_team_municipality_name")),
        sqlite_strict=True,
    )
    op.create_table(
        "address_link",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("address", NUMBER, nullable=False),
        sa.Column("contact", NUMBER, nullable=False),
        sa.Column("linked_by", sa.Text(), nullable=False),
        sa.Column("linked_at", sa.Text(), nullable=False),
        sa.Column("unlinked_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality", "address"],
            ["address.municipality", "address.id"],
            name=op.f("fk_address_link_municipality_address"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality", "contact"],
            ["contact.municipality", "contact.id"],
            name=op.f("fk_address_link_municipality_contact"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_link")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_address_link_address"), "address_link", ["address"], unique=False)
    op.create_table(
        "entry_version",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("version", NUMBER, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality", "entry"],
            ["entry.municipality", "entry.id"],
            name=op.f("fk_entry_version_municipality_entry"),
        ),
        sa.PrimaryKeyConstraint("municipality", "entry", "version", name=op.f("pk_entry_version")),
        sqlite_strict=True,
    )
    op.create_table(
        "staff",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("team", NUMBER, nullable=True),
        sa.Column("shortcuts", NUMBER, server_default="1", nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("disabled_at", sa.Text(), nullable=True),
        sa.CheckConstraint("role IN ('staff', 'editor', 'privacy', 'admin')", name=op.f("ck_staff_role")),
        sa.ForeignKeyConstraint(
            ["municipality", "team"], ["team.municipality", "team.id"], name=op.f("fk_staff_municipality_team")
        ),
        sa.ForeignKeyConstraint(["municipality"], ["municipality.id"], name=op.f("fk_staff_municipality")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("email", name=op.f("uq_staff_email")),
        sa.UniqueConstraint("municipality", "id", name=op.f("uq_staff_municipality_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "thread",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("account", NUMBER, nullable=False),
        sa.Column("address", NUMBER, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("turn_owner", sa.Text(), server_default="bot", nullable=False),
        sa.Column("turn_epoch", NUMBER, server_default="0", nullable=False),
        sa.Column("version", NUMBER, server_default="0", nullable=False),
        sa.Column("positions", NUMBER, server_default="0", nullable=False),
        sa.Column("shown", NUMBER, server_default="0", nullable=False),
        sa.Column("disclosed", NUMBER, server_default="0", nullable=False),
        sa.Column("pending", sa.Text(), nullable=True),
        sa.Column("left_address", sa.Text(), nullable=True),
        sa.Column("read_position", NUMBER, server_default="0", nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("last_at", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), server_default="all", nullable=False),
        sa.Column("emptied_to", NUMBER, server_default="0", nullable=False),
        sa.Column("set_aside_at", sa.Text(), nullable=True),
        sa.CheckConstraint("words IN ('all', 'questions', 'none')", name=op.f("ck_thread_words")),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_thread_state")),
        sa.CheckConstraint("turn_owner IN ('bot', 'waiting', 'staff')", name=op.f("ck_thread_turn_owner")),
        sa.ForeignKeyConstraint(
            ["municipality", "account"],
            ["account.municipality", "account.id"],
            name=op.f("fk_thread_municipality_account"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality", "address"],
            ["address.municipality", "address.id"],
            name=op.f("fk_thread_municipality_address"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread")),
        sa.UniqueConstraint("municipality", "id", name=op.f("uq_thread_municipality_id")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_thread_account_address_state"), "thread", ["account", "address", "state"], unique=False)
    op.create_index(op.f("ix_thread_address_last_at"), "thread", ["address", "last_at"], unique=False)
    op.create_index(
        op.f("ix_thread_municipality_set_aside_at"),
        "thread",
        ["municipality", "set_aside_at"],
        unique=False,
        sqlite_where=sa.text("set_aside_at IS NOT NULL"),
        postgresql_where=sa.text("set_aside_at IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_thread_municipality_words_last_at"), "thread", ["municipality", "words", "last_at"], unique=False
    )
    op.create_table(
        "message",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("thread", NUMBER, nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("shown", NUMBER, nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("staff", NUMBER, nullable=True),
        sa.Column("kind", sa.Text(), server_default="message", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("markup", sa.Text(), server_default="plain", nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("folded", sa.Text(), server_default="[]", nullable=False),
        sa.Column("choices", sa.Text(), server_default="[]", nullable=False),
        sa.Column("key", sa.Text(), server_default="", nullable=False),
        sa.Column("sender", sa.Text(), server_default="", nullable=False),
        sa.Column("removed", sa.Text(), server_default="[]", nullable=False),
        sa.Column("outcome", sa.Text(), server_default="{}", nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.CheckConstraint("author IN ('resident', 'bot', 'staff')", name=op.f("ck_message_author")),
        sa.CheckConstraint("kind IN ('message', 'note', 'automatic')", name=op.f("ck_message_kind")),
        sa.ForeignKeyConstraint(
            ["municipality", "staff"], ["staff.municipality", "staff.id"], name=op.f("fk_message_municipality_staff")
        ),
        sa.ForeignKeyConstraint(
            ["municipality", "thread"],
            ["thread.municipality", "thread.id"],
            name=op.f("fk_message_municipality_thread"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("municipality", "id", name=op.f("uq_message_municipality_id")),
        sa.UniqueConstraint("thread", "position", name=op.f("uq_message_thread_position")),
        sqlite_strict=True,
    )
    op.create_table(
        "session",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("staff", NUMBER, nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality", "staff"], ["staff.municipality", "staff.id"], name=op.f("fk_session_municipality_staff")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_session")),
        sqlite_strict=True,
    )
    op.create_table(
        "ticket",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("number", NUMBER, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), server_default="", nullable=False),
        sa.Column("priority", sa.Text(), server_default="normal", nullable=False),
        sa.Column("team", NUMBER, nullable=True),
        sa.Column("assignee", NUMBER, nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Text(), nullable=False),
        sa.Column("due_at", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.Text(), nullable=True),
        sa.Column("last_at", sa.Text(), nullable=False),
        sa.Column("unread", NUMBER, server_default="1", nullable=False),
        sa.Column("archive", sa.Text(), server_default="undecided", nullable=False),
        sa.Column("archived_at", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), server_default="all", nullable=False),
        sa.Column("version", NUMBER, server_default="0", nullable=False),
        sa.CheckConstraint("archive IN ('undecided', 'keep', 'leave_out')", name=op.f("ck_ticket_archive")),
        sa.CheckConstraint("words IN ('all', 'none')", name=op.f("ck_ticket_words")),
        sa.CheckConstraint("priority IN ('normal', 'urgent')", name=op.f("ck_ticket_priority")),
        sa.CheckConstraint("state IN ('open', 'waiting', 'closed')", name=op.f("ck_ticket_state")),
        sa.ForeignKeyConstraint(
            ["municipality", "assignee"],
            ["staff.municipality", "staff.id"],
            name=op.f("fk_ticket_municipality_assignee"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality", "team"], ["team.municipality", "team.id"], name=op.f("fk_ticket_municipality_team")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("municipality", "id", name=op.f("uq_ticket_municipality_id")),
        sa.UniqueConstraint("municipality", "number", name=op.f("uq_ticket_municipality_number")),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_ticket_desk",
        "ticket",
        ["municipality", "state", "due_at", "assignee", "team", "source"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ticket_municipality_state_last_at"), "ticket", ["municipality", "state", "last_at"], unique=False
    )
    op.create_index(
        op.f("ix_ticket_municipality_words_closed_at"), "ticket", ["municipality", "words", "closed_at"], unique=False
    )
    op.create_index(
        "ix_ticket_undecided",
        "ticket",
        ["municipality", "state", "last_at"],
        unique=False,
        sqlite_where=sa.text("words = 'all' AND archive = 'undecided'"),
        postgresql_where=sa.text("words = 'all' AND archive = 'undecided'"),
    )
    op.create_index(
        "ix_ticket_unclaimed",
        "ticket",
        ["municipality", "source", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'open' AND assignee IS NULL"),
        postgresql_where=sa.text("state = 'open' AND assignee IS NULL"),
    )
    op.create_table(
        "accepted",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("account", NUMBER, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("message", NUMBER, nullable=False),
        sa.Column("thread", NUMBER, nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality", "account"],
            ["account.municipality", "account.id"],
            name=op.f("fk_accepted_municipality_account"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality", "message"],
            ["message.municipality", "message.id"],
            name=op.f("fk_accepted_municipality_message"),
        ),
        sa.PrimaryKeyConstraint("account", "external_id", "fingerprint", name=op.f("pk_accepted")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_accepted_message"), "accepted", ["message"], unique=False)
    op.create_table(
        "answer_given",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("message", NUMBER, nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("entry_version", NUMBER, nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.Column("runner_up", sa.Text(), server_default="", nullable=False),
        sa.Column("phrasing", sa.Text(), server_default="", nullable=False),
        sa.Column("words", sa.Text(), server_default="[]", nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("helpful", NUMBER, nullable=True),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality", "message"],
            ["message.municipality", "message.id"],
            name=op.f("fk_answer_given_municipality_message"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_given")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_answer_given_message"), "answer_given", ["message"], unique=False)
    op.create_table(
        "attachment",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("message", NUMBER, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality", "message"],
            ["message.municipality", "message.id"],
            name=op.f("fk_attachment_municipality_message"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_attachment_message"), "attachment", ["message"], unique=False)
    op.create_table(
        "event",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("seq", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ticket", NUMBER, nullable=True),
        sa.Column("thread", NUMBER, nullable=True),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("data", sa.Text(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality", "thread"], ["thread.municipality", "thread.id"], name=op.f("fk_event_municipality_thread")
        ),
        sa.ForeignKeyConstraint(
            ["municipality", "ticket"], ["ticket.municipality", "ticket.id"], name=op.f("fk_event_municipality_ticket")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_event_municipality_seq"), "event", ["municipality", "seq"], unique=False)
    op.create_index(op.f("ix_event_thread"), "event", ["thread"], unique=False)
    op.create_index(op.f("ix_event_ticket"), "event", ["ticket"], unique=False)
    op.create_table(
        "message_ref",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("thread", NUMBER, nullable=False),
        sa.Column("message", NUMBER, nullable=False),
        sa.Column("own", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality", "message"],
            ["message.municipality", "message.id"],
            name=op.f("fk_message_ref_municipality_message"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality", "thread"],
            ["thread.municipality", "thread.id"],
            name=op.f("fk_message_ref_municipality_thread"),
        ),
        sa.PrimaryKeyConstraint("municipality", "ref", "thread", name=op.f("pk_message_ref")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_message_ref_thread_message"), "message_ref", ["thread", "message"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("thread", NUMBER, nullable=False),
        sa.Column("message", NUMBER, nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("turn_epoch", NUMBER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("in_reply_to", sa.Text(), server_default="", nullable=False),
        sa.Column("to_address", NUMBER, nullable=True),
        sa.Column("urgent", NUMBER, server_default="0", nullable=False),
        sa.Column("not_before", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=True),
        sa.Column("attempts", NUMBER, server_default="0", nullable=False),
        sa.Column("doubtful", NUMBER, server_default="0", nullable=False),
        sa.Column("lease_until", sa.Text(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("provider_id", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.CheckConstraint("author IN ('bot', 'staff')", name=op.f("ck_outbox_author")),
        sa.CheckConstraint(
            "state IN ('held', 'queued', 'sending', 'sent', 'delivered', 'failed', 'unknown', 'cancelled', 'expired')",
            name=op.f("ck_outbox_state"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality", "message"],
            ["message.municipality", "message.id"],
            name=op.f("fk_outbox_municipality_message"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality", "thread"], ["thread.municipality", "thread.id"], name=op.f("fk_outbox_municipality_thread")
        ),
        sa.ForeignKeyConstraint(
            ["municipality", "to_address"],
            ["address.municipality", "address.id"],
            name=op.f("fk_outbox_municipality_to_address"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("municipality", "id", name=op.f("uq_outbox_municipality_id")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_outbox_message"), "outbox", ["message"], unique=False)
    op.create_index(op.f("ix_outbox_provider_id"), "outbox", ["provider_id"], unique=False)
    op.create_index(
        "ix_outbox_next",
        "outbox",
        [sa.text("urgent DESC"), "id", "not_before"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["not_before"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_outbox_leased",
        "outbox",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index(op.f("ix_outbox_thread_state"), "outbox", ["thread", "state"], unique=False)
    op.create_table(
        "raw",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("message", NUMBER, nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality", "message"],
            ["message.municipality", "message.id"],
            name=op.f("fk_raw_municipality_message"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raw")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_raw_message"), "raw", ["message"], unique=False)
    op.create_table(
        "ticket_thread",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("ticket", NUMBER, nullable=False),
        sa.Column("thread", NUMBER, nullable=False),
        sa.Column("linked_at", sa.Text(), nullable=False),
        sa.Column("unlinked_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality", "thread"],
            ["thread.municipality", "thread.id"],
            name=op.f("fk_ticket_thread_municipality_thread"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality", "ticket"],
            ["ticket.municipality", "ticket.id"],
            name=op.f("fk_ticket_thread_municipality_ticket"),
        ),
        sa.PrimaryKeyConstraint("ticket", "thread", "linked_at", name=op.f("pk_ticket_thread")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_ticket_thread_thread"), "ticket_thread", ["thread"], unique=False)
    op.create_table(
        "transcript_request",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("thread", NUMBER, nullable=False),
        sa.Column("letters", NUMBER, nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["municipality", "letters"],
            ["thread.municipality", "thread.id"],
            name=op.f("fk_transcript_request_municipality_letters"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality", "thread"],
            ["thread.municipality", "thread.id"],
            name=op.f("fk_transcript_request_municipality_thread"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transcript_request")),
        sa.UniqueConstraint("municipality", "key", name=op.f("uq_transcript_request_municipality_key")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_transcript_request_thread_asked_at"), "transcript_request", ["thread", "asked_at"], unique=False
    )
    op.create_table(
        "delivery_event",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("outbox", NUMBER, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("segments", NUMBER, server_default="0", nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["municipality", "outbox"],
            ["outbox.municipality", "outbox.id"],
            name=op.f("fk_delivery_event_municipality_outbox"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_event")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_delivery_event_outbox"), "delivery_event", ["outbox"], unique=False)
    op.create_table(
        "access",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("staff", NUMBER, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("ticket", NUMBER, nullable=False),
        sa.Column("message", NUMBER, nullable=True),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("what IN ('case', 'file', 'original')", name=op.f("ck_access_what")),
        sa.CheckConstraint("relation IN ('own', 'team', 'other')", name=op.f("ck_access_relation")),
        sa.ForeignKeyConstraint(
            ["municipality", "staff"], ["staff.municipality", "staff.id"], name=op.f("fk_access_municipality_staff")
        ),
        sa.ForeignKeyConstraint(
            ["municipality", "ticket"],
            ["ticket.municipality", "ticket.id"],
            name=op.f("fk_access_municipality_ticket"),
        ),
        sa.ForeignKeyConstraint(
            ["municipality", "message"],
            ["message.municipality", "message.id"],
            name=op.f("fk_access_municipality_message"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_access_municipality_at"), "access", ["municipality", "at"], unique=False)
    op.create_index(op.f("ix_access_ticket_staff_at"), "access", ["ticket", "staff", "at"], unique=False)
    op.create_table(
        "retention_run",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("cursor", NUMBER, server_default="0", nullable=False),
        sa.Column("deleted", sa.Text(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["municipality"], ["municipality.id"], name=op.f("fk_retention_run_municipality")),
        sa.PrimaryKeyConstraint("municipality", "class", name=op.f("pk_retention_run")),
        sqlite_strict=True,
    )
    op.create_table(
        "erasure",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.Column("thread", NUMBER, server_default="0", nullable=False),
        sa.Column("position", NUMBER, server_default="0", nullable=False),
        sa.Column("erased", sa.Text(), server_default="{}", nullable=False),
        sa.Column("kept", sa.Text(), server_default="[]", nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["municipality"], ["municipality.id"], name=op.f("fk_erasure_municipality")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_erasure_municipality_finished_at"), "erasure", ["municipality", "finished_at"], unique=False
    )
    op.create_table(
        "tombstone",
        sa.Column("municipality", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["municipality"], ["municipality.id"], name=op.f("fk_tombstone_municipality")),
        sa.PrimaryKeyConstraint("municipality", "name", name=op.f("pk_tombstone")),
        sqlite_strict=True,
    )
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.execute(statement)
