"""What a promotion in flight does about rollbacks, retries and registries that ask to be left alone."""

from datetime import timedelta

import pytest

from promoter.application.retry import retry
from promoter.application.work import advance
from promoter.domain.image import Digest
from promoter.domain.promotion import FailureCode, Phase
from tests.fakes.world import ANN, World, registry_id, started


async def _in_prod(world: World, tag: str) -> Digest:
    digest = await world.push(tag)
    await world.report("unit-tests", "passed", digest)
    await world.report("integration-tests", "passed", digest, "staging")
    await world.run()
    return digest


async def test_a_rollback_during_an_import_spares_production_the_bad_image() -> None:
    world = World()
    first = await _in_prod(world, "v1")
    await _in_prod(world, "v2")
    third = await world.push("v3")
    await world.report("integration-tests", "passed", third, "staging")
    await world.report("unit-tests", "passed", third)
    while not any(each.phase is Phase.IMPORTING and each.digest == third for each in world.records("prod")):
        await world.run(timedelta(seconds=1))
    pointed = [request for request in world.registry.submitted if request.tag == "current"]

    await world.roll_back(world.records("prod")[-1].id)
    await world.run()

    assert world.served("prod", "current") == first
    assert world.served("prod", "v3") == third
    since = [each for each in world.registry.submitted if each.tag == "current"][len(pointed) :]
    prod = [each.digest for each in since if each.target_registry == registry_id("prod")]
    assert prod == [first]
    assert await world.current("prod") == first


async def test_a_retry_of_what_automation_has_failed_at_does_not_move_current_back() -> None:
    world = World()
    world.registry.stick_next()
    older = await world.push("v1")
    await world.report("unit-tests", "passed", older)
    await world.run(timedelta(minutes=31))
    [failed] = world.records("staging")
    assert failed.failure is not None
    assert failed.failure.code is FailureCode.TIMED_OUT
    newer = await world.push("v2")
    await world.report("unit-tests", "passed", newer)
    await world.run(timedelta(minutes=10))
    assert await world.current("staging") == newer

    again = started(await retry(world.app, failed.id, ANN))
    await world.wake([advance(again.record.line_key)])
    await world.run(timedelta(minutes=10))

    assert world.served("staging", "v1") == older
    assert await world.current("staging") == newer
    assert world.served("staging", "current") == newer


@pytest.mark.parametrize("when", ["before it starts", "while it runs"])
async def test_a_registry_that_asks_to_be_left_alone_is(when: str) -> None:
    world = World()
    digest = await world.push("v1")
    if when == "before it starts":
        world.registry.fail_digest(timedelta(minutes=3))
    else:
        world.registry.fail_submit(timedelta(minutes=3))
    await world.report("unit-tests", "passed", digest)
    await world.run(timedelta(seconds=30))
    assert world.app.throttled["staging"] > world.clock.now()

    asked = len(world.registry.submitted)
    other = await world.push("v1", repository="shop/api")
    await world.report("unit-tests", "passed", other, repository="shop/api")
    await world.run(timedelta(minutes=2))
    assert len(world.registry.submitted) == asked
    await world.run(timedelta(minutes=10))
    assert world.served("staging", "v1") == digest
    assert world.served("staging", "v1", repository="shop/api") == other


async def test_what_is_left_to_tell_goes_when_nobody_is_to_be_told_any_more() -> None:
    world = World()
    world.publisher.down = True
    digest = await world.push("v1")
    await world.report("unit-tests", "passed", digest)
    await world.run()
    assert world.promotions.snapshot()
    world.publisher = None  # type: ignore[assignment]
    world.app = world.new_app()
    world.clock.advance(timedelta(minutes=2))
    await world.reconcile()
    await world.drain()
    assert not [key for _, key in world.promotions.snapshot() if key.startswith("todo~")]
