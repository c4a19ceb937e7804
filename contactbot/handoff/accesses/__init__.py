"""Who of the staff saw what: one row for each look at a case, a file or an original."""
