"""Approvals: by people, of one image under one rule, and what is asked for by hand while they are missing."""

from datetime import UTC, datetime

import pytest

from promoter.application.approve import Word
from promoter.application.documents import Candidate
from promoter.application.explain import explain
from promoter.application.promote import NotQualifiedError, Promoted, Wanted, promote
from promoter.application.work import advance
from promoter.domain.access import Caller
from promoter.domain.actor import Actor
from promoter.domain.condition import Override
from promoter.domain.decision import Outcome
from promoter.domain.errors import ForbiddenError, InvalidError, NotFoundError, RefusedError
from promoter.domain.image import Digest, Image, Repository, Tag
from promoter.domain.promotion import Promotion
from tests.fakes.world import WEB, World
from tests.unit.application.stories import HOUR, MINUTE, conditional
from tests.unit.domain.strategies import digest

RULE = "dev-to-staging"
REPOSITORY = Repository(WEB)


def caller(name: str, *roles: str) -> Caller:
    actor = Actor(f"tenant/{name}", name.capitalize(), "entra")
    return Caller(actor, frozenset(roles or ("Promoter.Approver", "Promoter.Operator")))


ANN, BOB, EVE = caller("ann"), caller("bob"), caller("eve", "Promoter.Operator")
KEY = Caller(Actor("key", "a key", "key"), frozenset({"Promoter.Approver"}))


async def ask(
    world: World, who: Caller = ANN, override: Override | None = None, tag: str = "v1"
) -> Promoted | Candidate:
    """Ask for a promotion to staging by hand."""
    wanted = Wanted(REPOSITORY, "staging", tag=Tag(tag), reason="please", override=override)
    outcome = await promote(world.app, wanted, who.actor)
    if isinstance(outcome, Promoted):
        await world.wake([advance(outcome.record.line_key)])
    return outcome


def last(world: World) -> Promotion:
    return world.records("staging")[0]


async def arrived(world: World, tag: str = "v1") -> Digest:
    pushed = await world.push(tag)
    await world.run(MINUTE)
    return pushed


async def test_the_approval_that_was_missing_promotes() -> None:
    world = World(conditional(approvals={"count": 2}))
    image = await arrived(world)
    await world.approve(image, RULE, ANN, comment="looks good")
    await world.run(MINUTE)
    assert world.story("staging") == []
    await world.approve(image, RULE, BOB)
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]
    decision = last(world).decision
    assert decision is not None
    [condition] = [each for each in decision.conditions if each.kind == "approval"]
    assert condition.text == (
        "approved by Ann at 2026-11-23T09:01:01Z (looks good), Bob at 2026-11-23T09:02:01Z"
    )


async def test_a_rejection_stops_what_waits_and_its_withdrawal_lets_it_go_on() -> None:
    world = World(conditional(approvals={}))
    image = await arrived(world)
    await world.approve(image, RULE, BOB, Word.REJECT)
    await world.approve(image, RULE, ANN)
    await world.run()
    [candidate] = world.candidates("staging")
    assert candidate.decision.outcome is Outcome.REFUSED
    await world.approve(image, RULE, BOB, Word.WITHDRAW)
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]


async def test_a_rejection_stops_what_is_claimed_and_has_not_started() -> None:
    world = World(conditional(approvals={}))
    world.registry.stick_next()
    first = await arrived(world)
    await world.approve(first, RULE, ANN)
    second = await arrived(world, "v2")
    await world.approve(second, RULE, ANN)
    await world.drain()
    await world.approve(second, RULE, BOB, Word.REJECT)
    await world.run(HOUR)
    assert "automatic v2 superseded" in world.story("staging")
    assert world.served("staging", "v2") is None


async def test_what_waits_for_approval_alone_can_be_asked_for_by_hand_and_goes_ahead_as_theirs() -> None:
    world = World(conditional(approvals={}, automatic=False))
    image = await arrived(world)
    waiting = await ask(world, ANN)
    assert isinstance(waiting, Candidate)
    assert waiting.requested is not None
    assert (waiting.requested.actor, waiting.requested.reason) == (ANN.actor, "please")
    again = await ask(world, BOB)
    assert isinstance(again, Candidate)
    assert again.requested == waiting.requested
    with pytest.raises(ForbiddenError, match="nobody approves what they requested"):
        await world.approve(image, RULE, ANN)
    await world.approve(image, RULE, BOB)
    await world.run()
    assert world.story("staging") == ["manual v1 succeeded"]
    assert (last(world).actor, last(world).reason) == (ANN.actor, "please")


async def test_who_approves_first_and_asks_then_has_approved_nothing() -> None:
    world = World(conditional(approvals={}, automatic=False))
    image = await arrived(world)
    await world.approve(image, RULE, ANN)
    waiting = await ask(world, ANN)
    assert isinstance(waiting, Candidate)
    assert "nobody approves what they requested" in waiting.decision.reasons
    why = await explain(world.app, Wanted(REPOSITORY, "staging", tag=Tag("v1")))
    assert why.unmet == waiting.decision.unmet
    await world.approve(image, RULE, BOB)
    await world.run()
    assert world.story("staging") == ["manual v1 succeeded"]


async def test_who_approves_and_asks_is_not_promoted_by_automation_instead() -> None:
    world = World(conditional(approvals={}, soak="1h"))
    image = await arrived(world)
    await ask(world, ANN)
    await world.run(2 * HOUR)
    assert world.story("staging") == []
    await world.approve(image, RULE, BOB)
    await world.run()
    assert world.story("staging") == ["manual v1 succeeded"]


async def test_what_is_asked_for_by_hand_waits_for_a_freeze_to_end() -> None:
    weekend = {"name": "weekend", "start": "0 16 * * FRI", "duration": "64h"}
    world = World(conditional(freeze=[weekend], automatic=False))
    world.clock.set(datetime(2026, 11, 28, 12, 0, tzinfo=UTC))
    await arrived(world)
    assert isinstance(await ask(world), Candidate)
    await world.run(48 * HOUR)
    assert world.story("staging") == ["manual v1 succeeded"]
    assert last(world).created_at == datetime(2026, 11, 30, 8, 0, tzinfo=UTC)


async def test_where_more_is_missing_than_time_and_approvals_it_is_refused() -> None:
    world = World(conditional(approvals={}, gates=["lint"]))
    await arrived(world)
    with pytest.raises(NotQualifiedError, match="waits for gate lint in dev"):
        await ask(world)
    [candidate] = world.candidates("staging")
    assert candidate.requested is None


async def test_a_newer_push_takes_nobodys_request_along() -> None:
    world = World(conditional(approvals={}, automatic=False))
    await arrived(world)
    await ask(world, ANN)
    newer = await arrived(world)
    await world.approve(newer, RULE, BOB)
    await world.run()
    assert world.story("staging") == []


async def test_what_was_asked_for_before_a_rollback_does_not_come_after_it() -> None:
    world = World(conditional(approvals={}))
    for tag in ("v1", "v2"):
        image = await arrived(world, tag)
        await world.approve(image, RULE, BOB)
        await world.run()
    third = await arrived(world, "v3")
    assert isinstance(await ask(world, ANN, tag="v3"), Candidate)
    await world.roll_back(world.records("staging")[1].id)
    await world.run()
    await world.approve(third, RULE, BOB)
    await world.run()
    assert world.story("staging") == [
        "automatic v1 succeeded",
        "automatic v2 succeeded",
        "rollback v1 succeeded",
    ]
    asked = await ask(world, EVE, tag="v3")  # who asks again has seen the hold
    assert isinstance(asked, Promoted)
    await world.run()
    assert world.story("staging")[-1] == "manual v3 succeeded"


# Overrides.


async def test_an_override_is_kept_on_the_record_with_its_reason() -> None:
    world = World(conditional(approvals={}, soak="30d", gates=["lint"]))
    image = await arrived(world)
    override = Override(("approval", "soak", "gate"), "the site is down")
    assert isinstance(await ask(world, ANN, override), Promoted)
    await world.run()
    record = last(world)
    assert (record.phase, record.override) == ("succeeded", override)
    assert await world.current("staging") == image
    assert record.decision is not None
    overridden = {each.kind for each in record.decision.conditions if each.overridden}
    assert overridden == {"approval", "soak", "gate"}


async def test_an_override_brings_a_vetoed_image_back_and_ends_its_veto() -> None:
    world = World(conditional())
    await arrived(world, "v1")
    bad = await arrived(world, "v2")
    await world.roll_back(world.records("staging")[1].id)
    await world.run()
    with pytest.raises(NotQualifiedError, match="or an override, brings it back"):
        await ask(world, ANN, tag="v2")
    assert isinstance(await ask(world, ANN, Override(("veto",), "it was the network"), "v2"), Promoted)
    await world.run()
    assert await world.current("staging") == bad
    assert (await world.line("staging")).vetoes == ()


@pytest.mark.parametrize(
    ("override", "field", "message"),
    [
        (Override(("tag",), "because"), "override.conditions", "can be overridden are gate, soak"),
        (Override((), "because"), "override.conditions", "can be overridden are gate, soak"),
        (Override(("gate",), "  "), "override.reason", "needs a reason"),
        (Override(("gate",), "x" * 1001), "override.reason", "at most 1000"),
    ],
)
async def test_what_cannot_be_overridden_is_told(override: Override, field: str, message: str) -> None:
    world = World(conditional(gates=["lint"]))
    await arrived(world)
    with pytest.raises(InvalidError, match=message) as raised:
        await ask(world, ANN, override)
    assert raised.value.field == field


# Who, and of what.


@pytest.mark.parametrize(
    ("rule", "who", "message"),
    [
        ({}, EVE, "needs the role Promoter.Approver"),
        ({}, KEY, "is for somebody in particular"),
        ({"roles": ["Release.Manager"]}, ANN, "approve in staging needs the role Release.Manager"),
    ],
)
async def test_who_may_not_approve_is_told_why(rule: dict[str, object], who: Caller, message: str) -> None:
    world = World(conditional(approvals=rule))
    image = await arrived(world)
    with pytest.raises(ForbiddenError, match=message):
        await world.approve(image, RULE, who)


async def test_the_roles_that_a_rule_names_are_enough() -> None:
    world = World(conditional(approvals={"roles": ["Release.Manager"]}))
    image = await arrived(world)
    await world.approve(image, RULE, caller("eve", "Release.Manager", "Promoter.Reader"))
    await world.run()
    assert world.story("staging") == ["automatic v1 succeeded"]
    [approval] = (await world.evidence.load(Image(REPOSITORY, image))).approvals
    assert approval.roles == ("Release.Manager",)


async def test_what_makes_no_sense_is_told() -> None:
    world = World(conditional(approvals={}))
    image = await arrived(world)
    with pytest.raises(NotFoundError, match="the policy has no rule 'nope'"):
        await world.approve(image, "nope", ANN)
    with pytest.raises(NotFoundError, match="has arrived nowhere yet"):
        await world.approve(digest(77), RULE, ANN)
    with pytest.raises(NotFoundError, match="Ann has said nothing of shop/web@sha256:"):
        await world.approve(image, RULE, ANN, Word.WITHDRAW)
    with pytest.raises(InvalidError, match="comment has 1001 characters"):
        await world.approve(image, RULE, ANN, comment="x" * 1001)
    without = World(conditional())
    with pytest.raises(RefusedError, match="asks for no approval; a hold on staging"):
        await without.approve(await arrived(without), RULE, ANN)


async def test_the_same_word_twice_is_said_once() -> None:
    world = World(conditional(approvals={"count": 2}))
    image = await arrived(world)
    for _ in range(3):
        await world.approve(image, RULE, ANN)
        await world.run(MINUTE)
    assert world.story("staging") == []
    [candidate] = world.candidates("staging")
    assert candidate.decision.reasons.endswith("approved by Ann at 2026-11-23T09:03:01Z")
