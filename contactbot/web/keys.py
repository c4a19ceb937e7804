"""Typed keys under which the application, and each request, holds what its handlers need."""

from aiohttp import web

from contactbot.house import House
from contactbot.staff.member import Member
from contactbot.web.assets import Assets

HOUSE = web.AppKey("house", House)
ASSETS = web.AppKey("assets", Assets)
MEMBER = web.RequestKey("member", Member)
