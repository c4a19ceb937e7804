"""What the schema needs beyond portable tables: search on both engines, event order and ticket numbers on one."""

SQLITE = (
    # Diacritics are kept, or a search for «far» would find «får».
    (
        "CREATE VIRTUAL TABLE message_search USING fts5(municipality UNINDEXED, folded,"
        " tokenize = \"unicode61 remove_diacritics 0\", prefix = '3')"
    ),
)

POSTGRESQL = (
    (
        "CREATE TABLE message_search (message bigint PRIMARY KEY, municipality text NOT NULL, folded text NOT NULL,"
        " vector tsvector GENERATED ALWAYS AS (to_tsvector('simple', folded)) STORED)"
    ),
    "CREATE INDEX ix_message_search_vector ON message_search USING gin (vector)",
    "CREATE SEQUENCE ticket_number START 1001",
    # Numbers of events are not their commit order; with the transaction's id a reader knows what can still appear.
    "ALTER TABLE event ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id()",
    "CREATE INDEX ix_event_order ON event (municipality, xid, seq)",
)
