"""Email in and out: an SMTP or LMTP listener, mail read without trust, and answers through the municipality's relay."""

from contactbot.channels.email.channel import EmailChannel

__all__ = ["EmailChannel"]
