"""Structured logs on standard error: who and where, never what was said."""

import logging
import sys

import structlog


def configure(level: str, *, readable: bool | None = None) -> None:
    """Set up logging; ``readable`` lines for a terminal, JSON otherwise (the default decides by the terminal)."""
    to_terminal = sys.stderr.isatty() if readable is None else readable
    renderer = structlog.dev.ConsoleRenderer() if to_terminal else structlog.processors.JSONRenderer(ensure_ascii=False)
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries speak only of trouble; their chatter may hold addresses.
    logging.basicConfig(
        level=max(number, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
