"""The protocol between widget and server: one JSON object per frame, over WebSocket, event stream and POST alike. Pure.

From the browser: ``hello`` (token, after, language) · ``message`` (id, text, language) · ``typing`` ·
``read`` (position) · ``address`` (value) · ``transcript`` (value, language) · ``rate`` (position, helpful, words) ·
``end`` · ``ping``.
From the server: ``ready`` · ``messages`` · ``accepted`` · ``refused`` · ``noted`` · ``asked`` · ``rated`` · ``ok`` ·
``pong``.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from contactbot.markdown import to_html
from contactbot.messages import Author, Spoken, Standing

MOST_POSITION = 2**53 - 1  # the largest whole number JavaScript counts exactly (ECMA-262, Number.MAX_SAFE_INTEGER)
MOST_TOKEN = 100  # characters; ours have about 55
MOST_ADDRESS = 254  # octets of a mail address (RFC 5321 §4.5.3.1.3, less its angle brackets)
MOST_COMMENT = 500  # characters about one answer
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{0,3}", re.ASCII)

Reply = dict[str, Any]
Code = Literal[
    "frame",
    "origin",
    "session",
    "empty",
    "too_long",
    "too_big",
    "flood",
    "busy",
    "unknown_site",
    "bad_address",
    "bad_mail",
    "no_mail",
    "asked_enough",
    "mail_later",
    "link_gone",
    "gone",
    "no_files",
    "file_type",
    "file_too_big",
    "starting",
]


class RefusedError(Exception):
    """A frame that is not obeyed: why, which of the client's messages, and after how many seconds it may try again."""

    def __init__(self, code: Code, key: str = "", retry_after: float = 0.0) -> None:
        super().__init__(code)
        self.code = code
        self.key = key
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Hello:
    """The browser presents itself: its token, or "" for a new conversation, and the last position it has."""

    token: str = ""
    after: int = 0
    language: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A resident's words. ``id`` is the browser's own and makes a resend harmless."""

    id: str
    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Typing:
    """The resident is writing."""


@dataclass(frozen=True, slots=True)
class Read:
    """The resident has seen everything up to ``position``."""

    position: int


@dataclass(frozen=True, slots=True)
class LeaveAddress:
    """A mail address or telephone number to answer to when the chat is closed."""

    value: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """The resident wants the conversation sent to a mail address; ``language`` is what the mails are in."""

    value: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """Whether the answer at ``position`` helped, and why or why not in the resident's own words, or ""."""

    position: int
    helpful: bool
    words: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """The resident has ended the conversation."""


@dataclass(frozen=True, slots=True)
class Ping:
    """The browser asks whether anybody is there."""


Frame = Hello | Message | Typing | Read | LeaveAddress | Transcript | Rate | End | Ping


_BARE: dict[str, Frame] = {"end": End(), "ping": Ping(), "typing": Typing()}


def parse(raw: str, text_limit: int) -> Frame:
    """Read one frame of the browser's. Raises RefusedError: ``frame`` for what is no frame, else about the text."""
    data = _object(raw)
    match data.get("type"):
        case "hello":
            return Hello(_string(data, "token", MOST_TOKEN), _position(data, "after"), _language(data))
        case "message":
            return message(_string(data, "id", 64), data.get("text"), _language(data), text_limit)
        case "read":
            return Read(_position(data, "position"))
        case "address":
            return LeaveAddress(_string(data, "value", MOST_ADDRESS))
        case "transcript":
            return Transcript(_string(data, "value", MOST_ADDRESS), _language(data))
        case "rate":
            return rate(_position(data, "position"), data.get("helpful"), _string(data, "words", MOST_COMMENT))
        case "end" | "ping" | "typing" as bare:
            return _BARE[bare]
        case _:
            raise RefusedError("frame")


def _object(raw: str) -> dict[str, Any]:
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise RefusedError("frame") from None
    if not isinstance(data, dict):
        raise RefusedError("frame")
    return data


def message(key: str, text: object, language: str, text_limit: int) -> Message:
    """Make a message of what a browser sent. Raises RefusedError: ``frame``, ``empty`` or ``too_long``."""
    if not _CLIENT_ID.fullmatch(key) or not isinstance(text, str):
        raise RefusedError("frame")
    words = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not words.strip("\0"):
        raise RefusedError("empty", key)
    if len(words) > text_limit:
        raise RefusedError("too_long", key)
    return Message(key, words, language)


def rate(position: int, helpful: object, words: str) -> Rate:
    """Make a rating of what a browser sent. Raises RefusedError ``frame``."""
    if not isinstance(helpful, bool):
        raise RefusedError("frame")
    return Rate(position, helpful, words.strip())


def _string(data: Mapping[str, object], name: str, most: int) -> str:
    value = data.get(name) or ""
    if not isinstance(value, str) or len(value) > most:
        raise RefusedError("frame")
    return value


def _position(data: Mapping[str, object], name: str) -> int:
    value = data.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_POSITION:
        raise RefusedError("frame")
    return value


def _language(data: Mapping[str, object]) -> str:
    value = _string(data, "language", 3)
    if not _LANGUAGE.fullmatch(value):
        raise RefusedError("frame")
    return value


def messages(session: str, spoken: Sequence[Spoken], standing: Standing | None = None) -> Reply:
    """Show messages of the thread to the browser, and how it stands when that has changed."""
    shown: Reply = {"type": "messages", "items": [item(session, one) for one in spoken]}
    if standing is not None:
        shown["standing"] = {
            "people": standing.with_people, "ended": standing.ended, "writing": standing.writing,
            "place": standing.place,
        }  # fmt: skip
    return shown


def item(session: str, spoken: Spoken) -> Reply:
    """Show one message. A resident's words go as text only; ``html`` is there when we wrote Markdown."""
    shown: Reply = {
        "position": spoken.position,
        "author": str(spoken.author),
        "name": spoken.author_name,
        "text": spoken.text,
        "at": spoken.at.isoformat(),
    }
    if spoken.markup == "markdown" and spoken.author is not Author.RESIDENT:
        shown["html"] = to_html(spoken.text)
    if spoken.key:
        shown["key"] = spoken.key.removeprefix(f"{session}:")
    if spoken.language:
        shown["language"] = spoken.language
    if spoken.choices:
        shown["choices"] = list(spoken.choices)
        if spoken.asks_why:
            shown["asks_why"] = True
    if spoken.rating:
        shown["rating"] = spoken.rating
    if spoken.forgets:
        shown["forgets"] = True
    if spoken.attachments:
        shown["attachments"] = list(spoken.attachments)
    return shown


def encode(reply: Reply) -> str:
    """Write a frame of ours as compact JSON; lone surrogates stay escaped, so that it is always valid UTF-8."""
    text = json.dumps(reply, ensure_ascii=False, separators=(",", ":"))
    return text if _encodable(text) else json.dumps(reply, separators=(",", ":"))


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
