"""What depends on the country: numbers, holidays, clocks and the telephones that help.

Everything a country decides is behind one :class:`Place`; the rest of the house asks it and
never names a country. A country is a package beside this file with a ``PLACE``.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from contactbot.places.place import Clock, HelpLine, Keep, Place, Span, UnknownPlaceError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Clock", "HelpLine", "Keep", "Place", "Span", "UnknownPlaceError", "place"]

# The packages we have, by ISO 3166-1 alpha-2 code in lower case.
PACKAGES: Mapping[str, str] = {"no": "contactbot.places.no"}


@cache
def place(country: str) -> Place:
    """Return what we know of a country, named by its ISO 3166-1 alpha-2 code in any case.

    Raises UnknownPlaceError for a country without a package here.
    """
    package = PACKAGES.get(country.strip().casefold())
    if package is None:
        known = ", ".join(sorted(PACKAGES))
        raise UnknownPlaceError(f"no country {country!r} here; known: {known}")
    return cast("Place", import_module(package).PLACE)
