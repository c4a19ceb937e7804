"""Residents whose first words were set aside: too many nobody has ever answered wrote at once."""
