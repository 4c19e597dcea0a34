"""What people ask for by hand and has to wait: it is not lost, and moves back nothing that came meanwhile."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from promoter.application.documents import Candidate
from promoter.application.hold import hold, unhold
from promoter.application.ports import ImportStatus, Progress
from promoter.application.promote import NoRuleError, NotQualifiedError, Promoted, Wanted, promote
from promoter.application.retry import retry
from promoter.application.work import advance
from promoter.domain.actor import Actor
from promoter.domain.condition import Override
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.line import LineKey
from promoter.domain.promotion import Promotion
from tests.fakes.world import ANN, APPROVERS, WEB, World, policy, started
from tests.unit.application.stories import HOUR, MINUTE, conditional

RULE = "dev-to-staging"
REPOSITORY = Repository(WEB)
STAGING = LineKey("staging", REPOSITORY)
BOB = APPROVERS["bob"]
EVE = APPROVERS["eve"].actor
WEEKEND = {"name": "weekend", "start": "0 16 * * FRI", "duration": "64h"}
SATURDAY = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


async def ask(
    world: World, tag: str, who: Actor = ANN, override: Override | None = None
) -> Promoted | Candidate:
    """Ask for a promotion to staging by hand."""
    outcome = await promote(world.app, Wanted(REPOSITORY, "staging", Tag(tag), override=override), who)
    if isinstance(outcome, Promoted):
        await world.wake([advance(outcome.record.line_key)])
    return outcome


async def arrived(world: World, tag: str) -> Digest:
    pushed = await world.push(tag)
    await world.run(MINUTE)
    return pushed


async def test_a_request_waits_for_the_end_of_a_hold_too() -> None:
    world = World(conditional(approvals={}, automatic=False))
    image = await arrived(world, "v1")
    await ask(world, "v1")
    await hold(world.app, STAGING, "an audit", EVE)
    await world.approve(image, RULE, BOB)
    await world.run()
    assert world.story("staging") == []
    await world.wake(await unhold(world.app, STAGING))
    await world.run()
    assert world.story("staging") == ["manual v1 succeeded"]
    assert world.records("staging")[0].actor == ANN


async def test_who_asks_again_during_a_hold_asks_in_place_of_who_has_asked_before_it() -> None:
    world = World(conditional(approvals={}, automatic=False))
    image = await arrived(world, "v1")
    await ask(world, "v1")
    await hold(world.app, STAGING, "an audit", EVE)
    await world.run(MINUTE)
    await ask(world, "v1", EVE)
    await world.approve(image, RULE, BOB)
    await world.run()
    assert world.records("staging")[0].actor == EVE


async def test_a_rollback_on_a_line_that_was_held_before_ends_what_was_asked_for_before_it() -> None:
    world = World(conditional(approvals={}))
    for tag in ("v1", "v2"):
        await world.approve(await arrived(world, tag), RULE, BOB)
        await world.run()
    await hold(world.app, STAGING, "an audit", EVE)
    await world.run(MINUTE)
    third = await arrived(world, "v3")
    assert isinstance(await ask(world, "v3"), Candidate)
    await world.run(MINUTE)
    await world.roll_back(world.records("staging")[1].id)
    await world.run()
    await world.approve(third, RULE, BOB)
    await world.run()
    assert world.story("staging")[2:] == ["rollback v1 succeeded"]


async def test_what_was_asked_for_as_the_newest_moves_nothing_back_that_came_meanwhile() -> None:
    world = World(conditional(freeze=[WEEKEND], automatic=False))
    world.clock.set(SATURDAY)
    waiting = await arrived(world, "v1")
    assert isinstance(await ask(world, "v1"), Candidate)
    hotfix = await arrived(world, "v2")
    await ask(world, "v2", EVE, Override(("freeze",), "the site is down"))
    await world.run(48 * HOUR)
    assert world.story("staging") == ["manual v2 succeeded", "manual v1 succeeded"]
    assert world.served("staging", "v1") == waiting
    assert await world.current("staging") == hotfix


async def test_what_was_asked_for_to_go_back_goes_back_however_long_it_has_to_wait() -> None:
    world = World(conditional(freeze=[WEEKEND]))
    older = await arrived(world, "v1")
    await arrived(world, "v2")
    await world.run()
    world.clock.set(SATURDAY)
    assert isinstance(await ask(world, "v1"), Candidate)
    await world.run(48 * HOUR)
    assert await world.current("staging") == older


async def test_a_retry_that_has_to_wait_stays_a_retry_and_moves_nothing_back() -> None:
    world = World(conditional(freeze=[WEEKEND]))
    world.registry.answer_submit(ImportStatus(Progress.TOO_MANY_MANIFESTS, message="more than 50 manifests"))
    older = await arrived(world, "v1")
    [first] = world.records("staging")
    newer = await arrived(world, "v2")
    world.clock.set(SATURDAY)
    assert isinstance(await retry(world.app, first.id, EVE), Candidate)
    await world.run(48 * HOUR)
    again = world.records("staging")[0]
    assert (again.digest, again.phase, again.retry_of) == (older, "succeeded", first.id)
    assert await world.current("staging") == newer


# Trying again.


async def test_a_retry_does_not_move_a_tag_back_to_what_automation_has_failed_at() -> None:
    world = World(policy(immutable=False, gated=False))
    world.registry.stick_next()
    await arrived(world, "latest")
    newer = await arrived(world, "latest")
    await world.run(HOUR)
    assert world.served("staging", "latest") == newer
    first = world.records("staging")[-1]
    assert first.phase == "failed"
    with pytest.raises(NotQualifiedError, match="is a newer image, and a moving tag is not moved back"):
        await retry(world.app, first.id, ANN)


async def failed(world: World, override: Override | None = None) -> Promotion:
    """A promotion by hand that has failed, since a role was missing."""
    await arrived(world, "v1")
    world.registry.answer_submit(ImportStatus(Progress.FORBIDDEN, message="a role is missing"))
    await ask(world, "v1", override=override)
    await world.run()
    [record] = world.records("staging")
    assert record.phase == "failed"
    return record


async def test_a_retry_repeats_the_override_of_what_it_tries_again() -> None:
    override = Override(("gate",), "the runner is down")
    world = World(conditional(gates=["lint"], automatic=False))
    record = await failed(world, override)
    promoted = started(await retry(world.app, record.id, EVE))
    assert promoted.record.override == override
    assert promoted.record.decision is not None
    [gate] = [each for each in promoted.record.decision.conditions if each.kind == "gate"]
    assert gate.text.endswith("overridden by Eve: the runner is down")


async def test_a_retry_goes_by_the_rule_that_is_the_image_s_today() -> None:
    world = World(conditional(automatic=False))
    record = await failed(world)
    strict, lax = conditional(name="strict", gates=["scan"]).rules[0], conditional().rules[0]
    world.policy = replace(world.policy, rules=(strict, lax))
    world.app = world.new_app()
    with pytest.raises(NotQualifiedError, match="waits for gate scan in dev"):
        await retry(world.app, record.id, ANN)


@pytest.mark.parametrize("rule", [{"to": "prod"}, {"from": "prod"}, {"tags": ["w*"]}])
async def test_a_retry_leads_nowhere_else_than_what_it_tries_again(rule: dict[str, str]) -> None:
    world = World(conditional(automatic=False))
    record = await failed(world)
    world.policy = conditional(**rule)
    world.app = world.new_app()
    with pytest.raises(NoRuleError, match="no rule leads shop/web:v1 from dev into staging any more"):
        await retry(world.app, record.id, ANN)
