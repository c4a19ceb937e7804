"""A month of the municipality's life."""

from contactbot.house import House


async def write(house: House, key: str) -> None:
    """Write the month."""
