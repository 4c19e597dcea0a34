"""What an environment has of a repository now."""

from datetime import datetime
from typing import Self, override

import msgspec

from promoter.domain.document import Document
from promoter.domain.image import Digest, Repository, Tag

_DRIFT_KEPT = 10
_VETOES_KEPT = 200


class Actor(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Who did it.

    Attributes:
        id: Tenant and object id where they are known; else what is known.
        name: For people to read.
        via: How the actor was known: `automation`, `entra`, `key` or `local`.
    """

    id: str
    name: str
    via: str


AUTOMATION = Actor("promoter", "Promoter", "automation")


class Current(msgspec.Struct, frozen=True, rename="camel"):
    """The image that an environment is meant to run, and the record that says so."""

    record: str
    digest: Digest
    tag: Tag
    pushed_at: datetime


class Hold(msgspec.Struct, frozen=True, rename="camel"):
    """Automation stays off the line until this is deleted."""

    reason: str
    actor: Actor
    at: datetime


class Veto(msgspec.Struct, frozen=True, rename="camel"):
    """A digest that was rolled back: no rule moves it to this environment, or on from here."""

    digest: Digest
    record: str
    at: datetime


class Drift(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A change in the registry that was not Promoter's own."""

    change: str
    digest: Digest
    at: datetime
    tag: Tag | None = None


class LineKey(msgspec.Struct, frozen=True, rename="camel"):
    """One repository and track in one environment."""

    environment: str
    repository: Repository
    track: str = "main"

    @override
    def __str__(self) -> str:
        return f"{self.environment} {self.repository} ({self.track})"


class Line(Document, frozen=True):
    """A repository and track in one target environment.

    Attributes:
        sequence: The number of the latest record; each claim takes the next.
        current: What the environment is meant to run; None before the first promotion or adoption.
        queue: The sequence numbers of what was claimed and has not ended. The first is in flight.
        barrier: What was claimed before this sequence number and has not started is superseded.
    """

    environment: str
    repository: Repository
    track: str = "main"
    sequence: int = 0
    current: Current | None = None
    queue: tuple[int, ...] = ()
    barrier: int = 0
    hold: Hold | None = None
    vetoes: tuple[Veto, ...] = ()
    drift: tuple[Drift, ...] = ()

    @classmethod
    def new(cls, key: LineKey) -> Self:
        """A line on which nothing has happened yet."""
        return cls(environment=key.environment, repository=key.repository, track=key.track)

    @property
    def line_key(self) -> LineKey:
        """Which line this is."""
        return LineKey(self.environment, self.repository, self.track)

    def vetoed(self, digest: Digest) -> Veto | None:
        """The veto on a digest, if there is one."""
        return next((veto for veto in self.vetoes if veto.digest == digest), None)

    def is_newer(self, digest: Digest, pushed_at: datetime) -> bool:
        """Whether an image is newer than the current one; between equal times the digest decides."""
        current = self.current
        return current is None or (pushed_at, digest) > (current.pushed_at, current.digest)

    def with_claim(self) -> Self:
        """The line after one more record is claimed: it waits for its turn, behind what was there."""
        number = self.sequence + 1
        return msgspec.structs.replace(self, sequence=number, queue=(*self.queue, number))

    def with_rollback(self, importing: int | None, hold: Hold, vetoes: tuple[Veto, ...]) -> Self:
        """The line after a rollback is claimed: first in turn, all that had not started is superseded."""
        number = self.sequence + 1
        head = (importing,) if importing is not None else ()
        rest = tuple(each for each in self.queue if each != importing)
        known = {veto.digest for veto in vetoes}
        kept = tuple(veto for veto in self.vetoes if veto.digest not in known)
        return msgspec.structs.replace(
            self,
            sequence=number,
            queue=(*head, number, *rest),
            barrier=number,
            hold=self.hold or hold,
            vetoes=(*kept, *vetoes)[-_VETOES_KEPT:],
        )

    def without(self, *numbers: int) -> Self:
        """The line after records have ended."""
        return msgspec.structs.replace(self, queue=tuple(each for each in self.queue if each not in numbers))

    def with_current(self, current: Current, sequence: int) -> Self:
        """The line once its environment runs another image: that image's veto, and drift, are over.

        The veto stays where the promotion of that number was overtaken by a rollback on its way.
        """
        pardoned = current.digest if sequence >= self.barrier else None
        return msgspec.structs.replace(
            self,
            current=current,
            vetoes=tuple(veto for veto in self.vetoes if veto.digest != pardoned),
            drift=(),
        )

    def with_drift(self, drift: Drift) -> Self:
        """The line after a change that was not Promoter's own; told twice, it is kept once."""
        if drift in self.drift:
            return self
        return msgspec.structs.replace(self, drift=(*self.drift, drift)[-_DRIFT_KEPT:])
