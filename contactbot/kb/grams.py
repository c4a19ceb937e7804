"""The letter n-grams of words, as numbers, for many words at once."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]

LONGEST: Final = 5
"""Letters of an n-gram at most; the shortest has two."""
BITS: Final = 39
"""Bits of a hash. A vocabulary of a million n-grams has about one collision, which does no harm."""

_EDGES: Final = "^{}$"
"""A word's beginning and end count as letters, so that prefixes and suffixes are told from the middle."""
_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = np.uint64(0xBF58476D1CE4E5B9)
_HALF: Final = np.uint64(29)
_REST: Final = np.uint64(64 - BITS)


def grams(forms: Sequence[str]) -> tuple[Ids, Ids]:
    """Return the hashes of the n-grams of all `forms`, each once per word, and the number of the word of each.

    The words come one after the other; within a word the hashes rise.
    """
    written = [_EDGES.format(form) for form in forms]
    letters = np.frombuffer("".join(written).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    lengths = np.array([len(text) for text in written])
    owner = np.arange(len(written)).repeat(lengths)
    value = letters * _BASE
    values, owners = [], []
    for longer in range(1, LONGEST):
        value = (value[:-1] + letters[longer:]) * _BASE  # of as many letters as fit from each place on
        inside = (owner[longer:] == owner[: len(value)]).nonzero()[0]
        values.append(value[inside])
        owners.append(owner[inside])
    mixed = np.concatenate(values)
    mixed = (mixed ^ mixed >> _HALF) * _MIX >> _REST
    found = mixed.astype(np.int64) | np.concatenate(owners) << BITS
    found.sort()
    first = np.ones(len(found), dtype=bool)
    np.not_equal(found[1:], found[:-1], out=first[1:])
    found = found[first]
    return found & (1 << BITS) - 1, found >> BITS
