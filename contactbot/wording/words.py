"""Sentences that one part of the house says by itself, kept beside it as one TOML file per language."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Words:
    """One language's sentences. ``language`` was asked for; ``lang`` is what the sentences are written in."""

    language: str
    lang: str
    sentences: Mapping[str, str]

    def __getitem__(self, key: str) -> str:
        """Return a sentence as it stands, with its ``{holes}``."""
        return self.sentences[key]

    def say(self, key: str, **values: object) -> str:
        """Return a sentence with its holes filled."""
        return self.sentences[key].format(**values)


def read(folder: Path, language: str) -> Mapping[str, str]:
    """Return the sentences of a language. Raises FileNotFoundError where the folder has none."""
    content = tomllib.loads((folder / f"{language}.toml").read_text("utf-8"))
    return {key: str(value) for key, value in content.items()}
