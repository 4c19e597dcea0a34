"""The history: newest first, in pages that neither lose nor repeat a record."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from promoter.application.documents import LogEntry
from promoter.application.history import Query, history, lines
from promoter.application.paging import Listing, Page
from promoter.application.ports import Put
from promoter.domain.actor import AUTOMATION
from promoter.domain.condition import Kind
from promoter.domain.errors import InvalidError, NotFoundError
from promoter.domain.image import Repository, Tag
from promoter.domain.promotion import Phase, Promotion
from tests.fakes.time import START
from tests.fakes.world import WEB, World
from tests.unit.application.stories import in_flight, qualified, released
from tests.unit.domain.strategies import digest


async def pages(world: World, query: Query) -> list[list[Promotion]]:
    """All pages, one after the other."""
    found: list[list[Promotion]] = []
    while True:
        page = await history(world.app, query)
        found.append(page.items)
        if page.cursor is None:
            return found
        query = replace(query, cursor=page.cursor)


def named(page: Page[Promotion]) -> list[str]:
    return [f"{record.environment} {record.tag} {record.phase}" for record in page.items]


async def test_without_a_filter_everything_that_has_ended_is_told_the_latest_first() -> None:
    world = World()
    await released(world, "v1", "v2")
    page = await history(world.app, Query())
    assert named(page) == [
        "prod v2 succeeded",
        "staging v2 succeeded",
        "prod v1 succeeded",
        "staging v1 succeeded",
    ]
    assert page.cursor is None


async def test_what_is_under_way_stands_first() -> None:
    world = World()
    await released(world, "v1")
    await in_flight(world, "v2")
    await qualified(world, "v3")
    await world.drain()
    page = await history(world.app, Query(environment="staging"))
    assert named(page) == ["staging v3 pending", "staging v2 importing", "staging v1 succeeded"]
    active = await history(world.app, Query(active=True))
    assert named(active) == ["staging v3 pending", "staging v2 importing"]
    only = await history(world.app, Query(active=True, limit=1))
    assert (named(only), only.cursor) == (named(active), None), "what is under way is one page"
    with pytest.raises(InvalidError) as caught:
        await history(world.app, Query(active=True, cursor="abc"))
    assert caught.value.field == "cursor"
    mine = await history(world.app, Query(active=True, repository=Repository("shop/api")))
    assert mine.items == []


async def test_a_repository_has_its_own_history() -> None:
    world = World()
    await released(world, "v1")
    other = await world.push("v9", repository="shop/api")
    await world.report("unit-tests", "passed", other, repository="shop/api")
    await world.run()
    page = await history(world.app, Query(repository=Repository("shop/api")))
    assert named(page) == ["staging v9 succeeded"]
    similar = await history(world.app, Query(repository=Repository("shop/we")))
    assert similar.items == []


@pytest.mark.parametrize("repository", [None, Repository(WEB)])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
async def test_pages_hold_every_record_once(repository: Repository | None, limit: int) -> None:
    world = World()
    await released(world, "v1", "v2", "v3", "v4")
    found = await pages(world, Query(repository=repository, limit=limit))
    assert all(len(page) == limit for page in found[:-1])
    ids = [record.id for page in found for record in page]
    assert len(ids) == 8
    assert len(set(ids)) == 8
    times = [record.completed_at or START for page in found for record in page]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("repository", [None, Repository(WEB)])
async def test_a_cursor_stays_good_while_records_are_added(repository: Repository | None) -> None:
    world = World()
    await released(world, "v1", "v2")
    first = await history(world.app, Query(repository=repository, limit=2))
    assert named(first) == ["prod v2 succeeded", "staging v2 succeeded"]
    await released(world, "v3")
    second = await history(world.app, Query(repository=repository, limit=2, cursor=first.cursor))
    assert named(second) == ["prod v1 succeeded", "staging v1 succeeded"]
    assert second.cursor is None


def record(number: int, environment: str, track: str, seconds: int) -> Promotion:
    """A record, with the time that the instance had which made it."""
    world = World()
    at = START + timedelta(seconds=seconds)
    return Promotion(
        environment=environment,
        repository=Repository(WEB),
        track=track,
        sequence=number,
        kind=Kind.AUTOMATIC,
        phase=Phase.SUCCEEDED,
        tag=Tag("v1"),
        digest=digest(number),
        source="dev",
        rule="dev-to-staging",
        actor=AUTOMATION,
        created_at=at,
        completed_at=at,
        pushed_at=at,
        terms=world.policy,
        policy_hash="",
    )


keys = st.tuples(
    st.integers(min_value=1, max_value=6),
    st.sampled_from(["staging", "prod"]),
    st.sampled_from(["main", "lts"]),
)


@given(
    st.dictionaries(keys, st.integers(min_value=0, max_value=5), max_size=12),
    st.integers(min_value=1, max_value=4),
    st.booleans(),
)
async def test_whatever_their_times_and_tracks_no_record_is_lost_or_told_twice(
    made: dict[tuple[int, str, str], int],
    limit: int,
    of_repository: bool,  # noqa: FBT001 - drawn
) -> None:
    world = World()
    for (number, environment, track), seconds in made.items():
        row = record(number, environment, track, seconds)
        await world.promotions.commit([Put(row), Put(LogEntry(promotion=row))])
    query = Query(repository=Repository(WEB) if of_repository else None, limit=limit)
    ids = [each.id for page in await pages(world, query) for each in page]
    assert len(ids) == len(set(ids)) == len(made)


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "~", "é", "e30x", "W10", "bnVsbA", "eyJwcm9kIjoxfQ", "bm9wZQ", "a" * 10_000, "e30", "=" * 8],
)
async def test_a_cursor_that_no_page_has_answered_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidError) as raised:
        await history(World().app, Query(cursor=cursor))
    assert raised.value.field == "cursor"


async def test_a_cursor_of_another_list_is_refused() -> None:
    world = World()
    await released(world, "v1", "v2")
    cursor = (await history(world.app, Query(limit=1))).cursor
    for query in (
        Query(cursor=cursor, repository=Repository(WEB)),
        Query(cursor=cursor, environment="prod"),
    ):
        with pytest.raises(InvalidError, match="none that a page of this list has answered"):
            await history(world.app, query)


async def test_an_unknown_environment_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="no environment 'qa'"):
        await history(World().app, Query(environment="qa"))


async def test_an_empty_history_is_an_empty_page() -> None:
    assert await history(World().app, Query()) == Page([], None)


async def test_what_runs_where_is_every_line_of_every_target() -> None:
    world = World()
    [first] = await released(world, "v1")
    found = await lines(world.app, Listing())
    assert [(line.environment, line.current.digest) for line in found.items if line.current] == [
        ("staging", first),
        ("prod", first),
    ]
