"""Pictures of a message, fetched from Twilio's API."""

import re
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from contactbot.channels.sms.provider import NotAnsweredError
from contactbot.messages import Attachment

MOST_BYTES: Final = 5_000_000  # Twilio's own limit for one picture
NAME_LENGTH: Final = 40
PIECE: Final = 65_536
OK: Final = 200


async def download(session: aiohttp.ClientSession, url: str, api_url: str, authorization: str) -> Attachment:
    """Fetch one picture; raises NotAnsweredError.

    Only from the API's own host, since the address came from outside. From there Twilio redirects to its store of
    files; aiohttp takes the credentials off on the way to another host.
    """
    if urlsplit(url)[:2] != urlsplit(api_url)[:2]:
        raise NotAnsweredError("a picture lies on a host that is not the API's; it is not fetched")
    try:
        async with session.get(url, headers={"Authorization": authorization}) as answer:
            if answer.status != OK:
                raise NotAnsweredError(f"a picture could not be fetched (HTTP {answer.status})")
            content = await _read(answer.content)
            return Attachment(_name(url, answer.content_type), answer.content_type, content)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise NotAnsweredError(f"a picture could not be fetched ({type(error).__name__})") from error


async def _read(stream: aiohttp.StreamReader) -> bytes:
    content = bytearray()
    async for piece in stream.iter_chunked(PIECE):
        content += piece
        if len(content) > MOST_BYTES:
            raise NotAnsweredError(f"a picture is larger than {MOST_BYTES} bytes")
    return bytes(content)


def _name(url: str, media_type: str) -> str:
    stem = re.sub(r"[^A-Za-z0-9-]", "", urlsplit(url).path.rpartition("/")[2])[:NAME_LENGTH] or "picture"
    ending = re.sub(r"[^a-z0-9]", "", media_type.partition("/")[2].partition("+")[0])
    return f"{stem}.{ending}" if ending else stem
