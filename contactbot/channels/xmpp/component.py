"""Our end of an external component (XEP-0114): a whole domain that the server hands to us over a plain local line.

What a server does for a client's account falls to us: who sees our presence, and messages to addresses nobody reads. It
keeps nothing for us either: what is written while we are away comes back to the resident as an error.
"""

from copy import deepcopy
from typing import Any, Final
from xml.etree.ElementTree import Element

import structlog
from slixmpp import ComponentXMPP

from contactbot.channels.xmpp.wire import Gathered

NAMESPACE: Final = "jabber:component:accept"
MOST_WATCHERS: Final = 10_000  # residents who are told when our presence changes; others see it when they log in

log = structlog.get_logger()


class Component(Gathered, ComponentXMPP):
    """slixmpp's component for one address of its domain, ``account`` (a bare JID).

    It lets everybody see our presence, and says again to whoever asks what ``presence_for`` makes for them.
    """

    def __init__(self, account: str, secret: str) -> None:
        super().__init__(account.partition("@")[2], secret)
        self._account = account
        self.watchers: dict[str, None] = {}
        self.enable_direct_tls = False
        # slixmpp's own roster forgets at a restart, and then takes the residents' subscriptions from them.
        self.del_event_handler("presence_subscribe", self._handle_subscribe)
        self.del_event_handler("presence_probe", self._handle_probe)
        self.add_event_handler("presence_subscribe", self._subscribed)
        self.add_event_handler("presence_probe", self._probed)

    def exception(self, exception: Exception) -> None:
        """Log an unforeseen error of slixmpp's without what was said."""
        log.error("xmpp component failed", error=type(exception).__name__)

    def is_ours(self, message: Any) -> bool:  # noqa: ANN401 - slixmpp's stanzas carry no useful types
        """Whether a message is to our address; another one of our domain nobody reads, so it goes back."""
        if message["to"].bare == self._account:
            return True
        if message["type"] != "error":
            refusal = self.make_message(mto=message["from"], mfrom=message["to"], mtype="error")
            refusal["id"] = message["id"]
            refusal["error"]["type"], refusal["error"]["condition"] = "cancel", "item-not-found"
            refusal.send()
        return False

    def _subscribed(self, asked: Any) -> None:  # noqa: ANN401 - see above
        if asked["to"].bare == self._account:
            self.send_presence(pto=asked["from"].bare, pfrom=self._account, ptype="subscribed")
            self._probed(asked)

    def _probed(self, asked: Any) -> None:  # noqa: ANN401 - see above
        if asked["to"].bare != self._account:
            return
        if len(self.watchers) < MOST_WATCHERS:
            self.watchers[asked["from"].bare] = None
        self.event("watched", asked["from"].bare)


def translated(stanza: Element, here: str, there: str) -> Element:
    """Return a copy of a stanza in the other of the two namespaces that say the same."""
    copy = deepcopy(stanza)
    for element in copy.iter():
        if element.tag.startswith(f"{{{here}}}"):
            element.tag = f"{{{there}}}{element.tag.rpartition('}')[2]}"
    return copy
