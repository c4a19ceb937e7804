"""How long what is kept: one table for each municipality, and the job that deletes what has had its time."""
