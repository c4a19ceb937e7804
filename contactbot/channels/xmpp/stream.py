"""One XML stream to the server, from its connection to its end: what goes over it, and whether it arrived.

A stream is never used again, but the session under it may be resumed by the next (XEP-0198 section 5): residents do not
see us leave, and what the server had not acknowledged, such as receipts, is sent again under the same ids. What came in
meanwhile the archive tells, resumed or not.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

import structlog
from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from contactbot.channels.xmpp.archive import MAM, PAGE, Page, page
from contactbot.channels.xmpp.component import NAMESPACE, Component, translated
from contactbot.channels.xmpp.errors import (
    DisplacedError,
    ExpiredError,
    LoginError,
    StreamLostError,
    UnreachableError,
    UntrustedError,
    XmppError,
)
from contactbot.channels.xmpp.reading import CARBONS, CHAT_STATES, CLIENT, MARKERS, RECEIPTS, Bounced
from contactbot.channels.xmpp.settings import AccountSettings
from contactbot.channels.xmpp.wire import Gathered

ACK_REQUEST = "<r xmlns='urn:xmpp:sm:3'/>"  # XEP-0198; as text it keeps its place behind the stanza it asks about
DIRECT_TLS_PORT = 5223
STARTTLS_PORT = 5222  # RFC 6120 section 14.7
COMPONENT_PORT = 5347  # where servers expect components by custom; XEP-0114 names none
PRIORITY = 127  # the highest (RFC 6121 section 4.7.2.3): no other client of the account can take messages from us
ANSWER_SECONDS = 30.0  # the longest wait for the server's answer to a question
FAREWELL_SECONDS = 1.0  # the longest wait for the server's closing tag

log = structlog.get_logger()


class _Client(Gathered, ClientXMPP):
    """slixmpp's client, whose own unforeseen errors are logged without what was said."""

    def exception(self, exception: Exception) -> None:
        log.error("xmpp client failed", error=type(exception).__name__)


@dataclass(frozen=True, slots=True)
class Presence:
    """What residents who have us among their contacts see: whether people are there, in words by language."""

    people: bool
    sentences: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Session:
    """What the next stream needs to resume a session: its id, the counts both ways, and what may not have arrived."""

    id: str
    handled: int
    acknowledged: int
    sent: int
    unacknowledged: tuple[tuple[int, Any], ...]


class Stream:
    """One stream of one account.

    ``on_message`` is called with each message stanza as it comes in, in order. ``lost`` is done when the stream has
    ended, with the error that says why. ``archived`` tells whether the server keeps an archive for the account,
    ``resumed`` whether it took up the ``earlier`` session. Making it raises UntrustedError when the account's
    ``ca_file`` cannot be read.
    """

    def __init__(
        self,
        account: AccountSettings,
        resource: str,
        title: str,
        on_message: Callable[[Element], None],
        earlier: Session | None = None,
    ) -> None:
        self._account = account
        self._on_message = on_message
        self._opening: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[XmppError] = asyncio.get_running_loop().create_future()
        self.archived = self.resumed = False
        self._unacknowledged: dict[str, asyncio.Future[Bounced | None]] = {}
        self._managed = False
        self._asked = False  # for an acknowledgement, in this turn of the loop
        self._last_failure: object = None
        self._condition = ""
        self._presence: Presence | None = None
        # slixmpp's events and plugins carry no useful types.
        self._client: Any = self._component(title) if account.component else self._made(resource, title, earlier)

    async def open(self, seconds: float) -> None:
        """Connect, prove both sides' identity, log in, and see what the server offers; presence is not shown yet.

        Raises UnreachableError, UntrustedError or LoginError, or StreamLostError when the server hung up.
        """
        try:
            async with asyncio.timeout(seconds):
                self._client.connect(*self._address())
                await self._or_lost(self._opening)
                self.archived = await self._has_archive()
                await self._ask_for_copies()
        except TimeoutError:
            raise UnreachableError(
                f"{self._account.jid}: no login within {seconds:g} s; is the server up, and host and port right?"
            ) from None

    def show_presence(self, presence: Presence) -> None:
        """Say that we are here, and whether people are: from now on messages come in live."""
        self._presence = presence
        if not self._account.component:
            self._say_presence(presence)
            return
        for watcher in self._client.watchers:
            self._say_presence(presence, watcher)

    def send(self, stanza: Element) -> None:
        """Send without waiting: receipts and refusals, which may get lost. Does nothing when the stream has ended."""
        if self.lost.done():
            return
        if self._account.component:
            stanza = translated(stanza, CLIENT, NAMESPACE)
            stanza.set("from", self._account.jid)
        self._client.send(self._client.Message(xml=stanza))

    async def deliver(self, stanza: Element, seconds: float) -> Bounced | None:
        """Send and return None once the server took the stanza, or the error by which it came back at once.

        Raises StreamLostError when the stream ended or stayed silent for ``seconds``; it is closed then, and the
        server may or may not have the stanza.
        """
        key = stanza.get("id", "")
        taken = self._unacknowledged[key] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                self.send(stanza)
                return await self._acknowledged(key, taken)
        except TimeoutError:
            raise self._silent(f"the server acknowledged nothing within {seconds:g} s") from None
        finally:
            self._unacknowledged.pop(key, None)

    def bounced(self, bounced: Bounced) -> bool:
        """Tell ``deliver`` that its stanza came back; False when nobody waits for it any more."""
        taken = self._unacknowledged.get(bounced.key)
        if taken is None or taken.done():
            return False
        taken.set_result(bounced)
        return True

    async def page(self, after: str = "", start: datetime | None = None, resident: str = "") -> Page:
        """Return the archive's messages after an id, since a moment, with a resident; all or some of these.

        Raises ExpiredError when the archive no longer knows ``after``, StreamLostError when it does not answer.
        """
        paging = {"max": PAGE} | ({"after": after} if after else {})
        try:
            query = self._client.plugin["xep_0313"].retrieve(
                start=start, with_jid=resident or None, rsm=paging, timeout=ANSWER_SECONDS
            )
            answer = await self._or_lost(query)
        except IqError as error:
            if error.condition == "item-not-found":
                raise ExpiredError(f"{self._account.jid}: the archive no longer knows the last message") from None
            raise self._silent(f"the archive answered {error.condition}") from None
        except IqTimeout:
            raise self._silent("the archive did not answer") from None
        return page((result.xml for result in answer["mam"]["results"]), answer.xml, self._account.jid)

    async def ping(self) -> None:
        """Return when the server answers (XEP-0199). Raises StreamLostError when it does not."""
        try:
            await self._or_lost(self._client.plugin["xep_0199"].send_ping(self._domain, timeout=ANSWER_SECONDS))
        except IqError:
            return  # an answer too
        except IqTimeout:
            raise self._silent("the server did not answer a ping") from None

    def session(self) -> Session | None:
        """Return what the next stream may resume; None where nothing was promised, or somebody took our place."""
        if self._account.component or not self._managed or isinstance(_error(self.lost), DisplacedError):
            return None
        managed = self._client.plugin["xep_0198"]
        unacknowledged = tuple(managed.unacked_queue)
        return managed.sm_id and Session(managed.sm_id, managed.handled, managed.last_ack, managed.seq, unacknowledged)

    async def close(self) -> None:
        """Say goodbye and end the stream, within about ``FAREWELL_SECONDS``."""
        client = self._client
        client.cancel_connection_attempt()
        if client.is_connected():
            await client.disconnect(wait=FAREWELL_SECONDS, ignore_send_queue=self.lost.done())
            client.abort()
        self._fail(StreamLostError(f"{self._account.jid}: we closed the stream"))
        for event in list(client.scheduled_events):
            client.cancel_schedule(event)
        sender = client._run_out_filters  # noqa: SLF001 - slixmpp has no public way to end its sending task
        if sender is not None:
            sender.cancel()
            await asyncio.wait({sender})

    # What slixmpp tells

    def _made(self, resource: str, title: str, earlier: Session | None) -> _Client:
        account = self._account
        client: Any = _Client(
            f"{account.jid}/{resource}", account.password.get_secret_value(), ssl_context=_trust(account)
        )
        client.enable_plaintext = False
        client.enable_direct_tls = account.direct_tls or not account.host
        client.enable_starttls = not account.direct_tls
        client.auto_authorize, client.auto_subscribe = True, False
        for plugin, options in _PLUGINS.items():
            client.register_plugin(plugin, options)
        if earlier is not None:
            managed = client.plugin["xep_0198"]
            managed.sm_id, managed.handled = earlier.id, earlier.handled
            managed.last_ack, managed.seq = earlier.acknowledged, earlier.sent
            managed.unacked_queue.extend(earlier.unacknowledged)
        self._introduce(client.plugin["xep_0030"], title)
        for event, handler in self._handlers().items():
            client.add_event_handler(event, handler)
        client.register_handler(Callback("contactbot", MatchXPath(f"{{{CLIENT}}}message"), self._hear))
        return client  # type: ignore[no-any-return] # made as Any for the reason above

    def _component(self, title: str) -> Component:
        account = self._account
        client: Any = Component(account.jid, account.password.get_secret_value())
        for plugin in ("xep_0030", "xep_0199"):
            client.register_plugin(plugin, _PLUGINS[plugin])
        self._introduce(client.plugin["xep_0030"], title)
        for event, handler in self._handlers().items():
            client.add_event_handler(event, handler)
        client.add_event_handler("session_start", self._negotiated)
        client.add_event_handler("watched", self._watched)
        client.register_handler(Callback("contactbot", MatchXPath(f"{{{NAMESPACE}}}message"), self._hear))
        return client  # type: ignore[no-any-return] # made as Any for the reason above

    @staticmethod
    def _introduce(disco: Any, title: str) -> None:  # noqa: ANN401 - a plugin without useful types
        disco.add_identity(category="client", itype="bot", name=title)
        for feature in (RECEIPTS, CHAT_STATES, MARKERS):
            disco.add_feature(feature)

    def _handlers(self) -> dict[str, Callable[[Any], None]]:
        return {
            "stream_negotiated": self._negotiated,
            "sm_enabled": self._on_managed,
            "session_resumed": self._on_resumed,
            "stanza_acked": self._on_ack,
            "connection_failed": self._note_failure,
            "reconnect_delay": self._unreachable,
            "ssl_invalid_chain": self._untrusted,
            "failed_all_auth": self._refused,
            "stream_error": self._note_condition,
            "disconnected": self._ended,
        }

    def _hear(self, message: Any) -> None:  # noqa: ANN401 - see above
        if not self._account.component:
            self._on_message(message.xml)
        elif self._client.is_ours(message):
            self._on_message(translated(message.xml, NAMESPACE, CLIENT))

    def _watched(self, watcher: str) -> None:
        if self._presence is not None:
            self._say_presence(self._presence, watcher)

    def _negotiated(self, _event: Any) -> None:  # noqa: ANN401 - see above
        if not self._opening.done():
            self._opening.set_result(None)

    def _on_managed(self, _event: Any) -> None:  # noqa: ANN401 - see above
        self._managed = True

    def _on_resumed(self, _event: Any) -> None:  # noqa: ANN401 - see above
        self._managed = self.resumed = True
        self._negotiated(None)

    def _on_ack(self, stanza: Any) -> None:  # noqa: ANN401 - see above
        taken = self._unacknowledged.get(stanza["id"])
        if taken is not None and not taken.done():
            taken.set_result(None)

    def _note_failure(self, reason: Any) -> None:  # noqa: ANN401 - see above
        self._last_failure = reason

    def _unreachable(self, _wait: Any) -> None:  # noqa: ANN401 - see above
        """Every address was tried once; when to try again is not slixmpp's to decide."""
        self._client.cancel_connection_attempt()
        if isinstance(self._last_failure, ssl.SSLCertVerificationError):
            self._untrusted(self._last_failure)
        else:
            self._fail(UnreachableError(f"{self._account.jid}: no server answers ({self._last_failure})"))

    def _untrusted(self, error: Any) -> None:  # noqa: ANN401 - see above
        self._fail(
            UntrustedError(
                f"{self._account.jid}: the server's certificate is not trusted ({error}); "
                "set ca_file to its authority, or correct the certificate's names"
            )
        )

    def _refused(self, _event: Any) -> None:  # noqa: ANN401 - see above
        self._fail(LoginError(f"{self._account.jid}: the server refuses the login; check jid and password"))

    def _note_condition(self, error: Any) -> None:  # noqa: ANN401 - see above
        self._condition = error["condition"]

    def _ended(self, reason: Any) -> None:  # noqa: ANN401 - see above
        if isinstance(reason, ssl.SSLCertVerificationError):
            self._untrusted(reason)
        if self._condition == "not-authorized":
            self._refused(reason)
        if self._condition == "conflict":
            self._fail(DisplacedError(f"{self._account.jid}: another client logged in under our full address"))
        self._fail(StreamLostError(f"{self._account.jid}: the stream ended ({self._condition or reason or 'closed'})"))

    def _fail(self, error: XmppError) -> None:
        """Note the first reason; whoever waits for the stream hears it."""
        if not self.lost.done():
            self.lost.set_result(error)

    # What we ask

    async def _acknowledged(self, key: str, taken: "asyncio.Future[Bounced | None]") -> Bounced | None:
        """Wait until the server says it has all we sent: by XEP-0198, else because it answers in order."""
        if self._managed:
            self._ask_soon()
        else:
            await self.ping()
            self._on_ack({"id": key})
        bounced: Bounced | None = await self._or_lost(taken)
        return bounced

    def _ask_soon(self) -> None:
        """Ask once for all that is sent in this turn of the loop."""
        if not self._asked:
            self._asked = True
            asyncio.get_running_loop().call_soon(self._ask)

    def _ask(self) -> None:
        self._asked = False
        self._client.send(ACK_REQUEST)

    def _say_presence(self, presence: Presence, watcher: str | None = None) -> None:
        away = None if presence.people else "away"
        ours = self._account.jid if self._account.component else None
        shown = self._client.make_presence(pshow=away, ppriority=PRIORITY, pto=watcher, pfrom=ours)
        for language, sentence in presence.sentences.items():
            shown[f"status|{language}"] = sentence
        shown.send()

    async def _has_archive(self) -> bool:
        if self._account.component:
            return False  # an archive belongs to an account
        disco = self._client.plugin["xep_0030"]
        try:
            info = await self._or_lost(
                asyncio.ensure_future(disco.get_info(jid=self._account.jid, cached=False, timeout=ANSWER_SECONDS))
            )
        except (IqError, IqTimeout):
            return False
        return MAM in info["disco_info"]["features"]

    async def _ask_for_copies(self) -> None:
        """Have the server copy to us what comes to other clients of the account (XEP-0280), where it can."""
        if self._account.component:
            return
        wish = self._client.make_iq_set(sub=Element(f"{{{CARBONS}}}enable"))
        with suppress(IqError, IqTimeout):
            await self._or_lost(asyncio.ensure_future(wish.send(timeout=ANSWER_SECONDS)))

    async def _or_lost(self, answer: "asyncio.Future[Any]") -> Any:  # noqa: ANN401 - slixmpp's stanza
        try:
            await asyncio.wait({answer, self.lost}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            raise self.lost.result()
        finally:
            answer.cancel()

    def _silent(self, what: str) -> XmppError:
        self._fail(StreamLostError(f"{self._account.jid}: {what}"))
        return self.lost.result()

    def _address(self) -> tuple[str, int] | tuple[()]:
        account = self._account
        if not account.host:
            return ()
        if account.component:
            return account.host, account.port or COMPONENT_PORT
        return account.host, account.port or (DIRECT_TLS_PORT if account.direct_tls else STARTTLS_PORT)

    @property
    def _domain(self) -> str:
        return self._account.jid.partition("@")[2]


_PLUGINS: dict[str, dict[str, Any]] = {
    "xep_0030": {},  # what we are and can
    "xep_0198": {"window": 2**32},  # we ask for acknowledgements ourselves, not every few stanzas
    "xep_0199": {},  # ping
    "xep_0313": {},  # the archive
}


def _error(lost: "asyncio.Future[XmppError]") -> XmppError | None:
    return lost.result() if lost.done() else None


def _trust(account: AccountSettings) -> ssl.SSLContext:
    """Trust the account's own authority and no other, or else the system's."""
    try:
        return ssl.create_default_context(cafile=account.ca_file)
    except OSError as error:
        raise UntrustedError(f"{account.jid}: ca_file {account.ca_file} cannot be read as PEM ({error})") from None


def quieten() -> None:
    """Keep slixmpp's own log quiet: it quotes what was said, and what matters reaches us as events."""
    logging.getLogger("slixmpp").setLevel(logging.CRITICAL)
