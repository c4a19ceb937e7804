"""Twilio as the provider of text messages. The ``twilio`` package is imported when the channel starts, not before."""

from contactbot.channels.sms.twilio.provider import TwilioProvider

__all__ = ["TwilioProvider"]
