"""Waiting is active: what time, people and verdicts change is judged again when they do, and only then."""

from datetime import UTC, datetime, timedelta

import pytest

from promoter.application.documents import Candidate
from promoter.application.hold import hold, unhold
from promoter.application.ports import MAX_DELAY
from promoter.application.reconcile import notice_policy
from promoter.application.take_gate_result import GateReport, take_gate_result
from promoter.application.work import Consider
from promoter.domain.access import Caller
from promoter.domain.actor import Actor
from promoter.domain.codec import encode
from promoter.domain.decision import MAX_KEPT, Outcome
from promoter.domain.evidence import Verdict
from promoter.domain.image import Repository
from promoter.domain.line import LineKey
from tests.fakes.world import ANN, WEB, World
from tests.unit.application.stories import DAY, HOUR, MINUTE, conditional

SECOND = timedelta(seconds=1)
WEEKEND = {"name": "weekend", "start": "0 16 * * FRI", "duration": "64h", "timezone": "Europe/Berlin"}


def considered(world: World) -> list[datetime]:
    """When messages show that judge an image again."""
    return sorted(each.due for each in world.scheduler.scheduled if isinstance(each.work, Consider))


def only(world: World) -> Candidate:
    [candidate] = world.candidates("staging")
    return candidate


async def test_a_soak_that_ends_promotes_to_the_second_without_a_timer() -> None:
    world = World(conditional(soak="2h"))
    pushed = await world.push("v1")
    arrived = world.clock.now()
    await world.run(2 * HOUR - SECOND)
    assert world.story("staging") == []
    assert only(world).decision.earliest == arrived + 2 * HOUR
    await world.run(MINUTE)
    [record] = world.records("staging")
    assert record.created_at == arrived + 2 * HOUR
    assert await world.current("staging") == pushed


async def test_a_freeze_that_ends_promotes() -> None:
    world = World(conditional(freeze=[WEEKEND]))
    world.clock.set(datetime(2026, 11, 28, 12, 0, tzinfo=UTC))
    await world.push("v1")
    await world.run(3 * DAY)
    [record] = world.records("staging")
    assert record.created_at == datetime(2026, 11, 30, 7, 0, tzinfo=UTC)


async def test_a_freeze_of_very_many_windows_ends_all_the_same() -> None:
    world = World(conditional(freeze=[{"name": "fridays", "start": "* * * * FRI", "duration": "1m"}]))
    world.clock.set(datetime(2026, 11, 27, 0, 30, tzinfo=UTC))
    await world.push("v1")
    await world.run(DAY)
    [record] = world.records("staging")
    assert record.created_at == datetime(2026, 11, 28, 0, 0, tzinfo=UTC)


async def test_a_soak_of_weeks_is_waited_for_in_steps_by_one_message_at_a_time() -> None:
    world = World(conditional(soak="20d"))
    await world.push("v1")
    arrived = world.clock.now()
    await world.drain()
    seen = []
    while not world.records("staging"):
        [due] = considered(world)
        seen.append(due - arrived)
        await world.run(due - world.clock.now())
    assert seen == [MAX_DELAY, 2 * MAX_DELAY, 3 * MAX_DELAY, 20 * DAY]
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_facts_that_come_meanwhile_do_not_multiply_the_messages() -> None:
    world = World(conditional(soak="2h", gates=["lint", "scan"]))
    pushed = await world.push("v1")
    arrived = world.clock.now()
    for minute in range(10):
        await world.run(MINUTE)
        await world.report("scan" if minute % 2 else "lint", "passed", pushed)
    await world.drain()
    assert considered(world) == [arrived + 2 * HOUR]


async def test_what_changes_first_is_shown_when_it_has_changed() -> None:
    world = World(conditional(soak="2h", approvals={}))
    await world.push("v1")
    await world.run(3 * HOUR)
    states = {each.kind: str(each.state) for each in only(world).decision.conditions}
    assert (states["soak"], states["approval"]) == ("met", "pending")
    assert considered(world) == []


async def test_what_gets_too_old_while_it_waits_for_something_else_is_shown_as_that() -> None:
    world = World(conditional(gates=[{"name": "scan", "maxAge": "7d"}], approvals={}))
    pushed = await world.push("v1")
    await world.report("scan", "passed", pushed)
    await world.run(DAY)
    assert [each.kind for each in only(world).decision.unmet] == ["approval"]
    await world.run(7 * DAY)
    assert [each.kind for each in only(world).decision.unmet] == ["gate", "approval"]
    assert considered(world) == []


async def test_a_decision_of_very_many_words_is_kept_within_its_limit() -> None:
    gates = [f"gate-{number}" for number in range(64)]
    world = World(conditional(gates=gates, approvals={"count": 10}))
    pushed = await world.push("v1")
    for gate in gates:
        report = GateReport(Repository(WEB), "dev", gate, Verdict.PASSED, pushed, evidence="\n" * 2048)
        await take_gate_result(world.app, report, ANN, guard=False)
    for number in range(10):
        who = Caller(Actor(f"tenant/{number}", f"No. {number}", "entra"), frozenset({"Promoter.Approver"}))
        assert len(encode(only(world).decision.conditions)) <= MAX_KEPT
        await world.approve(pushed, "dev-to-staging", who, comment="x" * 1000)
    await world.run()
    [record] = world.records("staging")
    assert record.phase == "succeeded"
    assert record.decision is not None
    assert len(encode(record.decision.conditions)) <= MAX_KEPT
    said = [each.text for each in record.decision.conditions if each.kind == "gate"]
    assert said == [f"gate {gate} in dev passed at 2026-11-23T09:00:01Z" for gate in gates]


async def test_a_message_that_comes_a_little_early_is_sent_again() -> None:
    world = World(conditional(soak="2h"))
    await world.push("v1")
    arrived = world.clock.now()
    await world.drain()
    early = arrived + 2 * HOUR - timedelta(milliseconds=300)
    world.clock.set(early)
    [message] = world.scheduler.take_due(early + SECOND)
    await world.work(message)
    assert world.story("staging") == []
    assert considered(world) == [arrived + 2 * HOUR]
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_a_lost_message_is_made_up_for_by_reconcile() -> None:
    world = World(conditional(soak="2h"))
    await world.push("v1")
    world.scheduler.scheduled.clear()
    await world.run(2 * HOUR)
    assert world.story("staging") == []
    await world.reconcile()
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_a_lost_message_of_what_changes_one_of_several_conditions_is_made_up_for_too() -> None:
    world = World(conditional(soak="2h", approvals={}))
    await world.push("v1")
    world.scheduler.scheduled.clear()
    await world.run(2 * HOUR)
    assert [each.kind for each in only(world).decision.unmet] == ["soak", "approval"]
    await world.reconcile()
    await world.run()
    assert [each.kind for each in only(world).decision.unmet] == ["approval"]


async def test_a_lifted_hold_and_the_end_of_a_soak_are_waited_for_in_either_order() -> None:
    world = World(conditional(soak="2h"))
    line = LineKey("staging", Repository(WEB))
    await hold(world.app, line, "release day", ANN)
    await world.push("v1")
    await world.run(3 * HOUR)
    assert world.story("staging") == []
    await world.wake(await unhold(world.app, line))
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]


@pytest.mark.parametrize(("soak", "outcome"), [("1h", 1), ("90d", 0)])
async def test_a_changed_policy_wakes_what_waits_under_the_old_one(soak: str, outcome: int) -> None:
    world = World(conditional(soak="30d"))
    await world.push("v1")
    await world.run(2 * HOUR)
    world.policy = conditional(soak=soak)
    world.app = world.new_app()
    await world.reconcile()
    await world.run()
    assert len(world.records("staging")) == outcome
    if not outcome:
        assert only(world).policy_hash == world.policy.hash
        assert only(world).decision.outcome is Outcome.WAITING


async def test_a_verdict_that_has_got_too_old_while_a_promotion_waited_its_turn_stops_it() -> None:
    world = World(conditional(gates=[{"name": "scan", "maxAge": "10m"}]))
    world.registry.stick_next()
    first = await world.push("v1")
    await world.report("scan", "passed", first)
    await world.drain()
    second = await world.push("v2")
    await world.report("scan", "passed", second)
    await world.run(HOUR)
    assert world.story("staging") == ["automatic v1 failed", "automatic v2 superseded"]
    waiting = {str(each.tag): each.decision.reasons for each in world.candidates("staging")}
    assert waiting["v2"].startswith("waits for gate scan in dev to run again")
    await world.report("scan", "passed", second)
    await world.run()
    assert world.story("staging")[-1] == "automatic v2 succeeded"


async def test_a_process_with_another_policy_wakes_what_waits_and_the_next_process_does_not() -> None:
    world = World(conditional(soak="30d"))
    assert await notice_policy(world.app) == []
    await world.push("v1")
    await world.run(2 * HOUR)
    assert await notice_policy(world.app) == []
    world.policy = conditional(soak="1h")
    world.app = world.new_app()
    [work] = await notice_policy(world.app)
    assert await notice_policy(world.new_app()) == []
    await world.wake([work])
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]
