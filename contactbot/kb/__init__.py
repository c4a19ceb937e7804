"""What the municipality knows: entries, and finding the right one for a question."""
