"""The clock and the scheduler, in a test's hands."""

from datetime import UTC, datetime, timedelta
from typing import override

from promoter.application.ports import Clock
from promoter.application.work import Work
from promoter.domain.errors import UnavailableError
from promoter.simulation.queue import MemoryScheduler, StoppedClock

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class FakeClock(StoppedClock):
    """Stands still until it is told otherwise."""

    def __init__(self, now: datetime = START) -> None:
        super().__init__(now)


class FakeScheduler(MemoryScheduler):
    """The work queue, which can be told to fail."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._failures: list[UnavailableError] = []

    @override
    async def wake(self, work: Work, after: timedelta) -> None:
        if self._failures:
            raise self._failures.pop(0)
        await super().wake(work, after)

    def fail_next(self, error: UnavailableError | None = None) -> None:
        """Let the next call fail."""
        self._failures.append(error or UnavailableError("the queue does not answer"))
