"""Which addresses are ours, and what the signed ones say. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from contactbot.channels.email.tokens import Signer
from contactbot.messages import Account


@dataclass(frozen=True, slots=True)
class Recipient:
    """One of our addresses as a mail named it; ``thread`` where a token we signed names one."""

    account: Account
    thread: int | None = None


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Our accounts by address, in lower case."""

    accounts: Mapping[str, Account]
    signer: Signer
    delimiter: str

    def find(self, address: str) -> Recipient | None:
        """Return whose address this is, or None where it is not ours or bears a token we did not sign."""
        address = address.strip().lower()
        account = self.accounts.get(address)
        if account is not None:
            return Recipient(account)
        local, _, domain = address.rpartition("@")
        mailbox, delimiter, token = local.rpartition(self.delimiter)
        account = self.accounts.get(f"{mailbox}@{domain}") if delimiter else None
        thread = self.signer.thread(account.address, token) if account else None
        return Recipient(account, thread) if account and thread is not None else None

    def find_all(self, addresses: Iterable[str]) -> list[Recipient]:
        """Return ours among the addresses, in order."""
        return [found for address in addresses if (found := self.find(address))]

    def outbox(self, message_id: str) -> int | None:
        """Return the outbox row whose Message-ID this is, or None where we did not write it."""
        rows = (self.signer.outbox(address, message_id) for address in self.accounts)
        return next((row for row in rows if row is not None), None)
