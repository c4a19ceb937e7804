"""A line to a server that can be cut, at once or just before the server's answer gets through."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

PIECE = 65_536  # bytes


@dataclass(slots=True)
class Wire:
    """Carries connections from ``port`` to the server's port ``to``.

    Once the server says ``fatal``, both ends are cut and the client never hears it; then it is forgotten.
    """

    to: int
    port: int = 0
    fatal: bytes = b""
    _server: asyncio.Server | None = None
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)
    _running: set["asyncio.Task[None]"] = field(default_factory=set)

    async def up(self) -> None:
        """Listen, if it does not yet; always on the same port."""
        if self._server is not None and self._server.is_serving():
            return
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Refuse connections, and cut those there are."""
        if self._server is not None:
            self._server.close()
        for end in list(self._ends):
            end.transport.abort()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        ends = {writer}
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self.to)
            ends.add(to_server)
            self._ends |= ends
            await asyncio.gather(self._copy(reader, to_server), self._copy(from_server, writer, is_server=True))
        except OSError:
            return  # either side hung up
        finally:
            for end in ends:
                end.transport.abort()
            self._ends -= ends
            self._running.discard(task)

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_server: bool = False
    ) -> None:
        while piece := await reader.read(PIECE):
            if is_server and self.fatal and self.fatal in piece:
                self.fatal = b""
                raise ConnectionResetError
            writer.write(piece)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()


@asynccontextmanager
async def wire(to: int) -> AsyncIterator[Wire]:
    """Have a line to a server until the block ends."""
    line = Wire(to)
    await line.up()
    try:
        yield line
    finally:
        await line.down()
