"""Showing a person what is kept about them: found by an address, given as a file that people or programs read."""
