"""Whether a foreign page lets the chat in is told as browsers judge it, with the words that are missing."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from contactbot import checking
from contactbot.channels.webchat.embedding import Chat, ForeignPage, findings, parse
from contactbot.settings import from_values
from tests.channels.house import doorway

OURS = "https://kontakt.fjordvik.example"
SITE = "https://www.fjordvik.example"
CHAT = Chat(OURS, {"fjordvik": [SITE]})
TAG = f'<script src="{OURS}/chat/embed.js" data-site="fjordvik" async></script>'


def wrong(
    *policies: str, html: str = TAG, url: str = f"{SITE}/", embedder: str = "", chat: Chat = CHAT
) -> Sequence[str]:
    return [one.text for one in findings(ForeignPage(url, policies, html, embedder), chat) if one.level != "ok"]


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "img-src 'none'",
        f"default-src 'self' {OURS}",
        f"script-src {OURS}; frame-src {OURS}; default-src 'none'",
        f"script-src {OURS}/chat/embed.js; child-src {OURS}/chat/",
        "script-src https:; frame-src *",
        "script-src https://*.fjordvik.example; frame-src kontakt.fjordvik.example:443",
        f"script-src 'none'; script-src-elem {OURS}; frame-src http://kontakt.fjordvik.example",
        f"SCRIPT-SRC {OURS.upper()}; Frame-Src {OURS}",
    ],
)
def test_a_policy_that_browsers_let_the_chat_through_is_fine(policy: str) -> None:
    assert wrong(policy) == []


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (f"script-src 'self'; frame-src {OURS}", [f"`script-src 'self' {OURS}`"]),
        (f"script-src {OURS}; frame-src 'none'", [f"`frame-src {OURS}`"]),
        ("default-src 'self'", [f"`script-src 'self' {OURS}`", f"`frame-src 'self' {OURS}`"]),
        (f"script-src {OURS}; child-src 'self'", [f"`child-src 'self' {OURS}`"]),
        (f"script-src {OURS}/annet/; frame-src {OURS}", [f"`script-src {OURS}/annet/ {OURS}`"]),
        (f"script-src {OURS}:8443; frame-src {OURS}", [f"`script-src {OURS}:8443 {OURS}`"]),
        (f"script-src https://*.kontakt.fjordvik.example; frame-src {OURS}", ["`script-src https://*.kontakt"]),
        (f"script-src 'nonce-abc'; frame-src {OURS}", ["must bear the page's nonce"]),
        (f"script-src {OURS} 'strict-dynamic'; frame-src {OURS}", ["'strict-dynamic'"]),
        (f"sandbox allow-forms; script-src {OURS}; frame-src {OURS}", ["`sandbox`"]),
    ],
)
def test_the_missing_directive_is_named_with_what_to_write(policy: str, said: Sequence[str]) -> None:
    found = wrong(policy)
    assert len(found) == len(said)
    assert all(part in text for part, text in zip(said, found, strict=True))


def test_each_of_several_policies_must_let_the_chat_in_those_in_the_page_too() -> None:
    meta = f'<meta http-equiv="Content-Security-Policy" content="frame-src \'self\'">{TAG}'
    assert len(wrong(f"script-src {OURS}", "script-src 'self'", html=meta)) == 2


def test_what_else_keeps_the_chat_out_is_said() -> None:
    assert "`sites`" in wrong(url="https://andre.example/")[0]
    assert "TLS" in wrong(chat=Chat("http://kontakt.fjordvik.example", {"fjordvik": [SITE]}))[0]
    assert "Cross-Origin-Embedder-Policy" in wrong(embedder="require-corp")[0]
    assert 'data-site="nabovik"' in wrong(html=TAG.replace('fjordvik" async', 'nabovik" async'))[0]


def test_a_plain_link_works_whatever_the_policy() -> None:
    last = findings(ForeignPage(f"{SITE}/", ["default-src 'none'"], ""), CHAT)[-1]
    assert (last.level, f"{OURS}/chat/fjordvik" in last.text) == ("ok", True)


@given(st.text())
def test_any_policy_and_any_page_are_read(text: str) -> None:
    assert findings(ForeignPage(f"{SITE}/", [text], text), CHAT)
    assert all(name == name.lower() for name in parse(text))


async def test_the_page_is_fetched_and_judged(tmp_path: Path) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(
            text=TAG, content_type="text/html", headers={"Content-Security-Policy": "script-src 'self'"}
        )

    async with doorway() as site:
        await site.mount([web.get("/", page)])
        account = {"site": "fjordvik", "municipality": "fjordvik", "sites": [site.url]}
        settings = from_values(
            {
                "public_url": OURS,
                "data": tmp_path,
                "secret": "a secret that is long enough for tests",
                "municipalities": {"fjordvik": {"name": "Fjordvik kommune"}},
                "channels": {"webchat": {"accounts": [account]}},
            },
            "the test's configuration",
        )
        found = [one.text for one in await checking.embed(settings, site.url) if one.level == "error"]
        assert len(found) == 1
        assert f"`script-src 'self' {OURS}`" in found[0]
        missing = await checking.embed(settings, f"{site.url}/borte")
        assert [one.level for one in missing] == ["error"]
        nobody = await checking.embed(settings, "http://127.0.0.1:1/")
        assert "could not be fetched" in nobody[0].text
