"""Staff sign in with name and password; a session lasts a working day, and only the hash of its token is kept.

The cookie carries 256 random bits. Over TLS its name begins with ``__Host-`` (RFC 6265bis §4.1.3.2), so no other host
and no plain connection can set it.
"""

import hashlib
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote, urlsplit

import structlog
from aiohttp import web

from contactbot.house import House
from contactbot.staff import password, store
from contactbot.staff.member import ATTEMPT_WINDOW, ATTEMPTS, SESSION_LIFE, Member, Role
from contactbot.storage.transaction import Transaction
from contactbot.web import security
from contactbot.web.keys import HOUSE, MEMBER
from contactbot.web.security import Handler
from contactbot.web.templating import page

log = structlog.get_logger()

PATH: Final = "/sign-in"
OUT: Final = "/sign-out"
HOME: Final = "/desk"
OFFICER: Final = "/privacy"  # the home of who works on no cases
TOKEN_BYTES: Final = 32
LONGEST_PASSWORD: Final = 1024  # characters; hashing more would be a way to keep us busy
TOUCH: Final = timedelta(minutes=1)  # a session in use is noted at most this often
ATTEMPTS_OF_ADDRESS: Final = 50  # wrong passwords from one network address, where many may sit behind one
ADDRESSES: Final = 10_000  # remembered at a time
NOT_WRITTEN: Final = frozenset({"_method", "key", "kept", "seen", "then"})  # fields that our pages fill in
QUIET: Final = "Contactbot-Live"  # header of requests that a page makes by itself: they keep no session alive


class Brake:
    """Counts wrong passwords by network address, in memory: a restart forgets, the count by name stays."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, deque[datetime]] = OrderedDict()

    def holds(self, address: str, now: datetime) -> bool:
        """Say whether the address must wait."""
        times = self._failures.get(address, deque())
        while times and times[0] <= now - ATTEMPT_WINDOW:
            times.popleft()
        return len(times) >= ATTEMPTS_OF_ADDRESS

    def failed(self, address: str, now: datetime) -> None:
        """Note a wrong password."""
        self._failures.setdefault(address, deque(maxlen=ATTEMPTS_OF_ADDRESS)).append(now)
        self._failures.move_to_end(address)
        while len(self._failures) > ADDRESSES:
            self._failures.popitem(last=False)


class Touches:
    """When each session was last noted as in use."""

    def __init__(self) -> None:
        self._noted: OrderedDict[str, datetime] = OrderedDict()

    def due(self, token_hash: str, now: datetime) -> bool:
        """Say whether it is time to note it again, and take it as noted."""
        noted = self._noted.get(token_hash)
        if noted is not None and now - noted < TOUCH:
            return False
        self._noted[token_hash] = now
        self._noted.move_to_end(token_hash)
        while len(self._noted) > ADDRESSES:
            self._noted.popitem(last=False)
        return True


BRAKE = web.AppKey("brake", Brake)
TOUCHES = web.AppKey("touches", Touches)


def install(app: web.Application) -> None:
    """Add the routes and what they remember."""
    app[BRAKE] = Brake()
    app[TOUCHES] = Touches()
    app.add_routes(routes())


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the routes of signing in and out."""
    return [web.get(PATH, show), web.post(PATH, sign_in), web.post(OUT, sign_out)]


def requires(role: Role) -> Callable[[Handler], Handler]:
    """Let only members with this role, or a higher one, reach a handler; ``request[MEMBER]`` is who asks.

    Others are led to the sign-in; what somebody had written in a form is shown to them, never thrown away.
    """

    def guard(handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            member = request.get(MEMBER)
            if member is None:
                return await _ask_to_sign_in(request)
            if not member.may(role):
                if request.path == HOME and member.may(Role.PRIVACY):
                    raise web.HTTPSeeOther(OFFICER)
                raise web.HTTPForbidden
            return await handler(request)

        guarded.role = role  # type: ignore[attr-defined]  # by this a test knows that no door is left open
        return guarded

    return guard


@web.middleware
async def recognised(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who asks for a page of staff."""
    if security.is_staff_only(request.path):
        member = await member_of(request, by_hand=QUIET not in request.headers)
        if member is not None:
            request[MEMBER] = member
    return await handler(request)


async def member_of(request: web.Request, *, by_hand: bool = True) -> Member | None:
    """Return who the request's cookie belongs to, while their session lasts; only what is done by hand keeps it."""
    house, token = request.app[HOUSE], request.cookies.get(cookie_name(request))
    if not token:
        return None
    now, token_hash = house.clock(), _hash(token)
    member: Member | None = await house.database.read(store.member_of_session, token_hash, now)
    if member is None or member.municipality not in house.municipalities:
        return None
    if by_hand and request.app[TOUCHES].due(token_hash, now):
        await house.database.write(store.touch_session, token_hash, now)
    return member


async def show(request: web.Request) -> web.StreamResponse:
    """Show the form, or lead on somebody who has signed in."""
    if request.get(MEMBER) is not None:
        raise web.HTTPSeeOther(_onwards(request.query.get("next", "")))
    return _form(request, "", request.query.get("next", ""))


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Check name and password; both wrong names and wrong passwords take the same time and get the same words."""
    house, form = request.app[HOUSE], await request.post()
    email, given, onwards = (str(form.get(name, "")) for name in ("email", "password", "next"))
    address = security.client_address(request)
    if request.app[BRAKE].holds(address, house.clock()) or not await _admitted(house, email):
        log.warning("too many wrong passwords", address=address)
        return _form(request, email, onwards, "brake", status=429)
    staff = await _checked(house, email, given)
    if staff is None:
        request.app[BRAKE].failed(address, house.clock())
        return _form(request, email, onwards, "wrong", status=422)
    response = web.HTTPSeeOther(_onwards(onwards))
    await _begin(request, response, staff, email)
    raise response


async def sign_out(request: web.Request) -> web.StreamResponse:
    """End the session, here and in the store."""
    token = request.cookies.get(cookie_name(request), "")
    await request.app[HOUSE].database.write(store.end_session, _hash(token))
    response = web.HTTPSeeOther(f"{PATH}?out=1")
    response.del_cookie(cookie_name(request), path="/", secure=_secure(request), httponly=True, samesite="Lax")
    raise response


def cookie_name(request: web.Request) -> str:
    """Return the cookie's name: with the prefix that pins it to this host wherever there is TLS."""
    return "__Host-contactbot" if _secure(request) else "contactbot"


async def _admitted(house: House, email: str) -> bool:
    return bool(await house.database.write(_count_attempt, email, house.clock()))


def _count_attempt(tx: Transaction, email: str, at: datetime) -> bool:
    """Count an attempt before its password is looked at, so that many at once do not slip through."""
    if store.failures(tx, email, at) >= ATTEMPTS:
        return False
    store.note_attempt(tx, email, at, False)  # noqa: FBT003 - a unit's arguments are positional
    return True


async def _checked(house: House, email: str, given: str) -> int | None:
    found = await house.database.read(store.password_of, email)
    staff, kept = found or (None, password.nobody())
    right = await password.matches(given[:LONGEST_PASSWORD], kept)
    return staff if right else None


async def _begin(request: web.Request, response: web.HTTPSeeOther, staff: int, email: str) -> None:
    """Open a session under a fresh token and end the one the browser had (session fixation, OWASP ASVS 7.2.4)."""
    house = request.app[HOUSE]
    token, now = secrets.token_urlsafe(TOKEN_BYTES), house.clock()
    old = request.cookies.get(cookie_name(request), "")
    await house.database.write(_open, staff, email, _hash(token), _hash(old), now)
    response.set_cookie(
        cookie_name(request), token, path="/", max_age=int(SESSION_LIFE.total_seconds()), secure=_secure(request),
        httponly=True, samesite="Lax",
    )  # fmt: skip


def _open(tx: Transaction, staff: int, email: str, token_hash: str, old_hash: str, at: datetime) -> None:
    store.end_session(tx, old_hash)
    store.open_session(tx, staff, token_hash, at, at + SESSION_LIFE)
    store.note_attempt(tx, email, at, True)  # noqa: FBT003 - a unit's arguments are positional


async def _ask_to_sign_in(request: web.Request) -> web.StreamResponse:
    here = f"{PATH}?next={quote(request.path_qs, safe='')}"
    if request.headers.get("HX-Request") or request.headers.get(QUIET):
        return web.Response(status=401, headers={"HX-Redirect": PATH})
    if request.method in security.SAFE_METHODS:
        raise web.HTTPSeeOther(here)
    return page(request, "signed_out.html", status=401, text=_written(await request.post()))


def _written(form: Mapping[str, object]) -> str:
    """Return what somebody wrote in a form: its text, or of a form with many fields every one of them."""
    fields = {name: value for name, value in form.items() if isinstance(value, str) and value.strip()}
    if "text" in fields:
        return fields["text"]
    return "\n\n".join(f"{name}: {value}" for name, value in fields.items() if name not in NOT_WRITTEN)


def _form(request: web.Request, email: str, onwards: str, problem: str = "", *, status: int = 200) -> web.Response:
    minutes = int(ATTEMPT_WINDOW.total_seconds() // 60)
    return page(
        request, "sign_in.html", status=status, email=email, onwards=onwards, problem=problem, minutes=minutes,
        signed_out="out" in request.query,
    )  # fmt: skip


def _onwards(wanted: str) -> str:
    """Return a path of ours to go on to; addresses of others are never followed."""
    if not wanted.isprintable() or "\\" in wanted:  # browsers drop tabs and line ends, and read \ as /
        return HOME
    parts = urlsplit(wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith("//") and not parts.netloc
    return wanted if is_ours and security.is_staff_only(parts.path) and parts.path not in (PATH, OUT) else HOME


def _secure(request: web.Request) -> bool:
    return security.is_secure(request.app[HOUSE].settings)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
