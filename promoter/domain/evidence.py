"""What is known of one digest. Facts merge the same way in whatever order, and however often, they come."""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

import msgspec

from promoter.domain.actor import Actor
from promoter.domain.codec import encode
from promoter.domain.document import Document
from promoter.domain.errors import InvalidError
from promoter.domain.gate_name import is_gate_name
from promoter.domain.image import Image, Tag

MAX_CLOCK_SKEW = timedelta(minutes=5)
MAX_GATE_EVIDENCE = 2048
MAX_URL = 2048
MAX_NAME = 128


class Verdict(StrEnum):
    """What a quality gate says of an image."""

    PASSED = "passed"
    FAILED = "failed"


class Arrival(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An image came to an environment under a tag.

    Attributes:
        environment: Where it arrived.
        tag: The tag that it came with.
        first_at: When it arrived first; soak time counts from here.
        last_at: When it arrived last.
        pushed_at: When it was last pushed in the first environment of its path, carried along: what makes
            one image newer than another.
    """

    environment: str
    tag: Tag
    first_at: datetime
    last_at: datetime
    pushed_at: datetime

    @property
    def key(self) -> str:
        """What it is about: a fact with the same key is merged into it."""
        return f"{self.environment}~{self.tag}"

    def merge(self, other: Self) -> Self:
        """Both arrivals as one."""
        return msgspec.structs.replace(
            self,
            first_at=min(self.first_at, other.first_at),
            last_at=max(self.last_at, other.last_at),
            pushed_at=max(self.pushed_at, other.pushed_at),
        )


class GateResult(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A quality gate's verdict on an image in an environment.

    Attributes:
        at: When the gate decided, by its own clock: a later verdict replaces an earlier one.
        issuer: Who ran the gate, as it says itself.
        evidence: A few words or a little JSON of what was found; at most 2 KiB.
        url: Where the whole of it can be read.
        reported_by: Who reported it, as Promoter knows it.
        failed_at: For a passed gate, when it had failed last; approvals from before that are void.
    """

    environment: str
    gate: str
    verdict: Verdict
    at: datetime
    issuer: str | None = None
    evidence: str | None = None
    url: str | None = None
    reported_by: Actor | None = None
    failed_at: datetime | None = None

    @property
    def key(self) -> str:
        """What it is about, and by whom: a verdict replaces none of other issuers or reporters."""
        by = _short(f"{self.issuer or ''}\n{self.reported_by.id if self.reported_by else ''}")
        return f"{self.environment}~{self.gate}~{by}"

    def check(self, now: datetime) -> None:
        """Refuse what cannot be a verdict.

        Raises:
            InvalidError: Too long, no gate's name, or too far in the future.
        """
        if not is_gate_name(self.gate):
            message = f"{self.gate[:80]!r} is not a gate's name: at most 64 letters, digits and . _ -"
            raise InvalidError(message, "gate")
        for field, value, limit in (
            ("evidence", self.evidence, MAX_GATE_EVIDENCE),
            ("url", self.url, MAX_URL),
            ("issuer", self.issuer, MAX_NAME),
        ):
            if value is not None and len(value.encode()) > limit:
                message = f"{field} has {len(value.encode())} bytes; at most {limit} are kept"
                raise InvalidError(message, field)
        if self.url is not None and not self.url.startswith(("https://", "http://")):
            message = "url must start with https:// or http://"
            raise InvalidError(message, "url")
        if self.at.tzinfo is None:
            message = "at needs a time zone, as in 2026-11-23T17:00:00Z"
            raise InvalidError(message, "at")
        if self.at > now + MAX_CLOCK_SKEW:
            ahead = self.at - now
            message = f"at is {ahead} ahead of now, and 5 minutes are allowed; check the reporter's clock"
            raise InvalidError(message, "at")

    def merge(self, other: Self) -> Self:
        """The one of both that counts: the later; on a tie, the failed one. That one failed is kept."""
        counts = max(self, other, key=_precedence)
        if counts.verdict is Verdict.FAILED:
            return counts
        return msgspec.structs.replace(counts, failed_at=_latest(self.last_failed_at, other.last_failed_at))

    @property
    def last_failed_at(self) -> datetime | None:
        """When it has last failed, this verdict included."""
        return _latest(self.failed_at, self.at if self.verdict is Verdict.FAILED else None)


class ApprovalDecision(StrEnum):
    """What somebody says of a promotion that needs approval."""

    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Approval(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One person's word on one image under one rule; the later word of the same person replaces it.

    Attributes:
        rule_hash: What the rule said then: an approval of another rule is none.
        at: When it was given.
        roles: The application roles that the actor had then and that may approve.
    """

    rule: str
    rule_hash: str
    actor: Actor
    decision: ApprovalDecision
    at: datetime
    roles: tuple[str, ...] = ()
    comment: str | None = None

    @property
    def key(self) -> str:
        """What it is about, and by whom: the later word of the same person is merged into it."""
        return f"{self.rule}~{_short(self.actor.id)}"

    def merge(self, other: Self) -> Self:
        """The one of both that counts: the later; on a tie, the one that lets less through."""
        return max(self, other, key=_reserve)


Fact = Arrival | GateResult | Approval
"""Something that was learned of an image."""
_FIELDS: dict[type[Fact], str] = {Arrival: "arrivals", GateResult: "gates", Approval: "approvals"}


class Evidence(Document, frozen=True):
    """All that is known of one image: one row, so that who adds to it knows all the rest.

    Each kind of facts is in the order of their keys.
    """

    image: Image
    arrivals: tuple[Arrival, ...] = ()
    gates: tuple[GateResult, ...] = ()
    approvals: tuple[Approval, ...] = ()

    def arrival(self, environment: str, tag: Tag) -> Arrival | None:
        """Its arrival in an environment under a tag."""
        found = (each for each in self.arrivals if each.environment == environment and each.tag == tag)
        return next(found, None)

    def arrivals_in(self, environment: str) -> tuple[Arrival, ...]:
        """Its arrivals in an environment, the latest pushed first."""
        found = (each for each in self.arrivals if each.environment == environment)
        return tuple(sorted(found, key=lambda each: (each.pushed_at, each.tag), reverse=True))

    def first_arrival(self, environment: str) -> datetime | None:
        """When it arrived first in an environment, under any tag."""
        return min((each.first_at for each in self.arrivals_in(environment)), default=None)

    def gate(self, environment: str, name: str) -> GateResult | None:
        """The verdict of a gate in an environment that counts, whoever has given it."""
        found = (each for each in self.gates if each.environment == environment and each.gate == name)
        return max(found, key=_precedence, default=None)

    def approvals_of(self, rule: str) -> tuple[Approval, ...]:
        """What was said of it under a rule, one word a person, the earliest first."""
        found = (each for each in self.approvals if each.rule == rule)
        return tuple(sorted(found, key=lambda each: (each.at, each.actor.id)))

    def plus(self, fact: Fact) -> Self:
        """What is known with one fact more; into what was known of the same, it is merged."""
        field = _FIELDS[type(fact)]
        known: dict[str, Any] = {each.key: each for each in getattr(self, field)}
        same = known.get(fact.key)
        known[fact.key] = same.merge(fact) if same else fact
        facts = tuple(known[key] for key in sorted(known))
        return msgspec.structs.replace(self, **{field: facts})

    @property
    def last_failed_at(self) -> datetime | None:
        """When any gate has last failed."""
        return max((at for each in self.gates if (at := each.last_failed_at) is not None), default=None)


def _precedence(result: GateResult) -> tuple[datetime, bool, str]:
    said = msgspec.structs.replace(result, failed_at=None)
    return (result.at, result.verdict is Verdict.FAILED, encode(said))


def _reserve(approval: Approval) -> tuple[datetime, int, str]:
    order = (ApprovalDecision.APPROVED, ApprovalDecision.WITHDRAWN, ApprovalDecision.REJECTED)
    return (approval.at, order.index(approval.decision), encode(approval))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _latest(*times: datetime | None) -> datetime | None:
    return max((at for at in times if at is not None), default=None)
