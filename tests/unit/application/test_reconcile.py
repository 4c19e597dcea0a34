"""Reconcile: what no message drives is picked up, and what waits is judged again when it may matter."""

import logging
from datetime import timedelta

import pytest

from promoter.application.documents import KnownEnvironment, Todo, TodoKind
from promoter.application.hold import hold, unhold
from promoter.application.ports import ImportStatus, Progress
from promoter.application.reconcile import KEPT
from promoter.application.work import advance
from promoter.domain.errors import InvalidError, UnavailableError
from promoter.domain.image import Repository
from promoter.domain.line import LineKey
from promoter.domain.policy import Policy
from tests.fakes.world import ANN, WEB, World, policy, registry_id
from tests.unit.application.stories import DAY, HOUR, MINUTE, in_flight, qualified, released

STAGING = LineKey("staging", Repository(WEB))
SELECTED = {"repositories": ["shop/*"], "tags": ["v*"]}


def lose_messages(world: World) -> None:
    """The queue is emptied: nothing that was to be woken will be."""
    world.scheduler.scheduled.clear()


async def under(world: World, changed: Policy) -> None:
    """Deploy another policy."""
    world.policy = changed
    world.app = world.new_app()


async def settle(world: World) -> None:
    """Let the timer do its work for a while."""
    for _ in range(4):
        world.clock.advance(2 * MINUTE)
        await world.reconcile()
        await world.run()


def dev_to_staging(**changes: object) -> dict[str, object]:
    rule = {"name": "dev-to-staging", "from": "dev", "to": "staging", "automatic": True}
    return rule | SELECTED | {"gates": ["unit-tests"]} | changes


async def test_a_claimed_promotion_whose_wake_up_was_lost_is_driven() -> None:
    world = World()
    digest = await qualified(world, "v1")
    lose_messages(world)
    await world.run(HOUR)
    assert world.story("staging") == ["automatic v1 pending"]
    await settle(world)
    assert await world.current("staging") == digest


async def test_an_import_whose_next_look_was_lost_is_driven() -> None:
    world = World()
    await qualified(world, "v1")
    await world.drain()
    lose_messages(world)
    await settle(world)
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_what_was_claimed_just_now_is_left_to_its_own_message() -> None:
    world = World()
    await qualified(world, "v1")
    lose_messages(world)
    await world.reconcile()
    assert world.scheduler.scheduled == []


async def test_a_retry_whose_wake_up_was_lost_is_made_when_it_is_due() -> None:
    world = World()
    world.registry.answer_submit(ImportStatus(Progress.FORBIDDEN, message="the role is missing"))
    digest = await qualified(world, "v1")
    await world.drain()
    assert world.story("staging") == ["automatic v1 failed"]
    lose_messages(world)
    await world.reconcile()
    await world.run()
    assert world.story("staging") == ["automatic v1 failed"]
    await settle(world)
    assert world.story("staging") == ["automatic v1 failed", "automatic v1 succeeded"]
    assert await world.current("staging") == digest


async def test_follow_ups_that_were_lost_are_made_good() -> None:
    world = World(polls=0)
    digest = await qualified(world, "v1")
    world.scheduler.take_due()
    world.evidence.fail_next()
    await world.work(advance(STAGING))
    lose_messages(world)
    assert world.story("staging") == ["automatic v1 succeeded"]
    assert world.story("prod") == []
    assert [todo.kind for todo in world.promotions.rows(Todo, "staging")] == [TodoKind.FOLLOW_UP]
    await settle(world)
    assert await world.current("prod") == digest
    assert world.promotions.rows(Todo) == []


async def test_a_follow_up_that_cannot_be_done_keeps_no_other_from_being_done() -> None:
    world = World(polls=0)
    first, _ = [await qualified(world, tag) for tag in ("v1", "v2")]
    for _ in range(2):
        world.evidence.fail_next()
        await world.work(advance(STAGING))
    lose_messages(world)
    assert len([todo for todo in world.promotions.rows(Todo) if todo.kind is TodoKind.FOLLOW_UP]) == 2
    world.evidence.fail_next(InvalidError("more is known of the image than can be kept"))
    await world.work(advance(STAGING, leftovers=True))
    await world.run()
    assert await world.current("prod") == first
    assert [todo.sequence for todo in world.promotions.rows(Todo)] == [2]


async def test_an_image_that_waits_for_a_person_goes_when_the_policy_makes_its_rule_automatic() -> None:
    world = World(policy(automatic_to_prod=False))
    [digest] = await released(world, "v1")
    assert world.story("prod") == []
    await under(world, policy())
    await settle(world)
    assert world.story("prod") == ["automatic v1 succeeded"]
    assert await world.current("prod") == digest
    assert world.records("prod")[0].policy_hash == world.policy.hash


async def test_an_image_that_waits_for_a_gate_goes_when_the_policy_asks_for_it_no_more() -> None:
    world = World()
    await world.push("v1")
    await under(world, policy(rules=[dev_to_staging(gates=[])]))
    await settle(world)
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_an_image_whose_rule_left_the_policy_waits_for_it_for_a_while() -> None:
    world = World()
    await world.push("v1")
    assert len(world.candidates("staging")) == 1
    await under(world, policy(rules=[dev_to_staging(repositories=["base/*"])]))
    await settle(world)
    [candidate] = world.candidates("staging")
    assert candidate.decision.reasons == "no rule leads shop/web:v1 from dev into staging any more"
    await world.run(KEPT - HOUR)
    await settle(world)
    assert world.candidates("staging") == [candidate]
    await world.run(HOUR)
    await settle(world)
    assert world.candidates("staging") == []
    assert world.claims("staging") == []
    assert world.story("staging") == []


async def test_what_waits_goes_on_when_a_rule_comes_back_that_was_lost_by_mistake() -> None:
    world = World(policy(rules=[dev_to_staging(gates=[], soak="1h")]))
    digest = await world.push("v1")
    await world.run(MINUTE)
    before = world.policy
    for mistaken in ("shop.*", "shopp/*"):
        await under(world, policy(rules=[dev_to_staging(gates=[], soak="1h", repositories=[mistaken])]))
        await settle(world)
    await world.run(HOUR)
    assert world.story("staging") == []
    await under(world, before)
    await settle(world)
    assert await world.current("staging") == digest


async def test_an_image_whose_rule_was_renamed_waits_under_the_new_name() -> None:
    world = World()
    digest = await world.push("v1")
    await under(world, policy(rules=[dev_to_staging(name="to-staging")]))
    await settle(world)
    [candidate] = world.candidates("staging")
    assert (candidate.rule, candidate.digest) == ("to-staging", digest)
    await world.report("unit-tests", "passed", digest)
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_a_promotion_that_was_claimed_finishes_under_its_own_policy() -> None:
    world = World()
    digest = await in_flight(world, "v1")
    await under(world, policy(rules=[dev_to_staging(repositories=["base/*"], gates=["another"])]))
    world.registry.finish_late()
    await settle(world)
    assert await world.current("staging") == digest


async def test_a_promotion_into_an_environment_that_left_the_policy_finishes() -> None:
    world = World()
    await world.reconcile()
    digest = await in_flight(world, "v1")
    lose_messages(world)
    names = ("dev", "prod")
    environments = [{"name": name, "registry": registry_id(name)} for name in names]
    rules = [dev_to_staging(name="dev-to-prod", to="prod")]
    await under(world, policy(environments=environments, rules=rules))
    world.registry.finish_late()
    await settle(world)
    assert await world.current("staging") == digest
    assert world.story("staging") == ["automatic v1 succeeded"]
    known = {row.name for row in world.promotions.rows(KnownEnvironment)}
    assert known == {"dev", "staging", "prod"}


async def test_what_waited_for_a_hold_goes_when_its_release_was_not_heard() -> None:
    world = World()
    await hold(world.app, STAGING, "release day", ANN)
    digest = await qualified(world, "v1")
    await world.run()
    await settle(world)
    assert world.story("staging") == []
    await unhold(world.app, STAGING)  # the process dies before it wakes anything
    await settle(world)
    assert await world.current("staging") == digest


async def test_what_still_waits_is_not_judged_again_and_again() -> None:
    world = World()
    await world.push("v1")
    await world.drain()
    before = world.promotions.snapshot()
    await settle(world)
    environments = {key for key in world.promotions.snapshot() if key[0] == "~environments"}
    assert world.promotions.snapshot().keys() - environments == before.keys()
    assert world.scheduler.scheduled == []


async def test_a_registry_that_is_down_keeps_nobody_else_from_being_picked_up() -> None:
    world = World()
    await _leave_a_recheck(world, "staging")
    other = await world.push("v1", repository="shop/zzz")
    await world.report("unit-tests", "passed", other, repository="shop/zzz")
    lose_messages(world)
    world.clock.advance(2 * HOUR)
    world.registry.fail_digest()
    await world.reconcile()
    await world.run()
    assert await world.current("staging", repository="shop/zzz") == other
    assert [todo.kind for todo in world.promotions.rows(Todo)] == [TodoKind.RECHECK]
    await world.reconcile()
    await world.drain()
    assert world.promotions.rows(Todo) == []


async def _leave_a_recheck(world: World, environment: str) -> None:
    """A promotion whose pointer import was given up before it was heard to have ended."""
    digest = await world.push("v1")
    await world.report("unit-tests", "passed", digest)
    await world.run(timedelta(seconds=15))
    world.registry.fail_submit()  # the pointer's: nobody knows whether it was accepted
    await world.run(10 * MINUTE)
    assert world.story(environment) == ["automatic v1 succeeded"]
    assert [todo.kind for todo in world.promotions.rows(Todo)] == [TodoKind.RECHECK]


async def test_an_import_that_may_finish_late_is_looked_at_an_hour_later_and_then_forgotten() -> None:
    world = World()
    await _leave_a_recheck(world, "staging")
    await world.reconcile()
    await world.drain()
    assert len(world.promotions.rows(Todo)) == 1
    world.clock.advance(HOUR)
    await world.reconcile()
    await world.drain()
    assert world.promotions.rows(Todo) == []


async def test_while_something_is_on_the_line_its_tags_are_not_looked_at() -> None:
    world = World()
    await _leave_a_recheck(world, "staging")
    world.clock.advance(2 * HOUR)
    await in_flight(world, "v2")
    world.registry.push(registry_id("staging"), WEB, "current")
    submitted = len(world.registry.submitted)
    await world.reconcile()
    await world.work(advance(STAGING, leftovers=True))
    assert len(world.registry.submitted) == submitted
    assert TodoKind.RECHECK in {todo.kind for todo in world.promotions.rows(Todo)}


async def test_while_the_store_is_down_the_timer_fails_and_does_its_work_the_next_time() -> None:
    world = World()
    world.promotions.fail_next()
    with pytest.raises(UnavailableError):
        await world.reconcile()
    await qualified(world, "v1")
    lose_messages(world)
    await settle(world)
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_at_rest_nothing_is_left_to_do() -> None:
    world = World()
    await released(world, "v1", "v2")
    await world.roll_back(world.records("prod")[-1].id)
    await world.run(DAY)
    assert world.promotions.rows(Todo) == []
    await world.reconcile()
    assert world.scheduler.scheduled == []


async def test_it_tells_how_many_images_wait(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    for number, words in ((1, "1 image waits in staging"), (2, "2 images wait in staging")):
        await world.push(f"v{number}")
        caplog.clear()
        with caplog.at_level(logging.INFO, logger="promoter"):
            await world.reconcile()
        told = [each.getMessage().partition(" {")[0] for each in caplog.records]
        assert words in told
