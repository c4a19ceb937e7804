"""Bytes to text, whatever the sender called them. Pure; never raises."""

import codecs
import re

# Names that senders use and Python does not know, or that mean "I do not know".
_ALIASES = {
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "cp-850": "cp850",
    "cp-1252": "cp1252",
    "win-1252": "cp1252",
    "x-sjis": "shift_jis",
    "ks_c_5601-1987": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "unicode-1-1-utf-7": "utf-7",
}
# Labels under which other encodings are sent so often that the bytes are asked first. The WHATWG Encoding Standard
# reads all of the western ones as windows-1252.
_WESTERN = frozenset({"ascii", "iso8859-1", "cp1252"})
# Text codecs in Python's sense that no mail is written in; some of them take quadratic time.
_REFUSED = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "unicode-escape", "undefined"})
_SURROGATES = re.compile("[\ud800-\udfff]")


def decode(data: bytes, charset: str = "") -> str:
    """Return the text of ``data``: as labelled where that is believable, otherwise as UTF-8 or windows-1252."""
    codec = _codec(charset)
    if codec in _WESTERN or not codec:
        text = _utf8(data)
        return clean(_windows1252(data) if text is None else text)
    try:
        text = data.decode(codec)
    except (UnicodeError, LookupError):
        text = _windows1252(data) if codec == "utf-8" and _mostly_ascii(data) else data.decode(codec, "replace")
    return clean(text)


def clean(text: str) -> str:
    """Drop NUL and replace lone surrogates, which databases and encoders refuse."""
    return _SURROGATES.sub("\ufffd", text).replace("\x00", "")


def decode_escaped(text: str) -> str:
    """Return header text whose 8-bit bytes Python's parser kept as surrogate escapes, as the text that was meant."""
    try:
        return decode(text.encode("ascii", "surrogateescape"))
    except UnicodeError:
        return clean(text)


def _codec(charset: str) -> str:
    name = charset.strip().strip("\"'").lower()[:60]
    name = _ALIASES.get(name, name)
    try:
        found = codecs.lookup(name).name if name.isascii() else ""
    except (LookupError, ValueError):
        return ""
    return "" if found in _REFUSED or not _is_text(found) else found


def _is_text(codec: str) -> bool:
    try:
        b"a".decode(codec, "replace")
    except (LookupError, ValueError):
        return False
    return True


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _windows1252(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:  # the five bytes windows-1252 leaves undefined
        return data.decode("cp1252", "replace")


def _mostly_ascii(data: bytes) -> bool:
    """Few high bytes: a western text under the wrong label rather than a damaged text in another script."""
    high = len(data) - len(data.translate(None, bytes(range(0x80, 0x100))))
    return high * 4 < len(data)
