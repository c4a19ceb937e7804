"""The conversation to keep: as a text file, or by mail to whoever has shown that the address is theirs."""

from collections.abc import Sequence

from aiohttp import web

from contactbot.channels.base import Surroundings
from contactbot.channels.webchat.assets import display_name
from contactbot.channels.webchat.exchange import Caller, Exchange
from contactbot.channels.webchat.frames import RefusedError
from contactbot.channels.webchat.gate import Gate
from contactbot.channels.webchat.notices import Notice, NoticePages
from contactbot.channels.webchat.wording import clock, who, words
from contactbot.markdown import to_plain
from contactbot.messages import MailText, Spoken
from contactbot.wording.words import Words


class Transcripts:
    """Gives conversations to those who had them."""

    def __init__(self, surroundings: Surroundings, exchange: Exchange, gate: Gate, notices: NoticePages) -> None:
        self._surroundings = surroundings
        self._exchange = exchange
        self._gate = gate
        self._notices = notices

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Give the conversation as a text file, to whoever bears its token or has it in the address."""
        try:
            caller = self._gate.caller(request)
            self._gate.admit(request, caller.site)
            session = self._exchange.enter(caller, request.match_info.get("token") or self._gate.bearer(request))
            spoken = await self._exchange.history(session.address, 0)
        except RefusedError as error:
            return self._notices.refused(request, error)
        site = caller.site
        text = self._written(caller, words(self._gate.language(request)), spoken)
        day = self._surroundings.clock().astimezone(self._exchange.zone(site)).date()
        headers = {
            "Content-Disposition": f'attachment; filename="chat-{site.site}-{day}.txt"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        return web.Response(text=text, content_type="text/plain", charset="utf-8", headers=headers)

    async def landing(self, request: web.Request) -> web.StreamResponse:
        """Show what the link of a mail is for. Only its button sends: guards of mailboxes follow links too."""
        try:
            caller = self._gate.caller(request)
            await self._exchange.wanted(caller, request.match_info["key"])
        except RefusedError as error:
            return self._notices.refused(request, error)
        said = words(self._gate.language(request))
        return self._notices.show(said, Notice(said["link_title"], said["link_ask"], button=said["link_button"]))

    async def send(self, request: web.Request) -> web.StreamResponse:
        """Send the conversation to the address whose mail the link was in."""
        said = words(self._gate.language(request))
        try:
            caller = self._gate.caller(request)
            self._gate.admit(request, caller.site)
            session = await self._exchange.wanted(caller, request.match_info["key"])
            text = self._written(caller, said, await self._exchange.history(session, 0))
            subject = said.say("transcript_title", title=display_name(caller.site, self._surroundings))
            await self._exchange.send_transcript(caller, request.match_info["key"], MailText(subject, text, said.lang))
        except RefusedError as error:
            return self._notices.refused(request, error)
        return self._notices.show(said, Notice(said["link_done_title"], said["link_done"]))

    def _written(self, caller: Caller, said: Words, spoken: Sequence[Spoken]) -> str:
        head = said.say("transcript_title", title=display_name(caller.site, self._surroundings))
        lines = [self._line(caller, said, one) for one in spoken] or [said["transcript_empty"]]
        return "\n\n".join([head, *lines]) + "\n"

    def _line(self, caller: Caller, said: Words, spoken: Spoken) -> str:
        at = spoken.at.astimezone(self._exchange.zone(caller.site))
        text = to_plain(spoken.text) if spoken.markup == "markdown" else spoken.text
        choices = "".join(f"\n- {label}" for label in spoken.choices)
        return f"{at:%d.%m.%Y} {clock(at, said)} {who(spoken, said)}:\n{text}{choices}"
