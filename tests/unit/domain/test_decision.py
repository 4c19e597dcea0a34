"""`evaluate`: each condition in each of its states, and what follows from all of them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from promoter.domain.actor import AUTOMATION
from promoter.domain.codec import encode
from promoter.domain.condition import Condition, Kind, Request, Served, State
from promoter.domain.decision import MAX_KEPT, Decision, Outcome, decide, evaluate, evaluate_rollback
from promoter.domain.evidence import Arrival, Evidence, GateResult, Verdict
from promoter.domain.image import Image, Repository, Tag
from promoter.domain.line import Current, Hold, Line, LineKey, Veto
from promoter.domain.policy import Environment, Policy
from tests.unit.domain.strategies import NOW, digest, policy_of, times

WEB = Repository("shop/web")
IMAGE = Image(WEB, digest(1))
POLICY = policy_of({"gates": ["unit-tests", {"name": "scan", "environment": "prod"}], "automatic": True})
ARRIVAL = Arrival("dev", Tag("v1"), NOW, NOW, NOW)
UNIT_TESTS = GateResult("dev", "unit-tests", Verdict.PASSED, NOW)
SCAN = GateResult("prod", "scan", Verdict.PASSED, NOW)
EVIDENCE = Evidence(IMAGE, (ARRIVAL,), (UNIT_TESTS, SCAN))
LINE = Line.new(LineKey("staging", WEB))
FREE = Served(tag=None, pointer=None, image=False)
HOLD = Hold("release day", AUTOMATION, NOW)
VETO = Veto(IMAGE.digest, "staging~shop:web~9999999990.main", NOW)
AT = "2026-11-23T09:00:00Z"
IS_CURRENT = "its image is current already"


def judge(
    *,
    kind: Kind = Kind.AUTOMATIC,
    policy: Policy = POLICY,
    rule: str | None = "dev-to-staging",
    evidence: Evidence = EVIDENCE,
    line: Line = LINE,
    source_lines: tuple[Line, ...] = (),
    served: Served | None = FREE,
) -> Decision:
    request = Request(kind, rule, Tag("v1"), AUTOMATION)
    return evaluate(policy, request, evidence, line, source_lines, served, NOW)


def found(decision: Decision, kind: str) -> list[Condition]:
    return [condition for condition in decision.conditions if condition.kind == kind]


def only(decision: Decision, kind: str) -> tuple[State, str]:
    [condition] = found(decision, kind)
    return condition.state, condition.text


def held(number: int) -> Served:
    return Served(tag=digest(number), pointer=None, image=False)


def moving(policy: Policy) -> Policy:
    ends: tuple[Environment, ...] = tuple(replace(each, immutable_tags=False) for each in policy.environments)
    return Policy(environments=ends, rules=policy.rules)


def running(number: int, pushed: timedelta) -> Line:
    return LINE.with_current(Current("record", digest(number), Tag("v0"), NOW + pushed), 1)


# Everything together.


def test_an_image_that_meets_every_condition_qualifies_and_every_condition_is_told() -> None:
    decision = judge()
    assert decision.qualified
    assert decision.rule == "dev-to-staging"
    assert [condition.kind for condition in decision.conditions] == [
        "arrival",
        "gate",
        "gate",
        "veto",
        "automatic",
        "hold",
        "tag",
    ]
    assert decision.unmet == ()
    assert decision.reasons == ""


def test_nothing_known_is_nothing_good() -> None:
    decision = judge(evidence=Evidence(IMAGE))
    assert decision.outcome is Outcome.WAITING
    assert [condition.kind for condition in decision.unmet] == ["arrival", "gate", "gate"]
    assert decision.reasons == (
        "has not arrived in dev as v1; waits for gate unit-tests in dev; nothing reported yet; "
        "waits for gate scan in prod; nothing reported yet"
    )


def test_no_conditions_at_all_refuse() -> None:
    assert decide("rule", ()).outcome is Outcome.REFUSED
    assert not decide("rule", ()).qualified


@pytest.mark.parametrize("rule", [None, "another"])
def test_without_a_rule_nothing_is_promoted(rule: str | None) -> None:
    decision = judge(rule=rule)
    assert decision.outcome is Outcome.REFUSED
    assert decision.rule is None
    assert only(decision, "rule") == (State.REFUSED, "no rule leads shop/web:v1 into staging")


@given(
    st.lists(
        st.builds(
            Condition, kind=st.just("x"), state=st.sampled_from(State), text=st.just("y"), earliest=times
        )
    )
)
def test_qualified_means_that_no_condition_is_unmet(conditions: list[Condition]) -> None:
    decision = decide("rule", tuple(conditions))
    states = {condition.state for condition in conditions}
    assert decision.qualified is (bool(conditions) and not decision.unmet)
    assert (decision.outcome is Outcome.REFUSED) is (not conditions or State.REFUSED in states)
    assert (decision.outcome is Outcome.WAITING) is (State.PENDING in states and State.REFUSED not in states)


def test_where_only_time_is_missing_the_earliest_time_is_told() -> None:
    met = Condition("gate", State.MET, "passed")
    soon = Condition("soak", State.PENDING, "soaks", earliest=NOW)
    later = Condition("freeze", State.PENDING, "frozen", earliest=NOW + timedelta(hours=1))
    unknown = Condition("gate", State.PENDING, "waits for a gate")
    assert decide("rule", (met, soon, later)).earliest == NOW + timedelta(hours=1)
    assert decide("rule", (met, soon, unknown)).earliest is None
    assert decide("rule", (met,)).earliest is None
    assert decide("rule", (soon, Condition("veto", State.REFUSED, "no"))).earliest is None


@given(st.data())
def test_the_order_of_the_evidence_does_not_matter(data: st.DataObject) -> None:
    other = replace(ARRIVAL, tag=Tag("v2"), pushed_at=NOW + timedelta(seconds=1))
    failed = replace(SCAN, environment="dev", verdict=Verdict.FAILED)
    arrivals, gates = (ARRIVAL, other), (UNIT_TESTS, SCAN, failed)
    shuffled = Evidence(
        IMAGE,
        tuple(data.draw(st.permutations(arrivals))),
        tuple(data.draw(st.permutations(gates))),
    )
    assert judge(evidence=shuffled) == judge(evidence=Evidence(IMAGE, arrivals, gates))


# Each condition in each of its states.


def test_arrival() -> None:
    assert only(judge(), "arrival") == (State.MET, f"arrived in dev as v1 at {AT}")
    elsewhere = replace(EVIDENCE, arrivals=(replace(ARRIVAL, tag=Tag("v2")),))
    assert only(judge(evidence=elsewhere), "arrival") == (State.PENDING, "has not arrived in dev as v1")
    later = replace(EVIDENCE, arrivals=(replace(ARRIVAL, environment="staging"),))
    assert only(judge(evidence=later), "arrival")[0] is State.PENDING


def test_gate() -> None:
    passed, scanned = found(judge(), "gate")
    assert (passed.state, passed.text) == (State.MET, f"gate unit-tests in dev passed at {AT}")
    assert passed.evidence == UNIT_TESTS
    assert scanned.text == f"gate scan in prod passed at {AT}"

    missing, _ = found(judge(evidence=replace(EVIDENCE, gates=(SCAN,))), "gate")
    assert missing.state is State.PENDING
    assert missing.text == "waits for gate unit-tests in dev; nothing reported yet"
    assert missing.evidence is None

    failed_result = replace(UNIT_TESTS, verdict=Verdict.FAILED)
    failed, _ = found(judge(evidence=replace(EVIDENCE, gates=(failed_result, SCAN))), "gate")
    assert (failed.state, failed.text) == (State.REFUSED, f"gate unit-tests in dev failed at {AT}")
    assert failed.evidence == failed_result


def test_a_gate_that_passed_elsewhere_has_not_passed_here() -> None:
    elsewhere = (replace(UNIT_TESTS, environment="staging"), replace(SCAN, environment="dev"))
    decision = judge(evidence=replace(EVIDENCE, gates=elsewhere))
    assert [condition.state for condition in found(decision, "gate")] == [State.PENDING, State.PENDING]


def test_veto() -> None:
    assert only(judge(), "veto") == (State.MET, "has not been rolled back")
    vetoed = replace(LINE, vetoes=(VETO,))
    text = (
        f"was rolled back in staging at {AT} (record {VETO.record}); only a rollback to a record of its own, "
        "or an override, brings it back"
    )
    assert only(judge(line=vetoed), "veto") == (State.REFUSED, text)
    assert judge(line=vetoed, kind=Kind.MANUAL).outcome is Outcome.REFUSED
    other = replace(LINE, vetoes=(replace(VETO, digest=digest(2)),))
    assert judge(line=other).qualified


def test_a_veto_in_the_source_stands_in_the_way_on_any_of_its_tracks() -> None:
    sources = (
        Line.new(LineKey("dev", WEB)),
        replace(Line.new(LineKey("dev", WEB, "lts")), vetoes=(VETO,)),
    )
    assert judge(source_lines=sources[:1]).qualified
    assert only(judge(source_lines=sources), "veto")[1].startswith("was rolled back in dev at")


def test_automatic() -> None:
    assert only(judge(), "automatic") == (State.MET, "dev-to-staging is automatic")
    by_hand = policy_of({"automatic": False})
    text = "waits to be promoted by hand: dev-to-staging is not automatic"
    assert only(judge(policy=by_hand), "automatic") == (State.PENDING, text)
    assert found(judge(policy=by_hand, kind=Kind.MANUAL), "automatic") == []


def test_hold() -> None:
    assert only(judge(), "hold") == (State.MET, "staging is not on hold for shop/web")
    on_hold = replace(LINE, hold=HOLD)
    assert only(judge(line=on_hold), "hold") == (
        State.PENDING,
        f"staging is on hold since {AT}: release day",
    )
    assert judge(line=on_hold, kind=Kind.MANUAL).qualified


def test_tag() -> None:
    assert only(judge(), "tag") == (State.MET, "v1 is free in staging")
    assert only(judge(served=held(1)), "tag") == (State.MET, "v1 in staging is this image already")
    text = "v1 in staging is another image, sha256:000000000000, and tags there are immutable"
    assert only(judge(served=held(2)), "tag") == (State.REFUSED, text)
    assert judge(served=held(2), kind=Kind.MANUAL).outcome is Outcome.REFUSED


def test_the_tag_is_left_out_where_the_target_was_not_read() -> None:
    assert found(judge(served=None), "tag") == []
    assert judge(served=None).qualified


def test_a_moving_tag_moves_forward_by_itself_and_back_only_by_hand() -> None:
    policy = moving(POLICY)
    older, newer = running(2, -timedelta(seconds=1)), running(2, timedelta(seconds=1))
    forward = judge(policy=policy, line=older, served=held(2))
    assert only(forward, "tag") == (State.MET, "v1 in staging moves to this image")
    back = judge(policy=policy, line=newer, served=held(2))
    text = "v1 in staging is a newer image, and a moving tag is not moved back"
    assert only(back, "tag") == (State.REFUSED, text)
    assert judge(policy=policy, line=newer, served=held(2), kind=Kind.MANUAL).qualified
    assert judge(policy=policy, line=newer, served=held(1)).qualified


# What is kept.


@pytest.mark.parametrize("said", [None, UNIT_TESTS, replace(UNIT_TESTS, evidence="x" * 2048)])
@pytest.mark.parametrize("length", [10, 100, 2000])
@pytest.mark.parametrize("count", [1, 73])
def test_what_is_kept_of_a_decision_has_every_condition_within_its_limit(
    count: int, length: int, said: GateResult | None
) -> None:
    long = decide("rule", (Condition("gate", State.PENDING, "x" * length, evidence=said),) * count)
    kept = long.kept
    assert len(encode(kept.conditions)) <= MAX_KEPT
    assert replace(kept, conditions=long.conditions) == long
    assert [each.text[:100] for each in kept.conditions] == [each.text[:100] for each in long.conditions]
    if len(encode(long.conditions)) <= MAX_KEPT:
        assert kept == long


# Rollback.


def rollback(*, succeeded: bool = True, current: bool = False, held_by: str | None = "prod") -> Decision:
    return evaluate_rollback("record-1", succeeded=succeeded, current=current, held_by=held_by)


def test_a_rollback_asks_for_a_record_that_succeeded_is_not_current_and_has_its_image_still() -> None:
    decision = rollback()
    assert decision.qualified
    assert [condition.text for condition in decision.conditions] == [
        "record record-1 succeeded",
        "its image is not current",
        "its image is in the registry of prod",
    ]


@pytest.mark.parametrize(
    ("decision", "reasons"),
    [
        (rollback(succeeded=False), "record record-1 has not succeeded"),
        (rollback(current=True), IS_CURRENT),
        (rollback(held_by=None), "its image is in no registry any more"),
        (
            rollback(succeeded=False, current=True, held_by=None),
            f"record record-1 has not succeeded; {IS_CURRENT}; its image is in no registry any more",
        ),
    ],
)
def test_a_rollback_is_refused_with_every_reason(decision: Decision, reasons: str) -> None:
    assert decision.outcome is Outcome.REFUSED
    assert decision.reasons == reasons
