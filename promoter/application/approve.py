"""Approving a promotion, rejecting it, and taking back what one has said."""

from enum import StrEnum

import msgspec

from promoter.application.app import GUARD, App
from promoter.application.consider import judge
from promoter.application.promote import check_reason
from promoter.application.work import Consider, Work
from promoter.domain.access import Caller, Capability, Role, permit
from promoter.domain.errors import ForbiddenError, NotFoundError, RefusedError
from promoter.domain.evidence import Approval, ApprovalDecision, Evidence
from promoter.domain.image import Digest, Image, Repository
from promoter.domain.policy import PromotionRule


class Word(StrEnum):
    """What somebody says."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"


_DECISIONS = {
    Word.APPROVE: ApprovalDecision.APPROVED,
    Word.REJECT: ApprovalDecision.REJECTED,
    Word.WITHDRAW: ApprovalDecision.WITHDRAWN,
}


class ApprovalWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One person's word on one image under one rule: the body of `POST /approvals`.

    Attributes:
        digest: The image; never by tag, since a tag may move between looking and approving.
        rule: The rule's name.
        decision: To approve, to reject, or to withdraw what one has said before.
    """

    repository: Repository
    digest: Digest
    rule: str
    decision: Word
    comment: str | None = None


class Approved(msgspec.Struct, frozen=True):
    """The image, what was said of it, and the lines to be woken."""

    image: Image
    approval: Approval
    wake: list[Work]


async def approve(app: App, wanted: ApprovalWanted, caller: Caller) -> Approved:
    """Store what somebody says, and act on it.

    Raises:
        InvalidError: The comment is too long.
        ForbiddenError: The caller may not approve for the rule's target, or has asked for this promotion.
        NotFoundError: The policy has no such rule, the image is unknown, or there is nothing to withdraw.
        RefusedError: The rule asks for no approval.
    """
    check_reason(wanted.comment, "comment")
    rule = _rule(app, wanted.rule)
    guarded = app.policy.guarded(rule)
    permit(caller, Capability.APPROVE, guarded)
    image = Image(wanted.repository, wanted.digest)
    evidence = await app.evidence.load(image)
    await _check_makes_sense(app, rule, evidence, wanted, caller)
    approval = Approval(
        rule=rule.name,
        rule_hash=rule.hash,
        actor=caller.actor,
        decision=_DECISIONS[wanted.decision],
        at=app.clock.now(),
        roles=tuple(sorted(caller.roles & {*guarded.roles.approver, Role.ADMIN})),
        comment=wanted.comment,
    )
    await app.scheduler.wake(Consider(image.repository, image.digest), GUARD)
    known = await app.evidence.add(evidence, approval)
    wake = await judge(app, known, lambda each: each.name == rule.name)
    return Approved(image, approval, wake)


def _rule(app: App, name: str) -> PromotionRule:
    rule = app.policy.rule(name)
    if rule is None:
        known = ", ".join(each.name for each in app.policy.rules)
        message = f"the policy has no rule {name[:80]!r}; it has {known}"
        raise NotFoundError(message, "rule")
    if rule.approvals is None:
        message = f"{rule.name} asks for no approval; a hold on {rule.target} keeps automation off"
        raise RefusedError(message)
    return rule


async def _check_makes_sense(
    app: App, rule: PromotionRule, evidence: Evidence, wanted: ApprovalWanted, caller: Caller
) -> None:
    image, said = evidence.image, evidence.approvals_of(rule.name)
    if not evidence.arrivals:
        message = f"{image} has arrived nowhere yet, as far as is known; check repository and digest"
        raise NotFoundError(message, "digest")
    if wanted.decision is Word.WITHDRAW and all(each.actor.id != caller.actor.id for each in said):
        message = f"{caller.actor.name} has said nothing of {image} under {rule.name} that could be withdrawn"
        raise NotFoundError(message, "decision")
    if wanted.decision is not Word.APPROVE:
        return
    for arrival in evidence.arrivals_in(rule.source):
        claim = await app.claim(rule, image.repository, arrival.tag)
        asked = claim.requested if claim and claim.digest == image.digest else None
        if asked is not None and asked.actor.id == caller.actor.id:
            message = f"nobody approves what they requested: {caller.actor.name} has asked for this promotion"
            raise ForbiddenError(message)
