"""Typed keys under which the application holds what its handlers need."""

from aiohttp import web

from contactbot.house import House

HOUSE = web.AppKey("house", House)
