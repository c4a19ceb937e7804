"""A gateway that speaks plain JSON over HTTP as the provider of text messages, as docs/channels/sms.md describes it."""

from contactbot.channels.sms.plain_http.provider import PlainHttpProvider

__all__ = ["PlainHttpProvider"]
