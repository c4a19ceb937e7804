"""Who wrote, on which address, what was said: threads own messages and their references."""
