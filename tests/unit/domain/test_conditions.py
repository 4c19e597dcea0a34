"""The conditions that ask for people, time and trust: gates, soak, approvals, freezes, overrides."""

import pkgutil
import random
from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from promoter.domain import conditions
from promoter.domain.actor import AUTOMATION, Actor
from promoter.domain.condition import Condition, Kind, Override, Request, State, how_long
from promoter.domain.conditions import CONDITIONS, OVERRIDABLE
from promoter.domain.decision import Decision, Outcome, evaluate
from promoter.domain.evidence import (
    Approval,
    ApprovalDecision,
    Arrival,
    Evidence,
    Fact,
    GateResult,
    Verdict,
)
from promoter.domain.image import Image, Repository, Tag
from promoter.domain.line import Current, Line, LineKey, Veto
from promoter.domain.policy import Policy
from tests.unit.domain.strategies import NOW, digest, gate_results, policy_of

IMAGE = Image(Repository("shop/web"), digest(1))
V1 = Tag("v1")
HOUR = timedelta(hours=1)
ARRIVAL = Arrival("dev", V1, NOW, NOW, NOW)
LINE = Line.new(LineKey("staging", IMAGE.repository))
ANN, BOB, EVE = (Actor(f"tenant/{name}", name.capitalize(), "entra") for name in ("ann", "bob", "eve"))
APPROVER = ("Promoter.Approver",)


def policy(**rule: object) -> Policy:
    """One rule that says this."""
    return policy_of({"automatic": True, **rule})


def judge(
    policy: Policy,
    *facts: Fact,
    at: datetime = NOW,
    actor: Actor = AUTOMATION,
    override: Override | None = None,
    line: Line = LINE,
    claimed: bool = False,
) -> Decision:
    """The decision on an image that has arrived in dev, and of which these facts are known."""
    kind = Kind.AUTOMATIC if actor is AUTOMATION else Kind.MANUAL
    request = Request(kind, "dev-to-staging", V1, actor, override, claimed)
    return evaluate(policy, request, known(ARRIVAL, *facts), line, (line,), None, at)


def known(*facts: Fact) -> Evidence:
    """Facts as the stores keep them."""
    return reduce(Evidence.plus, facts, Evidence(IMAGE))


def one(decision: Decision, kind: str) -> Condition:
    """The only condition of a kind."""
    [found] = [condition for condition in decision.conditions if condition.kind == kind]
    return found


def passed(
    after: timedelta = timedelta(0),
    verdict: Verdict = Verdict.PASSED,
    by: Actor = ANN,
    issuer: str | None = None,
) -> GateResult:
    return GateResult("dev", "unit-tests", verdict, NOW + after, issuer, reported_by=by)


def approval(
    rule: Policy,
    by: Actor = ANN,
    decision: ApprovalDecision = ApprovalDecision.APPROVED,
    after: timedelta = timedelta(0),
    roles: tuple[str, ...] = APPROVER,
    comment: str | None = None,
) -> Approval:
    said = rule.rules[0]
    return Approval(said.name, said.hash, by, decision, NOW + after, roles, comment)


# Gates.


def test_a_verdict_counts_for_as_long_as_the_rule_says() -> None:
    asked = policy(gates=[{"name": "unit-tests", "maxAge": "7d"}])
    good = judge(asked, passed(), at=NOW + timedelta(days=7, seconds=-1))
    assert good.qualified
    assert good.next_change == one(good, "gate").until == NOW + timedelta(days=7)
    late = judge(asked, passed(), at=NOW + timedelta(days=7))
    assert late.outcome is Outcome.WAITING
    assert late.earliest is None
    assert one(late, "gate").text == (
        "waits for gate unit-tests in dev to run again: it passed at 2026-11-23T09:00:00Z, 7d ago, and "
        "counts for 7d"
    )
    again = judge(asked, passed(), passed(timedelta(days=7)), at=NOW + timedelta(days=8))
    assert again.qualified


def test_only_the_verdicts_of_the_issuers_that_are_named_count() -> None:
    asked = policy(gates=[{"name": "unit-tests", "issuers": ["ci", "qa"]}])
    other = judge(asked, passed(issuer="laptop"))
    assert one(other, "gate").state is State.PENDING
    assert one(other, "gate").text == (
        "waits for gate unit-tests in dev; a verdict of issuer laptop does not count here"
    )
    assert judge(asked, passed(issuer="qa")).qualified
    assert one(judge(asked, passed(issuer="qa")), "gate").text.endswith(
        "passed at 2026-11-23T09:00:00Z (by qa)"
    )


def test_a_verdict_of_somebody_else_does_not_take_the_place_of_one_that_counts() -> None:
    asked = policy(gates=[{"name": "unit-tests", "issuers": ["ci"]}])
    good, bad = passed(issuer="ci"), passed(HOUR, Verdict.FAILED, issuer="laptop")
    assert judge(asked, good, bad).qualified
    assert judge(asked, bad, good).qualified
    assert not judge(policy(gates=["unit-tests"]), good, bad).qualified


def test_a_reporter_is_whom_promoter_knows_and_no_text_of_an_issuer_makes_up_for_it() -> None:
    asked = policy(gates=[{"name": "unit-tests", "reporters": [ANN.id]}])
    forged = judge(asked, passed(by=EVE, issuer=ANN.id))
    assert one(forged, "gate").state is State.PENDING
    assert f"reported by {EVE.id} does not count here" in one(forged, "gate").text
    assert judge(asked, passed(by=EVE, verdict=Verdict.FAILED, after=HOUR), passed(by=ANN)).qualified


# Soak.


def test_an_image_soaks_from_its_first_arrival_in_the_source_under_any_tag() -> None:
    asked = policy(soak="2h")
    waiting = judge(asked, at=NOW + HOUR)
    assert (waiting.outcome, waiting.earliest) == (Outcome.WAITING, NOW + 2 * HOUR)
    assert one(waiting, "soak").text == (
        "waits to have been in dev for 2h: until 2026-11-23T11:00:00Z, 1h more"
    )
    earlier = Arrival("dev", Tag("other"), NOW - HOUR, NOW - HOUR, NOW - HOUR)
    assert judge(asked, earlier, at=NOW + HOUR).qualified
    elsewhere = replace(earlier, environment="prod")
    assert not judge(asked, elsewhere, at=NOW + HOUR).qualified


# Approvals.


def test_enough_different_people_have_to_approve() -> None:
    asked = policy(approvals={"count": 2})
    nobody = judge(asked)
    assert nobody.outcome is Outcome.WAITING
    assert one(nobody, "approval").text == (
        "waits for 2 approvals by Promoter.Approver; nobody has approved yet"
    )
    twice = judge(asked, approval(asked), approval(asked, after=HOUR))
    assert one(twice, "approval").text == (
        "waits for 2 approvals by Promoter.Approver; approved by Ann at 2026-11-23T10:00:00Z"
    )
    both = judge(asked, approval(asked), approval(asked, BOB))
    assert both.qualified
    assert one(both, "approval").evidence == (approval(asked), approval(asked, BOB))


def test_one_rejection_refuses_until_its_author_withdraws_it() -> None:
    asked = policy(approvals={})
    no = approval(asked, BOB, ApprovalDecision.REJECTED, comment="not on a Friday")
    refused = judge(asked, approval(asked), no)
    assert refused.outcome is Outcome.REFUSED
    assert one(refused, "approval").text == (
        "was rejected by Bob at 2026-11-23T09:00:00Z (not on a Friday), until that is withdrawn"
    )
    changed = policy(approvals={}, soak="1h")
    assert judge(changed, no, at=NOW + HOUR).outcome is Outcome.REFUSED  # also when the rule has changed
    withdrawn = approval(asked, BOB, ApprovalDecision.WITHDRAWN, HOUR)
    assert judge(asked, approval(asked), no, withdrawn).qualified
    assert not judge(asked, no, withdrawn).qualified


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ([passed(HOUR, Verdict.FAILED)], "a gate has failed since"),
        ([passed(HOUR, Verdict.FAILED), passed(2 * HOUR)], "a gate has failed since"),
    ],
)
def test_an_approval_is_void_after_a_later_failure_also_once_it_has_passed_again(
    facts: list[Fact], why: str
) -> None:
    asked = policy(approvals={})
    decision = judge(asked, approval(asked), *facts)
    assert one(decision, "approval").state is State.PENDING
    assert f"; that of Ann at 2026-11-23T09:00:00Z does not count: {why}" in one(decision, "approval").text
    assert one(judge(asked, *facts, approval(asked, after=2 * HOUR)), "approval").state is State.MET


def test_an_approval_is_void_after_a_rollback_also_once_that_is_over() -> None:
    asked = policy(approvals={})
    vetoed = replace(LINE, vetoes=(Veto(IMAGE.digest, "record", NOW + HOUR),), barrier=1)
    current = Current("record", IMAGE.digest, V1, NOW)
    back = vetoed.with_current(current, 2)
    assert back.vetoes == ()
    decision = judge(asked, approval(asked), line=back)
    assert "the image was rolled back since" in one(decision, "approval").text
    assert judge(asked, approval(asked, after=2 * HOUR), line=back).qualified


def test_an_approval_is_of_the_rule_as_it_was() -> None:
    asked, changed = policy(approvals={}), policy(approvals={}, soak="1s")
    decision = judge(changed, approval(asked), at=NOW + HOUR)
    assert "the rule has changed since" in one(decision, "approval").text


def test_nobody_approves_what_they_requested() -> None:
    asked = policy(approvals={})
    assert judge(asked, approval(asked), actor=BOB).qualified
    decision = judge(asked, approval(asked), actor=ANN)
    assert one(decision, "approval").state is State.PENDING
    assert "nobody approves what they requested" in one(decision, "approval").text


def test_an_approval_gets_old() -> None:
    asked = policy(approvals={"maxAge": "1h"})
    good = judge(asked, approval(asked), at=NOW + HOUR - timedelta(seconds=1))
    assert good.qualified
    assert good.next_change == one(good, "approval").until == NOW + HOUR
    assert "it is older than 1h" in one(judge(asked, approval(asked), at=NOW + 2 * HOUR), "approval").text


@pytest.mark.parametrize(
    ("roles", "is_met"),
    [(("Release.Manager",), True), (("Promoter.Admin",), True), (APPROVER, False), ((), False)],
)
def test_who_approves_has_one_of_the_roles(roles: tuple[str, ...], is_met: bool) -> None:  # noqa: FBT001
    asked = policy(approvals={"roles": ["Release.Manager", "QA.Lead"]})
    decision = judge(asked, approval(asked, roles=roles))
    assert decision.qualified is is_met
    if not is_met:
        assert "waits for approval by Release.Manager or QA.Lead" in decision.reasons
        assert "its author had no role that may approve" in decision.reasons


def test_the_environment_says_who_approves_where_the_rule_does_not() -> None:
    asked = policy(approvals={})
    prod_only = replace(
        asked,
        environments=tuple(
            replace(each, roles=replace(each.roles, approver=("Promoter.Approver.Staging",)))
            for each in asked.environments
        ),
    )
    assert not judge(prod_only, approval(prod_only)).qualified
    assert judge(prod_only, approval(prod_only, roles=("Promoter.Approver.Staging",))).qualified


# Freezes.

WEEKEND = {"name": "weekend", "start": "0 16 * * FRI", "duration": "64h", "timezone": "Europe/Berlin"}
FRIDAY = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)


def test_in_a_freeze_nothing_is_claimed_and_what_is_claimed_goes_on() -> None:
    asked = policy(freeze=[WEEKEND])
    assert judge(asked, at=FRIDAY - timedelta(seconds=1)).qualified
    frozen = judge(asked, at=FRIDAY)
    monday = datetime(2026, 11, 30, 7, 0, tzinfo=UTC)
    assert (frozen.outcome, frozen.earliest, frozen.next_change) == (Outcome.WAITING, monday, monday)
    assert one(frozen, "freeze").text == "is frozen by weekend until 2026-11-30T07:00:00Z"
    assert judge(asked, at=monday).qualified
    assert judge(asked, at=FRIDAY, claimed=True).qualified
    assert not judge(asked, at=FRIDAY, actor=BOB).qualified


def test_the_earliest_time_is_not_within_a_freeze() -> None:
    asked = policy(freeze=[WEEKEND], soak="2h")
    soon = judge(asked, Arrival("dev", V1, FRIDAY, FRIDAY, FRIDAY), at=FRIDAY - timedelta(minutes=1))
    assert soon.qualified  # it had arrived on Monday
    fresh = evaluate(
        asked,
        Request(Kind.AUTOMATIC, "dev-to-staging", V1, AUTOMATION),
        known(replace(ARRIVAL, first_at=FRIDAY - HOUR)),
        LINE,
        (),
        None,
        FRIDAY - timedelta(minutes=1),
    )
    assert fresh.next_change == FRIDAY + HOUR
    assert fresh.earliest == datetime(2026, 11, 30, 7, 0, tzinfo=UTC)


def test_where_a_freeze_is_overridden_the_earliest_time_may_lie_in_it() -> None:
    asked = policy(freeze=[WEEKEND], soak="5d")
    override = Override(("freeze",), "an incident")
    waits = judge(asked, at=NOW, actor=BOB, override=override)
    assert waits.earliest == NOW + timedelta(days=5)  # on Saturday
    assert judge(asked, at=waits.earliest, actor=BOB, override=override).qualified


def test_there_is_no_earliest_time_where_what_is_met_will_be_too_old_by_then() -> None:
    asked = policy(gates=[{"name": "unit-tests", "maxAge": "1d"}], soak="2d")
    waits = judge(asked, passed())
    assert (waits.outcome, waits.earliest) == (Outcome.WAITING, None)
    assert waits.next_change == NOW + timedelta(days=1)
    assert judge(policy(gates=asked.rules[0].gates, soak="1d"), passed()).earliest is None
    assert judge(asked, passed(25 * HOUR), at=NOW + 26 * HOUR).earliest == NOW + timedelta(days=2)


# Overrides.


@pytest.mark.parametrize("kind", OVERRIDABLE)
def test_what_is_overridden_stays_to_be_seen_and_stands_no_more_in_the_way(kind: str) -> None:
    asked = policy(gates=["unit-tests"], soak="2h", approvals={}, freeze=[WEEKEND])
    vetoed = replace(LINE, vetoes=(Veto(IMAGE.digest, "record", NOW),))
    at = FRIDAY + HOUR
    arrived = Arrival("dev", Tag("v1"), at, at, at)
    request = Request(Kind.MANUAL, "dev-to-staging", V1, ANN, Override((kind,), "an incident"))

    def decide(request: Request) -> Decision:
        return evaluate(asked, request, known(arrived), vetoed, (), None, at)

    before = decide(replace(request, override=None))
    after = decide(request)
    assert {each.kind for each in before.unmet} == set(OVERRIDABLE)
    assert {each.kind for each in after.unmet} == set(OVERRIDABLE) - {kind}
    assert one(after, kind).state is one(before, kind).state
    assert one(after, kind).text.endswith(" - overridden by Ann: an incident")
    everything = decide(replace(request, override=Override(OVERRIDABLE, "an incident")))
    assert everything.qualified


def test_automation_overrides_nothing_and_nobody_overrides_where_the_image_is() -> None:
    asked = policy(gates=["unit-tests"])
    override = Override(("gate", "arrival", "tag"), "because")
    assert not judge(asked, override=override).qualified
    request = Request(Kind.MANUAL, "dev-to-staging", V1, ANN, override)
    nowhere = evaluate(asked, request, Evidence(IMAGE), LINE, (), None, NOW)
    assert [each.kind for each in nowhere.unmet] == ["arrival"]


# Laws.

_RULE = policy(
    gates=["unit-tests", {"name": "scan", "issuers": ["qa"], "maxAge": "1s"}],
    soak="1s",
    approvals={"count": 2},
)
facts = st.one_of(
    gate_results(),
    gate_results(gate="scan"),
    st.builds(
        approval,
        st.just(_RULE),
        st.sampled_from([ANN, BOB, EVE]),
        st.sampled_from(ApprovalDecision),
        st.sampled_from([timedelta(0), timedelta(seconds=1), timedelta(seconds=2)]),
    ),
    st.builds(
        lambda seconds: replace(ARRIVAL, first_at=NOW + timedelta(seconds=seconds)),
        st.integers(min_value=-2, max_value=2),
    ),
)


@given(st.lists(facts, max_size=8), st.randoms(use_true_random=False), st.integers(min_value=0, max_value=3))
def test_neither_the_order_of_facts_nor_how_often_they_come_matters(
    told: list[Fact], chance: random.Random, seconds: int
) -> None:
    again = told + [chance.choice(told) for _ in range(3) if told]
    chance.shuffle(again)
    at = NOW + timedelta(seconds=seconds)
    assert known(*told).last_failed_at == known(*again).last_failed_at
    assert judge(_RULE, *told, at=at) == judge(_RULE, *again, at=at)


@given(st.lists(facts, max_size=8), st.integers(min_value=0, max_value=3))
def test_what_waits_for_time_alone_is_judged_otherwise_at_that_time(told: list[Fact], seconds: int) -> None:
    at = NOW + timedelta(seconds=seconds)
    now = judge(_RULE, *told, at=at)
    if now.earliest is not None:
        assert now.earliest > at
        assert judge(_RULE, *told, at=now.earliest) != now
    if now.next_change is not None:
        assert now.next_change > at
        assert judge(_RULE, *told, at=now.next_change).conditions != now.conditions
    if now.qualified:
        assert all(each.state is State.MET for each in now.conditions)


def test_every_module_of_conditions_is_asked() -> None:
    modules = {module.name for module in pkgutil.iter_modules(conditions.__path__)}
    assert sorted(each.KIND for each in CONDITIONS) == sorted(modules)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (-5, "0s"), (59, "59s"), (60, "1m"), (3725, "1h 2m"), (86400 * 3 + 61, "3d 1m"), (0.4, "0s")],
)
def test_how_long_is_said_in_two_units(seconds: float, text: str) -> None:
    assert how_long(timedelta(seconds=seconds)) == text
