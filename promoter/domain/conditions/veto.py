"""The image was not rolled back, neither in the target nor in the source environment."""

from collections.abc import Iterator

from promoter.domain.condition import Condition, Situation, State, when
from promoter.domain.policy import Environment, PromotionRule

KIND = "veto"


def asks(rule: PromotionRule, _: Environment) -> Iterator[str]:
    """What it asks for."""
    yield f"it was rolled back neither in {rule.source} nor in {rule.target}"


def judge(at: Situation) -> Iterator[Condition]:
    """Refused where it was."""
    for line in (at.line, *at.other_lines):
        veto = line.vetoed(at.evidence.image.digest)
        if veto is not None:
            text = (
                f"was rolled back in {line.environment} at {when(veto.at)} (record {veto.record}); only a "
                "rollback to a record of its own, or an override, brings it back"
            )
            yield Condition(KIND, State.REFUSED, text)
            return
    yield Condition(KIND, State.MET, "has not been rolled back")
