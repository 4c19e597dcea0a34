"""An image's own tag and the pointer, imported one right after the other: dying between them loses nothing.

The pointer's import is then not stored by itself; the first one has said that it may follow.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import override

import pytest

from promoter.application.documents import Todo, TodoKind
from promoter.application.ports import Import, ImportStatus
from promoter.application.work import advance
from promoter.domain.image import Repository
from promoter.domain.line import LineKey
from promoter.domain.promotion import Phase
from tests.fakes.crash import Crash, CrashPoints
from tests.fakes.registries import FakeRegistry
from tests.fakes.world import WEB, World
from tests.unit.application.stories import HOUR, MINUTE, imported, qualified, released

STAGING = LineKey("staging", Repository(WEB))
# Before that, two tags and a digest are read, one import is submitted, and two tags are read.
_POINTER = 6


class SlowPointers(FakeRegistry):
    """Imports of a pointer are accepted, and end much later."""

    slow = False

    @override
    async def submit(self, request: Import) -> ImportStatus:
        if self.slow and request.tag == "current":
            self.stick_next()
        return await super().submit(request)


@asynccontextmanager
async def dying_at_the_pointer(world: World, *, after: bool) -> AsyncIterator[None]:
    """The process dies in here, before or after it submits the pointer's import; then another takes over."""
    points = CrashPoints(_POINTER, after=after)
    world.app = replace(world.app, registry=points.around(world.registry, "registry"))
    with pytest.raises(Crash):
        yield
    assert points.calls[-1] == "registry.submit"
    world.app = world.new_app()
    await world.wake([advance(STAGING)])  # its message comes again


@pytest.fixture
async def world() -> World:
    return World(polls=0)


async def test_the_first_import_says_that_the_pointers_may_follow(world: World) -> None:
    async with dying_at_the_pointer(world, after=False):
        await qualified(world, "v1")
        await world.drain()

    [record] = world.records("staging")
    assert record.attempt is not None
    assert (record.phase, record.attempt.tag, record.attempt.then) == (Phase.IMPORTING, "v1", "current")
    assert not record.attempt.ended


async def test_a_pointer_that_was_imported_unseen_is_not_imported_again(world: World) -> None:
    async with dying_at_the_pointer(world, after=True):
        digest = await qualified(world, "v1")
        await world.drain()
    await world.run(30 * timedelta(seconds=1))
    assert [record.phase for record in world.records("staging")] == [Phase.IMPORTING]

    await world.run(5 * MINUTE)

    assert world.story("staging") == ["automatic v1 succeeded"]
    assert imported(world) == ["v1", "current"]
    assert await world.current("staging") == digest


async def test_a_pointer_that_was_not_imported_is_a_minute_later_and_looked_at_once_more(
    world: World,
) -> None:
    async with dying_at_the_pointer(world, after=False):
        digest = await qualified(world, "v1")
        await world.drain()
    await world.run(50 * timedelta(seconds=1))
    assert world.served("staging", "current") is None  # it might be on its way

    await world.run(5 * MINUTE)

    assert world.served("staging", "current") == digest
    assert [todo.kind for todo in world.promotions.rows(Todo, "staging")] == [TodoKind.RECHECK]
    await world.run(HOUR)
    await world.reconcile()
    await world.drain()
    assert world.promotions.rows(Todo, "staging") == []


async def test_a_rollback_wins_over_a_pointer_that_moves_unseen_and_late(world: World) -> None:
    world.registry = registry = SlowPointers(polls=0)
    world.app = world.new_app()
    first, _ = await released(world, "v1", "v2")
    registry.slow = True
    async with dying_at_the_pointer(world, after=True):
        third = await qualified(world, "v3")
        await world.drain()
    registry.slow = False
    await world.roll_back(world.records("staging")[-1].id)
    await world.run(10 * MINUTE)
    assert world.served("staging", "current") == first

    assert world.registry.finish_late() == 1
    assert world.served("staging", "current") == third
    await world.run(2 * HOUR)
    await world.reconcile()
    await world.drain()

    assert world.served("staging", "current") == first
    assert await world.current("staging") == first


async def test_a_rollback_right_after_a_crash_ends_with_the_earlier_image(world: World) -> None:
    first, second = await released(world, "v1", "v2")
    async with dying_at_the_pointer(world, after=False):
        third = await qualified(world, "v3")
        await world.drain()
    await world.roll_back(world.records("staging")[-1].id)
    await world.run(10 * MINUTE)

    assert world.served("staging", "current") == first
    assert await world.current("staging") == first
    pointed = [each.digest for each in world.registry.submitted if each.tag == "current"]
    assert third not in pointed  # whose import had not begun never became what staging runs
    vetoed = {veto.digest for veto in (await world.line("staging")).vetoes}
    assert vetoed == {second, third}
    assert third not in {record.digest for record in world.records("prod") if record.phase is Phase.SUCCEEDED}
