"""The contact service of a municipality: four channels, one core, people behind it."""
