"""Where several things meet: late events, a changed policy, other tracks, and outages at the wrong moment."""

from datetime import timedelta

import msgspec
import pytest

from promoter.application.explain import explain
from promoter.application.hold import hold, unhold
from promoter.application.ports import ImportStatus, Progress
from promoter.application.promote import Wanted
from promoter.application.take_gate_result import GateReport, UnknownTagError, take_gate_result
from promoter.domain.decision import Outcome
from promoter.domain.errors import InvalidError
from promoter.domain.evidence import Verdict
from promoter.domain.image import Image, Repository, Tag
from promoter.domain.line import LineKey
from promoter.domain.promotion import FailureCode, Phase
from tests.fakes.world import ANN, WEB, World, policy, registry_id

SHOP = Repository(WEB)
TEN = timedelta(minutes=10)


def _under(world: World, **changes: object) -> None:
    """The app comes back with another policy."""
    world.policy = policy(gated=False, **changes)  # type: ignore[arg-type]
    world.app = world.new_app()


def _environments(**of_prod: object) -> list[dict[str, object]]:
    named: list[dict[str, object]] = [
        {"name": name, "registry": registry_id(name)} for name in ("dev", "staging", "prod")
    ]
    named[2] |= of_prod
    return named


async def test_asking_for_a_decision_stores_nothing_that_would_make_an_image_newer() -> None:
    world = World(policy(gated=False))
    old = world.registry.push(registry_id("dev"), WEB, "v1")
    late = world.pushed("dev", "v1", old)
    new = await world.push("v2")
    await world.run()
    await explain(world.app, Wanted(SHOP, "staging", tag=Tag("v1")))
    assert (await world.evidence.load(Image(SHOP, old))).arrivals == ()
    await world.deliver(late)
    await world.run()
    assert world.served("prod", "v1") == old
    assert await world.current("prod") == new
    assert world.served("prod", "current") == new


async def test_why_an_image_is_not_in_prod_is_answered_while_it_is_in_dev() -> None:
    world = World()
    await world.push("v1")
    await world.run()
    decision = await explain(world.app, Wanted(SHOP, "prod", tag=Tag("v1")))
    assert (decision.outcome, decision.rule) == ("waiting", "staging-to-prod")
    assert decision.reasons == "the registry of staging has no shop/web:v1"


async def test_an_image_from_before_promoters_time_is_promoted_by_hand_and_older_than_all() -> None:
    world = World(policy(gated=False))
    before = world.registry.push(registry_id("dev"), WEB, "v0")
    await world.promote("v0", "staging")
    await world.run()
    assert await world.current("staging") == before
    after = await world.push("v1")
    await world.run()
    assert await world.current("staging") == after


@pytest.mark.parametrize("change", [{"pointer": "live"}, {"registry": registry_id("newprod")}])
async def test_a_rollback_goes_to_the_registry_and_pointer_of_today(change: dict[str, str]) -> None:
    world = World(policy(gated=False))
    first = await world.push("v1")
    await world.run()
    _under(world, environments=_environments(**change))
    await world.push("v2")
    await world.run()
    await world.roll_back(world.records("prod")[-1].id)
    await world.run()
    environment = "newprod" if "registry" in change else "prod"
    assert await world.current("prod") == first
    assert world.served(environment, change.get("pointer", "current")) == first


async def test_what_was_rolled_back_on_one_track_is_vetoed_on_every_track() -> None:
    rules = [
        {
            "name": track,
            "from": "dev",
            "to": "prod",
            "repositories": ["shop/*"],
            "tags": [f"{track}.*"],
            "automatic": True,
            "track": track,
        }
        for track in ("one", "two")
    ]
    world = World(policy(rules=rules))
    await world.push("one.1")
    await world.run()
    bad = await world.push("one.2")
    await world.run()
    await world.roll_back(world.records("prod")[-1].id)
    await world.run()
    await world.push("two.1", bad)
    await world.run()
    assert world.served("prod", "two.1") is None
    [candidate] = world.candidates("prod")
    assert [condition.kind for condition in candidate.decision.unmet] == ["veto"]


async def test_a_verdict_on_a_tag_that_has_moved_unheard_is_not_taken_for_the_image_before() -> None:
    world = World(policy(immutable=False))
    first = await world.push("latest")
    second = world.registry.push(registry_id("dev"), WEB, "latest")
    late = world.pushed("dev", "latest", second)
    report = GateReport(SHOP, "dev", "unit-tests", Verdict.PASSED, tag=Tag("latest"))
    with pytest.raises(UnknownTagError, match="another image by now"):
        await take_gate_result(world.app, report, ANN, guard=False)
    await world.deliver(late)
    await world.run()
    assert (await world.evidence.load(Image(SHOP, first))).gates == ()
    assert world.story("staging") == []


async def test_a_rollback_that_took_effect_late_has_succeeded_though_its_poll_fails() -> None:
    world = World(policy(gated=False))
    first = await world.push("v1")
    await world.run(TEN)
    await world.push("v2")
    await world.run(TEN)
    await world.roll_back(world.records("prod")[-1].id)
    await world.drain()
    world.registry.finish_late()
    world.clock.advance(timedelta(minutes=31))
    world.registry.fail_poll(timedelta(seconds=5))
    await world.reconcile()
    await world.run(TEN)
    assert world.records("prod")[0].phase is Phase.SUCCEEDED
    assert await world.current("prod") == first


async def test_a_store_that_fails_at_the_end_is_no_failure_of_the_promotion() -> None:
    world = World(policy(gated=False, automatic_to_prod=False))
    world.registry.stick_next()
    digest = await world.push("v1")
    await world.drain()
    world.registry.finish_late()
    world.registry.push(registry_id("staging"), WEB, "current", digest)
    world.clock.advance(timedelta(minutes=31))
    world.promotions.fail_next()
    await world.run(TEN)
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_many_messages_for_one_line_become_one() -> None:
    world = World(policy(gated=False))
    world.registry.stick_next()
    for number in range(20):
        await world.push(f"v{number}")
    await world.drain()
    assert len(world.scheduler.scheduled) == 1
    for _ in range(5):
        await world.reconcile()
        await world.run(timedelta(minutes=5))
    assert len(world.scheduler.scheduled) == 1


async def test_while_a_registry_is_down_a_line_keeps_to_one_message() -> None:
    world = World(policy(gated=False))
    world.registry.set_down(registry_id("staging"))
    await world.push("v1")
    for _ in range(12):
        await world.reconcile()
        await world.run(timedelta(minutes=5))
    assert len(world.scheduler.scheduled) == 1
    world.registry.set_down(registry_id("staging"), down=False)
    await world.run(TEN)
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_a_role_that_stays_missing_ends_the_promotion_and_says_which() -> None:
    world = World(policy(gated=False, automatic_to_prod=False))
    world.registry.deny(registry_id("staging"))
    await world.push("v1")
    await world.run(TEN)
    assert world.story("staging") == ["automatic v1 pending"]
    await world.run(timedelta(minutes=25))
    failed = world.records("staging")[-1].failure
    assert failed is not None
    assert failed.code is FailureCode.NO_PERMISSION
    assert "needs the role AcrPull" in failed.message
    world.registry.deny(registry_id("staging"), denied=False)
    await world.run(TEN)
    assert world.story("staging")[-1] == "automatic v1 succeeded"


async def test_a_push_from_the_future_is_refused_so_that_the_next_one_is_newer() -> None:
    world = World(policy(gated=False))
    digest = world.registry.push(registry_id("dev"), WEB, "v1")
    event = world.pushed("dev", "v1", digest)
    with pytest.raises(InvalidError, match="ahead of now"):
        await world.deliver(msgspec.structs.replace(event, at=event.at + timedelta(minutes=6)))
    await world.deliver(msgspec.structs.replace(event, at=event.at + timedelta(minutes=4)))
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_a_rule_that_is_renamed_while_its_promotion_is_held_loses_no_image() -> None:
    world = World(policy(gated=False, automatic_to_prod=False))
    digest = await world.push("v1")
    key = LineKey("staging", SHOP)
    await hold(world.app, key, "wait", ANN)
    first, second = world.policy.rules
    world.policy = msgspec.structs.replace(
        world.policy, rules=(msgspec.structs.replace(first, name="renamed"), second)
    )
    world.app = world.new_app()
    await world.run()
    await world.wake(await unhold(world.app, key))
    await world.run()
    assert await world.current("staging") == digest


async def test_a_veto_outlives_the_rules_that_led_there() -> None:
    world = World(policy(gated=False))
    await world.push("v1")
    await world.run(TEN)
    key = LineKey("prod", SHOP)
    await hold(world.app, key, "wait", ANN)
    bad = await world.push("v2")
    await world.run(TEN)
    await world.roll_back(world.records("staging")[-1].id)
    await world.run(TEN)
    world.policy = msgspec.structs.replace(world.policy, rules=world.policy.rules[1:])
    world.app = world.new_app()
    await world.wake(await unhold(world.app, key))
    await world.run(TEN)
    assert world.served("prod", "v2") != bad


def _latest_on(track: str) -> list[dict[str, object]]:
    common = {"from": "dev", "to": "prod", "repositories": ["shop/*"], "automatic": True}
    return [
        common | {"name": "latest", "tags": ["latest"], "track": track},
        common | {"name": "versions", "tags": ["v*"], "track": "two"},
    ]


async def test_a_rule_that_changes_its_track_is_not_told_of_a_strangers_failure() -> None:
    world = World(policy(rules=_latest_on("one")))
    await world.push("latest")
    await world.run()
    world.registry.answer_submit(ImportStatus(Progress.TOO_MANY_MANIFESTS, message="more than 50 manifests"))
    await world.push("v5")
    await world.run()
    assert [(each.track, each.sequence, str(each.phase)) for each in world.records("prod")] == [
        ("one", 1, "succeeded"),
        ("two", 1, "failed"),
    ]
    _under(world, rules=_latest_on("two"))

    why = await explain(world.app, Wanted(SHOP, "prod", tag=Tag("latest")))
    assert why.outcome is Outcome.QUALIFIED


async def test_a_rule_that_changes_its_track_supersedes_no_stranger() -> None:
    world = World(policy(rules=_latest_on("one")))
    await world.push("latest")
    versioned = await world.push("v5")
    _under(world, rules=_latest_on("two"))
    await world.push("latest")
    await world.run()
    assert world.served("prod", "v5") == versioned
