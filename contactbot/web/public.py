"""What residents see: the municipality's page, the public answers, privacy, and how the bot works."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from contactbot.conversation.trial import Trial, try_out
from contactbot.conversation.understand import Knowledge
from contactbot.house import House
from contactbot.kb import store
from contactbot.kb.entry import Entry
from contactbot.kb.matching import CHOICES_AT
from contactbot.municipality import Municipality
from contactbot.web.about_bot import NAMES, about_bot, opening_hours, ways_in
from contactbot.web.keys import HOUSE
from contactbot.web.residents import Speaking
from contactbot.web.shelves import alphabetic
from contactbot.web.templating import municipality_at, page
from contactbot.wording import language_name

POPULAR_WITHIN: Final = timedelta(days=30)
MOST_POPULAR: Final = 6
LONGEST_SEARCH: Final = 300  # characters
FEW: Final = CHOICES_AT / 3  # probability from which an answer is shown among the likely ones


def routes() -> Iterable[web.AbstractRouteDef]:
    """Return the routes anybody may use."""
    return [
        web.get("/", home),
        web.get("/kommuner", municipalities),
        web.get("/svar", with_slash),
        web.get("/svar/", answers),
        web.get("/svar/{id}", answer),
        web.get("/personvern", privacy),
        web.get("/slik-virker-boten", how_it_works),
        web.get("/slik-virker-boten.json", how_it_works_as_json),
        # The bot's first words lead to these where several municipalities share an installation.
        web.get("/personvern/{municipality}", privacy),
        web.get("/slik-virker-boten/{municipality}", how_it_works),
    ]


async def home(request: web.Request) -> web.StreamResponse:
    """Show the municipality's page: search, what many ask, and every way in."""
    house, town = request.app[HOUSE], _town(request)
    spoken = Speaking(request, town).words
    knowledge = await _knowledge(house, town)
    since = house.clock() - POPULAR_WITHIN
    uses: Mapping[str, int] = await house.database.read(store.uses, town.id, since)
    return _page(
        request, "public/home.html", popular=_popular(knowledge, uses), topics=_topics(knowledge, town, spoken.lang),
        ways=ways_in(house, town), chat=_chat(house, town), opening=town.opening(house.clock(), spoken.lang),
        hours=tuple(opening_hours(house.settings.municipalities[town.id].hours, spoken)),
    )  # fmt: skip


async def answers(request: web.Request) -> web.StreamResponse:
    """Show what a search finds; without one, every answer by topic."""
    house, town = request.app[HOUSE], _town(request)
    spoken = Speaking(request, town).words
    knowledge = await _knowledge(house, town)
    wanted = request.query.get("q", "").strip()[:LONGEST_SEARCH]
    if not wanted:
        topics = _topics(knowledge, town, spoken.lang)
        return _page(request, "public/answers.html", topics=topics, chat=_chat(house, town))
    found = await asyncio.to_thread(try_out, wanted, knowledge, town, house.clock())
    first, more = _found(found, knowledge)
    return _page(
        request, "public/found.html", found=found, first=first, more=more, entries=knowledge.entries,
        acute=found.results[-1].text if found.label == "acute" else "", chat=_chat(house, town),
        ways=ways_in(house, town),
    )  # fmt: skip


async def answer(request: web.Request) -> web.StreamResponse:
    """Show one published answer, whole, in the language asked for."""
    house, town = request.app[HOUSE], _town(request)
    knowledge = await _knowledge(house, town)
    entry = knowledge.entries.get(request.match_info["id"])
    if entry is None:
        raise web.HTTPNotFound
    language = request.query.get("lang", town.main_language)  # a text may be there in one the pages do not speak
    text = entry.text(language, (town.main_language,))
    _, written_at = await house.database.read(store.published, town.id, entry.id)
    return _page(
        request, "public/answer.html", entry=entry, text=text, written_at=written_at,
        related=_related(entry, knowledge), ways=ways_in(house, town),
        chat=_chat(house, town),
    )  # fmt: skip


async def privacy(request: web.Request) -> web.StreamResponse:
    """Show what is done with what residents write."""
    house, town = request.app[HOUSE], _town(request)
    return _page(
        request, "public/privacy.html", about=about_bot(house, town, await _knowledge(house, town)),
        ways=ways_in(house, town), chat="", **_channels(request, town),
    )  # fmt: skip


async def how_it_works(request: web.Request) -> web.StreamResponse:
    """Show how the bot decides."""
    house, town = request.app[HOUSE], _town(request)
    about = about_bot(house, town, await _knowledge(house, town))
    spoken = Speaking(request, town).words
    return _page(
        request, "public/how.html", about=about, chat="", **_channels(request, town),
        hours=tuple(opening_hours(house.settings.municipalities[town.id].hours, spoken)),
        language_name=lambda code: language_name(code, spoken.lang),
    )  # fmt: skip


async def how_it_works_as_json(request: web.Request) -> web.StreamResponse:
    """Tell the same to programs."""
    house, town = request.app[HOUSE], _town(request)
    return web.json_response(about_bot(house, town, await _knowledge(house, town)).as_json())


async def municipalities(request: web.Request) -> web.StreamResponse:
    """List the municipalities that are served, for whoever came to a host that is nobody's."""
    house = request.app[HOUSE]
    ours = urlsplit(house.settings.public_url)
    port = f":{ours.port}" if ours.port else ""
    hosts = {key: house.settings.municipalities[key].host for key in house.municipalities}
    towns = [
        (town.name, f"{ours.scheme}://{hosts[key]}{port}/" if hosts[key] else house.settings.public_url)
        for key, town in house.municipalities.items()
    ]
    return page(request, "public/municipalities.html", towns=sorted(towns, key=lambda town: alphabetic(town[0])))


async def with_slash(_request: web.Request) -> web.StreamResponse:
    """Lead to the list of answers, whose addresses are relative to it."""
    raise web.HTTPPermanentRedirect("/svar/")


def _page(request: web.Request, template: str, **values: Any) -> web.Response:  # noqa: ANN401 - a template's own values
    house, town = request.app[HOUSE], _town(request)
    speaking = Speaking(request, town)
    values |= {"speaking": speaking, "t": speaking.words, "today": _today(house, town), "municipality": town}
    return page(request, template, desk=f"{house.settings.desk_url or ''}/desk", **values)


def _town(request: web.Request) -> Municipality:
    """Return whose page it is: the municipality that the address names, or else the one with the host.

    A host that is nobody's leads to the list, so that no municipality is spoken for by chance.
    """
    key = request.match_info.get("municipality")
    if key is None:
        town = municipality_at(request)
        if town is None:
            raise web.HTTPSeeOther("/kommuner")
        return town
    try:
        return request.app[HOUSE].municipalities[key]
    except KeyError:
        raise web.HTTPNotFound from None


def _today(house: House, town: Municipality) -> date:
    return house.clock().astimezone(town.zone).date()


async def _knowledge(house: House, town: Municipality) -> Knowledge:
    return await house.bases.current(town.id, await house.database.read(store.revision, town.id))


def _channels(request: web.Request, town: Municipality) -> Mapping[str, Any]:
    """Return the channels in use in the page's language, and what each is called there by its name in the papers."""
    spoken = Speaking(request, town).words
    there = dict.fromkeys(spoken[way.channel] for way in ways_in(request.app[HOUSE], town))
    return {"channels": ", ".join(there), "called": {label: spoken[name] for name, label in NAMES.items()}}


def _chat(house: House, town: Municipality) -> str:
    """Return the key of the web chat to embed, "" when there is none."""
    return next((way.link.removeprefix("/chat/") for way in ways_in(house, town) if way.channel == "webchat"), "")


def _popular(knowledge: Knowledge, uses: Mapping[str, int]) -> list[Entry]:
    """Return what was asked most lately; as long as little was, one answer of each topic."""
    asked = [knowledge.entries[name] for name in uses if name in knowledge.entries]
    topics = {entry.topic for entry in asked}
    for entry in knowledge.entries.values():
        if entry.kind == "answer" and entry.topic not in topics:
            asked.append(entry)
            topics.add(entry.topic)
    return asked[:MOST_POPULAR]


def _topics(knowledge: Knowledge, town: Municipality, language: str) -> list[tuple[str, list[Entry]]]:
    """Return the topics in the order of the alphabet, each with its entries."""
    found: dict[str, list[Entry]] = {}
    for entry in knowledge.entries.values():
        found.setdefault(entry.topic, []).append(entry)
    for entries in found.values():
        entries.sort(key=lambda entry: alphabetic(entry.text(language, (town.main_language,)).question))
    return sorted(found.items(), key=lambda pair: (not pair[0], alphabetic(pair[0])))


def _found(found: Trial, knowledge: Knowledge) -> tuple[Entry | None, list[Entry]]:
    """Return the answer when one is sure, and what else comes near."""
    first = next((knowledge.entries[name] for name in found.answered if name in knowledge.entries), None)
    near = [one for one in found.candidates if one.probability >= FEW or first is None]
    more = [knowledge.entries[one.entry_id] for one in near if one.entry_id in knowledge.entries]
    return first, [entry for entry in more if entry is not first]


def _related(entry: Entry, knowledge: Knowledge) -> list[Entry]:
    same = (one for one in knowledge.entries.values() if one.topic == entry.topic and one.id != entry.id)
    return list(same)[:MOST_POPULAR] if entry.topic else []
