"""Lists by pages: every row once, whatever is added meanwhile; cursors that are good for one list only."""

import base64
import contextlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from promoter.application.history import candidates, lines
from promoter.application.paging import Cursor, Listing, listed
from promoter.application.ports import Put
from promoter.domain.errors import InvalidError, NotFoundError
from promoter.domain.image import Repository
from promoter.domain.line import Line, LineKey
from tests.fakes.world import WEB, World

OF = "Line~~"


async def with_lines(*names: str) -> World:
    """A world that has these repositories in staging and in prod."""
    world = World()
    for environment in ("staging", "prod"):
        for name in names:
            await world.promotions.commit([Put(Line.new(LineKey(environment, Repository(name))))])
    return world


async def pages(world: World, asked: Listing) -> list[list[str]]:
    found = []
    while True:
        page = await lines(world.app, asked)
        found.append([f"{line.environment} {line.repository}" for line in page.items])
        if page.cursor is None:
            return found
        asked = replace(asked, cursor=page.cursor)


@pytest.mark.parametrize("limit", range(1, 8))
async def test_pages_hold_every_row_once_environment_by_environment(limit: int) -> None:
    world = await with_lines("a", "b", "c")
    found = await pages(world, Listing(limit=limit))
    assert all(len(page) == limit for page in found[:-1])
    whole = [f"{environment} {name}" for environment in ("staging", "prod") for name in "abc"]
    assert [row for page in found for row in page] == whole
    assert found[-1]


async def test_a_page_can_be_of_one_environment_or_repository() -> None:
    world = await with_lines("shop/web", "shop/we", "shop/web/api")
    assert await pages(world, Listing(environment="prod", repository=Repository(WEB))) == [["prod shop/web"]]
    assert await pages(world, Listing(repository=Repository(WEB), limit=1)) == [
        ["staging shop/web"],
        ["prod shop/web"],
    ]
    with pytest.raises(NotFoundError, match="no environment 'qa'"):
        await lines(world.app, Listing(environment="qa"))


async def test_what_is_added_meanwhile_shifts_nothing() -> None:
    world = await with_lines("b", "d", "f")
    first = await lines(world.app, Listing(limit=2))
    for name in ("a", "c", "e"):
        await world.promotions.commit([Put(Line.new(LineKey("staging", Repository(name))))])
    rest = await pages(world, Listing(cursor=first.cursor))
    assert rest == [["staging e", "staging f", "prod b", "prod d", "prod f"]]


async def test_a_cursor_into_an_environment_that_has_left_the_policy_is_refused() -> None:
    world = await with_lines("a", "b")
    page = await listed(world.app, Line, ["staging", "prod"], Listing(limit=1))
    with pytest.raises(InvalidError, match="none that a page of this list has answered"):
        await listed(world.app, Line, ["prod"], Listing(limit=1, cursor=page.cursor))


async def test_a_cursor_of_another_list_is_refused() -> None:
    world = await with_lines("a", "b")
    cursor = (await lines(world.app, Listing(limit=1))).cursor
    for asked in (
        Listing(cursor=cursor, environment="prod"),
        Listing(cursor=cursor, repository=Repository("a")),
    ):
        with pytest.raises(InvalidError, match="none that a page of this list has answered") as caught:
            await lines(world.app, asked)
        assert caught.value.field == "cursor"
    with pytest.raises(InvalidError, match="none that a page of this list"):
        await candidates(world.app, Listing(cursor=cursor))


@given(st.dictionaries(st.text(max_size=9), st.text(max_size=30), max_size=4), st.text(max_size=20))
def test_a_cursor_is_read_as_it_was_written(after: dict[str, str], of: str) -> None:
    assert Cursor.parse(Cursor(after).text(of), of) == after


@given(st.data())
def test_a_cursor_that_was_changed_in_any_place_is_refused(data: st.DataObject) -> None:
    text = Cursor({"prod": "shop:web~main"}).text(OF)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("AZaz09-_+/=~\n").filter(lambda each: each != text[at]))
    for changed in (text[:at] + other + text[at + 1 :], text[:at], text + other, text[at:] + text[:at] + "x"):
        with pytest.raises(InvalidError):
            Cursor.parse(changed, OF)


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_whatever_a_cursor_is_only_the_typed_error_comes_of_it(text: str) -> None:
    with contextlib.suppress(InvalidError):
        assert Cursor.parse(text, OF) == {}, "nobody guesses a seal"


def test_a_cursor_can_stand_in_a_url_as_it_is() -> None:
    texts = [Cursor({"prod": "x" * length}).text(OF) for length in range(12)]
    assert all(text.isascii() and text.replace("-", "").replace("_", "").isalnum() for text in texts)
    assert all(first != second for first, second in pairwise(texts))
