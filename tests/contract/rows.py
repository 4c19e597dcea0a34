"""One row of every kind, with every field that a row may have."""

from datetime import UTC, datetime, timedelta

from promoter.application.documents import (
    Candidate,
    Claim,
    Keyed,
    KnownEnvironment,
    LogEntry,
    Rejection,
    Remembered,
    Row,
    drive,
)
from promoter.domain.actor import AUTOMATION, Actor
from promoter.domain.condition import Condition, Kind, State
from promoter.domain.decision import decide
from promoter.domain.evidence import GateResult, Verdict
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.line import Current, Drift, Hold, Line, Veto
from promoter.domain.policy import Environment, GateRequirement, Policy, PromotionRule
from promoter.domain.promotion import Attempt, Failure, FailureCode, Phase, Promotion
from promoter.domain.selector import Glob

AT = datetime(2026, 11, 23, 17, 0, 1, 234567, tzinfo=UTC)
WEB = Repository("shop/web")
V1 = Tag("v1.2.3")
ALICE = Actor("tenant/alice", "Älice \U0001f680", "entra")


def digest(number: int) -> Digest:
    """Some digest."""
    return Digest(f"sha256:{number:064x}")


def line(
    repository: str = "shop/web", environment: str = "prod", sequence: int = 1, version: str = ""
) -> Line:
    """A line with little on it."""
    return Line(
        environment=environment, repository=Repository(repository), sequence=sequence, version=version
    )


def full_line() -> Line:
    """A line with everything on it."""
    return Line(
        environment="prod",
        repository=WEB,
        sequence=7,
        current=Current("prod~shop:web~9999999993.main", digest(1), V1, AT),
        queue=(6, 7),
        barrier=6,
        hold=Hold("it's on fire", ALICE, AT),
        vetoes=(Veto(digest(2), "prod~shop:web~9999999994.main", AT),),
        drift=(Drift("pushed", digest(3), AT, V1),),
    )


def promotion() -> Promotion:
    """A promotion that has been through a lot."""
    gate = GateResult(
        "dev", "unit-tests", Verdict.PASSED, AT, "ci", '{"tests": 412}', "https://ci.example/1", ALICE
    )
    conditions = (
        Condition("gate", State.MET, "passed", evidence=gate),
        Condition("soak", State.PENDING, "has to wait", earliest=AT + timedelta(hours=2)),
    )
    rule = PromotionRule(
        name="dev-to-prod",
        source="dev",
        target="prod",
        repositories=(Glob("shop/*"),),
        tags=(Glob("v*"),),
        gates=("unit-tests", GateRequirement("scan", "dev")),
        automatic=True,
    )
    ends = (Environment("dev", _registry("devacr")), Environment("prod", _registry("prodacr"), Tag("now")))
    return Promotion(
        environment="prod",
        repository=WEB,
        track="main",
        sequence=7,
        kind=Kind.AUTOMATIC,
        tag=V1,
        digest=digest(1),
        source="dev",
        rule="dev-to-prod",
        actor=AUTOMATION,
        created_at=AT,
        pushed_at=AT - timedelta(minutes=5),
        terms=Policy(ends, (rule,)),
        policy_hash="0123456789ab",
        phase=Phase.FAILED,
        reason="because",
        replaces="prod~shop:web~9999999993.main",
        retry_of="prod~shop:web~9999999994.main",
        decision=decide("dev-to-prod", conditions),
        importing_at=AT,
        moves_current=True,
        attempt=Attempt(2, V1, force=True, started_at=AT, operation="https://management.example/1"),
        completed_at=AT + timedelta(seconds=30),
        failure=Failure(FailureCode.TIMED_OUT, "took too long"),
    )


def every_kind() -> list[Row]:
    """One row of each kind, all of one environment but the last three."""
    waiting = decide("dev-to-prod", (Condition("gate", State.PENDING, "waits"),))
    return [
        full_line(),
        promotion(),
        Claim(
            environment="prod",
            repository=WEB,
            source="dev",
            tag=V1,
            digest=digest(1),
            pushed_at=AT,
            since=AT,
            phase=Phase.IMPORTING,
            sequence=7,
            moved=True,
            retries=2,
            retry_at=AT,
        ),
        Candidate(
            environment="prod",
            repository=WEB,
            rule="dev-to-prod",
            tag=V1,
            digest=digest(1),
            source="dev",
            pushed_at=AT,
            since=AT,
            decision=waiting,
            policy_hash="0123456789ab",
        ),
        LogEntry(promotion=promotion()),
        drive(promotion()),
        Rejection(at=AT, origin="image_pushed", reason="no digest", content='{"id": "\\u0000"}', id="it's-1"),
        KnownEnvironment(name="prod"),
        Keyed(day="2026-11-23", key="0f", asks="1e", at=AT, answer=Remembered(202, "{}", {"ETag": "x"}, "1")),
    ]


def _registry(name: str) -> str:
    return f"/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/{name}"
