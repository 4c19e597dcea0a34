"""What the API shows of what is stored."""

from datetime import datetime

import msgspec

from promoter.application.documents import Candidate, Requested
from promoter.application.rollback_plan import Plan
from promoter.application.take_gate_result import Reported
from promoter.domain.actor import Actor
from promoter.domain.condition import Condition, Kind, Override
from promoter.domain.conditions.gate import rules_that_count, why_uncounted
from promoter.domain.decision import Decision, Outcome
from promoter.domain.evidence import Approval, GateResult
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.line import Current, Drift, Hold, Line, Veto
from promoter.domain.policy import Policy
from promoter.domain.promotion import Failure, Phase, Promotion


class DecisionView(msgspec.Struct, frozen=True, rename="camel"):
    """What was decided, and why.

    Attributes:
        rule: The rule that it was judged by; null where none leads the image there, and for rollbacks.
        conditions: Every condition, met or not.
        earliest: Where only time is missing: when the image qualifies.
    """

    outcome: Outcome
    rule: str | None
    conditions: tuple[Condition, ...]
    earliest: datetime | None


class RecordView(msgspec.Struct, frozen=True, rename="camel"):
    """A promotion record.

    Attributes:
        id: What names it; opaque, and fit for a URL.
        source: The environment that the image came from; null for what was adopted.
        rule: The rule that it went by.
        actor: Who asked for it.
        replaces: The record that was current when it was claimed.
        rollback_of: The record that a rollback goes back to.
        retry_of: The failed record that it tries again.
        override: What an administrator overrode of the conditions.
        policy_hash: The policy that it was judged by.
        decision: The decision that it was made on.
        failure: Why it did not succeed, and what to do.
    """

    id: str
    kind: Kind
    phase: Phase
    environment: str
    repository: Repository
    tag: Tag
    digest: Digest
    source: str | None = msgspec.field(name="from")
    rule: str | None
    actor: Actor
    reason: str | None
    created_at: datetime
    completed_at: datetime | None
    replaces: str | None
    rollback_of: str | None
    retry_of: str | None
    override: Override | None
    policy_hash: str
    decision: DecisionView | None
    failure: Failure | None


class LineView(msgspec.Struct, frozen=True, rename="camel"):
    """What an environment has of a repository now.

    Attributes:
        track: The release line, where the repository has several.
        current: What the environment is meant to run, and the record that says so.
        in_flight: How many promotions are on their way.
        hold: Why automation stays off, and by whose word.
        vetoes: Digests that were rolled back: no rule moves them to this environment, or on from here.
        drift: Changes in the registry that were not Promoter's own.
    """

    environment: str
    repository: Repository
    track: str
    current: Current | None
    in_flight: int
    hold: Hold | None
    vetoes: tuple[Veto, ...]
    drift: tuple[Drift, ...]


class CandidateView(msgspec.Struct, frozen=True, rename="camel"):
    """An image that waits, and for what.

    Attributes:
        environment: Where it would go.
        source: Where it is.
        rule: The rule that it waits under.
        since: When it began to wait.
        decision: What it waits for.
        requested: Who has asked for it by hand: it goes ahead as theirs.
    """

    environment: str
    repository: Repository
    tag: Tag
    digest: Digest
    source: str = msgspec.field(name="from")
    rule: str
    since: datetime
    decision: DecisionView
    requested: Requested | None


class RollbackView(msgspec.Struct, frozen=True, rename="camel"):
    """What a rollback would do; nothing was changed.

    Attributes:
        text: The same in one sentence.
        record: The record that it would go back to.
        decision: Whether it may be.
        image_in: The environment whose registry has the image; null where none has it any more.
        replaces: What the environment runs now.
        importing: The record of what is being imported: it would end first, and not become current.
        vetoes: The digests that no rule would move to or from the environment any more.
        running: The record of the same rollback, where it is under way already.
    """

    dry_run: bool
    text: str
    record: RecordView
    decision: DecisionView
    image_in: str | None
    replaces: Current | None
    importing: str | None
    vetoes: tuple[Digest, ...]
    running: str | None


class ReportView(msgspec.Struct, frozen=True, rename="camel"):
    """A gate result as it was taken.

    Attributes:
        counts_for: The rules that ask for this gate and count this reporter's verdicts.
        note: Where it counts for none: why.
    """

    repository: Repository
    digest: Digest
    result: GateResult
    counts_for: tuple[str, ...]
    note: str | None


class ApprovalView(msgspec.Struct, frozen=True, rename="camel"):
    """What somebody said of an image, as it was taken."""

    repository: Repository
    digest: Digest
    approval: Approval


class HealthView(msgspec.Struct, frozen=True, rename="camel"):
    """Whether the app runs: `ok`, or `not ready` where its settings or its policy have problems."""

    status: str


class DetailsView(msgspec.Struct, frozen=True, rename="camel"):
    """How the app runs.

    Attributes:
        policy_hash: Which policy is in force.
        unknown_registries: How many events have come from registries that the policy does not name.
        last_rejection: When an event or message was last found to be of no use.
    """

    status: str
    version: str
    policy_hash: str
    unknown_registries: dict[str, int]
    last_rejection: datetime | None


def decision_view(decision: Decision) -> DecisionView:
    """A decision as the API shows it."""
    return DecisionView(decision.outcome, decision.rule, decision.conditions, decision.earliest)


def record_view(record: Promotion) -> RecordView:
    """A record as the API shows it."""
    return RecordView(
        id=record.id,
        kind=record.kind,
        phase=record.phase,
        environment=record.environment,
        repository=record.repository,
        tag=record.tag,
        digest=record.digest,
        source=record.source,
        rule=record.rule,
        actor=record.actor,
        reason=record.reason,
        created_at=record.created_at,
        completed_at=record.completed_at,
        replaces=record.replaces,
        rollback_of=record.rollback_of,
        retry_of=record.retry_of,
        override=record.override,
        policy_hash=record.policy_hash,
        decision=decision_view(record.decision) if record.decision else None,
        failure=record.failure,
    )


def rollback_view(planned: Plan) -> RollbackView:
    """What a rollback would do, as the API shows it."""
    return RollbackView(
        dry_run=True,
        text=planned.text,
        record=record_view(planned.earlier),
        decision=decision_view(planned.decision),
        image_in=planned.held_by,
        replaces=planned.replaces,
        importing=planned.importing.id if planned.importing else None,
        vetoes=planned.vetoes,
        running=planned.running.id if planned.running else None,
    )


def report_view(reported: Reported, policy: Policy) -> ReportView:
    """A gate result as the API shows it, with what its reporter may not know: that it counts nowhere."""
    image, result = reported.image, reported.result
    counts = rules_that_count(result, policy)
    note = None if counts else why_uncounted(result, policy)
    return ReportView(image.repository, image.digest, result, counts, note)


def line_view(line: Line) -> LineView:
    """A line as the API shows it."""
    return LineView(
        environment=line.environment,
        repository=line.repository,
        track=line.track,
        current=line.current,
        in_flight=len(line.queue),
        hold=line.hold,
        vetoes=line.vetoes,
        drift=line.drift,
    )


def candidate_view(candidate: Candidate) -> CandidateView:
    """A candidate as the API shows it."""
    return CandidateView(
        environment=candidate.environment,
        repository=candidate.repository,
        tag=candidate.tag,
        digest=candidate.digest,
        source=candidate.source,
        rule=candidate.rule,
        since=candidate.since,
        decision=decision_view(candidate.decision),
        requested=candidate.requested,
    )
