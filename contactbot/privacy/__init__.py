"""Retention, and what residents and the privacy officer may see and have deleted."""
