"""What somebody did not write now: quotations, copied headers, signatures, and our own words coming back. Pure."""

from contactbot.quoted.folding import SENT_BY_US, SIGNATURES, Folding, fold, refold

__all__ = ["SENT_BY_US", "SIGNATURES", "Folding", "fold", "refold"]
