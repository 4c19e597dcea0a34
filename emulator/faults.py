"""The switchboard of faults: what goes wrong on purpose, where, how often.

Every draw depends only on the seed, the fault, the registry, the subject and how often that subject came by
before: one seed gives one schedule, whatever the order in which concurrent calls arrive.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec
from msgspec import Meta

type _Seconds = Annotated[float, Meta(ge=0)]


class Operation(StrEnum):
    """Where a fault strikes, and what its subject is there."""

    IMPORT_SUBMIT = "import.submit"  # POST importImage; `repository:tag` of the first target
    IMPORT_POLL = "import.poll"  # GET operationResults; the same
    IMPORT_RUN = "import.run"  # the import itself; the same
    REGISTRY_READ = "registry.read"  # GET of a registry as a resource, or of the list; its name, or nothing
    MANIFEST_READ = "manifest.read"  # GET and HEAD of a manifest; `repository:tag` or `repository@digest`
    MANIFEST_WRITE = "manifest.write"  # PUT of a manifest; the same
    BLOB_READ = "blob.read"  # GET and HEAD of a blob; `repository@digest`
    BLOB_WRITE = "blob.write"  # every request of an upload, and mounts; the repository
    DELETE = "delete"  # of a repository, manifest, tag or blob; what is deleted
    METADATA = (
        "metadata"  # lists, referrers, properties; the repository, with tag or digest where there is one
    )
    TOKEN = "token"  # noqa: S105 - the token exchange; nothing
    SITE_READ = "site.read"  # GET of a site, a slot, its configuration; `site` or `site/slot`
    SITE_WRITE = "site.write"  # changes of them, and restart; the same
    SITE_WARM_UP = "site.warm-up"  # a slot starts, by itself or for a swap; the same
    SITE_SWAP = "site.swap"  # POST slotsswap; the source
    SITE_POLL = "site.poll"  # GET operationresults of a swap; the same
    EVENT_DELIVERY = "event.delivery"  # an event that is about to go to one subscription; the event's subject
    EVENT_ATTEMPT = "event.attempt"  # one attempt to deliver it; the same


class Effect(StrEnum):
    """What a fault does."""

    DELAY = "delay"  # it happens `seconds` later
    STATUS = "status"  # answered with `status`, `retryAfter`, `code` and `message`; nothing is done
    IMMEDIATE = "immediate"  # the import is over before the POST is answered, with 200
    LOST_LOCATION = "lost-location"  # 202 without the address to poll
    LOST_ANSWER = "lost-answer"  # it is done (an import: accepted), and answered with `status` all the same
    HANG = "hang"  # the import is accepted, the POST answered after `seconds`
    FAIL = "fail"  # an import fails, and polls answer 400 with `code` and `message`; a slot does not start
    FAILED_BODY = "failed-body"  # 200 whose body says Failed: from one poll, or as the import's outcome
    STUCK = "stuck"  # the import never ends, the slot never starts
    TAG_TAKEN = (
        "tag-taken"  # just before the import is written, somebody pushes another image to its target tag
    )
    TAG_MOVED = "tag-moved"  # just after it was written, somebody does so
    CUT = "cut"  # half of the blob is sent, then the connection ends
    DUPLICATE = "duplicate"  # the event is delivered twice
    REORDER = "reorder"  # the event is delivered after the next one, or after `seconds` when none comes
    DROP = "drop"  # the event is not delivered


_ANSWERS = {Effect.DELAY, Effect.STATUS}
EFFECTS = {
    Operation.IMPORT_SUBMIT: _ANSWERS
    | {Effect.IMMEDIATE, Effect.LOST_LOCATION, Effect.LOST_ANSWER, Effect.HANG},
    Operation.IMPORT_POLL: _ANSWERS | {Effect.FAILED_BODY},
    Operation.IMPORT_RUN: {
        Effect.DELAY,
        Effect.FAIL,
        Effect.FAILED_BODY,
        Effect.STUCK,
        Effect.TAG_TAKEN,
        Effect.TAG_MOVED,
    },
    Operation.REGISTRY_READ: _ANSWERS,
    Operation.MANIFEST_READ: _ANSWERS,
    Operation.MANIFEST_WRITE: _ANSWERS | {Effect.LOST_ANSWER},
    Operation.BLOB_READ: _ANSWERS | {Effect.CUT},
    Operation.BLOB_WRITE: _ANSWERS | {Effect.LOST_ANSWER},
    Operation.DELETE: _ANSWERS | {Effect.LOST_ANSWER},
    Operation.METADATA: _ANSWERS,
    Operation.TOKEN: _ANSWERS,
    Operation.SITE_READ: _ANSWERS,
    Operation.SITE_WRITE: _ANSWERS,
    Operation.SITE_WARM_UP: {Effect.DELAY, Effect.FAIL, Effect.STUCK},
    Operation.SITE_SWAP: _ANSWERS | {Effect.LOST_LOCATION},
    Operation.SITE_POLL: _ANSWERS,
    Operation.EVENT_DELIVERY: {Effect.DELAY, Effect.DUPLICATE, Effect.REORDER, Effect.DROP},
    Operation.EVENT_ATTEMPT: _ANSWERS,
}


class SameDigest(StrEnum):
    """What a NoForce import does where the tag holds that very digest. What Azure does is not known."""

    CONFLICT = "conflict"
    SUCCESS = "success"


class Fault(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """One thing that goes wrong.

    Attributes:
        operation: Where.
        effect: What.
        registry: In which registry (imports: the target; of a site, the site); None is every one.
        subject: Glob over the operation's subject.
        probability: Of each time that it could strike.
        times: How often at most; None is without end.
        seconds: For `delay`, `hang` and `reorder`.
        status: For `status` and `lost-answer`.
        retry_after: Seconds, for `status`; None sends no such header.
        code: Error code, for `status`, `fail` and `failed-body`; None is the status's usual one.
        message: Error message, for the same.
    """

    operation: Operation
    effect: Effect
    registry: str | None = None
    subject: str = "*"
    probability: float = 1.0
    times: Annotated[int, Meta(ge=0)] | None = None
    seconds: _Seconds = 5.0
    status: Annotated[int, Meta(ge=200, le=599)] = 500
    retry_after: _Seconds | None = None
    code: str | None = None
    message: str = "A fault was injected."

    def __post_init__(self) -> None:
        """Check what the types do not say."""
        if self.effect not in EFFECTS[self.operation]:
            allowed = ", ".join(sorted(EFFECTS[self.operation]))
            message = f"{self.operation} has no effect {self.effect}; it has {allowed}"
            raise ValueError(message)
        if not 0 <= self.probability <= 1:
            message = f"probability is from 0 to 1, not {self.probability}"
            raise ValueError(message)

    @property
    def needs_registry(self) -> bool:
        """Whether `registry` must be one: a site may come later, and custom topics raise events too."""
        return not self.operation.startswith(("site.", "event."))


class Switches(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The whole switchboard, as `PUT /emulator/faults` takes it.

    Attributes:
        faults: What goes wrong.
        seed: Of the draws; None keeps the one in use.
        import_echo: Whether an import raises ImagePushed in the target registry. Azure's answer is not known.
        no_force_same_digest: See SameDigest.
    """

    faults: list[Fault] = []
    seed: int | None = None
    import_echo: bool = False
    no_force_same_digest: SameDigest = SameDigest.CONFLICT

    def unknown_registry(self, known: Iterable[str]) -> str | None:
        """Name a registry that a fault waits for in vain, because it is none of the known."""
        names = {name.lower() for name in known}
        waited_for = (fault.registry for fault in self.faults if fault.registry and fault.needs_registry)
        return next((name for name in waited_for if name.lower() not in names), None)


@dataclass
class _Entry:
    fault: Fault
    applied: int = 0
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)


class Faults:
    """The switchboard in use."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.import_echo = False
        self.no_force_same_digest = SameDigest.CONFLICT
        self._entries: list[_Entry] = []

    def add(self, *faults: Fault) -> None:
        """Let these go wrong too."""
        self._entries += [_Entry(fault) for fault in faults]

    def clear(self) -> None:
        """Let nothing go wrong."""
        self.replace(Switches())

    def replace(self, switches: Switches) -> None:
        """Set the whole switchboard, and count from the start again."""
        self.seed = self.seed if switches.seed is None else switches.seed
        self.import_echo = switches.import_echo
        self.no_force_same_digest = switches.no_force_same_digest
        self._entries = [_Entry(fault) for fault in switches.faults]

    def view(self) -> dict[str, object]:
        """Show the switchboard, with how often each fault was `applied`."""
        faults = [msgspec.to_builtins(entry.fault) | {"applied": entry.applied} for entry in self._entries]
        return {
            "seed": self.seed,
            "importEcho": self.import_echo,
            "noForceSameDigest": self.no_force_same_digest,
            "faults": faults,
        }

    def draw(self, operation: Operation, registry: str, subject: str) -> dict[Effect, Fault]:
        """Draw what goes wrong this time. Of several faults with one effect, the first counts."""
        drawn: dict[Effect, Fault] = {}
        for position, entry in enumerate(self._entries):
            if _concerns(entry.fault, operation, registry, subject) and self._strikes(
                position, entry, registry, subject
            ):
                entry.applied += 1
                drawn.setdefault(entry.fault.effect, entry.fault)
        return drawn

    def _strikes(self, position: int, entry: _Entry, registry: str, subject: str) -> bool:
        if entry.fault.times is not None and entry.applied >= entry.fault.times:
            return False
        entry.seen[registry, subject] += 1
        lot = f"{self.seed}/{position}/{registry}/{subject}/{entry.seen[registry, subject]}"
        return _fraction(lot) < entry.fault.probability


def _concerns(fault: Fault, operation: Operation, registry: str, subject: str) -> bool:
    return (
        fault.operation is operation
        and (fault.registry is None or fault.registry.lower() == registry.lower())
        and fnmatchcase(subject, fault.subject)
    )


def _fraction(lot: str) -> float:
    return int.from_bytes(hashlib.sha256(lot.encode()).digest()[:6]) / 2**48
