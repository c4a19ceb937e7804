"""Debian's Chromium, driven by Playwright, and axe to look for barriers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped] # the package has no types
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.parts import program
from tests.patience import PATIENCE

FLAGS = [
    "--headless",
    "--no-sandbox",  # the tests may run as root in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# WCAG 2.2 at level AA with all that it builds on, and axe's own advice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start a browser and end it with the block."""
    path = program("chromium", "chromium")
    expect.set_options(timeout=PATIENCE * 1000)  # milliseconds
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


# What fades in has half its contrast meanwhile. What goes round for ever is not waited for.
_STILL = """() => Promise.allSettled(
    document.getAnimations()
        .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
        .map((one) => one.finished))"""


async def barriers(page: Page) -> list[str]:
    """Return what axe finds wrong with a page and the frames in it, one line each: rule, help and where."""
    for frame in page.frames:
        await frame.evaluate(_STILL)
    results = await Axe().run(
        page, options={"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": RULES}}
    )
    return [
        f"{violation['id']}: {violation['help']} at {node['target']} {node['failureSummary']}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]
