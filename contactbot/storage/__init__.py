"""Where everything is kept: two doors to one schema, on SQLite or PostgreSQL."""
