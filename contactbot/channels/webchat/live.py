"""Lines to browsers: WebSocket, an event stream where that fails, and polling at the last.

Nothing is queued for a browser: each line reads the house's history when it has room, and one frame is under way at a
time. A browser that takes nothing for ``send_timeout`` seconds is dropped; it comes back and asks for what it lacks.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress

from aiohttp import WSCloseCode, WSMsgType, web

from contactbot.brake import Brake
from contactbot.channels.webchat import frames
from contactbot.channels.webchat.exchange import STATUS, Caller, Exchange, Update
from contactbot.channels.webchat.frames import Frame, Hello, RefusedError, Reply
from contactbot.channels.webchat.gate import Gate
from contactbot.channels.webchat.session import Session
from contactbot.channels.webchat.settings import WebchatSettings
from contactbot.channels.webchat.wording import words
from contactbot.messages import Spoken, Standing

HELLO_WITHIN = 10.0  # seconds a socket may be open without saying who it is
FRAMES_AT_ONCE, FRAMES_PER_MINUTE = 60, 240  # of any kind, per socket; a widget sends a tenth of it
BATCH = 50  # messages per frame
HARD_LIMIT = (
    2 * 1024 * 1024
)  # bytes of a frame that is still read, so that it can be refused in words; above it the line is cut
FAREWELL = 2.0  # seconds browsers get to answer our closing when the service stops


class Lines:
    """All open lines of this process."""

    def __init__(self, settings: WebchatSettings, exchange: Exchange, gate: Gate) -> None:
        self._settings = settings
        self._exchange = exchange
        self._gate = gate
        self._per_address: Counter[str] = Counter()
        self._sockets: set[_Socket] = set()
        self._streams: set[asyncio.Task[None]] = set()

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket. Refuses strangers before the upgrade: 404, 403, 429 or 503."""
        try:
            caller = self._gate.caller(request)
            self._gate.admit_socket(request, caller.site)
            self._exchange.running()
            with self._counted(caller):
                return await self._serve(request, caller)
        except RefusedError as error:
            return self._refused(error, self._gate.language(request))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Serve one event stream (WHATWG HTML §9.2) to a token's bearer; from Last-Event-ID or ``after`` on."""
        try:
            caller = self._gate.caller(request)
            self._gate.admit(request, caller.site)
            session = self._exchange.enter(caller, self._gate.bearer(request))
            after = self._gate.after(request)
            self._exchange.running()
            with self._counted(caller):
                return await self._stream(request, session, after)
        except RefusedError as error:
            return self._refused(error, self._gate.language(request))

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Take one frame by POST and answer it, as a socket would."""
        try:
            caller = self._gate.caller(request)
            self._gate.admit(request, caller.site)
            frame = frames.parse(await self._gate.body(request), self._settings.text_limit)
            token = frame.token if isinstance(frame, Hello) else self._gate.bearer(request)
            session = self._exchange.enter(caller, token)
            return web.json_response(await self._exchange.answer(caller, session, frame), headers=_FRESH)
        except RefusedError as error:
            return self._refused(error, self._gate.language(request))

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Take a file by POST (multipart/form-data) from whoever bears a token."""
        language = self._gate.language(request)
        try:
            caller = self._gate.caller(request)
            self._gate.admit(request, caller.site)
            session = self._exchange.enter(caller, self._gate.bearer(request))
            upload = await self._gate.upload(request, self._settings.file_limit)
            accepted = await self._exchange.send_file(caller, session, upload, words(language))
            return web.json_response({"type": "accepted", "position": accepted.position}, headers=_FRESH)
        except RefusedError as error:
            return self._refused(error, language)

    async def poll(self, request: web.Request) -> web.StreamResponse:
        """Return what is new for whoever bears a token."""
        try:
            caller = self._gate.caller(request)
            self._gate.admit(request, caller.site)
            session = self._exchange.enter(caller, self._gate.bearer(request))
            spoken = await self._exchange.history(session.address, self._gate.after(request))
            standing = await self._exchange.standing(session)
            return web.json_response(frames.messages(session.id, spoken, standing), headers=_FRESH)
        except RefusedError as error:
            return self._refused(error, self._gate.language(request))

    async def close(self) -> None:
        """Say goodbye to every browser; they come back by themselves."""
        streams = list(self._streams)
        for stream in streams:
            stream.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                await asyncio.gather(*streams, *(one.leave() for one in list(self._sockets)), return_exceptions=True)

    async def _serve(self, request: web.Request, caller: Caller) -> web.WebSocketResponse:
        line = web.WebSocketResponse(
            heartbeat=self._settings.heartbeat,
            max_msg_size=HARD_LIMIT,
            timeout=self._settings.send_timeout,
            compress=False,  # a deflate window costs more memory per idle browser than all the rest
        )
        await line.prepare(request)
        talk = _Socket(request, line, caller, self._exchange, self._settings)
        self._sockets.add(talk)
        try:
            await talk.run()
        finally:
            self._sockets.discard(talk)
        return line

    async def _stream(self, request: web.Request, session: Session, after: int) -> web.StreamResponse:
        stream = web.StreamResponse(headers={**_FRESH, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        await stream.prepare(request)
        push = asyncio.create_task(self._feed(stream, session, after))
        self._streams.add(push)
        try:
            await self._write(request, stream, ": welcome\n\n")
            while not (await asyncio.wait({push}, timeout=self._settings.heartbeat))[0]:
                await self._write(request, stream, ": beat\n\n")
        except ConnectionError:
            pass  # the browser left
        finally:
            self._streams.discard(push)
            await _end(push)
        return stream

    async def _feed(self, stream: web.StreamResponse, session: Session, after: int) -> None:
        with suppress(ConnectionError, RefusedError, TimeoutError):
            async with aclosing(self._exchange.updates(session, after)) as updates:
                async for update in updates:
                    for batch, standing in _batches(update):
                        data = frames.encode(frames.messages(session.id, batch, standing))
                        named = f"id: {batch[-1].position}\n" if batch else ""
                        async with asyncio.timeout(self._settings.send_timeout):
                            await stream.write(f"{named}data: {data}\n\n".encode())

    async def _write(self, request: web.Request, stream: web.StreamResponse, text: str) -> None:
        try:
            async with asyncio.timeout(self._settings.send_timeout):
                await stream.write(text.encode())
        except TimeoutError:
            _abort(request)
            raise ConnectionResetError from None

    @contextmanager
    def _counted(self, caller: Caller) -> Iterator[None]:
        if self._per_address[caller.address] >= self._settings.lines_per_address:
            raise RefusedError("flood", retry_after=30)
        self._per_address[caller.address] += 1
        try:
            yield
        finally:
            self._per_address[caller.address] -= 1
            if not self._per_address[caller.address]:
                del self._per_address[caller.address]

    def _refused(self, error: RefusedError, language: str) -> web.Response:
        headers = {**_FRESH, "Retry-After": str(round(error.retry_after))} if error.retry_after else _FRESH
        reply = self._exchange.refusal(error, words(language))
        return web.json_response(reply, status=STATUS[error.code], headers=headers)


_FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class _Socket:
    """One WebSocket: a reader (the request's own task) and, after the hello, a task that pushes what is new."""

    def __init__(
        self,
        request: web.Request,
        line: web.WebSocketResponse,
        caller: Caller,
        exchange: Exchange,
        settings: WebchatSettings,
    ) -> None:
        self._request = request
        self._line = line
        self._caller = caller
        self._exchange = exchange
        self._settings = settings
        self._language = caller.site.languages[0]
        self._session: Session | None = None
        self._push: asyncio.Task[None] | None = None
        self._parting = False  # the pushing task is closing the line, and must be let finish
        self._frames = Brake(FRAMES_AT_ONCE, FRAMES_PER_MINUTE, asyncio.get_running_loop().time)

    async def run(self) -> None:
        """Take frames until the line ends."""
        try:
            while not self._line.closed:
                message = await self._line.receive(None if self._session else HELLO_WITHIN)
                if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    return
                await self._take(message.data)
        except TimeoutError:
            await self._close(WSCloseCode.POLICY_VIOLATION, "no hello")
        except ConnectionError:
            return  # the browser left; it asks again for what it lacks
        finally:
            await (asyncio.wait({self._push}) if self._push and self._parting else _end(self._push))

    async def leave(self) -> None:
        """End the line because the service stops."""
        await _end(self._push)
        await self._close(WSCloseCode.GOING_AWAY, "the service stops")

    async def _take(self, raw: str | bytes) -> None:
        if self._frames.wait(""):
            await self._close(WSCloseCode.POLICY_VIOLATION, "too many frames")
            return
        try:
            await self._obey(self._parse(raw))
        except RefusedError as error:
            await self._refuse(error)

    def _parse(self, raw: str | bytes) -> Frame:
        if isinstance(raw, bytes):
            raise RefusedError("frame")
        if len(raw) > self._settings.frame_limit:
            raise RefusedError("too_big")
        return frames.parse(raw, self._settings.text_limit)

    async def _obey(self, frame: Frame) -> None:
        if isinstance(frame, Hello):
            await self._greet(frame)
        elif self._session is None:
            raise RefusedError("session")
        else:
            await self._send(await self._exchange.answer(self._caller, self._session, frame))

    async def _greet(self, hello: Hello) -> None:
        if hello.language in self._caller.site.languages:
            self._language = hello.language
        session = self._exchange.enter(self._caller, hello.token)
        await self._send(self._exchange.ready(self._caller, session, self._language))
        self._session = session
        await _end(self._push)
        self._push = asyncio.create_task(self._feed(session, hello.after))

    async def _feed(self, session: Session, after: int) -> None:
        try:
            async with aclosing(self._exchange.updates(session, after)) as updates:
                async for update in updates:
                    for batch, standing in _batches(update):
                        await self._send(frames.messages(session.id, batch, standing))
        except ConnectionError:
            return
        except RefusedError:
            self._parting = True
            await self._close(WSCloseCode.TRY_AGAIN_LATER, "busy")

    async def _refuse(self, error: RefusedError) -> None:
        await self._send(self._exchange.refusal(error, words(self._language)))

    async def _send(self, reply: Reply) -> None:
        try:
            async with asyncio.timeout(self._settings.send_timeout):
                await self._line.send_str(frames.encode(reply))
        except TimeoutError:
            _abort(self._request)
            raise ConnectionResetError from None

    async def _close(self, code: WSCloseCode, reason: str) -> None:
        with suppress(ConnectionError):
            await self._line.close(code=code, message=reason.encode())


def _batches(update: Update) -> Iterator[tuple[Sequence[Spoken], Standing | None]]:
    """Part an update into frames; how the conversation stands is told with the last of them."""
    last = max(0, (len(update.spoken) - 1) // BATCH)
    for number in range(last + 1):
        yield update.spoken[number * BATCH : (number + 1) * BATCH], update.standing if number == last else None


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _end(task: "asyncio.Task[None] | None") -> None:
    """Cancel a task of ours and wait for it."""
    if task is not None and task is not asyncio.current_task():
        task.cancel()
        await asyncio.wait({task})
