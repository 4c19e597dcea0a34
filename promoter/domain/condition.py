"""The conditions of a promotion: each is a small function that says how it stands, in one plain sentence.

Adding a kind of condition is one function here, or a module beside this one, and one line in CONDITIONS.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum

import msgspec

from promoter.domain.evidence import Evidence, GateResult, Verdict
from promoter.domain.image import Digest, Tag
from promoter.domain.line import Actor, Line
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
        evidence: The gate result that it was judged on.
    """

    kind: str
    state: State
    text: str
    earliest: datetime | None = None
    evidence: GateResult | None = None


class Request(msgspec.Struct, frozen=True):
    """What is asked for: that an image under a tag be promoted by a rule, by its name."""

    kind: Kind
    rule: str | None
    tag: Tag
    actor: Actor


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


def arrived(at: Situation) -> Iterator[Condition]:
    """The image is in the source environment under this tag."""
    source, tag = at.rule.source, at.request.tag
    arrival = at.evidence.arrival(source, tag)
    if arrival is None:
        yield Condition("arrival", State.PENDING, f"has not arrived in {source} as {tag}")
    else:
        yield Condition("arrival", State.MET, f"arrived in {source} as {tag} at {_time(arrival.first_at)}")


def gates_passed(at: Situation) -> Iterator[Condition]:
    """Every gate of the rule has passed."""
    for requirement in at.rule.requirements:
        environment = requirement.environment or at.rule.source
        result = at.evidence.gate(environment, requirement.name)
        gate = f"gate {requirement.name} in {environment}"
        if result is None:
            yield Condition("gate", State.PENDING, f"waits for {gate}; nothing reported yet")
        elif result.verdict is Verdict.FAILED:
            yield Condition("gate", State.REFUSED, f"{gate} failed at {_time(result.at)}", evidence=result)
        else:
            yield Condition("gate", State.MET, f"{gate} passed at {_time(result.at)}", evidence=result)


def not_vetoed(at: Situation) -> Iterator[Condition]:
    """The image was not rolled back, neither in the target nor in the source environment."""
    for line in (at.line, *at.other_lines):
        veto = line.vetoed(at.evidence.image.digest)
        if veto is not None:
            text = (
                f"was rolled back in {line.environment} at {_time(veto.at)} (record {veto.record}); only a "
                "rollback to a record of its own brings it back"
            )
            yield Condition("veto", State.REFUSED, text)
            return
    yield Condition("veto", State.MET, "has not been rolled back")


def automatic(at: Situation) -> Iterator[Condition]:
    """Automation moves only what a rule lets it move."""
    if at.request.kind is not Kind.AUTOMATIC:
        return
    if at.rule.automatic:
        yield Condition("automatic", State.MET, f"{at.rule.name} is automatic")
    else:
        text = f"waits to be promoted by hand: {at.rule.name} is not automatic"
        yield Condition("automatic", State.PENDING, text)


def not_held(at: Situation) -> Iterator[Condition]:
    """Automation stays off a line on hold."""
    if at.request.kind is not Kind.AUTOMATIC:
        return
    hold, name = at.line.hold, at.line.environment
    if hold is None:
        yield Condition("hold", State.MET, f"{name} is not on hold for {at.line.repository}")
    else:
        yield Condition("hold", State.PENDING, f"{name} is on hold since {_time(hold.at)}: {hold.reason}")


def tag_free(at: Situation) -> Iterator[Condition]:
    """The tag may be set in the target registry."""
    if at.served is None:
        return
    tag, target, held = at.request.tag, at.target, at.served.tag
    if held is None:
        yield Condition("tag", State.MET, f"{tag} is free in {target.name}")
    elif held == at.evidence.image.digest:
        yield Condition("tag", State.MET, f"{tag} in {target.name} is this image already")
    elif target.immutable_tags:
        text = f"{tag} in {target.name} is another image, {held.short}, and tags there are immutable"
        yield Condition("tag", State.REFUSED, text)
    elif at.request.kind is Kind.AUTOMATIC and not _newer(at):
        text = f"{tag} in {target.name} is a newer image, and a moving tag is not moved back"
        yield Condition("tag", State.REFUSED, text)
    else:
        yield Condition("tag", State.MET, f"{tag} in {target.name} moves to this image")


CONDITIONS: tuple[Callable[[Situation], Iterator[Condition]], ...] = (
    arrived,
    gates_passed,
    not_vetoed,
    automatic,
    not_held,
    tag_free,
)


def _newer(at: Situation) -> bool:
    arrival = at.evidence.arrival(at.rule.source, at.request.tag)
    return arrival is not None and at.line.is_newer(at.evidence.image.digest, arrival.pushed_at)


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
