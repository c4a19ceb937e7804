"""The house's errors. Every message says what is wrong and what to do about it.

ContactbotError
  SettingsError        the configuration cannot be used
  UnknownAccountError  a message came to an account nobody configured
  StoreError           the database could not keep or give something
    StoreBusyError     ... right now; trying again later can succeed
  NotAllowedError      the person may not do this
  ConflictError        somebody else changed the thing first
  NotFoundError        there is no such thing here
"""


class ContactbotError(Exception):
    """Root of every error this package raises on purpose."""


class SettingsError(ContactbotError):
    """The configuration cannot be used; the message names the key and the remedy."""


class UnknownAccountError(ContactbotError):
    """A message came to an account nobody configured; the channel refuses it in its protocol."""


class StoreError(ContactbotError):
    """The database could not keep or give something; nothing was half done."""


class StoreBusyError(StoreError):
    """The database cannot serve now; the same call may succeed later (SMTP 451, HTTP 503)."""


class NotAllowedError(ContactbotError):
    """The person may not do this; the message says who may."""


class ConflictError(ContactbotError):
    """Somebody else changed the thing first; the message says what stands now."""


class NotFoundError(ContactbotError):
    """There is no such thing here, or none this person may know of."""
