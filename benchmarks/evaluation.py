"""The evaluator alone: a large policy, and one image."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figure import Figure
from promoter.domain.actor import AUTOMATION
from promoter.domain.condition import Kind, Request
from promoter.domain.decision import evaluate
from promoter.domain.evidence import Arrival, Evidence, GateResult, Verdict
from promoter.domain.image import Digest, Image, Repository, Tag
from promoter.domain.line import Line, LineKey
from promoter.domain.policy import Environment, Policy, PromotionRule
from promoter.domain.selector import Glob

_RULES, _GATES, _LOOPS, _ROUNDS = 1000, 20, 60, 15
_AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
_TAG = Tag("v1.2.3")


async def evaluation(_folder: Path) -> list[Figure]:
    """A thousand rules of twenty conditions: one rule is the image's, or ten are."""
    big, small, ten = (
        _judge(_policy(rules, targets)) for rules, targets in ((_RULES, 1), (10, 1), (_RULES, 10))
    )
    samples = [(_seconds(big), _seconds(small), _seconds(ten)) for _ in range(_ROUNDS)]
    title = f"evaluate: {_RULES:,} rules of {_GATES} conditions, one image"
    return [
        Figure(
            name="evaluate",
            title=title,
            unit="ms",
            samples=tuple(1000 * each for each, _, _ in samples),
            at_most=1,
            note="CPU time of finding the image's rules and judging it under each",
        ),
        Figure(
            name="evaluate-rules",
            title="evaluate with 1,000 rules, one of them the image's",
            against="10 rules, one of them the image's",
            samples=tuple(big / small for big, small, _ in samples),
            at_most=1.2,
        ),
        Figure(
            name="evaluate-matching",
            title="evaluate, each of 10 matching rules of 1,000",
            against="the only matching rule of 1,000",
            samples=tuple(ten / 10 / big for big, _, ten in samples),
            at_most=1.1,
        ),
    ]


def _policy(rules: int, targets: int) -> Policy:
    """Each team has a rule into each target."""
    names = ["dev", *(f"to-{number}" for number in range(targets))]
    made = [
        PromotionRule(
            name=f"team-{number // targets}-to-{number % targets}",
            source="dev",
            target=f"to-{number % targets}",
            repositories=(Glob(f"team-{number // targets}/*"),),
            tags=(Glob("v*"),),
            gates=tuple(f"gate-{gate}" for gate in range(_GATES)),
            automatic=True,
        )
        for number in range(rules)
    ]
    return Policy(tuple(Environment(name, name) for name in names), tuple(made))


def _judge(policy: Policy) -> Callable[[], None]:
    last = policy.rules[-1].name.partition("-to-")[0]
    image = Image(Repository(f"{last}/web"), Digest(f"sha256:{'a' * 64}"))
    arrival = Arrival("dev", _TAG, first_at=_AT, last_at=_AT, pushed_at=_AT)
    gates = tuple(GateResult("dev", f"gate-{gate}", Verdict.PASSED, _AT) for gate in range(_GATES))
    evidence, now = Evidence(image, (arrival,), gates), _AT + timedelta(hours=1)

    def judge() -> None:
        for rule in policy.rules_from("dev", image.repository, _TAG):
            line = Line.new(LineKey(rule.target, image.repository))
            request = Request(Kind.AUTOMATIC, rule.name, _TAG, AUTOMATION)
            decision = evaluate(policy, request, evidence, line, (), None, now)
            if not decision.qualified:
                raise AssertionError(decision.reasons)

    return judge


def _seconds(judge: Callable[[], None]) -> float:
    judge()
    start = time.process_time()
    for _ in range(_LOOPS):
        judge()
    return (time.process_time() - start) / _LOOPS
