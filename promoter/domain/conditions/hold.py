"""Automation stays off a line on hold."""

from collections.abc import Iterator

from promoter.domain.condition import Condition, Kind, Situation, State, when
from promoter.domain.policy import Environment, PromotionRule

KIND = "hold"


def asks(rule: PromotionRule, target: Environment) -> Iterator[str]:
    """What it asks for; nothing of a rule under which only people promote."""
    if rule.automatic:
        yield f"its repository is not on hold in {target.name}"


def judge(at: Situation) -> Iterator[Condition]:
    """Binds automation alone."""
    if at.request.kind is not Kind.AUTOMATIC:
        return
    hold, name = at.line.hold, at.line.environment
    if hold is None:
        yield Condition(KIND, State.MET, f"{name} is not on hold for {at.line.repository}")
    else:
        yield Condition(KIND, State.PENDING, f"{name} is on hold since {when(hold.at)}: {hold.reason}")
