"""A promotion and its phases; stored, it is the promotion record."""

import contextlib
import re
from datetime import datetime
from enum import StrEnum
from typing import Self

import msgspec

from promoter.domain.actor import Actor
from promoter.domain.condition import Kind, Override, Request
from promoter.domain.decision import Decision
from promoter.domain.document import Document
from promoter.domain.errors import InvalidError, NotFoundError, PromoterError
from promoter.domain.image import Digest, Image, Repository, Tag
from promoter.domain.line import LineKey
from promoter.domain.policy import Policy, PromotionRule

_LAST = 10**10 - 1
_ID = re.compile(
    r"(?P<environment>[a-z0-9-]{1,40})~(?P<path>[a-z0-9._:-]+)~(?P<number>[0-9]{10})\.(?P<track>[a-z0-9-]{1,40})"
)


class Phase(StrEnum):
    """Where a promotion is in its life."""

    PENDING = "pending"
    IMPORTING = "importing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SUPERSEDED = "superseded"

    @property
    def is_terminal(self) -> bool:
        """Whether it is never left again."""
        return self in {Phase.SUCCEEDED, Phase.FAILED, Phase.SUPERSEDED}

    def may_become(self, phase: "Phase") -> bool:
        """Whether this phase may be followed by that one."""
        return phase in _NEXT[self]


_NEXT = {
    Phase.PENDING: {Phase.IMPORTING, Phase.FAILED, Phase.SUPERSEDED},
    Phase.IMPORTING: {Phase.SUCCEEDED, Phase.FAILED},
    Phase.SUCCEEDED: set[Phase](),
    Phase.FAILED: set[Phase](),
    Phase.SUPERSEDED: set[Phase](),
}


class FailureCode(StrEnum):
    """Why a promotion did not succeed, for programs."""

    TAG_CONFLICT = "tag-conflict"
    SOURCE_MISSING = "source-missing"
    IMAGE_MISSING = "image-missing"
    NO_PERMISSION = "no-permission"
    TOO_MANY_MANIFESTS = "too-many-manifests"
    IMPORT_FAILED = "import-failed"
    TIMED_OUT = "timed-out"
    NO_LONGER_QUALIFIED = "no-longer-qualified"
    OVERTAKEN = "overtaken"
    ROLLED_BACK = "rolled-back"
    ABORTED = "aborted"

    @property
    def is_transient(self) -> bool:
        """Whether the same promotion may succeed when it is tried again later."""
        return self in {FailureCode.IMPORT_FAILED, FailureCode.TIMED_OUT, FailureCode.NO_PERMISSION}


class Failure(msgspec.Struct, frozen=True, rename="camel"):
    """Why a promotion did not succeed; the message says what to do."""

    code: FailureCode
    message: str


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One import, submitted or about to be: stored before the request is made.

    Attributes:
        number: Counts a promotion's submissions from 1.
        tag: The tag to be set in the target registry: the image's own, or the pointer.
        force: Whether the tag may be moved.
        started_at: When it was submitted.
        submitted: Whether the registry has accepted it.
        operation: Where the registry says how it goes; None where it did not say.
        then: The tag whose import follows at once where this one is over at once; it is not stored by itself.
        ended: Whether nothing more is to be heard of it.
        failures: How many imports of this tag have ended without the target serving the image.
        code: What went wrong with it, where the registry said.
        message: What went wrong with it, in the registry's words.
    """

    number: int
    tag: Tag
    force: bool
    started_at: datetime
    submitted: bool = False
    operation: str | None = None
    then: Tag | None = None
    ended: bool = False
    failures: int = 0
    code: FailureCode | None = None
    message: str = ""

    def may_move(self, tag: Tag) -> bool:
        """Whether it, or what follows it at once, may move a tag that exists."""
        return (self.force and tag == self.tag) or tag == self.then


class Promotion(Document, frozen=True):
    """One image, under one rule and tag, on its way to one environment.

    Attributes:
        sequence: Its number on its line; the record's key comes from it.
        source: The environment that the image comes from; None for what was adopted.
        pushed_at: The image's push in the first environment of its path.
        terms: The part of the policy that binds it: it finishes under this, whatever the policy says later.
        replaces: The record that was current when this one was claimed.
        rollback_of: The record that a rollback goes back to.
        retry_of: The failed record that this one tries again.
        override: The conditions that an administrator has overridden for it.
        importing_at: When its import began.
        only_forward: Whether it moves what is current only to a newer image, although it is not automation's.
        moves_current: Whether it makes its image the one that the environment is meant to run.
        attempt: The latest import.
        look_at: When it is to be looked at again, where it waits for a registry.
        may_finish_late: Whether an import that moves a tag was given up before it was heard to have ended.
    """

    environment: str
    repository: Repository
    track: str
    sequence: int
    kind: Kind
    tag: Tag
    digest: Digest
    source: str | None
    rule: str | None
    actor: Actor
    created_at: datetime
    pushed_at: datetime
    terms: Policy
    policy_hash: str
    phase: Phase = Phase.PENDING
    reason: str | None = None
    replaces: str | None = None
    rollback_of: str | None = None
    retry_of: str | None = None
    override: Override | None = None
    decision: Decision | None = None
    importing_at: datetime | None = None
    only_forward: bool = False
    moves_current: bool = False
    attempt: Attempt | None = None
    look_at: datetime | None = None
    may_finish_late: bool = False
    completed_at: datetime | None = None
    failure: Failure | None = None

    @property
    def id(self) -> str:
        """What names it to the outside: URL-safe, opaque, and a point read."""
        return f"{self.environment}~{self.repository.path}~{record_key(self.sequence, self.track)}"

    @property
    def image(self) -> Image:
        """The image that it is about."""
        return Image(self.repository, self.digest)

    @property
    def line_key(self) -> LineKey:
        """The line that it is on."""
        return LineKey(self.environment, self.repository, self.track)

    @property
    def pointer(self) -> Tag:
        """The tag that names what its environment runs on its track."""
        return self.terms.environment(self.environment).pointer_of(self.track)

    @property
    def claimed(self) -> Request:
        """What it was claimed for, to be judged once more before its import starts."""
        forward = self.only_forward
        return Request(
            self.kind, self.rule, self.tag, self.actor, self.override, claimed=True, only_forward=forward
        )

    @property
    def rule_terms(self) -> PromotionRule | None:
        """The rule that it was claimed under, as it was then."""
        return self.terms.rule(self.rule) if self.rule else None

    def to(self, phase: Phase, **changes: object) -> Self:
        """The promotion in its next phase.

        Raises:
            IllegalTransitionError: That phase cannot follow this one.
        """
        if not self.phase.may_become(phase):
            message = f"promotion {self.id} is {self.phase} and cannot become {phase}"
            raise IllegalTransitionError(message)
        return msgspec.structs.replace(self, phase=phase, **changes)

    def ended(self, phase: Phase, now: datetime, failure: Failure | None = None) -> Self:
        """The promotion in a terminal phase."""
        return self.to(phase, completed_at=now, failure=failure)


class IllegalTransitionError(PromoterError):
    """A terminal phase is never left, and none is skipped."""


class RecordId(msgspec.Struct, frozen=True):
    """The parts of a record's id."""

    environment: str
    repository: Repository
    sequence: int
    track: str

    @property
    def line_key(self) -> LineKey:
        """The line that the record is on."""
        return LineKey(self.environment, self.repository, self.track)

    @classmethod
    def parse(cls, text: str, field: str = "id") -> Self:
        """Take an id as it was handed out.

        Raises:
            NotFoundError: It is none that Promoter hands out.
        """
        match = _ID.fullmatch(text)
        with contextlib.suppress(InvalidError):
            if match is not None:
                repository = Repository.from_path(match["path"])
                return cls(match["environment"], repository, _LAST - int(match["number"]), match["track"])
        message = f"{text[:200]!r} is not a promotion record's id; GET /api/promotions lists them"
        raise NotFoundError(message, field)


def record_key(sequence: int, track: str) -> str:
    """A record's key within its environment and repository: the newest sorts first."""
    return f"{_LAST - sequence:010d}.{track}"
