"""What Promoter tells others."""

import hashlib
from datetime import datetime
from typing import Self

import msgspec

from promoter.domain.actor import Actor
from promoter.domain.condition import Kind
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.promotion import Failure, Phase, Promotion


class PhaseChanged(msgspec.Struct, frozen=True, rename="camel"):
    """A promotion has entered a phase: what is published.

    Attributes:
        id: The promotion record's id.
        at: When it entered the phase.
        failure: Why it did not succeed, in the phases `failed` and `superseded`.
    """

    id: str
    phase: Phase
    at: datetime
    kind: Kind
    environment: str
    repository: Repository
    tag: Tag
    digest: Digest
    source: str | None = msgspec.field(name="from")
    rule: str | None
    actor: Actor
    reason: str | None
    replaces: str | None
    rollback_of: str | None
    retry_of: str | None
    failure: Failure | None

    @property
    def event_id(self) -> str:
        """The same for the same change, so that who is told twice can tell."""
        return f"{self.id}~{self.phase}"

    @property
    def traceparent(self) -> str:
        """The event as a part of its image's trace, for whoever goes on from it (W3C Trace Context)."""
        span = hashlib.sha256(self.event_id.encode()).hexdigest()[:16]
        return f"00-{self.digest.trace}-{span}-01"

    @property
    def subject(self) -> str:
        """What it is about, for subscriptions to filter by."""
        return f"{self.environment}/{self.repository}:{self.tag}"

    @classmethod
    def of(cls, record: Promotion, phase: Phase) -> Self:
        """The change as it was, whatever has become of the promotion since."""
        times = {Phase.PENDING: record.created_at, Phase.IMPORTING: record.importing_at}
        return cls(
            id=record.id,
            phase=phase,
            at=times.get(phase, record.completed_at) or record.created_at,
            kind=record.kind,
            environment=record.environment,
            repository=record.repository,
            tag=record.tag,
            digest=record.digest,
            source=record.source,
            rule=record.rule,
            actor=record.actor,
            reason=record.reason,
            replaces=record.replaces,
            rollback_of=record.rollback_of,
            retry_of=record.retry_of,
            failure=record.failure if phase.is_terminal else None,
        )
