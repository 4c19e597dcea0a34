"""It is outside of the freeze windows. They bind when a promotion is claimed, never one in flight."""

from collections.abc import Iterator

from promoter.domain.condition import Condition, Situation, State, when
from promoter.domain.freeze import thaw
from promoter.domain.policy import Environment, PromotionRule

KIND = "freeze"


def asks(rule: PromotionRule, _: Environment) -> Iterator[str]:
    """What it asks for; nothing where the rule names none."""
    for window in rule.freeze:
        start, place = window.start.in_words, window.timezone
        yield f"it lies outside of {window.name}: {start}, for {window.duration}, by the clock of {place}"


def judge(at: Situation) -> Iterator[Condition]:
    """Met where no window is open; nothing where the rule names none."""
    windows = at.rule.freeze
    if not windows:
        return
    frozen = [(window.name, end) for window in windows if (end := window.end(at.now)) is not None]
    if at.request.claimed or not frozen:
        names = ", ".join(window.name for window in windows)
        met = "was claimed outside of" if at.request.claimed else "is outside of"
        yield Condition(KIND, State.MET, f"{met} the freeze windows ({names})")
        return
    name = max(frozen, key=lambda each: each[1])[0]
    earliest = thaw(windows, at.now)
    yield Condition(KIND, State.PENDING, f"is frozen by {name} until {when(earliest)}", earliest=earliest)
