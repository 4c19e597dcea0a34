"""Adopting what an environment runs today, so that the first rollback has somewhere to go."""

import pytest

from promoter.application.adopt import Adoption, adopt
from promoter.application.promote import Promoted
from promoter.application.work import advance
from promoter.domain.condition import Kind
from promoter.domain.errors import InvalidError, NotFoundError
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.policy import ForeignRegistry
from promoter.domain.promotion import FailureCode
from tests.fakes.world import ANN, WEB, World, policy, registry_id
from tests.unit.application.stories import codes, in_flight, released


async def adopted(world: World, tag: str = "v0", environment: str = "prod") -> Promoted:
    """Adopt what a tag names, and let it happen."""
    promoted = await adopt(world.app, Adoption(environment, Repository(WEB), Tag(tag)), ANN)
    await world.wake([advance(promoted.record.line_key)])
    await world.run()
    return promoted


def runs(world: World, tag: str = "v0") -> Digest:
    """An image that was put into prod before there was Promoter."""
    return world.registry.push(registry_id("prod"), WEB, tag)


async def test_what_is_adopted_becomes_current_and_gets_the_pointer() -> None:
    world = World()
    image = runs(world)
    promoted = await adopted(world)
    assert (promoted.record.kind, promoted.already) == (Kind.ADOPTED, False)
    assert await world.current("prod") == image
    assert world.served("prod", "current") == image
    assert world.story("prod") == ["adopted v0 succeeded"]


async def test_the_first_promotion_can_be_rolled_back_to_what_was_adopted() -> None:
    world = World()
    image = runs(world)
    record = (await adopted(world)).record
    [newer] = await released(world, "v1")
    assert await world.current("prod") == newer
    await world.roll_back(record.id)
    await world.run()
    assert await world.current("prod") == image
    assert world.served("prod", "current") == image


async def test_an_adoption_is_asked_for_twice_and_made_once() -> None:
    world = World()
    runs(world)
    first = await adopted(world)
    again = await adopted(world)
    assert again.already
    assert again.record.id == first.record.id
    assert len(world.records("prod")) == 1


async def test_an_adoption_is_no_arrival() -> None:
    world = World()
    world.registry.push(registry_id("staging"), WEB, "v0")
    await adopted(world, environment="staging")
    assert world.evidence.snapshot() == {}
    assert world.story("prod") == []
    assert world.candidates("prod") == []


async def test_nothing_runs_in_a_registry_outside_the_tenant() -> None:
    environments = [
        {"name": "hub", "loginServer": "docker.io"},
        {"name": "staging", "registry": registry_id("staging")},
    ]
    everything = {"repositories": ["**"], "tags": ["*"]}
    rule = {"name": "hub-to-staging", "from": "hub", "to": "staging", **everything}
    world = World(policy(environments=environments, rules=[rule]))
    world.registry.push(ForeignRegistry("docker.io"), WEB, "v0")
    with pytest.raises(InvalidError, match="hub is outside the tenant, and images only come from there"):
        await adopted(world, environment="hub")


async def test_an_adoption_waits_for_its_turn() -> None:
    world = World()
    image = world.registry.push(registry_id("staging"), WEB, "v0")
    await in_flight(world, "v1")
    await adopted(world, environment="staging")
    assert world.story("staging") == ["automatic v1 importing", "adopted v0 pending"]
    world.registry.finish_late()
    await world.run()
    assert await world.current("staging") == image


async def test_what_vanishes_before_it_is_adopted_fails_in_words() -> None:
    world = World()
    image = runs(world)
    promoted = await adopt(world.app, Adoption("prod", Repository(WEB), Tag("v0")), ANN)
    world.registry.delete(registry_id("prod"), WEB, image)
    await world.wake([advance(promoted.record.line_key)])
    await world.run()
    assert codes(world, "prod") == [FailureCode.IMAGE_MISSING]


@pytest.mark.parametrize(("environment", "tag"), [("qa", "v0"), ("prod", "v9")])
async def test_what_is_not_there_cannot_be_adopted(environment: str, tag: str) -> None:
    world = World()
    runs(world)
    with pytest.raises(NotFoundError):
        await adopted(world, tag, environment)
    assert world.records("prod") == []
