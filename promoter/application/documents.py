"""The rows beside lines and records, and every row's key within its environment.

A key starts with what the row is, and sorts as it is read: repositories together, the newest record first.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from promoter.domain.actor import Actor
from promoter.domain.condition import Override
from promoter.domain.decision import Decision
from promoter.domain.document import Document
from promoter.domain.image import Digest, Image, Repository, Tag
from promoter.domain.line import Line, LineKey
from promoter.domain.promotion import Phase, Promotion, record_key

CURRENT = "current"
REJECTIONS = "~rejections"
ENVIRONMENTS = "~environments"
REQUESTS = "~requests"
RETRY = "retry"
"""The kind of a candidate's condition that says what failed, and when it is tried again."""
LATE = timedelta(hours=1)
_END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


class Requested(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Somebody has asked for a promotion by hand; where it has to wait, it goes ahead as theirs.

    Attributes:
        sequence: The number of the line's latest record then; a rollback since has a later one.
        only_forward: Whether it is to move what is current only to a newer image: whoever asked for one that
            was newer does not want what has come meanwhile to be moved back.
        retry_of: The failed record that it tries again.
    """

    actor: Actor
    at: datetime
    reason: str | None = None
    override: Override | None = None
    sequence: int = 0
    only_forward: bool = False
    retry_of: str | None = None


class Claim(Document, frozen=True):
    """What has become of the newest image under one tag, on one way: what makes a push promote once.

    Attributes:
        pushed_at: The newest push that was acted upon; what is not newer is overtaken.
        phase: None while the image waits as a candidate; `pending` once it is claimed, and the line and the
            record say how that goes; `superseded` where it may be claimed anew.
        sequence: The promotion's number on its line.
        since: When the image began to wait.
        moved: Whether the tag has named more than this one digest.
        retries: How often automation has tried again.
        retry_at: When automation tries again, after a failure that may pass.
        requested: Who has asked for it by hand, while it waits.
        wake_at: When a message wakes it, while it waits for time to pass.
    """

    environment: str
    repository: Repository
    source: str
    tag: Tag
    digest: Digest
    pushed_at: datetime
    since: datetime
    phase: Phase | None = None
    sequence: int | None = None
    moved: bool = False
    retries: int = 0
    retry_at: datetime | None = None
    requested: Requested | None = None
    wake_at: datetime | None = None

    @property
    def waits(self) -> bool:
        """Whether there is a candidate for it."""
        return self.phase is None

    def is_on(self, line: Line) -> bool:
        """Whether its promotion has not ended: it is among those of the line."""
        return not self.waits and self.sequence in line.queue

    def waits_to_retry(self, digest: Digest, now: datetime) -> bool:
        """Whether this image's promotion has failed, and the time has not come to try it again."""
        return self.waits and self.digest == digest and self.retry_at is not None and now < self.retry_at

    @property
    def row(self) -> str:
        """Its key."""
        return claim_row(self.repository, self.source, self.tag)


class Candidate(Document, frozen=True):
    """An image that is not promoted yet, and what stands in its way."""

    environment: str
    repository: Repository
    rule: str
    tag: Tag
    digest: Digest
    source: str
    pushed_at: datetime
    since: datetime
    decision: Decision
    policy_hash: str
    requested: Requested | None = None

    @property
    def image(self) -> Image:
        """The image that waits."""
        return Image(self.repository, self.digest)

    @property
    def row(self) -> str:
        """Its key."""
        return claim_row(self.repository, self.source, self.tag)


class LogEntry(Document, frozen=True):
    """A promotion that has ended, among all of its environment, the latest first."""

    promotion: Promotion

    @property
    def environment(self) -> str:
        """Where it was promoted to."""
        return self.promotion.environment

    @property
    def row(self) -> str:
        """Its key."""
        promotion = self.promotion
        ended = promotion.completed_at or promotion.created_at
        key = record_row(promotion.repository, promotion.sequence, promotion.track)
        return f"{newest_first(ended)}~{key}"


class TodoKind(StrEnum):
    """What is left to do."""

    DRIVE = "drive"
    FOLLOW_UP = "follow-up"
    RECHECK = "recheck"
    ANNOUNCE = "announce"


class Todo(Document, frozen=True):
    """Something that is left to do for a promotion: written with the change that calls for it.

    Attributes:
        due: Not to be done before.
        phase: Which phase is to be told of.
    """

    environment: str
    repository: Repository
    track: str
    sequence: int
    kind: TodoKind
    due: datetime
    phase: Phase | None = None

    @property
    def line_key(self) -> LineKey:
        """The line of the promotion."""
        return LineKey(self.environment, self.repository, self.track)

    @property
    def row(self) -> str:
        """Its key. A promotion is driven, and then followed up: one row, which is replaced."""
        kind = TodoKind.DRIVE if self.kind is TodoKind.FOLLOW_UP else self.kind
        what = f"{kind}-{self.phase}" if self.phase else kind
        return f"{record_row(self.repository, self.sequence, self.track)}~{what}"


class Rejection(Document, frozen=True):
    """An event or message that could not be acted upon, kept for people to look at."""

    at: datetime
    origin: str
    reason: str
    content: str
    id: str

    @property
    def environment(self) -> str:
        """Rejections stand apart from all environments."""
        return REJECTIONS

    @property
    def row(self) -> str:
        """Its key."""
        return f"{newest_first(self.at)}~{self.id}"


class Remembered(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The answer of a call.

    Attributes:
        text: What was answered.
        record: The promotion whose end can be waited for, where one was started.
    """

    status: int
    text: str
    headers: dict[str, str]
    record: str | None = None


class Keyed(Document, frozen=True):
    """A call that carried an idempotency key.

    Attributes:
        day: When the key was first used; old keys sort first.
        key: The caller and the key, hashed.
        asks: What the call asks for, hashed.
        at: When it was last begun.
        answer: Its answer, once it was carried out.
    """

    day: str
    key: str
    asks: str
    at: datetime
    answer: Remembered | None = None

    @property
    def environment(self) -> str:
        """They stand apart from all environments."""
        return REQUESTS

    @property
    def row(self) -> str:
        """Its key."""
        return f"{self.day}~{self.key}"


class KnownEnvironment(Document, frozen=True):
    """An environment that some policy has named."""

    name: str

    @property
    def environment(self) -> str:
        """They stand apart from what is in them."""
        return ENVIRONMENTS

    @property
    def row(self) -> str:
        """Its key."""
        return self.name


class KnownPolicy(Document, frozen=True):
    """The policy that what waits was last judged by, as far as its changes were noticed."""

    hash: str

    @property
    def environment(self) -> str:
        """It stands apart from what is in environments."""
        return ENVIRONMENTS

    @property
    def row(self) -> str:
        """Its key."""
        return CURRENT


type Row = (
    Line
    | Promotion
    | Claim
    | Candidate
    | LogEntry
    | Todo
    | Rejection
    | KnownEnvironment
    | KnownPolicy
    | Keyed
)

PREFIX: dict[type[Document], str] = {
    Line: "line",
    Promotion: "record",
    Claim: "claim",
    Candidate: "candidate",
    LogEntry: "log",
    Todo: "todo",
    Rejection: "rejection",
    KnownEnvironment: "environment",
    KnownPolicy: "policy",
    Keyed: "request",
}


def row_key(row: Row) -> str:
    """The row's key, without what it is."""
    match row:
        case Line():
            return line_row(row.line_key)
        case Promotion():
            return record_row(row.repository, row.sequence, row.track)
        case _:
            return row.row


def line_row(key: LineKey) -> str:
    """A line's key."""
    return f"{key.repository.path}~{key.track}"


def record_row(repository: Repository, sequence: int, track: str) -> str:
    """A promotion record's key."""
    return f"{repository.path}~{record_key(sequence, track)}"


def claim_row(repository: Repository, source: str, tag: Tag) -> str:
    """A claim's key, and its candidate's: from one place one rule leads, whatever that is called."""
    return f"{repository.path}~{source}~{tag}"


def newest_first(at: datetime) -> str:
    """A time as a key that sorts the latest first; microseconds are kept."""
    return f"{(_END_OF_TIME - at) // (_END_OF_TIME.resolution):018d}"


def drive(promotion: Promotion) -> Todo:
    """What is left to do while a promotion has not ended: to bring it to its end."""
    return _todo(promotion, TodoKind.DRIVE, promotion.created_at)


def follow_up(promotion: Promotion) -> Todo:
    """What is left to do when a promotion has ended."""
    return _todo(promotion, TodoKind.FOLLOW_UP, promotion.completed_at or promotion.created_at)


def recheck(promotion: Promotion) -> Todo:
    """What is left to do where an import may finish late and move a tag back: to look again an hour later."""
    ended = promotion.completed_at or promotion.created_at
    return _todo(promotion, TodoKind.RECHECK, ended + LATE)


def announcement(promotion: Promotion, now: datetime) -> Todo:
    """What is left to do when a promotion has entered a phase: to tell of it."""
    return _todo(promotion, TodoKind.ANNOUNCE, now, promotion.phase)


def _todo(promotion: Promotion, kind: TodoKind, due: datetime, phase: Phase | None = None) -> Todo:
    return Todo(
        environment=promotion.environment,
        repository=promotion.repository,
        track=promotion.track,
        sequence=promotion.sequence,
        kind=kind,
        due=due,
        phase=phase,
    )


def replaced[D: Document](document: D, **changes: object) -> D:
    """The document with some of its values changed, and its version kept."""
    return msgspec.structs.replace(document, **changes)
