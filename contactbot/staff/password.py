"""Passwords, hashed with argon2id in a thread: one hash takes some 100 ms and 64 MiB, so few run at once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12  # characters (NIST SP 800-63B asks for at least 8, and no rules of composition)
_THREADS = ThreadPoolExecutor(2, "password")
_HASHER = PasswordHasher()


@cache
def nobody() -> str:
    """Return a hash to verify against when nobody has the name, so that the answer takes as long as otherwise."""
    return _HASHER.hash("nobody has this password")


def problem(password: str) -> str:
    """Return why a password cannot be used, or ""."""
    return f"a password needs at least {SHORTEST} characters" if len(password) < SHORTEST else ""


def hash_of(password: str) -> str:
    """Return the hash to keep. Raises ValueError for a password that cannot be used."""
    if wrong := problem(password):
        raise ValueError(wrong)
    return _HASHER.hash(password)


async def matches(password: str, kept: str) -> bool:
    """Whether the password is the one that was hashed."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _matches, password, kept)


def _matches(password: str, kept: str) -> bool:
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False
