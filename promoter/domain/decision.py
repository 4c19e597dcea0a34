"""The one place that decides: `evaluate`.

A decision is data. It lists every condition with its state and a sentence a person can act on, whether it
was met or not; automation, HTTP, explain and the dashboard all show the same.
"""

from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from promoter.domain.codec import encode
from promoter.domain.condition import Condition, Request, Served, Situation, State
from promoter.domain.conditions import CONDITIONS, OVERRIDABLE, freeze
from promoter.domain.evidence import Evidence, GateResult
from promoter.domain.freeze import thaw
from promoter.domain.line import Line
from promoter.domain.policy import Policy, PromotionRule

MAX_KEPT = 30_000
"""Characters of a decision's conditions that are stored with a candidate or a record."""
_MAX_TEXT = 300


class Outcome(StrEnum):
    """What becomes of the request: refused where one condition is, else waiting where one is pending."""

    QUALIFIED = "qualified"
    WAITING = "waiting"
    REFUSED = "refused"


class Decision(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What was decided, under which rule, and why.

    Attributes:
        earliest: Where only time is missing: when the image qualifies, as things are.
    """

    outcome: Outcome
    rule: str | None
    conditions: tuple[Condition, ...]
    earliest: datetime | None = None

    @property
    def qualified(self) -> bool:
        """Whether the promotion may go ahead."""
        return self.outcome is Outcome.QUALIFIED

    @property
    def unmet(self) -> tuple[Condition, ...]:
        """The conditions that stand in the way."""
        return tuple(condition for condition in self.conditions if condition.is_unmet)

    @property
    def next_change(self) -> datetime | None:
        """When time alone changes the next of the conditions, for the better or the worse."""
        times = (at for condition in self.conditions for at in (condition.earliest, condition.until))
        return min((at for at in times if at is not None), default=None)

    @property
    def kept(self) -> "Decision":
        """The decision as it is stored: where it is too long, without what the image's evidence says too."""
        kept = self.conditions
        for shorter in (_without_words, _without_evidence, _cut):
            if len(encode(kept)) <= MAX_KEPT:
                break
            kept = tuple(map(shorter, kept))
        return replace(self, conditions=kept)

    @property
    def reasons(self) -> str:
        """The unmet conditions as text."""
        return "; ".join(condition.text for condition in self.unmet)


def evaluate(
    policy: Policy,
    request: Request,
    evidence: Evidence,
    line: Line,
    other_lines: tuple[Line, ...],
    served: Served | None,
    now: datetime,
) -> Decision:
    """Judge whether an image may be promoted.

    Args:
        policy: The policy, or the part of it that a claimed promotion carries.
        request: What is asked for, and by whom.
        evidence: All that is known of the image.
        line: What the target environment has of the repository.
        other_lines: What the source and the target environment have of it, on every track.
        served: What the target registry serves; None where it was not read.
        now: The time to judge at.

    Returns:
        The decision; for the same arguments always the same.
    """
    rule = policy.rule(request.rule) if request.rule else None
    if rule is None:
        text = f"no rule leads {evidence.image.repository}:{request.tag} into {line.environment}"
        return decide(None, (Condition("rule", State.REFUSED, text),))
    target = policy.environment(rule.target)
    at = Situation(rule, target, request, evidence, line, other_lines, served, now)
    found = tuple(_overridden(condition, at) for kind in CONDITIONS for condition in kind.judge(at))
    decision = decide(rule.name, found)
    return replace(decision, earliest=_earliest(decision, rule, request))


def _earliest(decision: Decision, rule: PromotionRule, request: Request) -> datetime | None:
    """When it qualifies if nothing is learned until then: it may be frozen, or what is met too old."""
    earliest = decision.earliest
    if earliest is not None and rule.freeze and not request.overrides(freeze.KIND):
        earliest = thaw(rule.freeze, earliest)
    ends = [each.until for each in decision.conditions if each.until is not None]
    return None if earliest is None or any(end <= earliest for end in ends) else earliest


def _without_words(condition: Condition) -> Condition:
    match condition.evidence:
        case GateResult() as result:
            return replace(condition, evidence=replace(result, evidence=None, url=None))
        case tuple() as said:
            return replace(condition, evidence=tuple(replace(each, comment=None) for each in said))
        case None:
            return condition


def _without_evidence(condition: Condition) -> Condition:
    return replace(condition, evidence=None)


def _cut(condition: Condition) -> Condition:
    text = condition.text
    return replace(condition, text=text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}...")


def _overridden(condition: Condition, at: Situation) -> Condition:
    override = at.request.override
    if override is None or not condition.is_unmet or condition.kind not in OVERRIDABLE:
        return condition
    if not at.request.overrides(condition.kind):
        return condition
    text = f"{condition.text} - overridden by {at.request.actor.name}: {override.reason}"
    return replace(condition, text=text, overridden=True)


def evaluate_rollback(record: str, *, succeeded: bool, current: bool, held_by: str | None) -> Decision:
    """Judge whether an environment may be rolled back to a record.

    Args:
        record: The record's id.
        succeeded: Whether that promotion succeeded.
        current: Whether its image is what the environment runs, with nothing else on the way there.
        held_by: The environment whose registry still has the image.

    Returns:
        The decision; a rollback asks for nothing else.
    """
    there = f"its image is in the registry of {held_by}"
    conditions = (
        _required("record", succeeded, f"record {record} succeeded", f"record {record} has not succeeded"),
        _required("current", not current, "its image is not current", "its image is current already"),
        _required("image", held_by is not None, there, "its image is in no registry any more"),
    )
    return decide(None, conditions)


def _required(kind: str, is_met: bool, met: str, refused: str) -> Condition:  # noqa: FBT001
    return Condition(kind, State.MET if is_met else State.REFUSED, met if is_met else refused)


def decide(rule: str | None, conditions: tuple[Condition, ...]) -> Decision:
    """The decision that follows from conditions. None at all refuses: no evidence is never good evidence."""
    unmet = [condition for condition in conditions if condition.is_unmet]
    if not conditions or any(condition.state is State.REFUSED for condition in unmet):
        return Decision(Outcome.REFUSED, rule, conditions)
    if not unmet:
        return Decision(Outcome.QUALIFIED, rule, conditions)
    times = [condition.earliest for condition in unmet if condition.earliest is not None]
    return Decision(Outcome.WAITING, rule, conditions, max(times) if len(times) == len(unmet) else None)
