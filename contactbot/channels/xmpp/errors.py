"""What can go wrong on the way between the server and the house. Every message says what to do about it.

XmppError
  UnreachableError  no server answered, or not in time
  UntrustedError    the server's certificate does not prove who it is
  LoginError        the server does not let the account in
  DisplacedError    another client took our place; coming back at once would start a fight
  StreamLostError   the stream ended after it had been opened
  ExpiredError      the archive no longer knows where we were
  HouseFailedError  the house failed several times at one call
"""

from contactbot.errors import ContactbotError


class XmppError(ContactbotError):
    """Root of what can go wrong between us and the XMPP server."""


class UnreachableError(XmppError):
    """No server answered, or not in time; later attempts may succeed."""


class UntrustedError(XmppError):
    """The server's certificate does not prove who it is; nothing was told it."""


class LoginError(XmppError):
    """The server does not let the account in; trying again soon would look like an attack."""


class DisplacedError(XmppError):
    """Another client took our place under the same full JID."""


class StreamLostError(XmppError):
    """The stream ended, or no longer answers; what was on its way may or may not have arrived."""


class ExpiredError(XmppError):
    """The archive no longer knows the id a page was to start from."""


class HouseFailedError(XmppError):
    """The house failed several times at one call, in a way nobody foresaw."""
