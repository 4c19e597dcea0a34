"""Enough people have approved, and nobody has rejected.

An approval counts for one image under one rule as the rule was then. It is void after a later failed verdict
or rollback of the image, after its `maxAge`, and from whoever asked for the promotion. A rejection refuses
until its author withdraws it.
"""

from collections.abc import Iterator
from datetime import datetime

from promoter.domain.access import Caller
from promoter.domain.condition import Condition, Situation, State, when
from promoter.domain.evidence import Approval, ApprovalDecision
from promoter.domain.policy import Approvals, Environment, PromotionRule

KIND = "approval"


def asks(rule: PromotionRule, target: Environment) -> Iterator[str]:
    """What it asks for; nothing where the rule asks for none."""
    wanted = rule.approvals
    if wanted is None:
        return
    who = "somebody" if wanted.count == 1 else f"{wanted.count} people"
    roles = " or ".join(wanted.roles or target.roles.approver)
    age = f" within the last {wanted.max_age}" if wanted.max_age else ""
    yield f"{who} with the role {roles} approved it{age}, other than who asked for it, and nobody rejected it"


def judge(at: Situation) -> Iterator[Condition]:
    """Met when there are enough; nothing where the rule asks for none."""
    wanted = at.rule.approvals
    if wanted is None:
        return
    said = at.evidence.approvals_of(at.rule.name)
    rejected = [each for each in said if each.decision is ApprovalDecision.REJECTED]
    if rejected:
        text = "; ".join(f"was rejected by {_who(each)}" for each in rejected)
        yield Condition(KIND, State.REFUSED, f"{text}, until that is withdrawn", evidence=tuple(rejected))
        return
    approved = [each for each in said if each.decision is ApprovalDecision.APPROVED]
    reasons = {each.actor.id: _why_void(at, wanted, each) for each in approved}
    counting = tuple(each for each in approved if reasons[each.actor.id] is None)
    nothing = "no approval counts" if approved else "nobody has approved yet"
    have = f"approved by {', '.join(map(_who, counting))}" if counting else nothing
    void = "".join(
        f"; that of {each.actor.name} at {when(each.at)} does not count: {reason}"
        for each in approved
        if (reason := reasons[each.actor.id]) is not None
    )
    ends = [each.at + wanted.max_age.delta for each in counting] if wanted.max_age else []
    until = min(ends, default=None)
    if len(counting) >= wanted.count:
        yield Condition(KIND, State.MET, f"{have}{void}", until=until, evidence=counting)
        return
    roles = " or ".join(_roles(at, wanted))
    many = f"{wanted.count} approvals" if wanted.count > 1 else "approval"
    text = f"waits for {many} by {roles}; {have}{void}"
    yield Condition(KIND, State.PENDING, text, until=until, evidence=counting or None)


def _why_void(at: Situation, wanted: Approvals, approval: Approval) -> str | None:
    """Why an approval does not count; the first reason that there is."""
    failed, vetoed = at.evidence.last_failed_at, _last_veto(at)
    author = Caller(approval.actor, frozenset(approval.roles))
    old = wanted.max_age is not None and at.now - approval.at >= wanted.max_age.delta
    reasons = (
        (approval.rule_hash != at.rule.hash, "the rule has changed since"),
        (approval.actor.id == at.request.actor.id, "nobody approves what they requested"),
        (failed is not None and failed >= approval.at, "a gate has failed since"),
        (vetoed is not None and vetoed >= approval.at, "the image was rolled back since"),
        (old, f"it is older than {wanted.max_age}"),
        (not author.has_any(_roles(at, wanted)), "its author had no role that may approve"),
    )
    return next((reason for holds, reason in reasons if holds), None)


def _roles(at: Situation, wanted: Approvals) -> tuple[str, ...]:
    return wanted.roles or at.target.roles.approver


def _last_veto(at: Situation) -> datetime | None:
    digest = at.evidence.image.digest
    vetoes = (line.last_veto(digest) for line in (at.line, *at.other_lines))
    return max((veto for veto in vetoes if veto is not None), default=None)


def _who(approval: Approval) -> str:
    comment = f" ({approval.comment})" if approval.comment else ""
    return f"{approval.actor.name} at {when(approval.at)}{comment}"
