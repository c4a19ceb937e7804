"""A widget's line to the server, without a browser around it."""

import json
from typing import Any
from uuid import uuid4

import aiohttp

PATIENCE = 10.0  # seconds


class Browser:
    """One conversation and one message, whose identifiers make saying it twice harmless."""

    def __init__(self, client: aiohttp.ClientSession, url: str, site: str) -> None:
        self.key = str(uuid4())
        self._client = client
        self._site = site
        self._chat = f"{url}/chat/{site}"
        self._origin = url
        self._token = ""

    def at(self, url: str) -> "Browser":
        """Return the same conversation and message on a line to another process, as behind a proxy."""
        other = Browser(self._client, url, self._site)
        other.key, other._token = self.key, self._token
        return other

    async def say(self, text: str) -> None:
        """Say hello and then something; return when it is accepted. Raises ClientError when it is not."""
        async with self._client.ws_connect(f"{self._chat}/ws", headers={"Origin": self._origin}) as line:
            await line.send_json({"type": "hello", "token": self._token, "after": 0})
            self._token = (await _next(line, "ready"))["token"]
            await line.send_json({"type": "message", "id": self.key, "text": text})
            await _next(line, "accepted")

    async def authors(self) -> list[str]:
        """Return who said what a page shows that is opened now; it is empty before anything was said."""
        if not self._token:
            return []
        headers = {"Origin": self._origin, "Authorization": f"Bearer {self._token}"}
        address = f"{self._chat}/messages"
        async with self._client.get(address, params={"after": "0"}, headers=headers) as answer:
            return [item["author"] for item in (await answer.json())["items"]]


async def _next(line: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    while True:
        message = await line.receive(PATIENCE)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise aiohttp.ClientConnectionError(f"the line ended: {message}")
        frame: dict[str, Any] = json.loads(message.data)
        if frame["type"] == kind:
            return frame
        if frame["type"] == "refused":
            raise aiohttp.ClientPayloadError(frame["code"])
