"""What the use cases need of the world. An adapter raises only the domain's errors.

Every call may raise UnavailableError: the dependency is slow, down or throttled, and the same call may be
made again later. It may also have been carried out all the same; whoever calls reads before it repeats.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec

from promoter.application.documents import Row
from promoter.application.work import Work
from promoter.domain.document import Document
from promoter.domain.event import PhaseChanged
from promoter.domain.evidence import Evidence, Fact
from promoter.domain.image import Digest, Image, Repository, Tag
from promoter.domain.policy import Location


class EvidenceStore(Protocol):
    """What is known of images."""

    async def load(self, image: Image) -> Evidence:
        """All that is known of an image; nothing is an answer too."""
        ...

    async def add(self, known: Evidence, fact: Fact) -> Evidence:
        """Merge a fact into what is known. The same fact again, or facts in another order, change nothing.

        Args:
            known: The image's evidence as it was read; without a version, it is taken to be unknown yet.
                Where it has changed since, it is read again.
            fact: What was learned.

        Returns:
            All that is known then: of two who add at the same time, one is answered both facts.
        """
        ...


class Write(msgspec.Struct, frozen=True):
    """Store a row where the store still has its version; a row without one must not be stored yet."""

    row: Row


class Put(msgspec.Struct, frozen=True):
    """Store a row, whatever is there."""

    row: Row


class Delete(msgspec.Struct, frozen=True):
    """Remove a row that is there; one with a version, only where the store still has that."""

    row: Row


type Change = Write | Put | Delete


class PromotionStore(Protocol):
    """Lines, records, candidates and todos: one partition for each environment."""

    async def get[R: Document](self, kind: type[R], environment: str, key: str) -> R | None:
        """One row, or None."""
        ...

    async def page[R: Document](
        self, kind: type[R], environment: str, prefix: str = "", after: str = "", limit: int = 100
    ) -> list[R]:
        """Rows of a kind whose keys start with `prefix` and come after the key `after`, in key order."""
        ...

    async def commit(self, changes: Sequence[Change]) -> list[str]:
        """Make changes to one environment's rows: all of them, or none. At most 100.

        Returns:
            The rows' new versions, in the order of the changes; empty for what was deleted.

        Raises:
            ConcurrentChangeError: A row was not as the change presumes.
        """
        ...


class Import(msgspec.Struct, frozen=True):
    """An image to be imported under a tag, into a registry by its ARM resource id."""

    source_registry: Location
    repository: Repository
    digest: Digest
    target_registry: str
    tag: Tag
    force: bool


class Progress(StrEnum):
    """How an import stands, as far as the registry says; only reading the target tells the truth."""

    RUNNING = "running"
    ENDED = "ended"
    TAG_EXISTS = "tag-exists"
    FAILED = "failed"
    FORBIDDEN = "forbidden"
    TOO_MANY_MANIFESTS = "too-many-manifests"
    UNKNOWN = "unknown"


class ImportStatus(msgspec.Struct, frozen=True):
    """What the registry answered.

    Attributes:
        operation: Where to ask how it goes; None where the registry did not say.
        message: The registry's own words.
        retry_after: How long to wait before asking again.
    """

    progress: Progress
    operation: str | None = None
    message: str = ""
    retry_after: timedelta = timedelta(0)


class Registry(Protocol):
    """The environments' registries."""

    async def digest(
        self, registry: Location, repository: Repository, reference: Tag | Digest
    ) -> Digest | None:
        """The digest that a registry serves for a tag or digest now; None where it has no such image."""
        ...

    async def submit(self, request: Import) -> ImportStatus:
        """Ask for an import, once. UnavailableError may mean that it was accepted all the same."""
        ...

    async def poll(self, operation: str) -> ImportStatus:
        """Ask how an import goes."""
        ...


MAX_DELAY = timedelta(days=6)
"""The longest that a message is delayed; whoever is woken before time waits again."""


class Scheduler(Protocol):
    """Wakes the app later."""

    async def wake(self, work: Work, after: timedelta) -> None:
        """Put a message on the work queue that shows after a while, MAX_DELAY at most; at least once."""
        ...


class Publisher(Protocol):
    """Tells others."""

    async def publish(self, event: PhaseChanged) -> None:
        """Tell of a change of phase; at least once."""
        ...


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Now, in UTC."""
        ...
