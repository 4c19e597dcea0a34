"""Several instances at the same work at the same time: in effect it is done once."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import override

from promoter.application.advance import advance
from promoter.application.hold import hold
from promoter.application.ports import Import, ImportStatus
from promoter.application.promote import Wanted, promote
from promoter.application.reconcile import reconcile
from promoter.application.roll_back import roll_back
from promoter.application.rollback_plan import RollbackWanted
from promoter.application.take_push import take_push
from promoter.application.work import advance as wake_line
from promoter.domain.image import Repository, Tag
from promoter.domain.line import LineKey
from promoter.domain.promotion import Phase
from tests.fakes.jitter import jittered
from tests.fakes.registries import FakeRegistry
from tests.fakes.world import ANN, APPROVERS, WEB, World, policy, registry_id, started
from tests.unit.application.stories import HOUR, MINUTE, conditional, imported, in_flight, qualified, released

MANY = 8
STAGING = LineKey("staging", Repository(WEB))


async def test_a_push_that_many_instances_are_told_of_is_one_promotion() -> None:
    world = World()
    digest = world.registry.push(registry_id("dev"), WEB, "v1")
    await world.report("unit-tests", "passed", digest)
    event = world.pushed("dev", "v1", digest)
    woken = await asyncio.gather(*(take_push(world.new_app(), event) for _ in range(MANY)))
    assert [record.phase for record in world.records("staging")] == [Phase.PENDING]
    assert woken == [[wake_line(STAGING)]] * MANY
    for work in woken:
        await world.wake(work)
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]
    assert imported(world) == ["v1", "current"]


async def test_pushes_of_one_tag_told_at_once_leave_one_promotion_of_the_newest() -> None:
    world = World()
    events = []
    for _ in range(MANY):
        digest = world.registry.push(registry_id("dev"), WEB, "v1")
        await world.report("unit-tests", "passed", digest)
        world.clock.advance(HOUR)
        events.append(world.pushed("dev", "v1", digest))
    await asyncio.gather(*(take_push(world.new_app(), event) for event in events))
    await world.wake([wake_line(STAGING)])
    await world.run()
    newest = world.records("staging")[0]
    assert newest.digest == events[-1].digest
    assert {record.phase for record in world.records("staging")[1:]} <= {Phase.SUPERSEDED}
    assert world.served("staging", "v1") == newest.digest


async def test_a_line_that_many_instances_drive_imports_each_tag_once() -> None:
    world = World()
    await qualified(world, "v1")
    for _ in range(10):
        world.scheduler.take_due()
        await asyncio.gather(*(advance(world.new_app(), STAGING) for _ in range(MANY)))
        world.clock.set(world.scheduler.next_due or world.clock.now())
    assert world.story("staging") == ["automatic v1 succeeded"]
    assert imported(world) == ["v1", "current"]


class _AskedMeanwhile(FakeRegistry):
    """Something happens whenever an import is being asked for."""

    meanwhile: Callable[[], Awaitable[object]]

    @override
    async def submit(self, request: Import) -> ImportStatus:
        """Ask for an import."""
        await self.meanwhile()
        return await super().submit(request)


async def test_who_looks_while_an_import_is_asked_for_does_not_keep_its_answer_from_being_stored() -> None:
    world = World()
    world.registry = registry = _AskedMeanwhile(polls=2)
    world.app = world.new_app()
    registry.meanwhile = lambda: advance(world.new_app(), STAGING)
    await qualified(world, "v1")
    await world.run()
    [record] = world.records("staging")
    assert imported(world) == ["v1", "current"]
    assert not record.may_finish_late
    assert record.completed_at is not None
    assert record.completed_at - record.created_at < MINUTE


async def test_a_candidate_shows_all_that_several_instances_have_learned_at_once() -> None:
    for seed in range(100):
        dice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        world = World(conditional(approvals={"count": 3}))
        image = await world.push("v1")
        evidence, promotions = jittered(world.evidence, dice), jittered(world.promotions, dice)
        world.app = replace(world.app, evidence=evidence, promotions=promotions)
        approvers = [APPROVERS[name] for name in ("ann", "bob")]
        await asyncio.gather(*(world.approve(image, "dev-to-staging", each) for each in approvers))
        [candidate] = world.candidates("staging")
        assert "approved by Ann at 2026-11-23T09:00:01Z, Bob at" in candidate.decision.reasons, seed


async def test_a_request_by_hand_that_is_made_many_times_at_once_is_one_promotion() -> None:
    world = World(policy(automatic_to_prod=False))
    await released(world, "v1")
    wanted = Wanted(Repository(WEB), "prod", tag=Tag("v1"))
    found = await asyncio.gather(*(promote(world.new_app(), wanted, ANN) for _ in range(MANY)))
    assert len({started(promoted).record.id for promoted in found}) == 1
    await world.run()
    assert world.story("prod") == ["manual v1 succeeded"]


async def test_a_rollback_that_is_asked_for_many_times_at_once_is_one() -> None:
    world = World()
    await released(world, "v1", "v2")
    wanted = RollbackWanted(world.records("prod")[-1].id, "it is broken")
    found = await asyncio.gather(*(roll_back(world.new_app(), wanted, ANN) for _ in range(MANY)))
    assert len({record.id for record in found}) == 1
    await world.run()
    assert world.story("prod")[2:] == ["rollback v1 succeeded"]


async def test_a_rollback_while_another_instance_starts_an_import_leaves_no_image_unvetoed() -> None:
    for pause in range(12):
        world = World()
        first, second = await released(world, "v1", "v2")
        third = await qualified(world, "v3")
        world.scheduler.take_due()
        rollback = roll_back(world.new_app(), RollbackWanted(world.records("staging")[-1].id, "bad"), ANN)
        await asyncio.gather(_after(pause, rollback), advance(world.new_app(), STAGING))
        await world.wake([wake_line(STAGING)])
        await world.run(HOUR)
        assert await world.current("staging") == first
        assert world.served("staging", "current") == first
        vetoed = {veto.digest for veto in (await world.line("staging")).vetoes}
        ran = {record.digest for record in world.records("staging") if record.phase is Phase.SUCCEEDED}
        assert vetoed == {second} | ({third} & ran)
        assert third not in {record.digest for record in world.records("prod")}


async def _after(pause: int, call: Awaitable[object]) -> None:
    for _ in range(pause):
        await asyncio.sleep(0)
    await call


async def test_a_hold_while_another_instance_claims_is_kept_and_obeyed() -> None:
    for pause in range(12):
        world = World()
        digest = world.registry.push(registry_id("dev"), WEB, "v1")
        await world.report("unit-tests", "passed", digest)
        event = world.pushed("dev", "v1", digest)
        setting = hold(world.new_app(), STAGING, "release day", ANN)
        await asyncio.gather(_after(pause, setting), take_push(world.new_app(), event))
        await world.wake([wake_line(STAGING)])
        await world.run()
        assert (await world.line("staging")).hold is not None
        assert world.served("staging", "v1") is None
        assert [candidate.digest for candidate in world.candidates("staging")] == [digest]


async def test_many_timers_at_once_do_no_more_than_one() -> None:
    world = World()
    await in_flight(world, "v1")
    world.scheduler.scheduled.clear()
    world.registry.finish_late()
    world.clock.advance(HOUR / 6)
    for work in await asyncio.gather(*(reconcile(world.new_app()) for _ in range(MANY))):
        await world.wake(work)
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]
    assert imported(world) == ["v1", "current"]
