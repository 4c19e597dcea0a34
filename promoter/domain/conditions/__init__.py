"""The conditions of a promotion. Adding a kind is one module beside these, and one line below."""

from collections.abc import Iterator
from typing import Protocol

from promoter.domain.condition import Condition, Situation
from promoter.domain.conditions import approval, arrival, automatic, freeze, gate, hold, soak, tag, veto
from promoter.domain.policy import Environment, PromotionRule


class KindOfCondition(Protocol):
    """What each of the modules is."""

    KIND: str

    def asks(self, rule: PromotionRule, target: Environment, /) -> Iterator[str]:
        """What it asks for under a rule, in plain sentences: what people are told of the policy."""
        ...

    def judge(self, at: Situation, /) -> Iterator[Condition]:
        """How it stands, in one plain sentence or several."""
        ...


CONDITIONS: tuple[KindOfCondition, ...] = (arrival, gate, soak, approval, freeze, veto, automatic, hold, tag)
"""In the order in which people are told."""

OVERRIDABLE = (gate.KIND, soak.KIND, approval.KIND, freeze.KIND, veto.KIND)
"""The kinds of conditions that an administrator may override; immutable tags are never among them."""
