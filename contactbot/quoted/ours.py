"""Our own words, coming back: quoted without a mark, or wrapped anew. Pure."""

import re
from collections.abc import Sequence

_WORD = re.compile(r"\w+")
_ENOUGH = 12  # words in a run before they are taken for ours: a resident may answer with the words of a choice
_SHINGLE = 4  # words of ours that must be found together before a line counts as ours
_MOST_SENT = 100_000  # characters of earlier texts that are compared


def find_ours(written: Sequence[str], sent: Sequence[str]) -> frozenset[int]:
    """Return the lines that are found in what we sent: every run of four words, over enough lines to be no accident."""
    known = _shingles("\n".join(sent)[-_MOST_SENT:])
    ours: set[int] = set()
    run: list[int] = []
    length = 0
    for at, line in enumerate([*written, "\0end"]):
        spoken = _WORD.findall(line.casefold())
        if not spoken:
            continue
        if _is_known(spoken, known, in_run=bool(run)):
            run.append(at)
            length += len(spoken)
            continue
        if length >= _ENOUGH:
            ours |= set(run)
        run, length = [], 0
    left = any(_WORD.search(line) for at, line in enumerate(written) if at not in ours)
    return frozenset(ours) if left else frozenset()


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    spoken = _WORD.findall(text.casefold())
    return frozenset(
        tuple(spoken[at : at + size]) for size in range(1, _SHINGLE + 1) for at in range(len(spoken) - size + 1)
    )


def _is_known(spoken: list[str], known: frozenset[tuple[str, ...]], *, in_run: bool) -> bool:
    """Let a short line count only below one of ours: it is the end of a paragraph that was wrapped."""
    if len(spoken) < _SHINGLE:
        return in_run and tuple(spoken) in known
    return all(tuple(spoken[at : at + _SHINGLE]) in known for at in range(len(spoken) - _SHINGLE + 1))
