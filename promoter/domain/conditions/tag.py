"""The tag may be set in the target registry."""

from collections.abc import Iterator

from promoter.domain.condition import Condition, Situation, State
from promoter.domain.policy import Environment, PromotionRule

KIND = "tag"


def asks(_: PromotionRule, target: Environment) -> Iterator[str]:
    """What it asks for."""
    if target.immutable_tags:
        yield f"its tag names no other image in {target.name}"
    else:
        yield f"its tag names no newer image in {target.name}, unless somebody promotes it by hand"


def judge(at: Situation) -> Iterator[Condition]:
    """Refused where another image has it for good; nothing where the registry was not read."""
    if at.served is None:
        return
    tag, target, held = at.request.tag, at.target, at.served.tag
    if held is None:
        yield Condition(KIND, State.MET, f"{tag} is free in {target.name}")
    elif held == at.evidence.image.digest:
        yield Condition(KIND, State.MET, f"{tag} in {target.name} is this image already")
    elif target.immutable_tags:
        text = f"{tag} in {target.name} is another image, {held.short}, and tags there are immutable"
        yield Condition(KIND, State.REFUSED, text)
    elif at.request.leaves_newer_alone and not at.is_newer:
        text = f"{tag} in {target.name} is a newer image, and a moving tag is not moved back"
        yield Condition(KIND, State.REFUSED, text)
    else:
        yield Condition(KIND, State.MET, f"{tag} in {target.name} moves to this image")
