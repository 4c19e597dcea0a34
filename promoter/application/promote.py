"""Promoting an image by hand."""

from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from promoter.application.app import GUARD, App, while_it_changes
from promoter.application.claim import Claimant, asked_for
from promoter.application.documents import Candidate, Requested, replaced
from promoter.application.records import already_current, running
from promoter.application.target import read_target
from promoter.application.tell import tell_decision
from promoter.application.work import advance
from promoter.domain.actor import Actor
from promoter.domain.condition import Override, Served
from promoter.domain.conditions import OVERRIDABLE, approval, freeze, soak
from promoter.domain.decision import Decision, evaluate
from promoter.domain.errors import InvalidError, NotFoundError, RefusedError
from promoter.domain.evidence import Arrival, Evidence
from promoter.domain.image import Digest, Image, Repository, Tag
from promoter.domain.line import Line, LineKey
from promoter.domain.policy import PromotionRule
from promoter.domain.promotion import Promotion

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_WAITS_FOR = {soak.KIND, freeze.KIND, approval.KIND}
MAX_REASON = 1000


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Which image is to go where: the body of `POST /promotions`.

    Attributes:
        tag: The image by its tag in the source environment; or by its digest.
        target: The environment that it is to go to (`to` in JSON).
        source: The environment that it comes from (`from` in JSON); where it has arrived, if it is not named.
        override: What an administrator overrides of the conditions.
    """

    repository: Repository
    target: str = msgspec.field(name="to")
    tag: Tag | None = None
    digest: Digest | None = None
    source: str | None = msgspec.field(name="from", default=None)
    reason: str | None = None
    override: Override | None = None


class NotQualifiedError(RefusedError):
    """The decision was not to promote.

    Attributes:
        decision: Why.
    """

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.reasons)
        self.decision = decision


class Promoted(msgspec.Struct, frozen=True):
    """The record, and whether the environment runs the image already."""

    record: Promotion
    already: bool


class Asked(msgspec.Struct, frozen=True):
    """What a promotion is asked for with.

    Attributes:
        retry_of: The failed record that it tries again.
    """

    actor: Actor
    reason: str | None = None
    override: Override | None = None
    retry_of: Promotion | None = None


class Subject(msgspec.Struct, frozen=True):
    """An image that was asked about: under which rule and tag, and what is known of it."""

    rule: PromotionRule
    tag: Tag
    evidence: Evidence


async def promote(app: App, wanted: Wanted, actor: Actor) -> Promoted | Candidate:
    """Promote an image by hand; the same again while it runs answers the same record.

    Where only time or approvals are missing, the image waits as a candidate, and goes ahead by itself as
    the actor's promotion when they are there.

    Raises:
        InvalidError: The request names both or neither of tag and digest, too long a reason, or overrides
            what cannot be overridden.
        NotFoundError: There is no such environment or image.
        NotQualifiedError: The image does not qualify, and more is missing than time and approvals.
    """
    check_reason(wanted.reason)
    _check_override(wanted.override)
    subject = await find_subject(app, wanted)
    return await promote_subject(app, subject, Asked(actor, wanted.reason, wanted.override))


async def promote_subject(app: App, subject: Subject, asked: Asked) -> Promoted | Candidate:
    """Promote by hand what was found to be meant.

    Raises:
        NotQualifiedError: The image does not qualify.
    """
    rule = subject.rule
    key = LineKey(rule.target, subject.evidence.image.repository, rule.track)
    await app.scheduler.wake(advance(key), GUARD)
    return await while_it_changes(lambda: _promote(app, subject, asked))


async def _promote(app: App, subject: Subject, asked: Asked) -> Promoted | Candidate:
    rule, image = subject.rule, subject.evidence.image
    line, lines = await app.lines_on_the_way(rule, image.repository)
    same = await running(app, line, image, subject.tag)
    if same is not None:
        return Promoted(same, already=False)
    served = await read(app, subject)
    as_wanted = served.tag == served.pointer == image.digest
    there = await already_current(app, line, image) if as_wanted else None
    if there is not None:
        return Promoted(there, already=True)
    arrival = subject.evidence.arrival(rule.source, subject.tag)
    requested = _requested(asked, line, app.clock.now())
    request = asked_for(rule, subject.tag, requested)
    decision = evaluate(app.policy, request, subject.evidence, line, lines, served, app.clock.now())
    may_wait = {condition.kind for condition in decision.unmet} <= _WAITS_FOR
    if arrival is None or not (decision.qualified or may_wait):
        tell_decision(rule.target, image.repository, subject.tag, image.digest, decision)
        raise NotQualifiedError(decision)
    await app.evidence.add(subject.evidence, arrival)  # also where it was seen in the registry only
    claim = await app.claim(rule, image.repository, subject.tag)
    claimant = Claimant(app, rule, image, arrival, line, claim)
    if not decision.qualified:
        if claim is not None and claim.digest != image.digest and claim.pushed_at > arrival.pushed_at:
            raise NotQualifiedError(decision)  # the tag is a newer image's, and that is what may wait
        newer = line.is_newer(image.digest, arrival.pushed_at, rule.versioned(arrival.tag))
        waits = replace(requested, only_forward=newer or requested.only_forward)
        return await claimant.wait(decision, waits)
    return Promoted(await claimant.promote(decision, requested), already=False)


def _requested(asked: Asked, line: Line, now: datetime) -> Requested:
    retried = asked.retry_of
    return Requested(
        asked.actor,
        now,
        asked.reason,
        asked.override,
        sequence=line.sequence,
        only_forward=retried is not None and retried.claimed.leaves_newer_alone,
        retry_of=retried.id if retried else None,
    )


async def read(app: App, subject: Subject) -> Served:
    """What the target serves of the image."""
    target, rule = app.policy.environment(subject.rule.target), subject.rule
    return await read_target(app, target, subject.evidence.image, subject.tag, target.pointer_of(rule.track))


class NoRuleError(NotFoundError):
    """The policy has no rule for the image."""


class NotInSourceError(NotFoundError):
    """The image is not where it would come from.

    Attributes:
        rule: The rule that would promote it.
    """

    def __init__(self, message: str, rule: str) -> None:
        super().__init__(message, "tag")
        self.rule = rule


async def find_subject(app: App, wanted: Wanted) -> Subject:
    """Find the image that is meant, and the rule that would promote it.

    Raises:
        InvalidError: The request names both or neither of tag and digest.
        NotFoundError: There is no such environment, or the source registry has no such tag.
        NoRuleError: No rule leads the image there.
    """
    app.policy.environment(wanted.target, "to")
    if wanted.source is not None:
        app.policy.environment(wanted.source, "from")
    if (wanted.tag is None) == (wanted.digest is None):
        message = "name the image by tag or by digest: one of both"
        raise InvalidError(message, "tag")
    if wanted.tag is not None:
        return await _by_tag(app, wanted, wanted.tag)
    return await _by_digest(app, wanted, Digest(wanted.digest or ""))


async def _by_digest(app: App, wanted: Wanted, digest: Digest) -> Subject:
    evidence = await app.evidence.load(Image(wanted.repository, digest))
    for arrival in sorted(evidence.arrivals, key=lambda each: each.pushed_at, reverse=True):
        for rule in _rules(app, wanted, arrival.tag):
            if rule.source == arrival.environment:
                return Subject(rule, arrival.tag, evidence)
    message = (
        f"{wanted.repository}@{digest.short} has arrived under no tag that a rule leads into {wanted.target}"
    )
    raise NoRuleError(message, "digest")


async def _by_tag(app: App, wanted: Wanted, tag: Tag) -> Subject:
    rules = _rules(app, wanted, tag)
    if not rules:
        message = f"no rule leads {wanted.repository}:{tag} into {wanted.target}"
        raise NoRuleError(message, "to")
    for rule in rules:
        source = app.policy.environment(rule.source)
        digest = await app.registry.digest(source.location, wanted.repository, tag)
        if digest is not None:
            return Subject(rule, tag, await _known(app, rule, Image(wanted.repository, digest), tag))
    sources = " or ".join(rule.source for rule in rules)
    message = f"the registry of {sources} has no {wanted.repository}:{tag}"
    raise NotInSourceError(message, rules[0].name)


async def _known(app: App, rule: PromotionRule, image: Image, tag: Tag) -> Evidence:
    """What is known of the image; that its first registry serves it is known too, without its event.

    When it was pushed is not: it counts as older than all whose push is. Among such images the one that was
    seen later is the newer, so the time since then is kept, made small.
    """
    evidence = await app.evidence.load(image)
    if evidence.arrival(rule.source, tag) is None and not app.policy.is_target(rule.source):
        now = app.clock.now()
        seen = Arrival(
            rule.source, tag, first_at=now, last_at=now, pushed_at=_LONG_AGO + (now - _LONG_AGO) / 1000
        )
        return replaced(evidence.plus(seen), version="")  # what is stored does not say so
    return evidence


def _rules(app: App, wanted: Wanted, tag: Tag) -> list[PromotionRule]:
    rules = app.policy.rules_to(wanted.target, wanted.repository, tag)
    return [rule for rule in rules if wanted.source in {None, rule.source}]


def _check_override(override: Override | None) -> None:
    """Refuse an override without a reason, or of what cannot be overridden."""
    if override is None:
        return
    check_reason(override.reason, "override.reason")
    if not override.reason.strip():
        message = "an override needs a reason; it is kept on the record"
        raise InvalidError(message, "override.reason")
    unknown = [kind for kind in override.conditions if kind not in OVERRIDABLE]
    if unknown or not override.conditions:
        message = f"conditions that can be overridden are {', '.join(OVERRIDABLE)}"
        raise InvalidError(message, "override.conditions")


def check_reason(reason: str | None, field: str = "reason") -> None:
    """Refuse a reason that is too long to be kept.

    Raises:
        InvalidError: It is.
    """
    if reason is not None and len(reason) > MAX_REASON:
        message = f"{field} has {len(reason)} characters; at most {MAX_REASON} are kept"
        raise InvalidError(message, field)
