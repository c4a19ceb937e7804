"""Text messages: a number of ours at a provider, webhooks in, the provider's API out."""

from contactbot.channels.sms.channel import SmsChannel

__all__ = ["SmsChannel"]
