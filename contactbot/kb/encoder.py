"""Sentences as vectors: a small BERT, read from a folder and run with numpy alone.

The folder is one that sentence-transformers writes for a BERT with a WordPiece vocabulary: `config.json`, `vocab.txt`,
`model.safetensors`, and if need be `tokenizer_config.json`. Nothing is downloaded. A question of a dozen words takes
some ten milliseconds, so an index that has an encoder does not belong on an event loop.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from contactbot.errors import ContactbotError
from contactbot.kb.vocabulary import Shares

LONGEST: Final = 128
"""Word pieces of a text that are read, from its beginning."""
BATCH: Final = 32
"""Texts that go through the layers together."""
FLUENT: Final = 1.5
"""Pieces per word up to which a vocabulary is of the texts' language. English in an English one has 1.03, Norwegian in
it 1.6 to 2.1."""
REMEMBERED: Final = 1000
"""Questions whose vectors are kept: one message is searched for more than once."""
REMEMBERED_TEXTS: Final = 50_000
"""Texts of bases whose vectors are kept, some 75 MB: after an edit only what is new is read."""

_WORD: Final = re.compile(r"[^\W_]+|[^\w\s]|_")
_LONGEST_WORD: Final = 100
_TYPES: Final = {"F32": np.float32, "F16": np.float16}
_NEVER: Final = np.float32(-1e9)


class EncoderError(ContactbotError):
    """A folder that holds no model that can be run; the message says what is missing."""


class Encoder:
    """A model that was read. `size` is the length of its vectors."""

    def __init__(self, pieces: "_Pieces", layers: "_Layers") -> None:
        self._pieces = pieces
        self._layers = layers
        self.size = layers.size
        self.vector = lru_cache(REMEMBERED)(self._vector)
        self._known: dict[str, Shares] = {}

    @classmethod
    def of(cls, folder: Path) -> "Encoder":
        """Read a folder; raise EncoderError where it holds no BERT with a WordPiece vocabulary."""
        try:
            config = json.loads((folder / "config.json").read_text("utf-8"))
            extra = folder / "tokenizer_config.json"
            tokenizer = json.loads(extra.read_text("utf-8")) if extra.exists() else {}
            words = (folder / "vocab.txt").read_text("utf-8").splitlines()
            tensors = _tensors(folder / "model.safetensors")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EncoderError(f"{folder}: expected config.json, vocab.txt and model.safetensors of a BERT") from error
        if config.get("model_type") != "bert":
            raise EncoderError(f"{folder}: expected a model of type bert, found {config.get('model_type')}")
        try:
            ids = {word: at for at, word in enumerate(words)}
            pieces = _Pieces(
                ids, (ids["[CLS]"], ids["[SEP]"], ids["[UNK]"]), bool(tokenizer.get("do_lower_case", True))
            )
            return cls(pieces, _Layers.of(tensors, config))
        except KeyError as error:
            raise EncoderError(f"{folder}: the model lacks {error}") from error

    def known(self, texts: Sequence[str]) -> Shares:
        """Return the vectors of the texts of a base, which are remembered: the next index has most of them too."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        self._known.update(zip(new, self.vectors(new), strict=True))
        found = [self._known[text] for text in texts]
        if len(self._known) > REMEMBERED_TEXTS:
            self._known.clear()
        return np.array(found, np.float32).reshape(len(texts), self.size)

    def knows_the_language_of(self, texts: Sequence[str]) -> bool:
        """Tell whether the words of `texts` are mostly whole in the vocabulary, as foreign ones would not be."""
        words = sum(len(_WORD.findall(text)) for text in texts)
        return sum(len(self._pieces.of(text)) - 2 for text in texts) <= FLUENT * words

    def vectors(self, texts: Sequence[str]) -> Shares:
        """Return a vector of length 1 for each of `texts`; the product of two is their likeness, -1 to 1."""
        ids = [self._pieces.of(text) for text in texts]
        found = np.zeros((len(texts), self.size), np.float32)
        order = sorted(range(len(texts)), key=lambda at: len(ids[at]))  # texts of a length go together
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            found[batch] = self._layers.run([ids[at] for at in batch])
        return found

    def _vector(self, text: str) -> Shares:
        vector: Shares = self.vectors([text])[0]
        return vector


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A vocabulary of word pieces, the ids of [CLS], [SEP] and [UNK], and whether case and accents are dropped."""

    ids: Mapping[str, int]
    marks: tuple[int, int, int]
    lower: bool

    def of(self, text: str) -> list[int]:
        """Return the pieces of a text between [CLS] and [SEP], each the longest that fits (Wu et al. 2016)."""
        begin, end, _ = self.marks
        plain = unicodedata.normalize("NFC", text)
        if self.lower:
            apart = unicodedata.normalize("NFD", plain.lower())
            plain = "".join(letter for letter in apart if unicodedata.category(letter) != "Mn")
        found = [piece for word in _WORD.findall(plain) for piece in self._of_word(word)]
        return [begin, *found[: LONGEST - 2], end]

    def _of_word(self, word: str) -> Iterator[int]:
        pieces, start = [], 0
        while start < len(word) and len(word) <= _LONGEST_WORD:
            mark = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if mark + word[start:end] in self.ids), None)
            if end is None:
                break
            pieces.append(self.ids[mark + word[start:end]])
            start = end
        yield from pieces if start == len(word) else (self.marks[2],)


@dataclass(frozen=True, slots=True)
class _Layers:
    """The weights of a BERT (Devlin et al. 2019), by their usual names."""

    tensors: Mapping[str, npt.NDArray[np.float32]]
    count: int
    heads: int
    size: int
    tiny: float

    @classmethod
    def of(cls, tensors: Mapping[str, npt.NDArray[np.float32]], config: Mapping[str, Any]) -> "_Layers":
        plain = {name.removeprefix("bert."): values for name, values in tensors.items()}
        heads, size = int(config["num_attention_heads"]), int(config["hidden_size"])
        layers = cls(plain, int(config["num_hidden_layers"]), heads, size, float(config.get("layer_norm_eps", 1e-12)))
        layers.run([[0]])  # names what is missing now and not at the first question
        return layers

    def run(self, ids: Sequence[Sequence[int]]) -> Shares:
        """Return a vector of length 1 for each of several texts: the mean over its pieces."""
        width = max(len(one) for one in ids)
        lengths = np.array([len(one) for one in ids])
        there = np.arange(width) < lengths[:, None]
        padded = np.zeros((len(ids), width), np.int64)
        padded[there] = np.concatenate([np.array(one) for one in ids])
        known = self.tensors
        state = (
            known["embeddings.word_embeddings.weight"][padded] + known["embeddings.position_embeddings.weight"][:width]
        )
        state = self._normed(state + known["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        hidden = np.where(there, np.float32(0), _NEVER)[:, None, None, :]
        for layer in range(self.count):
            state = self._layer(state, hidden, f"encoder.layer.{layer}")
        pooled = (state * there[..., None]).sum(axis=1, dtype=np.float32)
        return np.asarray(pooled / np.linalg.norm(pooled, axis=1, keepdims=True), np.float32)

    def _layer(self, state: Shares, hidden: Shares, name: str) -> Shares:
        texts, width, _ = state.shape
        split = (texts, width, self.heads, self.size // self.heads)
        own = f"{name}.attention.self"
        asks, keys, values = (
            self._linear(state, f"{own}.{part}").reshape(split).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        score = asks @ keys.transpose(0, 1, 3, 2) / np.float32(np.sqrt(split[-1])) + hidden
        share = np.exp(score - score.max(axis=-1, keepdims=True))
        share /= share.sum(axis=-1, keepdims=True)
        seen = (share @ values).transpose(0, 2, 1, 3).reshape(state.shape)
        state = self._normed(
            state + self._linear(seen, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm"
        )
        inner = _gelu(self._linear(state, f"{name}.intermediate.dense"))
        return self._normed(state + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _linear(self, state: Shares, name: str) -> Shares:
        flat = state.reshape(-1, state.shape[-1])  # one large product is quicker than many small ones
        found = flat @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]
        return np.asarray(found.reshape(*state.shape[:-1], -1), np.float32)

    def _normed(self, state: Shares, name: str) -> Shares:
        state = state - state.mean(axis=-1, keepdims=True)
        spread = np.sqrt((state * state).mean(axis=-1, keepdims=True) + np.float32(self.tiny))
        return np.asarray(state / spread * self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"], np.float32)


def _gelu(values: Shares) -> Shares:
    """Return the gaussian error linear unit, by its approximation with tanh (Hendrycks and Gimpel 2016)."""
    inner = np.float32(np.sqrt(2 / np.pi)) * (values + np.float32(0.044715) * values * values * values)
    return np.asarray(np.float32(0.5) * values * (1 + np.tanh(inner)), np.float32)


def _tensors(file: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Read a safetensors file: eight bytes of length, a JSON header, the bytes of the tensors."""
    raw = np.memmap(file, np.uint8, "r")
    end = 8 + int(raw[:8].view(np.uint64)[0])
    header = json.loads(raw[8:end].tobytes())
    found = {}
    for name, one in header.items():
        if name != "__metadata__" and one["dtype"] in _TYPES:
            first, last = one["data_offsets"]
            values = np.frombuffer(raw[end + first : end + last].tobytes(), _TYPES[one["dtype"]])
            found[name] = values.reshape(one["shape"]).astype(np.float32, copy=False)
    return found
