"""The image has been in the source environment for long enough, counted from its first arrival there."""

from collections.abc import Iterator

from promoter.domain.condition import Condition, Situation, State, how_long, when
from promoter.domain.policy import Environment, PromotionRule

KIND = "soak"


def asks(rule: PromotionRule, _: Environment) -> Iterator[str]:
    """What it asks for; nothing where the rule asks for none."""
    if rule.soak is not None:
        yield f"it has been in {rule.source} for {rule.soak}"


def judge(at: Situation) -> Iterator[Condition]:
    """Met when the time is over; nothing where the rule asks for none."""
    soak, source = at.rule.soak, at.rule.source
    if soak is None:
        return
    since = at.evidence.first_arrival(source)
    if since is None:
        yield Condition(KIND, State.PENDING, f"waits to have been in {source} for {soak}; not there yet")
        return
    ends = since + soak.delta
    if at.now < ends:
        left = how_long(ends - at.now)
        text = f"waits to have been in {source} for {soak}: until {when(ends)}, {left} more"
        yield Condition(KIND, State.PENDING, text, earliest=ends)
    else:
        yield Condition(KIND, State.MET, f"had been in {source} for {soak} at {when(ends)}")
