"""Journeys: what residents and staff live through, against the real process, seen from the resident's side."""
