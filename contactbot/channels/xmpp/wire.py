"""How stanzas reach the socket: those of one turn of the event loop together.

slixmpp writes each stanza by itself: a TLS record, a system call, and one more for the server to read it.
"""

import asyncio
from typing import Any

from slixmpp.xmlstream.xmlstream import NotConnectedError


class Gathered:
    """What is mixed into slixmpp's streams so that they write once in a turn of the loop."""

    transport: Any

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - slixmpp's own
        self._written: list[bytes] = []
        super().__init__(*arguments, **options)

    def send_raw(self, data: str | bytes) -> None:
        """Have the text of a stanza written when this turn of the loop is over. Raises NotConnectedError."""
        if self.transport is None:
            raise NotConnectedError
        if not self._written:
            asyncio.get_running_loop().call_soon(self._write)
        self._written.append(data.encode() if isinstance(data, str) else data)

    def _write(self) -> None:
        written, self._written = self._written, []
        if self.transport is not None:
            self.transport.write(b"".join(written))
