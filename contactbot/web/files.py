"""Originals and attachments: always a download, in a sandbox, so that nothing residents sent can run in our pages."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from aiohttp import web

from contactbot.errors import ConflictError, NotFoundError
from contactbot.handoff import originals
from contactbot.masking import mask
from contactbot.staff.member import Role
from contactbot.storage import blobs
from contactbot.threads.originals.store import Kept
from contactbot.web.casework import form_of
from contactbot.web.desk import Draft, actor, number_of, show, wanted
from contactbot.web.inbox import Wanted
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.security import SANDBOX
from contactbot.web.sign_in import requires
from contactbot.web.templating import municipality_of

SUFFIX: Final = {"message/rfc822": "eml", "application/json": "json", "text/xml": "xml", "text/plain": "txt"}
BINARY: Final = "application/octet-stream"  # whatever the sender said it was: no browser shall interpret it


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the routes that give bytes."""
    ticket = "/raw/tickets/{number:[0-9]{1,12}}/messages/{message:[0-9]{1,12}}"
    return [
        web.post(f"{ticket}/original", original),
        web.get(f"{ticket}/files/{{sha256:[0-9a-f]{{64}}}}", attachment),
    ]


@requires(Role.STAFF)
async def original(request: web.Request) -> web.StreamResponse:
    """Give the raw copy of a message to whoever says why; that they did is noted in the same transaction."""
    form, number, message = await form_of(request), number_of(request), int(request.match_info["message"])
    reason = mask(form.get("reason", ""), municipality_of(request, request[MEMBER]).place).text
    try:
        kept: Kept = await request.app[HOUSE].database.write(
            originals.open_original, number, message, reason, actor(request)
        )
    except ConflictError:
        asked = wanted(request)
        problem = "Skriv hvorfor du trenger å se originalen. Det blir stående i historikken."
        return await show(request, Wanted(asked.view, asked.search, number), draft=Draft(problem=problem), status=422)
    name = f"sak-{number}-melding-{message}.{SUFFIX.get(kept.media_type, 'bin')}"
    return await _give(request, kept, name)


@requires(Role.STAFF)
async def attachment(request: web.Request) -> web.StreamResponse:
    """Give an attachment of a case; who took it is noted in the same transaction."""
    kept: Kept = await request.app[HOUSE].database.write(
        originals.open_attachment, number_of(request), int(request.match_info["message"]),
        request.match_info["sha256"], actor(request),
    )  # fmt: skip
    return await _give(request, kept, kept.name or "vedlegg")


async def _give(request: web.Request, kept: Kept, name: str) -> web.Response:
    content: bytes = await request.app[HOUSE].database.read(blobs.read, request[MEMBER].municipality, kept.sha256)
    if len(content) != kept.size:
        raise NotFoundError(f"the bytes of {kept.sha256} are not all there")
    headers = {
        "Content-Disposition": _disposition(name),
        "Content-Security-Policy": SANDBOX,
        "Content-Type": BINARY,
        "X-Frame-Options": "DENY",
    }
    return web.Response(body=content, headers=headers)


def _disposition(name: str) -> str:
    """Return the header that makes a download of it, with the name in both forms (RFC 6266 §4.3, RFC 8187)."""
    flat = name.replace("\\", "_").replace("/", "_")
    plain = "".join(
        letter if letter.isascii() and letter.isprintable() and letter not in '"%;' else "_" for letter in flat
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(flat, safe='', errors='replace')}"
