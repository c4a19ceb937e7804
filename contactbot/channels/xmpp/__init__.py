"""Residents on any XMPP server write to an account of the municipality's."""

from contactbot.channels.xmpp.channel import XmppChannel
from contactbot.channels.xmpp.settings import XmppSettings

__all__ = ["XmppChannel", "XmppSettings"]
