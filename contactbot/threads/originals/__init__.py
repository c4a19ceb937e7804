"""What came with a message: its raw copy, its attachments, and what was folded away of it."""
