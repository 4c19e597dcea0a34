"""Holds: automation stays off a line until the hold is deleted, people do not."""

import pytest

from promoter.application.hold import hold, unhold
from promoter.domain.condition import Kind
from promoter.domain.errors import InvalidError, NotFoundError
from promoter.domain.image import Repository
from promoter.domain.line import LineKey
from promoter.domain.promotion import Phase
from tests.fakes.world import ANN, WEB, World
from tests.unit.application.stories import in_flight, qualified, released

STAGING = LineKey("staging", Repository(WEB))
PROD = LineKey("prod", Repository(WEB))


async def test_a_line_on_hold_takes_nothing_until_the_hold_is_deleted() -> None:
    world = World()
    await hold(world.app, STAGING, "release day", ANN)
    digest = await qualified(world, "v1")
    await world.run()
    assert world.story("staging") == []
    [candidate] = world.candidates("staging")
    assert candidate.decision.reasons == "staging is on hold since 2026-11-23T09:00:00Z: release day"

    await world.wake(await unhold(world.app, STAGING))
    await world.run()
    assert await world.current("staging") == digest


async def test_a_hold_is_for_one_repository_in_one_environment() -> None:
    world = World()
    await hold(world.app, PROD, "release day", ANN)
    await released(world, "v1")
    assert world.story("staging") == ["automatic v1 succeeded"]
    assert world.story("prod") == []
    other = await world.push("v1", repository="shop/api")
    await world.report("unit-tests", "passed", other, repository="shop/api")
    await world.report("integration-tests", "passed", other, "staging", repository="shop/api")
    await world.run()
    assert await world.current("prod", repository="shop/api") == other


async def test_a_person_may_promote_on_a_line_on_hold() -> None:
    world = World()
    await hold(world.app, PROD, "release day", ANN)
    [digest] = await released(world, "v1")
    await world.promote("v1")
    await world.run()
    assert world.story("prod") == ["manual v1 succeeded"]
    assert await world.current("prod") == digest
    assert (await world.line("prod")).hold is not None


async def test_a_hold_stops_what_was_claimed_and_has_not_started() -> None:
    world = World()
    await in_flight(world, "v1")
    digest = await qualified(world, "v2")
    await world.drain()
    await hold(world.app, STAGING, "release day", ANN)
    world.registry.finish_late()
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded", "automatic v2 superseded"]
    assert [candidate.digest for candidate in world.candidates("staging")] == [digest]
    await world.wake(await unhold(world.app, STAGING))
    await world.run()
    assert world.story("staging")[-1] == "automatic v2 succeeded"


async def test_a_person_may_promote_what_automation_has_claimed_and_may_not_start() -> None:
    world = World()
    await in_flight(world, "v1")
    digest = await qualified(world, "v2")
    await world.drain()
    await hold(world.app, STAGING, "release day", ANN)
    promoted = await world.promote("v2", "staging")
    assert promoted.record.kind is Kind.MANUAL
    world.registry.finish_late()
    await world.run()
    assert world.story("staging") == [
        "automatic v1 succeeded",
        "automatic v2 superseded",
        "manual v2 succeeded",
    ]
    assert await world.current("staging") == digest
    assert world.candidates("staging") == []


async def test_a_second_hold_changes_nothing_and_deleting_none_is_no_error() -> None:
    world = World()
    assert await unhold(world.app, STAGING) == []
    first = await hold(world.app, STAGING, "one", ANN)
    assert (await hold(world.app, STAGING, "two", ANN)).hold == first.hold
    await unhold(world.app, STAGING)
    assert (await world.line("staging")).hold is None


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (LineKey("qa", Repository(WEB)), "no environment 'qa'"),
        (LineKey("dev", Repository(WEB)), "no rule leads into dev on track main"),
        (LineKey("staging", Repository(WEB), "lts"), "no rule leads into staging on track lts"),
        (LineKey("staging", Repository(WEB), "a/b"), "no rule leads into staging on track a/b"),
    ],
)
async def test_a_line_that_cannot_be_is_not_found(key: LineKey, message: str) -> None:
    world = World()
    for call in (hold(world.app, key, "why", ANN), unhold(world.app, key)):
        with pytest.raises(NotFoundError, match=message):
            await call
    assert world.promotions.snapshot() == {}


async def test_a_reason_that_is_too_long_is_refused() -> None:
    world = World()
    with pytest.raises(InvalidError, match="reason has 1001 characters") as raised:
        await hold(world.app, STAGING, "x" * 1001, ANN)
    assert raised.value.field == "reason"


async def test_a_hold_that_is_set_while_the_line_is_claimed_is_not_lost() -> None:
    world = World()
    await in_flight(world, "v1")
    line = await world.line("staging")
    assert line.hold is None
    await hold(world.app, STAGING, "release day", ANN)
    world.registry.finish_late()
    await world.run()
    line = await world.line("staging")
    assert line.hold is not None
    assert world.records("staging")[0].phase is Phase.SUCCEEDED
