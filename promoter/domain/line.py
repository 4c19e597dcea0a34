"""What an environment has of a repository now."""

from datetime import datetime
from typing import Self, override

import msgspec

from promoter.domain.actor import Actor
from promoter.domain.document import Document
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.semver import version

_DRIFT_KEPT = 10
_VETOES_KEPT = 200
_LIFTED_KEPT = 50


class Current(msgspec.Struct, frozen=True, rename="camel"):
    """The image that an environment is meant to run, and the record that says so.

    Attributes:
        since: Since when; None where it became so before that was kept.
        actor: Who asked for it; None likewise.
    """

    record: str
    digest: Digest
    tag: Tag
    pushed_at: datetime
    since: datetime | None = None
    actor: Actor | None = None


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
        lifted: Vetoes that are over: approvals from before them stay void.
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
    lifted: tuple[Veto, ...] = ()
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

    def last_veto(self, digest: Digest) -> datetime | None:
        """When a digest was last rolled back, also where that is over."""
        return max((veto.at for veto in (*self.vetoes, *self.lifted) if veto.digest == digest), default=None)

    def is_newer(self, digest: Digest, pushed_at: datetime, versioned: Tag | None = None) -> bool:
        """Whether an image is newer than the current one; between equal times the digest decides.

        Args:
            digest: The image.
            pushed_at: When it was pushed.
            versioned: Its tag, where images are ordered by semantic version before they are by time; what is
                no version is older than all that are.
        """
        current = self.current
        if current is None:
            return True
        mine, theirs = (version(versioned), version(current.tag)) if versioned else (None, None)
        if mine is not None and (theirs is None or mine != theirs):
            return theirs is None or bool(mine > theirs)
        return (pushed_at, digest) > (current.pushed_at, current.digest)

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
        lifted = tuple(veto for veto in self.vetoes if veto.digest == pardoned)
        return msgspec.structs.replace(
            self,
            current=current,
            vetoes=tuple(veto for veto in self.vetoes if veto.digest != pardoned),
            lifted=(*self.lifted, *lifted)[-_LIFTED_KEPT:],
            drift=(),
        )

    def with_drift(self, drift: Drift) -> Self:
        """The line after a change that was not Promoter's own; told twice, it is kept once."""
        if drift in self.drift:
            return self
        return msgspec.structs.replace(self, drift=(*self.drift, drift)[-_DRIFT_KEPT:])
