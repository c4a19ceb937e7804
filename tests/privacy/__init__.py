"""Residents' privacy."""
