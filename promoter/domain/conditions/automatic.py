"""Automation moves only what a rule lets it move."""

from collections.abc import Iterator

from promoter.domain.condition import Condition, Kind, Situation, State
from promoter.domain.policy import Environment, PromotionRule

KIND = "automatic"


def asks(rule: PromotionRule, _: Environment) -> Iterator[str]:
    """What it asks for; nothing of a rule that is automatic."""
    if not rule.automatic:
        yield "somebody promotes it by hand"


def judge(at: Situation) -> Iterator[Condition]:
    """Binds automation alone."""
    if at.request.kind is not Kind.AUTOMATIC:
        return
    if at.rule.automatic:
        yield Condition(KIND, State.MET, f"{at.rule.name} is automatic")
    else:
        text = f"waits to be promoted by hand: {at.rule.name} is not automatic"
        yield Condition(KIND, State.PENDING, text)
