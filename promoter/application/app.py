"""The application: a policy, and the ports that its use cases act through."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from promoter.application.documents import Claim, claim_row, line_row, record_row
from promoter.application.ports import (
    Change,
    Clock,
    EvidenceStore,
    PromotionStore,
    Publisher,
    Registry,
    Scheduler,
)
from promoter.domain.errors import ConcurrentChangeError
from promoter.domain.image import Repository, Tag
from promoter.domain.line import Line, LineKey
from promoter.domain.policy import Policy, PromotionRule
from promoter.domain.promotion import Promotion

GUARD = timedelta(minutes=1)
"""How much later a message looks after what an HTTP call has stored, should this process die."""
_TRIES = 10
_LINELESS_FOR = timedelta(minutes=10)  # so long, an instance under an older policy may make a line unseen


@dataclass(frozen=True, slots=True)
class App:
    """What every use case is given.

    Attributes:
        throttled: Until when a registry asked this process to be left alone, by environment.
        lineless: When an environment that no rule leads to was last seen to have no lines at all.
    """

    policy: Policy
    evidence: EvidenceStore
    promotions: PromotionStore
    registry: Registry
    scheduler: Scheduler
    clock: Clock
    publisher: Publisher | None = None
    throttled: dict[str, datetime] = field(default_factory=dict)
    lineless: dict[str, datetime] = field(default_factory=dict)

    async def line(self, key: LineKey) -> Line:
        """The line, new where nothing has happened on it yet."""
        stored = await self.promotions.get(Line, key.environment, line_row(key))
        return stored or Line.new(key)

    async def claim(self, rule: PromotionRule, repository: Repository, tag: Tag) -> Claim | None:
        """What has become of the newest image under a tag, from where a rule leads it to where; or None."""
        return await self.promotions.get(Claim, rule.target, claim_row(repository, rule.source, tag))

    async def record(self, key: LineKey, sequence: int) -> Promotion | None:
        """The promotion record of that number on a line, or None."""
        row = record_row(key.repository, sequence, key.track)
        return await self.promotions.get(Promotion, key.environment, row)

    async def lines(self, environment: str, repository: Repository) -> tuple[Line, ...]:
        """The lines of a repository in an environment, on every track.

        Also where no rule leads there any more: what was rolled back there stays vetoed.
        """
        if not self.policy.is_target(environment) and await self._is_lineless(environment):
            return ()
        return tuple(await self.promotions.page(Line, environment, prefix=f"{repository.path}~"))

    async def lines_on_the_way(
        self, rule: PromotionRule, repository: Repository
    ) -> tuple[Line, tuple[Line, ...]]:
        """The line that a rule leads to, and all lines of a repository at both ends of the rule.

        What was rolled back on any of them is vetoed.
        """
        source, target = await asyncio.gather(
            self.lines(rule.source, repository), self.lines(rule.target, repository)
        )
        return own(target, LineKey(rule.target, repository, rule.track)), (*source, *target)

    async def _is_lineless(self, environment: str) -> bool:
        """Whether an environment that no rule leads to has no lines; looked up once in a while."""
        now, seen = self.clock.now(), self.lineless.get(environment)
        if seen is not None and now < seen + _LINELESS_FOR:
            return True
        if await self.promotions.page(Line, environment, limit=1):
            return False
        self.lineless[environment] = now
        return True

    async def commit(self, *changes: Change) -> None:
        """Make changes to one environment's rows: all of them, or none."""
        await self.promotions.commit(changes)


def own(lines: Iterable[Line], key: LineKey) -> Line:
    """The line of that key among all of its repository's; new where nothing has happened on it yet."""
    return next((line for line in lines if line.track == key.track), None) or Line.new(key)


async def while_it_changes[T](step: Callable[[], Awaitable[T]]) -> T:
    """Take a step that reads and then writes, again from the start where what it read has changed.

    Raises:
        ConcurrentChangeError: It changed every time; the message that asked for it is to be taken again.
    """
    for _ in range(_TRIES - 1):
        try:
            return await step()
        except ConcurrentChangeError:
            continue
    return await step()
