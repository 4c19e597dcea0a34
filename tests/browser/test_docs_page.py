"""The API's page in a real browser: readable on a wide and a narrow screen, and sufficient unto itself."""

from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page

from promoter.entrypoints.docs_page import SECURITY, page
from promoter.entrypoints.prose import PROSE
from tests.browser.contrast import worst_contrast

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def address() -> AsyncGenerator[str]:
    """Where the page is served, with its headers."""

    async def docs(_: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": SECURITY}
        return web.Response(text=page(), content_type="text/html", headers=headers)

    app = web.Application()
    app.router.add_get("/api/docs", docs)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    yield f"http://{host}:{port}/api/docs"
    await runner.cleanup()


async def opened(browser: Browser, address: str, width: int, *, dark: bool = False) -> tuple[Page, list[str]]:
    """The page, and whatever was wrong with it or was loaded besides it."""
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
    )
    found, faults = await context.new_page(), list[str]()
    found.on("console", lambda message: faults.append(message.text))
    found.on("pageerror", lambda error: faults.append(str(error)))
    found.on("request", lambda request: faults.append(request.url) if request.url != address else None)
    answer = await found.goto(address)
    assert answer is not None
    assert answer.status == 200
    return found, faults


@pytest.mark.parametrize("width", [1280, 390])
async def test_it_is_styled_and_fits_the_screen(browser: Browser, address: str, width: int) -> None:
    found, faults = await opened(browser, address, width)
    assert faults == [], "its own policy lets its style in, and it loads nothing"
    display = await found.evaluate("getComputedStyle(document.body).display")
    assert display == ("grid" if width > 800 else "block")
    assert await found.evaluate("document.documentElement.scrollWidth") <= width
    small = await found.evaluate(
        """[...document.querySelectorAll('main *')]
          .filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest('pre'))
          .map((each) => each.outerHTML.slice(0, 80))"""
    )
    assert small == [], "only commands scroll sideways"


async def test_every_call_is_a_click_away(browser: Browser, address: str) -> None:
    found, faults = await opened(browser, address, 1280)
    for name, prose in PROSE.items():
        await found.get_by_role("navigation").get_by_role("link", name=prose.summary, exact=True).click()
        assert (await found.evaluate("location.hash")) == f"#{name}"
        top = await found.evaluate(f"document.getElementById('{name}').getBoundingClientRect().top")
        assert -1 <= top < 900
        assert await found.locator(f"#{name} h3").is_visible()
    await found.locator("summary", has_text="GateReport").click()
    assert await found.locator("#type-GateReport td", has_text="at most 2 KiB").first.is_visible()
    assert [fault for fault in faults if not fault.startswith(address)] == []


@pytest.mark.parametrize("dark", [False, True])
async def test_its_text_stands_out_from_its_paper(browser: Browser, address: str, *, dark: bool) -> None:
    found, _ = await opened(browser, address, 1280, dark=dark)
    assert await worst_contrast(found, "main *, nav *") >= 4.5, "WCAG 2.2, 1.4.3"
