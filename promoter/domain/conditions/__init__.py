"""The conditions of a promotion. Adding a kind is one module beside these, and one line below."""

from collections.abc import Callable, Iterator

from promoter.domain.condition import Condition, Situation
from promoter.domain.conditions import approval, arrival, automatic, freeze, gate, hold, soak, tag, veto

CONDITIONS: tuple[Callable[[Situation], Iterator[Condition]], ...] = (
    arrival.judge,
    gate.judge,
    soak.judge,
    approval.judge,
    freeze.judge,
    veto.judge,
    automatic.judge,
    hold.judge,
    tag.judge,
)
"""Each says how it stands, in one plain sentence or several; in the order in which people are told."""

OVERRIDABLE = (gate.KIND, soak.KIND, approval.KIND, freeze.KIND, veto.KIND)
"""The kinds of conditions that an administrator may override; immutable tags are never among them."""
