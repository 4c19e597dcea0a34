"""The image is in the source environment under this tag."""

from collections.abc import Iterator

from promoter.domain.condition import Condition, Situation, State, when
from promoter.domain.policy import Environment, PromotionRule

KIND = "arrival"


def asks(rule: PromotionRule, _: Environment) -> Iterator[str]:
    """What it asks for."""
    yield f"the image has arrived in {rule.source} under its tag"


def judge(at: Situation) -> Iterator[Condition]:
    """Met once it has arrived."""
    source, tag, arrival = at.rule.source, at.request.tag, at.arrival
    if arrival is None:
        yield Condition(KIND, State.PENDING, f"has not arrived in {source} as {tag}")
    else:
        yield Condition(KIND, State.MET, f"arrived in {source} as {tag} at {when(arrival.first_at)}")
