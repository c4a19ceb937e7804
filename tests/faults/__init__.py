"""Faults: the real process and real peers while the worst happens, and what must hold after it."""
