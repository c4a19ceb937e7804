"""What is read of a request before anything is done: which chat, who asks, from where, and how much they send."""

from aiohttp import BodyPartReader, web

from contactbot.channels.base import Surroundings
from contactbot.channels.webchat import origin
from contactbot.channels.webchat.exchange import Caller, Upload
from contactbot.channels.webchat.frames import MOST_POSITION, RefusedError
from contactbot.channels.webchat.settings import Site, WebchatSettings
from contactbot.channels.webchat.wording import COMPLETE

MOST_FIELDS = 16  # of a form; ours have at most six
CHUNK = 16_384  # bytes read at a time


class Gate:
    """Reads requests by the settings. All methods raise RefusedError for what they do not let through."""

    def __init__(self, settings: WebchatSettings, surroundings: Surroundings) -> None:
        self.public_origin = origin.origin_of(surroundings.public_url)
        self._sites = {site.site: site for site in settings.accounts}
        self._frame_limit = settings.frame_limit
        self._proxies = settings.proxies()

    def caller(self, request: web.Request) -> Caller:
        """Return which chat is meant and the network address that asks."""
        site = self._sites.get(request.match_info["site"])
        if site is None:
            raise RefusedError("unknown_site")
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", ()))
        return Caller(site, origin.caller(request.remote, forwarded, self._proxies))

    def known(self, site: Site) -> tuple[str, ...]:
        """Return the origins from which this chat may be used."""
        return (self.public_origin, *site.sites)

    def admit_socket(self, request: web.Request, site: Site) -> None:
        """Let a WebSocket through when its page is one of ours: browsers always name it (RFC 6455 §10.2)."""
        if not origin.allowed(request.headers.get("Origin"), request.host, self.known(site)):
            raise RefusedError("origin")

    def admit(self, request: web.Request, site: Site) -> None:
        """Let a request through unless a foreign page made it."""
        if not origin.may_post(request.headers, request.host, self.known(site)):
            raise RefusedError("origin")

    async def body(self, request: web.Request) -> str:
        """Read a small body as UTF-8."""
        if (request.content_length or 0) > self._frame_limit:
            raise RefusedError("too_big")
        body = bytearray()
        async for chunk in request.content.iter_chunked(CHUNK):
            body += chunk
            if len(body) > self._frame_limit:
                raise RefusedError("too_big")
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise RefusedError("frame") from None

    async def upload(self, request: web.Request, most: int) -> Upload:
        """Read a form with one file of at most ``most`` bytes (multipart/form-data, RFC 7578)."""
        if not most:
            raise RefusedError("no_files")
        if request.content_type != "multipart/form-data":
            raise RefusedError("frame")
        if (request.content_length or 0) > most + self._frame_limit:
            raise RefusedError("file_too_big")
        fields: dict[str, str] = {}
        name, content = "", b""
        try:
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader) or part.name is None or len(fields) >= MOST_FIELDS:
                    raise RefusedError("frame")
                if part.filename is None:
                    fields[part.name] = (await self._part(part, self._frame_limit)).decode()
                else:
                    name, content = part.filename, await self._part(part, most)
        except ValueError:  # no boundary, a broken part, or no UTF-8
            raise RefusedError("frame") from None
        return Upload(fields, name, content)

    async def _part(self, part: BodyPartReader, most: int) -> bytes:
        body = bytearray()
        while chunk := await part.read_chunk(CHUNK):
            body += chunk
            if len(body) > most:
                raise RefusedError("file_too_big")
        return bytes(body)

    def bearer(self, request: web.Request) -> str:
        """Return the token a request bears (RFC 6750 §2.1)."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise RefusedError("session")
        return token.strip()

    def after(self, request: web.Request) -> int:
        """Return the last position the browser has."""
        text = request.headers.get("Last-Event-ID") or request.query.get("after", "0")
        if not text.isascii() or not text.isdigit() or len(text) > len(str(MOST_POSITION)):
            raise RefusedError("frame")
        return min(int(text), MOST_POSITION)

    def language(self, request: web.Request) -> str:
        """Return the language to refuse in."""
        site = self._sites.get(request.match_info["site"])
        chosen = request.query.get("lang", "")
        if site is None:
            return chosen if chosen in COMPLETE else COMPLETE[0]
        return chosen if chosen in site.languages else site.languages[0]
