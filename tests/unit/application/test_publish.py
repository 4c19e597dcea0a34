"""Every change of phase is told, whatever happens to the topic."""

from datetime import timedelta

from promoter.application.documents import Todo, TodoKind
from promoter.domain.promotion import Phase
from tests.fakes.world import World, registry_id

TO_STAGING = [Phase.PENDING, Phase.IMPORTING, Phase.SUCCEEDED]


def _told(world: World, environment: str) -> list[Phase]:
    return [event.phase for event in world.publisher.told if event.environment == environment]


async def test_each_phase_is_told_once_in_its_turn() -> None:
    world = World()
    digest = await world.push("v1")
    await world.report("unit-tests", "passed", digest)
    await world.run()
    assert _told(world, "staging") == TO_STAGING
    assert {event.subject for event in world.publisher.told} == {"staging/shop/web:v1"}
    assert len({event.event_id for event in world.publisher.told}) == 3


async def test_a_topic_that_is_down_holds_no_promotion_up_and_is_told_later() -> None:
    world = World()
    world.publisher.down = True
    digest = await world.push("v1")
    await world.report("unit-tests", "passed", digest)
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]
    assert _told(world, "staging") == []
    assert len([todo for todo in world.promotions.rows(Todo) if todo.kind is TodoKind.ANNOUNCE]) == 3

    world.publisher.down = False
    world.clock.advance(timedelta(minutes=2))
    await world.reconcile()
    await world.drain()
    assert sorted(_told(world, "staging")) == sorted(TO_STAGING)
    assert world.promotions.rows(Todo) == []


async def test_a_failure_is_told_with_its_reason() -> None:
    world = World()
    digest = await world.push("v1")
    world.registry.delete(registry_id("dev"), "shop/web", digest)
    await world.report("unit-tests", "passed", digest)
    await world.run(timedelta(hours=1))
    last = world.publisher.told[-1]
    assert last.phase is Phase.FAILED
    assert last.failure is not None
    assert last.failure.code == "source-missing"


async def test_where_nobody_is_to_be_told_nothing_is_left_to_do() -> None:
    world = World()
    world.publisher = None  # type: ignore[assignment]
    world.app = world.new_app()
    digest = await world.push("v1")
    await world.report("unit-tests", "passed", digest)
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]
    assert world.promotions.rows(Todo) == []
