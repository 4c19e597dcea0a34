"""What is known of one digest. Facts merge the same way in whatever order, and however often, they come."""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from promoter.domain.codec import encode
from promoter.domain.errors import InvalidError
from promoter.domain.image import Image, Tag
from promoter.domain.policy import is_gate_name

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

    def merge(self, other: "Arrival") -> "Arrival":
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
        reported_by: The id of the actor that reported it, as Promoter knows it.
    """

    environment: str
    gate: str
    verdict: Verdict
    at: datetime
    issuer: str | None = None
    evidence: str | None = None
    url: str | None = None
    reported_by: str | None = None

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

    def merge(self, other: "GateResult") -> "GateResult":
        """The one of both that counts: the later; on a tie, the failed one."""
        return max(self, other, key=_precedence)


class Evidence(msgspec.Struct, frozen=True):
    """All that is known of one image."""

    image: Image
    arrivals: tuple[Arrival, ...] = ()
    gates: tuple[GateResult, ...] = ()

    def arrival(self, environment: str, tag: Tag) -> Arrival | None:
        """Its arrival in an environment under a tag."""
        found = (each for each in self.arrivals if each.environment == environment and each.tag == tag)
        return next(found, None)

    def arrivals_in(self, environment: str) -> tuple[Arrival, ...]:
        """Its arrivals in an environment, the latest pushed first."""
        found = (each for each in self.arrivals if each.environment == environment)
        return tuple(sorted(found, key=lambda each: (each.pushed_at, each.tag), reverse=True))

    def gate(self, environment: str, name: str) -> GateResult | None:
        """The verdict of a gate in an environment."""
        found = (each for each in self.gates if each.environment == environment and each.gate == name)
        return next(found, None)


def _precedence(result: GateResult) -> tuple[datetime, bool, str]:
    return (result.at, result.verdict is Verdict.FAILED, encode(result))
