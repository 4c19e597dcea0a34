"""Scenarios: what happens, step by step, and what is expected of a policy then."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self, override

import msgspec

from promoter.domain.conditions import CONDITIONS
from promoter.domain.duration import Duration
from promoter.domain.evidence import Verdict
from promoter.domain.image import Repository, Tag

_MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
KINDS = ("rule", *(kind.KIND for kind in CONDITIONS), "retry")
"""The kinds of conditions that an image may wait for or be refused by."""
_IMAGE = re.compile(r"([^:]+):([^:]+)")


def line_name(repository: str | None, track: str) -> str:
    """A repository in words, with its release line where that is not the usual one."""
    return f"{repository}" if track == "main" else f"{repository} ({track})"


class ImageName(str):
    """An image by its repository and tag, as in `shop/web:v1.0.0`."""

    __slots__ = ()
    EXAMPLE = "shop/web:v1.0.0"

    def __new__(cls, text: str) -> Self:
        """Check the text."""
        found = _IMAGE.fullmatch(text)
        if found is None:
            message = f"{text[:80]!r} names no image: a repository and a tag, as in {cls.EXAMPLE}"
            raise ValueError(message)
        Repository(found[1]), Tag(found[2])
        return super().__new__(cls, text)

    @property
    def repository(self) -> Repository:
        """The repository."""
        return Repository(self.partition(":")[0])

    @property
    def tag(self) -> Tag:
        """The tag."""
        return Tag(self.partition(":")[2])


class Standing(StrEnum):
    """How an image stands in an environment: current there, promoted before, or not yet, or not ever."""

    CURRENT = "current"
    PROMOTED = "promoted"
    IMPORTING = "importing"
    QUALIFIED = "qualified"
    WAITING = "waiting"
    REFUSED = "refused"
    FAILED = "failed"


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", kw_only=True):
    pass


class Push(_Body, frozen=True):
    """Somebody pushes an image to a registry. Under a tag that is there already, it is another image.

    Attributes:
        image: Its name.
        to: The environment; the one that no rule leads to, where there is only one.
        same_as: An image that was pushed before: the same one under another name.
    """

    image: ImageName
    to: str | None = None
    same_as: ImageName | None = None

    def said(self, _: str) -> str:
        """The step in words."""
        same = f", which is {self.same_as}" if self.same_as else ""
        return f"push of {self.image}{same}{f' to {self.to}' if self.to else ''}"


class Report(_Body, frozen=True):
    """A quality gate reports its verdict.

    Attributes:
        gate: The gate's name.
        image: On which image; it may be pushed later.
        environment: In which environment (`in` in the file).
        verdict: What it says.
        issuer: Who ran the gate, as it says itself.
        by: Who reports it.
    """

    gate: str
    image: ImageName
    environment: str = msgspec.field(name="in")
    verdict: Verdict = Verdict.PASSED
    issuer: str | None = None
    by: str = "reporter"

    def said(self, _: str) -> str:
        """The step in words."""
        issuer = f" (issuer {self.issuer})" if self.issuer else ""
        what = f"{self.gate} has {self.verdict} for {self.image} in {self.environment}"
        return f"{what}, reported by {self.by}{issuer}"


class Promote(_Body, frozen=True):
    """Somebody promotes an image by hand.

    Attributes:
        image: Which image.
        target: The environment that it is to go to (`to` in the file).
        source: The environment that it comes from (`from` in the file), where several may be meant.
        by: Who asks for it.
        reason: Why.
        override: The kinds of conditions that an administrator overrides.
    """

    image: ImageName
    target: str = msgspec.field(name="to")
    source: str | None = msgspec.field(name="from", default=None)
    by: str = "operator"
    reason: str | None = None
    override: tuple[str, ...] = ()

    def said(self, _: str) -> str:
        """The step in words."""
        override = f", overriding {', '.join(self.override)}" if self.override else ""
        return f"{self.by} promotes {self.image} to {self.target}{override}"


class Opinion(_Body, frozen=True):
    """Somebody approves or rejects a promotion, or takes back what they said of it.

    Attributes:
        image: Which image.
        target: The environment that it is to go to (`to` in the file).
        source: The environment that it comes from (`from` in the file), where several may be meant.
        by: Who says it.
        comment: Why.
    """

    image: ImageName
    target: str = msgspec.field(name="to")
    source: str | None = msgspec.field(name="from", default=None)
    by: str = "approver"
    comment: str | None = None

    def said(self, word: str) -> str:
        """The step in words, by its word for it."""
        verbs = {"approve": "approves", "reject": "rejects", "withdraw": "takes back their word on"}
        return f"{self.by} {verbs[word]} {self.image} for {self.target}"


class OnLine(_Body, frozen=True):
    """Somebody keeps automation off a repository in an environment, or lets it on again.

    Attributes:
        repository: Which repository.
        environment: In which environment (`in` in the file).
        track: Which release line.
        by: Who does it.
        reason: Why.
    """

    repository: Repository
    environment: str = msgspec.field(name="in")
    track: str = "main"
    by: str = "operator"
    reason: str = "as the scenario says"

    def said(self, word: str) -> str:
        """The step in words, by its word for it."""
        verb = "keeps automation off" if word == "hold" else "lets automation on to"
        return f"{self.by} {verb} {line_name(self.repository, self.track)} in {self.environment}"


class Rollback(OnLine, frozen=True):
    """Somebody rolls an environment back.

    Attributes:
        repository: Which repository.
        environment: Which environment (`in` in the file).
        to: The tag to go back to; the previous good one where it does not say.
        track: Which release line.
        by: Who does it.
        reason: Why.
    """

    to: Tag | None = None

    @override
    def said(self, _: str) -> str:
        """The step in words."""
        to = f" to {self.to}" if self.to else ""
        line = line_name(self.repository, self.track)
        return f"{self.by} rolls {line} in {self.environment} back{to}: {self.reason}"


class Adopt(_Body, frozen=True):
    """Somebody tells what an environment runs already.

    Attributes:
        image: Which image; it was pushed to that environment's registry before.
        environment: Which environment (`in` in the file).
        by: Who tells it.
    """

    image: ImageName
    environment: str = msgspec.field(name="in")
    by: str = "operator"

    def said(self, _: str) -> str:
        """The step in words."""
        return f"{self.by} tells that {self.environment} runs {self.image}"


class Expect(_Body, frozen=True, kw_only=True):
    """What must be so now: of an image in an environment, or of what a repository runs there.

    Attributes:
        image: Of which image.
        repository: Or of which repository.
        environment: In which environment (`in` in the file).
        source: The environment that the image comes from (`from` in the file), where several may be meant.
        track: The repository's release line.
        standing: How the image stands (`is` in the file).
        waits_for: The kinds of all conditions that it waits for (`for` in the file), in any order.
        because: The kinds of all conditions that refuse it, in any order.
        says: A part of what is said of the conditions in its way.
        earliest: When time alone lets it go.
        current: The tag of what the repository runs; nothing (`null`) where it runs nothing yet.
        on_hold: Whether automation is kept off the repository.
    """

    image: ImageName | None = None
    repository: Repository | None = None
    environment: str = msgspec.field(name="in")
    source: str | None = msgspec.field(name="from", default=None)
    track: str = "main"
    standing: Standing | None = msgspec.field(name="is", default=None)
    waits_for: tuple[str, ...] | None = msgspec.field(name="for", default=None)
    because: tuple[str, ...] | None = None
    says: str | None = None
    earliest: datetime | None = None
    current: Tag | msgspec.UnsetType | None = msgspec.UNSET
    on_hold: bool | None = None

    def __post_init__(self) -> None:
        """Refuse what expects nothing, or mixes both."""
        of_image = (self.standing, self.waits_for, self.because, self.says, self.earliest)
        of_line = (None if self.current is msgspec.UNSET else "", self.on_hold)
        if (self.image is None) == (self.repository is None):
            message = "is about an image or a repository: one of both"
            raise ValueError(message)
        meant, other = (of_image, of_line) if self.image is not None else (of_line, of_image)
        if all(each is None for each in meant) or any(each is not None for each in other):
            message = (
                "expects of an image one or more of is, for, because, says and earliest; of a repository "
                "current or onHold"
            )
            raise ValueError(message)
        for kind in (*(self.waits_for or ()), *(self.because or ())):
            if kind not in KINDS:
                message = f"{kind[:40]!r} is no kind of condition; known are {', '.join(KINDS)}"
                raise ValueError(message)
        if self.earliest is not None and self.earliest.tzinfo is None:
            message = "earliest needs a time zone, as in 2026-11-30T07:00:00Z"
            raise ValueError(message)


type Action = Push | Report | Promote | Opinion | OnLine | Rollback | Adopt

_ACTIONS = (
    *("push", "report", "promote", "approve", "reject", "withdraw"),
    *("hold", "unhold", "rollback", "adopt"),
)
_OTHERS = ("wait", "until", "expect")


class Step(_Body, frozen=True):
    """One step: somebody does something, time passes, or something is expected.

    Attributes:
        note: What the step is to show, for the reader.
        refused: That it is refused, and a part of what is said then; else it must not be.
        push: Somebody pushes an image.
        report: A quality gate reports its verdict.
        promote: Somebody promotes an image by hand.
        approve: Somebody approves a promotion.
        reject: Somebody rejects a promotion.
        withdraw: Somebody takes back what they said of a promotion.
        hold: Somebody keeps automation off a repository in an environment.
        unhold: Somebody lets automation on again.
        rollback: Somebody rolls an environment back.
        adopt: Somebody tells what an environment runs already.
        wait: So much time passes.
        until: Time passes until then.
        expect: What must be so now.
    """

    note: str | None = None
    refused: str | None = None
    push: Push | None = None
    report: Report | None = None
    promote: Promote | None = None
    approve: Opinion | None = None
    reject: Opinion | None = None
    withdraw: Opinion | None = None
    hold: OnLine | None = None
    unhold: OnLine | None = None
    rollback: Rollback | None = None
    adopt: Adopt | None = None
    wait: Duration | None = None
    until: datetime | None = None
    expect: Expect | None = None

    def __post_init__(self) -> None:
        """Refuse several things at once, and none."""
        said = [name for name in (*_ACTIONS, *_OTHERS) if getattr(self, name) is not None]
        if len(said) > 1 or (not said and self.note is None):
            message = f"is one of {', '.join((*_ACTIONS, *_OTHERS))}; here is {' and '.join(said) or 'none'}"
            raise ValueError(message)
        if self.refused is not None and not set(said) & set(_ACTIONS):
            message = "refused goes with something that somebody does"
            raise ValueError(message)
        if self.until is not None and self.until.tzinfo is None:
            message = "until needs a time zone, as in 2026-11-30T07:00:00Z"
            raise ValueError(message)

    @property
    def action(self) -> tuple[str, Action] | None:
        """What somebody does, by the step's word for it."""
        done = ((name, getattr(self, name)) for name in _ACTIONS)
        return next(((name, action) for name, action in done if action is not None), None)


class Scenario(_Body, frozen=True, kw_only=True):
    """A scenario: when it starts, who is who, and what happens.

    Attributes:
        title: What it shows.
        start: When it starts; a Monday at nine, UTC, where that does not matter.
        people: Who has which application roles. Whoever is not named here may do everything.
        steps: What happens, one after the other.
    """

    title: str | None = None
    start: datetime = _MONDAY
    people: dict[str, tuple[str, ...]] = {}
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Refuse a time without a zone."""
        if self.start.tzinfo is None:
            message = "start needs a time zone, as in 2026-11-27T15:00:00Z"
            raise ValueError(message)
