"""Whatever does not answer for a while: the work is done when it answers again, and done once."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from promoter.application.documents import Todo, TodoKind
from promoter.application.take_gate_result import GateReport, take_gate_result
from promoter.application.take_push import RegistryEvent
from promoter.domain.errors import UnavailableError
from promoter.domain.evidence import Verdict
from promoter.domain.image import Digest, Repository
from tests.fakes.world import ANN, WEB, World, registry_id
from tests.unit.application.stories import DAY, HOUR, MINUTE, imported, qualified, released

type Fault = Callable[[World], None]

CALLS: dict[str, Fault] = {
    "look": lambda world: world.registry.fail_digest(),
    "look, throttled": lambda world: world.registry.fail_digest(MINUTE),
    "submit": lambda world: world.registry.fail_submit(),
    "submit, throttled": lambda world: world.registry.fail_submit(MINUTE),
    "submit, accepted all the same": lambda world: world.registry.fail_submit(executed=True),
    "poll": lambda world: world.registry.fail_poll(),
    "poll, throttled": lambda world: world.registry.fail_poll(MINUTE),
}


async def settle(world: World) -> None:
    """Let time pass, and the timer pick up what a call that failed has left."""
    for _ in range(6):
        await world.run(5 * MINUTE)
        await world.reconcile()
    await world.run()


@pytest.mark.parametrize("times", [1, 2, 5])
@pytest.mark.parametrize("call", CALLS)
async def test_a_registry_that_fails_for_a_while_only_delays_the_promotion(call: str, times: int) -> None:
    world = World()
    for _ in range(times):
        CALLS[call](world)
    digest = await qualified(world, "v1")
    await settle(world)
    assert world.story("staging") == ["automatic v1 succeeded"]
    assert world.story("prod") == ["automatic v1 succeeded"]
    assert world.served("prod", "v1") == world.served("prod", "current") == digest


@pytest.mark.parametrize("number", range(12))
@pytest.mark.parametrize("call", CALLS)
async def test_it_does_not_matter_which_of_the_calls_fails(call: str, number: int) -> None:
    world = World()
    await qualified(world, "v1")
    await world.run(number * timedelta(seconds=7))
    CALLS[call](world)
    await settle(world)
    assert world.story("prod") == ["automatic v1 succeeded"]


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
async def test_a_registry_that_is_down_for_hours_is_waited_for(environment: str) -> None:
    world = World()
    world.registry.set_down(registry_id(environment))
    digest = await qualified(world, "v1")
    await world.run(HOUR)
    world.registry.set_down(registry_id(environment), down=False)
    for _ in range(20):
        await world.run(10 * MINUTE)
        await world.reconcile()
    assert await world.current("prod") == digest
    assert world.story("prod")[-1] == "automatic v1 succeeded"


@pytest.mark.parametrize("call", CALLS)
async def test_a_rollback_is_only_delayed(call: str) -> None:
    world = World()
    first, _ = await released(world, "v1", "v2")
    rollback = world.records("prod")[-1].id
    await world.roll_back(rollback)
    CALLS[call](world)
    await settle(world)
    assert world.served("prod", "current") == first
    assert world.story("prod")[-1] == "rollback v1 succeeded"


async def deliver(world: World, event: RegistryEvent) -> None:
    """As Event Grid does: again and again until it is taken."""
    for _ in range(5):
        try:
            await world.deliver(event)
        except UnavailableError:
            continue
        return


@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize("store", ["evidence", "promotions"])
async def test_a_store_that_fails_delays_a_push_and_loses_nothing(
    store: str,
    executed: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    world = World()
    digest = world.registry.push(registry_id("dev"), WEB, "v1")
    await world.report("unit-tests", "passed", digest)
    broken = world.evidence if store == "evidence" else world.promotions
    for _ in range(2):
        broken.fail_next(executed=executed)
    await deliver(world, world.pushed("dev", "v1", digest))
    await settle(world)
    assert world.story("staging") == ["automatic v1 succeeded"]
    assert imported(world) == ["v1", "current"]


@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize("number", range(8))
async def test_whichever_write_fails_while_a_promotion_is_driven_it_is_made_once(
    number: int,
    executed: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    world = World()
    digest = await qualified(world, "v1")
    for _ in range(number):
        await world.run(timedelta(seconds=7))
    world.promotions.fail_next(executed=executed)
    await settle(world)
    assert world.story("staging") == ["automatic v1 succeeded"]
    assert world.story("prod") == ["automatic v1 succeeded"]
    assert await world.current("prod") == digest


@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize("number", range(16))
async def test_whichever_write_fails_all_on_the_line_goes_on_without_the_timer(
    number: int,
    executed: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    world = World()
    await qualified(world, "v1")
    latest = await qualified(world, "v2")
    world.promotions.fail_next(executed=executed, skipping=number)
    await world.run(6 * MINUTE)
    assert await world.current("prod") == latest
    assert (
        world.story("staging") == world.story("prod") == ["automatic v1 succeeded", "automatic v2 succeeded"]
    )
    assert {todo.kind for todo in world.promotions.rows(Todo)} <= {TodoKind.ANNOUNCE, TodoKind.RECHECK}


async def test_a_queue_that_fails_loses_no_promotion() -> None:
    world = World()
    await qualified(world, "v1")
    message = world.scheduler.take_due()
    world.scheduler.fail_next()
    with pytest.raises(UnavailableError):  # the message is not acknowledged, and comes again
        await world.work(message[0])
    await world.work(message[0])
    await settle(world)
    assert world.story("staging") == ["automatic v1 succeeded"]


async def report(world: World, digest: Digest) -> None:
    """As an HTTP call does; what it would wake is lost."""
    made = GateReport(Repository(WEB), "dev", "unit-tests", Verdict.PASSED, digest=digest)
    await take_gate_result(world.app, made, ANN, guard=True)


@pytest.mark.parametrize("executed", [False, True])
async def test_a_verdict_over_http_whose_claim_was_not_stored_is_acted_upon_by_its_guard(
    executed: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    world = World()
    digest = await world.push("v1")
    world.promotions.fail_next(executed=executed)
    with pytest.raises(UnavailableError):
        await report(world, digest)
    await settle(world)
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_a_verdict_over_http_whose_guard_was_not_queued_stores_nothing() -> None:
    world = World()
    digest = await world.push("v1")
    world.scheduler.fail_next()
    with pytest.raises(UnavailableError):
        await report(world, digest)
    assert "gate" not in str(world.evidence.snapshot())
    await world.run(DAY)
    assert world.story("staging") == []
