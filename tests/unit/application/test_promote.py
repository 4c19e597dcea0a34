"""Promoting by hand, and asking why."""

import pytest

from promoter.application.explain import explain
from promoter.application.promote import NoRuleError, NotQualifiedError, Promoted, Wanted, promote
from promoter.application.work import advance
from promoter.domain.condition import Kind
from promoter.domain.decision import Decision, Outcome
from promoter.domain.errors import InvalidError, NotFoundError
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.promotion import Phase
from tests.fakes.world import ANN, WEB, World, policy, registry_id, started
from tests.unit.application.stories import codes, in_flight, qualified, released
from tests.unit.domain.strategies import digest

REPOSITORY = Repository(WEB)


async def why(world: World, tag: str = "v1", to: str = "staging", **changes: object) -> Decision:
    wanted = Wanted(REPOSITORY, to, **({"tag": Tag(tag)} | changes))  # type: ignore[arg-type]
    return await explain(world.app, wanted)


async def ask(world: World, to: str = "staging", **wanted: object) -> Promoted:
    return started(await promote(world.app, Wanted(REPOSITORY, to, **wanted), ANN))  # type: ignore[arg-type]


# By hand.


async def test_a_promotion_by_hand_needs_the_gates_and_not_that_its_rule_is_automatic() -> None:
    world = World(policy(automatic_to_prod=False))
    image = await world.push("v1")
    await world.report("unit-tests", "passed", image)
    await world.run()
    with pytest.raises(NotQualifiedError, match="waits for gate integration-tests in staging") as raised:
        await world.promote("v1")
    assert raised.value.decision.outcome is Outcome.WAITING
    await world.report("integration-tests", "passed", image, "staging")
    promoted = await world.promote("v1")
    assert (promoted.record.kind, promoted.record.actor, promoted.already) == (Kind.MANUAL, ANN, False)
    await world.run()
    assert await world.current("prod") == image
    assert world.candidates("prod") == []


async def test_a_digest_is_promoted_under_the_tag_that_it_arrived_with_last() -> None:
    world = World(policy(automatic_to_prod=False))
    [image] = await released(world, "v1")
    await world.push("v1.0", image)
    await world.run()
    promoted = await ask(world, "prod", digest=image)
    assert promoted.record.tag == "v1.0"


async def test_a_tag_is_what_the_source_registry_serves_now() -> None:
    world = World()
    await world.push("v1")
    moved = world.registry.push(registry_id("dev"), WEB, "v1")  # its event is on its way
    await world.report("unit-tests", "passed", moved)
    assert (await ask(world, tag=Tag("v1"))).record.digest == moved


async def test_an_image_whose_push_was_never_told_can_be_promoted_by_hand() -> None:
    world = World()
    image = world.registry.push(registry_id("dev"), WEB, "v1")
    await world.report("unit-tests", "passed", image)
    await world.promote("v1", "staging")
    await world.run()
    assert world.story("staging") == ["manual v1 succeeded"]


async def test_an_image_that_somebody_else_put_into_staging_does_not_go_to_prod() -> None:
    world = World()
    foreign = world.registry.push(registry_id("staging"), WEB, "v1")
    await world.report("integration-tests", "passed", foreign, "staging")
    with pytest.raises(NotQualifiedError, match="has not arrived in staging as v1"):
        await world.promote("v1")


async def test_the_same_request_while_it_runs_is_the_same_record() -> None:
    world = World()
    image = await in_flight(world, "v1")
    running = world.records("staging")[0]
    assert (await ask(world, tag=Tag("v1"))).record.id == running.id
    assert (await ask(world, digest=image)).record.id == running.id
    assert len(world.records("staging")) == 1


async def test_what_is_there_already_is_answered_with_the_record_that_brought_it() -> None:
    world = World()
    await released(world, "v1")
    promoted = await ask(world, tag=Tag("v1"))
    assert promoted.already
    assert promoted.record.id == world.records("staging")[0].id


async def test_what_was_there_and_whose_tag_was_deleted_is_promoted_again() -> None:
    world = World()
    [image] = await released(world, "v1")
    world.registry.delete(registry_id("staging"), WEB, "v1")
    promoted = await world.promote("v1", "staging")
    assert not promoted.already
    await world.run()
    assert world.served("staging", "v1") == image


async def test_an_older_image_that_a_person_names_becomes_current() -> None:
    world = World(policy(automatic_to_prod=False))
    await released(world, "v1", "v2")
    await world.promote("v2")
    await world.run()
    await world.promote("v1")
    await world.run()
    assert await world.current("prod") == world.served("prod", "v1")
    assert world.served("prod", "current") == world.served("prod", "v1")


async def test_a_failed_promotion_is_tried_again_by_hand_as_a_new_record() -> None:
    world = World()
    foreign = world.registry.push(registry_id("staging"), WEB, "v1")
    image = await qualified(world, "v1")
    await world.run()
    with pytest.raises(NotQualifiedError, match="tags there are immutable"):
        await ask(world, tag=Tag("v1"))
    world.registry.delete(registry_id("staging"), WEB, foreign)
    await world.promote("v1", "staging")
    await world.run()
    assert world.story("staging") == ["automatic v1 failed", "manual v1 succeeded"]
    assert codes(world, "staging")[1] is None
    assert await world.current("staging") == image


async def test_a_request_that_dies_after_its_claim_is_driven_by_its_guard_message() -> None:
    world = World()
    await world.push("v1")
    image = world.served("dev", "v1")
    assert image is not None
    await world.report("unit-tests", "passed", image)
    world.scheduler.scheduled.clear()
    await ask(world, tag=Tag("v1"))  # and nobody is woken by its answer
    await world.run()
    assert world.records("staging")[0].phase is Phase.SUCCEEDED


@pytest.mark.parametrize(
    ("wanted", "error", "message"),
    [
        ({}, InvalidError, "name the image by tag or by digest"),
        ({"tag": Tag("v1"), "digest": digest(1)}, InvalidError, "name the image by tag or by digest"),
        ({"tag": Tag("v1"), "to": "qa"}, NotFoundError, "no environment 'qa'"),
        ({"tag": Tag("v1"), "source": "qa"}, NotFoundError, "no environment 'qa'"),
        ({"tag": Tag("v1"), "source": "prod"}, NoRuleError, "no rule leads shop/web:v1 into staging"),
        ({"tag": Tag("nightly")}, NoRuleError, "no rule leads shop/web:nightly into staging"),
        ({"tag": Tag("v1"), "to": "dev"}, NoRuleError, "no rule leads shop/web:v1 into dev"),
        ({"tag": Tag("v1")}, NotFoundError, "the registry of dev has no shop/web:v1"),
        ({"digest": digest(1)}, NoRuleError, "has arrived under no tag that a rule leads into staging"),
        ({"tag": Tag("v1"), "reason": "x" * 1001}, InvalidError, "reason has 1001 characters"),
    ],
)
async def test_a_request_that_cannot_be_meant_says_why(
    wanted: dict[str, object], error: type[Exception], message: str
) -> None:
    world = World()
    with pytest.raises(error, match=message):
        await ask(world, **({"to": "staging"} | wanted))  # type: ignore[arg-type]
    assert world.promotions.snapshot() == {}


# Why.


async def test_why_tells_every_condition_as_automation_would_find_it_now() -> None:
    world = World(policy(automatic_to_prod=False))
    image = await world.push("v1")
    decision = await why(world)
    assert decision.outcome is Outcome.WAITING
    assert decision.reasons == "waits for gate unit-tests in dev; nothing reported yet"
    assert [each.kind for each in decision.conditions] == [
        "arrival",
        "gate",
        "veto",
        "automatic",
        "hold",
        "tag",
    ]
    await world.report("unit-tests", "passed", image)
    await world.run()
    decision = await why(world, to="prod")
    assert decision.reasons == (
        "waits for gate integration-tests in staging; nothing reported yet; "
        "waits to be promoted by hand: staging-to-prod is not automatic"
    )
    by_digest = await explain(world.app, Wanted(REPOSITORY, "prod", digest=image))
    assert by_digest == decision


async def test_why_says_the_same_as_the_candidate_and_changes_nothing() -> None:
    world = World()
    await world.push("v1")
    before = world.promotions.snapshot()
    [candidate] = world.candidates("staging")
    decision = await why(world)
    assert decision.unmet == candidate.decision.unmet
    assert world.promotions.snapshot() == before


async def test_why_of_an_image_that_no_rule_leads_there_is_a_decision_too() -> None:
    world = World()
    for decision in (await why(world, to="dev"), await why(world, tag="nightly")):
        assert decision.outcome is Outcome.REFUSED
        assert [each.kind for each in decision.conditions] == ["rule"]
    unknown = await explain(world.app, Wanted(REPOSITORY, "staging", digest=Digest(digest(1))))
    assert "has arrived under no tag" in unknown.reasons


async def test_why_sees_the_tag_in_the_target() -> None:
    world = World()
    image = await world.push("v1")
    await world.report("unit-tests", "passed", image)
    world.registry.push(registry_id("staging"), WEB, "v1")
    decision = await why(world)
    assert decision.reasons.endswith("and tags there are immutable")


async def test_why_asks_about_the_rule_from_the_source_that_is_named() -> None:
    selected = {"repositories": ["shop/*"], "tags": ["v*"], "automatic": True}
    rules = [
        {"name": "hotfix", "from": "dev", "to": "prod", "gates": ["approved"]} | selected,
        {"name": "first", "from": "dev", "to": "staging"} | selected,
        {"name": "usual", "from": "staging", "to": "prod"} | selected,
    ]
    world = World(policy(rules=rules))
    await world.push("v1")
    assert (await why(world, to="prod")).rule == "hotfix"
    await world.run()
    assert (await why(world, to="prod", source="staging")).rule == "usual"
    assert world.story("prod") == ["automatic v1 succeeded"]


async def test_waking_a_line_on_which_nothing_is_does_nothing() -> None:
    world = World()
    line = await world.line("prod")
    await world.work(advance(line.line_key))
    assert world.promotions.snapshot() == {}
    assert world.scheduler.scheduled == []
