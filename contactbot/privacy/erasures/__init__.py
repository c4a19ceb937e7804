"""Forgetting a person: in small units that a crash cannot tear, with a receipt, and again after a restored backup."""
