"""A fictional municipality that runs on one machine, with everything it needs to be tried."""

from contactbot.demo.town import base, settings

__all__ = ["base", "settings"]
