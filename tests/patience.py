"""How long a test waits before it calls a promise broken: one measure for all, since none is about speed."""

PATIENCE = 60.0  # seconds, on a machine that has much else to do; whatever is awaited ends the wait
