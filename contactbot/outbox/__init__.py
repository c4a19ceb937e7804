"""What must leave the house: states, order, retry and lease."""
