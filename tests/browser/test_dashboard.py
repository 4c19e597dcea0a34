"""The dashboard in a real browser, over the app's true answers: what it shows, and does on bad days."""

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, expect

from promoter.adapters.settings import Access, Auth
from promoter.application.ports import ImportStatus, Progress
from promoter.domain.access import Role
from tests.browser.contrast import worst_contrast
from tests.browser.days import CHECKOUT, busy
from tests.browser.site import Site, serve
from tests.fakes.world import World
from tests.unit.entrypoints.principals import signed_in
from tests.unit.entrypoints.running import run_over

pytestmark = pytest.mark.asyncio(loop_scope="module")
type Look = Callable[..., Awaitable[Page]]
ENVIRONMENTS, RETRY = "environments", {"Retry-After": "10"}
EVIL = '"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'


@pytest_asyncio.fixture(loop_scope="module")
async def site() -> AsyncGenerator[Site]:
    """The app, served."""
    site = Site()
    runner = await serve(site)
    yield site
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="module")
async def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A busy day, in the app that is served."""
    world = await busy()
    run_over(world, monkeypatch)
    return world


async def settled(page: Page) -> None:
    """Wait until the page has its answers."""
    await page.evaluate("page.asking")


class Faults(list[str]):
    """Whatever was wrong with a page, or was loaded from elsewhere."""


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest_asyncio.fixture(loop_scope="module")
async def look(browser: Browser, site: Site, faults: Faults) -> AsyncGenerator[Look]:
    """Open the dashboard, at the world's time."""
    contexts: list[BrowserContext] = []

    async def opened(
        world: World, *, width: int = 1400, dark: bool = False, address: str = "", zone: str = "UTC"
    ) -> Page:
        context = await browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            timezone_id=zone,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text))
        page.on(
            "request",
            lambda sent: None if sent.url.startswith((site.address, "data:")) else faults.append(sent.url),
        )
        await page.clock.install(time=world.clock.now())
        await page.goto(f"{site.address}dashboard{address}")
        await settled(page)
        return page

    yield opened
    for each in contexts:
        await each.close()


async def test_it_shows_what_runs_where_since_when_and_by_whom(look: Look, world: World) -> None:
    page = await look(world)
    lines = page.get_by_role("table", name="What runs where")
    assert await lines.get_by_role("columnheader").all_inner_texts() == ["Repository", "staging", "prod"]
    row = lines.get_by_role("row").filter(has=page.get_by_role("rowheader", name=CHECKOUT))
    [staging, prod] = await row.get_by_role("cell").all_inner_texts()
    current = (await world.line("prod", repository=CHECKOUT)).current
    assert current is not None
    assert (
        re.sub(r"\s+", " ", prod) == f"v1.0.0 {current.digest[:19]} 14:56 24 min. ago by Ann on hold 1 vetoed"
    )
    assert "v1.1.0" in staging
    assert "by Promoter" in staging
    assert await page.title() == "1 failed, 2 on hold - Promoter"


async def test_it_shows_what_waits_and_for_what_what_runs_and_what_failed_and_why(
    look: Look, world: World
) -> None:
    page = await look(world)
    waits = page.get_by_role("region", name="Waiting").get_by_role("listitem")
    api = waits.filter(has=page.get_by_role("heading", name="shop/api:v2.0.0 to prod"))
    await expect(api).to_contain_text("Refused: gate integration-tests in staging failed at")
    await api.get_by_text("conditions are met").click()
    await expect(api).to_contain_text("Met: has not been rolled back")
    retried = waits.filter(has=page.get_by_role("heading", name="shop/search:v1.2.0 to staging"))
    await expect(retried).to_contain_text("Qualifies 15:22")
    going = page.get_by_role("region", name="Under way")
    await expect(going).to_contain_text("shop/web:v2.1.0 to staging")
    attention = page.get_by_role("region", name="Needs a look")
    await expect(attention).to_contain_text("the role is missing")
    await expect(attention).to_contain_text("load test until Friday")
    await expect(page.get_by_role("link", name="1 failed")).to_be_visible()


async def test_a_failure_that_was_mended_needs_no_look(look: Look, world: World) -> None:
    await world.run(timedelta(minutes=3))
    page = await look(world)
    await expect(page.get_by_role("region", name="Ended lately")).to_contain_text("the role is missing")
    await expect(page.get_by_role("region", name="Needs a look")).not_to_contain_text("the role is missing")


async def test_times_are_the_readers_own_and_utc_on_hover(look: Look, world: World) -> None:
    page = await look(world, zone="America/New_York")
    since = page.get_by_role("region", name="Needs a look").get_by_role("time").nth(2)
    assert (await since.inner_text()).startswith("09:56")
    assert await since.get_attribute("title") == "2026-11-23 14:56:08 UTC"
    held = page.get_by_role("region", name="Waiting").get_by_text("staging is on hold since 10:")
    await expect(held).to_be_visible()
    await page.clock.run_for(3_700_000)
    assert "1 hr. ago" in await since.inner_text()


async def test_a_record_is_a_link_away_by_keyboard_too(look: Look, world: World, faults: Faults) -> None:
    page = await look(world)
    link = page.get_by_role("table", name="What runs where").get_by_role("link", name="v1.0.0").first
    await link.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    record = world.records("prod", repository=CHECKOUT)[0]
    assert await page.evaluate("decodeURIComponent(location.hash)") == f"#record/{record.id}"
    await expect(dialog).to_contain_text(record.digest)
    await expect(dialog).to_contain_text("promoter unhold shop/checkout --in prod")
    assert await page.evaluate("document.activeElement.closest('dialog') !== null")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    assert await page.evaluate("location.hash") == ""
    await expect(link).to_be_focused()
    assert faults == []


async def test_a_records_address_opens_it_and_an_unknown_one_says_so(look: Look, world: World) -> None:
    page = await look(world, address="#record/prod~shop%3Aweb~1.main")
    await expect(page.get_by_role("dialog")).to_contain_text("is not a promotion record's id")
    record = world.records("prod")[0]
    await page.evaluate(f"location.hash = '#record/' + encodeURIComponent('{record.id}')")
    await expect(page.get_by_role("dialog")).to_contain_text(record.digest)
    await page.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("dialog")).to_be_hidden()


async def test_a_filter_leaves_the_repositories_that_are_wanted(look: Look, world: World) -> None:
    page = await look(world)
    await page.get_by_label("Repository").fill("check")
    rows = page.get_by_role("table", name="What runs where").get_by_role("rowheader")
    assert await rows.all_inner_texts() == [CHECKOUT]
    await expect(page.get_by_role("link", name="0 failed")).to_be_visible()
    await expect(page.get_by_role("region", name="Waiting")).to_contain_text("Nothing waits.")


# What came in is text.


def doctored(value: object) -> object:
    """Whatever is free text anywhere in a document, as an attacker would have it."""
    match value:
        case dict():
            kept = {
                "kind",
                "phase",
                "state",
                "outcome",
                "digest",
                "environment",
                "id",
                "record",
                "since",
                "track",
            }
            return {
                name: each if name in kept or name.endswith("At") or name == "at" else doctored(each)
                for name, each in value.items()
            }
        case list():
            return [doctored(each) for each in value]
        case str():
            return EVIL
        case _:
            return value


async def test_whatever_came_in_is_shown_as_the_text_it_is(
    look: Look, site: Site, world: World, faults: Faults
) -> None:
    async def evil(request: web.Request) -> web.Response | None:
        answer = await site.of_app(request)
        if answer.content_type != "application/json":
            return answer
        document = doctored(json.loads(answer.text or ""))
        return web.json_response(document, headers={"ETag": '"evil"'})

    site.instead = evil
    page = await look(world)
    await expect(page.get_by_role("region", name="Waiting")).to_contain_text(f"{EVIL}:{EVIL} to prod")
    await expect(page.get_by_role("region", name="Needs a look")).to_contain_text(EVIL)
    await expect(page.get_by_role("table", name="What runs where")).to_contain_text(EVIL)
    await page.get_by_role("region", name="Ended lately").get_by_role("link").first.click()
    await expect(page.get_by_role("dialog")).to_contain_text(EVIL)
    counts = await page.evaluate("[document.images.length, document.scripts.length, String(window.pwned)]")
    assert counts == [0, 1, "undefined"]
    assert faults == [], "the content security policy had nothing to stop"


async def test_a_verdicts_address_is_a_link_only_where_it_leads_to_the_web(
    look: Look, site: Site, world: World
) -> None:
    async def linked(request: web.Request) -> web.Response | None:
        answer = await site.of_app(request)
        if request.path != "/api/candidates":
            return answer
        document = json.loads(answer.text or "")
        urls = ("javascript:alert(1)", "https://ci.example/runs/1")
        for condition, url in zip(document["items"][0]["decision"]["conditions"], urls, strict=False):
            condition |= {"state": "pending", "evidence": {"url": url}}
        return web.json_response(document)

    site.instead = linked
    waiting = (await look(world)).get_by_role("region", name="Waiting")
    await expect(waiting.get_by_text("javascript:alert(1)")).to_be_visible()
    links = await waiting.get_by_role("link").evaluate_all("all => all.map((each) => each.href)")
    assert links == ["https://ci.example/runs/1"]


# Asking, again and again.


async def test_what_has_not_changed_is_neither_sent_nor_shown_again(
    look: Look, site: Site, world: World, faults: Faults
) -> None:
    world.registry.finish_late()
    await world.run()
    page = await look(world)
    table = page.get_by_role("table", name="What runs where")
    await table.evaluate("each => { each.dataset.same = 'yes' }")
    for _ in range(2):
        await page.clock.run_for(17_000)
        await settled(page)
    assert site.statuses(ENVIRONMENTS) == [200, 304, 304]
    assert set(site.statuses("candidates")[1:]) == set(site.statuses("promotions")[1:]) == {304}
    assert site.statuses("health/details") == [200]
    assert await table.get_attribute("data-same") == "yes"
    await world.push("v9", repository="shop/new")
    await page.clock.run_for(20_000)
    await expect(page.get_by_role("region", name="Waiting")).to_contain_text("shop/new:v9 to staging")
    assert faults == []


async def test_it_asks_often_only_while_something_is_under_way(look: Look, site: Site, world: World) -> None:
    page = await look(world)
    await expect(page.get_by_role("region", name="Under way")).to_contain_text("importing")
    for _ in range(5):
        before = len(site.statuses(ENVIRONMENTS))
        await page.clock.run_for(3_500)
        await settled(page)
        assert len(site.statuses(ENVIRONMENTS)) == before + 1


async def test_nobody_is_asked_for_a_page_that_nobody_looks_at(look: Look, site: Site, world: World) -> None:
    page = await look(world)
    await expect(page.get_by_role("link", name="1 failed")).to_be_visible()
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true})"
    told = "document.dispatchEvent(new Event('visibilitychange'))"
    await page.evaluate(f"{hide % 'true'}; {told}")
    before = len(site.asked)
    await page.clock.run_for(600_000)
    assert len(site.asked) == before
    await page.evaluate(f"{hide % 'false'}; {told}")
    await page.clock.run_for(1_000)
    await settled(page)
    assert len(site.asked) > before
    await page.evaluate(hide % "true")  # while it waits for an answer
    await page.clock.run_for(4_000)
    await settled(page)
    before = len(site.asked)
    await page.clock.run_for(600_000)
    assert len(site.asked) == before


async def test_what_one_was_at_stays_when_something_changes(look: Look, world: World) -> None:
    page = await look(world)
    waiting = page.get_by_role("region", name="Waiting")
    await waiting.get_by_text("conditions are met").first.click()
    link = page.get_by_role("region", name="Under way").get_by_role("link")
    await link.focus()
    await world.push("v9", repository="shop/new")
    await page.clock.run_for(5_000)
    await expect(waiting).to_contain_text("shop/new:v9")
    await expect(waiting.locator("details[open]")).to_have_count(1)
    await expect(link).to_be_focused()


async def test_long_lists_are_read_to_their_end(look: Look, site: Site, world: World) -> None:
    async def by_pages(request: web.Request) -> web.Response | None:
        if request.path != f"/api/{ENVIRONMENTS}":
            return None
        is_second = request.query.get("cursor") == "a+b=="
        whole = json.loads((await site.of_app(request, query={})).text or "")
        items = [each for each in whole["items"] if is_second is (each["environment"] == "prod")]
        return web.json_response({"items": items, "cursor": None if is_second else "a+b=="})

    site.instead = by_pages
    lines = (await look(world)).get_by_role("table", name="What runs where")
    await expect(lines.get_by_role("columnheader")).to_have_text(["Repository", "staging", "prod"])
    await expect(lines.get_by_role("row").nth(1).get_by_role("cell").nth(1)).to_contain_text("v1.1.0")
    await expect(lines).not_to_contain_text("nothing")


async def test_more_may_be_under_way_than_a_page_of_records_has(look: Look, site: Site, world: World) -> None:
    async def crowded(request: web.Request) -> web.Response | None:
        if request.path != f"/api/{ENVIRONMENTS}":
            return None
        whole = json.loads((await site.of_app(request)).text or "")
        whole["items"][0]["inFlight"] = 6
        return web.json_response(whole)

    site.instead = crowded
    page = await look(world)
    await expect(page.get_by_role("link", name="7 under way")).to_be_visible()
    await expect(page.get_by_role("region", name="Under way")).to_contain_text("6 more: promoter history")


# Bad days.


async def test_an_api_that_does_not_answer_is_told_backed_off_from_and_told_of_again(
    look: Look, site: Site, world: World
) -> None:
    page = await look(world)
    await expect(page.get_by_role("link", name="1 failed")).to_be_visible()

    async def down(request: web.Request) -> web.Response | None:
        return web.Response(status=503, text='{"detail": "the storage does not answer"}', headers=RETRY)

    site.instead = down
    await page.clock.run_for(4_000)
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("Promoter cannot answer")
    await expect(alert).to_contain_text("The storage does not answer.")
    await expect(alert).to_contain_text("What is shown below is from 15:21")
    await expect(page.get_by_text("Next try in 10 s")).to_be_visible()
    await expect(page.get_by_role("table", name="What runs where")).to_contain_text("v1.1.0")
    asked = len(site.statuses(ENVIRONMENTS))
    await page.clock.run_for(8_000)
    assert len(site.statuses(ENVIRONMENTS)) == asked, "it was told to wait"
    pauses = []
    for _ in range(5):
        await page.get_by_role("button", name="Try now").click()
        await settled(page)
        pauses.append(await page.locator("#again").inner_text())
    assert [int(re.findall(r"\d+", each)[0]) for each in pauses] == [12, 24, 48, 60, 60]
    site.instead = None
    await page.clock.run_for(70_000)
    await expect(alert).to_be_empty()
    await expect(page.get_by_role("status")).to_have_text("Promoter answers again.")


async def test_no_connection_at_all_is_told_too(look: Look, site: Site, world: World) -> None:
    page = await look(world)
    await page.context.set_offline(True)
    await page.clock.run_for(4_000)
    await expect(page.get_by_role("alert")).to_contain_text("Promoter does not answer")


async def test_problems_of_the_settings_are_listed(
    look: Look, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_over(world, monkeypatch, ["rules[0].to: there is no environment 'qa'"])
    page = await look(world)
    await expect(page.get_by_role("alert")).to_contain_text("rules[0].to: there is no environment 'qa'")


async def test_where_nothing_has_happened_it_says_what_to_do_first(
    look: Look, monkeypatch: pytest.MonkeyPatch, faults: Faults
) -> None:
    world = World()
    run_over(world, monkeypatch)
    page = await look(world)
    empty = page.get_by_role("region", name="Nothing has come through here yet")
    await expect(empty).to_contain_text("python -m emulator push")
    await expect(page.get_by_role("region", name="Waiting")).to_be_hidden()
    await world.push("v1")
    await page.clock.run_for(20_000)
    await expect(page.get_by_role("region", name="Waiting")).to_contain_text("shop/web:v1 to staging")
    await expect(empty).to_be_hidden()
    assert faults == []


# Who looks.


async def test_with_keys_it_asks_for_one_and_keeps_it_out_of_every_address(
    look: Look, site: Site, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_over(world, monkeypatch, access=Access(Auth.KEYS))

    async def keyed(request: web.Request) -> web.Response | None:
        is_open = request.path == "/api/dashboard" or request.headers.get("x-functions-key") == "s3cret"
        return None if is_open else web.Response(status=401)

    site.instead = keyed
    page = await look(world)
    field = page.get_by_label("A key of the Functions app")
    await field.fill("wrong")
    await page.get_by_role("button", name="Look").click()
    await expect(page.get_by_role("alert")).to_contain_text("The key that was given opens nothing here.")
    await field.fill("s3cret")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("table", name="What runs where")).to_be_visible()
    await expect(field).to_be_hidden()
    kept = await page.evaluate(
        "[location.href, document.cookie, localStorage.length, document.body.innerText]"
    )
    assert "s3cret" not in json.dumps([kept, site.asked])
    assert kept[2] == 0
    await page.reload()
    await expect(page.get_by_role("table", name="What runs where")).to_be_visible()
    await page.get_by_role("button", name="Forget the key").click()
    await expect(field).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0


async def test_with_entra_it_leads_to_the_platforms_sign_in_and_back(
    look: Look, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_over(world, monkeypatch, access=Access(Auth.ENTRA, platform=True))
    page = await look(world, address="#record/x")
    await expect(page.get_by_text("Nothing is shown yet")).to_be_visible()
    await expect(page.get_by_label("Repository")).to_be_hidden()
    link = page.get_by_role("link", name="Sign in with Microsoft")
    back = "%2Fapi%2Fdashboard%23record%2Fx"
    assert await link.get_attribute("href") == f"/.auth/login/aad?post_login_redirect_uri={back}"
    await expect(page.get_by_label("A key of the Functions app")).to_be_hidden()


async def test_who_is_no_longer_signed_in_keeps_what_was_shown(look: Look, site: Site, world: World) -> None:
    page = await look(world)
    await expect(page.get_by_role("link", name="1 failed")).to_be_visible()

    async def out(_: web.Request) -> web.Response | None:
        return web.Response(status=302, headers={"Location": "https://login.example/"})

    site.instead = out
    await page.clock.run_for(4_000)
    await expect(page.get_by_text("No longer signed in")).to_be_visible()
    await expect(page.get_by_role("alert")).to_contain_text("What is shown below is from 15:21")
    await expect(page.get_by_role("table", name="What runs where")).to_be_visible()


async def test_who_lacks_the_role_is_told_which(
    look: Look, site: Site, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_over(world, monkeypatch, access=Access(Auth.ENTRA, platform=True))
    roles: list[str] = []

    async def as_ann(request: web.Request) -> web.Response | None:
        return await site.of_app(request, headers=signed_in(*roles))

    site.instead = as_ann
    page = await look(world)
    await expect(page.get_by_role("alert")).to_contain_text(
        "Read needs the role Promoter.Reader; Ann has no role."
    )
    roles.append(Role.READER)
    await page.get_by_role("button", name="Try now").click()
    await expect(page.get_by_role("table", name="What runs where")).to_be_visible()


# How it looks.


@pytest.mark.parametrize("width", [1400, 800])
async def test_a_long_failure_pushes_nothing_off_the_table_and_breaks_no_name(
    look: Look, world: World, width: int
) -> None:
    scope = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/promoter/providers/" * 3
    world.registry.answer_submit(ImportStatus(Progress.FORBIDDEN, message=f"no permission over {scope}"))
    image = await world.push("v3.0.0", repository=CHECKOUT)
    await world.report("unit-tests", "passed", image, repository=CHECKOUT)
    await world.drain()
    page = await look(world, width=width)
    table = page.get_by_role("table", name="Promotions that ended lately").first
    await expect(table).to_contain_text("no permission over")
    assert await table.evaluate("all => all.scrollWidth <= all.parentElement.clientWidth")
    names = page.get_by_role("rowheader").locator("bdi")
    heights = await names.evaluate_all("all => all.map((each) => each.getClientRects()[0].height)")
    assert max(heights) < 2 * min(heights), "no name takes two lines"


@pytest.mark.parametrize("width", [1600, 1290, 1100, 360])
async def test_it_fits_the_screen(look: Look, world: World, width: int, faults: Faults) -> None:
    page = await look(world, width=width)
    lines = page.get_by_role("table", name="What runs where")
    await expect(lines).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    words = page.locator("td bdi").filter(has_not_text=re.compile(r"\s"))
    lengths = await words.evaluate_all("all => all.map((each) => each.getClientRects().length)")
    assert set(lengths) == {1}, "no word is broken"
    await expect(lines.get_by_role("rowheader")).to_have_count(5)
    await expect(lines.get_by_role("cell")).to_have_count(10)
    assert faults == []


@pytest.mark.parametrize("dark", [False, True])
async def test_its_text_stands_out_from_what_is_behind_it(look: Look, world: World, *, dark: bool) -> None:
    page = await look(world, dark=dark)
    await expect(page.get_by_role("table", name="What runs where")).to_be_visible()
    paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(17, 22, 28)" if dark else "rgb(244, 247, 250)")
    assert await worst_contrast(page, "main *, footer *, header *") >= 4.5, "WCAG 2.2, 1.4.3"
    await page.get_by_role("region", name="Ended lately").get_by_role("link").first.click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    assert await worst_contrast(page, "dialog *") >= 4.5
