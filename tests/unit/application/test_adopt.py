"""An environment that was there before Promoter."""

import pytest

from promoter.application.adopt import Adoption, adopt
from promoter.application.promote import Promoted
from promoter.application.work import advance
from promoter.domain.errors import NotFoundError
from promoter.domain.image import Repository, Tag
from tests.fakes.world import ANN, WEB, World, registry_id


async def _adopt(world: World, tag: str = "v0") -> Promoted:
    adoption = Adoption("prod", Repository(WEB), Tag(tag), "it was there before")
    adopted = await adopt(world.app, adoption, ANN)
    await world.wake([advance(adopted.record.line_key)])
    await world.run()
    return adopted


async def test_what_runs_today_is_recorded_and_the_pointer_set() -> None:
    world = World()
    digest = world.registry.push(registry_id("prod"), WEB, "v0")
    first = await _adopt(world)
    assert world.story("prod") == ["adopted v0 succeeded"]
    assert await world.current("prod") == digest
    assert world.served("prod", "current") == digest
    again = await _adopt(world)
    assert (again.already, again.record.id) == (True, first.record.id)


async def test_the_first_rollback_goes_to_what_was_adopted() -> None:
    world = World()
    before = world.registry.push(registry_id("prod"), WEB, "v0")
    adopted = await _adopt(world)
    digest = await world.push("v1")
    await world.report("unit-tests", "passed", digest)
    await world.report("integration-tests", "passed", digest, "staging")
    await world.run()
    assert await world.current("prod") == digest
    await world.roll_back(adopted.record.id)
    await world.run()
    assert await world.current("prod") == before
    assert world.served("prod", "current") == before


async def test_an_adoption_sets_nothing_in_motion() -> None:
    world = World()
    digest = world.registry.push(registry_id("staging"), WEB, "v0")
    await world.report("integration-tests", "passed", digest, "staging")
    adopted = await adopt(world.app, Adoption("staging", Repository(WEB), Tag("v0")), ANN)
    await world.wake([advance(adopted.record.line_key)])
    await world.run()
    assert world.story("staging") == ["adopted v0 succeeded"]
    assert world.story("prod") == []


async def test_what_is_not_there_cannot_be_adopted() -> None:
    world = World()
    with pytest.raises(NotFoundError, match="has no shop/web:v0"):
        await _adopt(world)
