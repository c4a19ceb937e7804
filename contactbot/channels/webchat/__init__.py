"""Web chat: a widget that belongs to the municipality, on a line that forgets nothing.

``settings`` what an operator says · ``session`` signed names of conversations · ``frames`` the protocol, pure ·
``gate`` what is read of a request first · ``origin`` who may talk to us · ``brake`` how often ·
``exchange`` one frame into the house · ``live`` WebSocket, event stream and polling ·
``pages`` the page, with and without JavaScript · ``assets`` script, style and crest ·
``theme`` colours anyone can read · ``wording`` what the widget itself says.
"""

from contactbot.channels.webchat.channel import WebchatChannel

__all__ = ["WebchatChannel"]
