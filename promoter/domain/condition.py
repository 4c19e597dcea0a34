"""What a condition is asked, and what it answers; the conditions themselves are in `conditions`."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from promoter.domain.actor import Actor
from promoter.domain.evidence import Approval, Arrival, Evidence, GateResult
from promoter.domain.image import Digest, Tag
from promoter.domain.line import Line
from promoter.domain.policy import Environment, PromotionRule


class State(StrEnum):
    """How a condition stands."""

    MET = "met"
    PENDING = "pending"
    REFUSED = "refused"


class Kind(StrEnum):
    """How a promotion came about."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"
    ROLLBACK = "rollback"
    ADOPTED = "adopted"


class Condition(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One condition as it was found.

    Attributes:
        kind: Which condition, for programs: `gate`, `hold`, `tag` and so on.
        text: How it stands, in one plain sentence.
        earliest: For a pending condition that only time meets: when.
        until: For a condition that time ends, met or not: when it is judged otherwise.
        evidence: The gate result, or what was said by whom, that it was judged on.
        overridden: Whether it does not count, since an administrator has overridden it.
    """

    kind: str
    state: State
    text: str
    earliest: datetime | None = None
    until: datetime | None = None
    evidence: GateResult | tuple[Approval, ...] | None = None
    overridden: bool = False

    @property
    def is_unmet(self) -> bool:
        """Whether it stands in the way."""
        return self.state is not State.MET and not self.overridden


class Override(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An administrator takes the responsibility for conditions that are not met.

    Attributes:
        conditions: The kinds of conditions that do not count.
        reason: Why, for the record.
    """

    conditions: tuple[str, ...]
    reason: str


class Request(msgspec.Struct, frozen=True):
    """What is asked for: that an image under a tag be promoted by a rule, by its name.

    Attributes:
        override: What does not count of the conditions.
        claimed: Whether it was claimed before, and is judged once more before its import starts.
        only_forward: Whether it moves nothing back, although it is not automation's.
    """

    kind: Kind
    rule: str | None
    tag: Tag
    actor: Actor
    override: Override | None = None
    claimed: bool = False
    only_forward: bool = False

    def overrides(self, condition: str) -> bool:
        """Whether conditions of that kind do not count."""
        return (
            self.kind is Kind.MANUAL and self.override is not None and condition in self.override.conditions
        )

    @property
    def leaves_newer_alone(self) -> bool:
        """Whether it moves what is current, and a moving tag, only forward."""
        return self.only_forward or self.kind is Kind.AUTOMATIC


class Served(msgspec.Struct, frozen=True):
    """What the target registry served when it was read.

    Attributes:
        tag: What the promotion's tag names there; None where there is no such tag.
        pointer: What the pointer tag names there.
        image: Whether the digest itself is there.
    """

    tag: Digest | None
    pointer: Digest | None
    image: bool


class Situation(msgspec.Struct, frozen=True):
    """All that a condition may look at.

    Attributes:
        line: What the target environment has of the repository.
        other_lines: What the source and the target environment have of it, on every track.
        served: What the target registry serves; None where it was not read, which is never so just before
            an import.
    """

    rule: PromotionRule
    target: Environment
    request: Request
    evidence: Evidence
    line: Line
    other_lines: tuple[Line, ...]
    served: Served | None
    now: datetime

    @property
    def arrival(self) -> Arrival | None:
        """The image's arrival in the source environment under the tag."""
        return self.evidence.arrival(self.rule.source, self.request.tag)

    @property
    def is_newer(self) -> bool:
        """Whether the image is newer than what the target environment runs."""
        arrival, digest = self.arrival, self.evidence.image.digest
        versioned = self.rule.versioned(self.request.tag)
        return arrival is not None and self.line.is_newer(digest, arrival.pushed_at, versioned)


def when(at: datetime) -> str:
    """A moment as the sentences have it."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def how_long(time: timedelta) -> str:
    """A length of time as the sentences have it, in its two largest units."""
    seconds = max(round(time.total_seconds()), 0)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if seconds >= size:
            parts.append(f"{seconds // size}{unit}")
            seconds %= size
    return " ".join(parts[:2]) or "0s"
