"""The clock and the work queue, in the hands of whoever simulates."""

import asyncio
from datetime import datetime, timedelta
from typing import NamedTuple

from promoter.application.ports import MAX_DELAY, Clock
from promoter.application.work import Work, from_message, to_message


class StoppedClock:
    """Stands still until it is told otherwise."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """What it was set to."""
        return self._now

    def set(self, now: datetime) -> None:
        """Make it this late."""
        self._now = now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by


class Scheduled(NamedTuple):
    """A message, and when it shows."""

    work: Work
    due: datetime


class MemoryScheduler:
    """The work queue. Messages go through their text form, as they would on a queue."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.scheduled: list[Scheduled] = []

    async def wake(self, work: Work, after: timedelta) -> None:
        """Keep the work until it is due."""
        await asyncio.sleep(0)
        self.scheduled.append(
            Scheduled(from_message(to_message(work)), self._clock.now() + min(after, MAX_DELAY))
        )

    def take_due(self, now: datetime | None = None) -> list[Work]:
        """Take what shows by now, the earliest first."""
        until = now or self._clock.now()
        due = sorted((each for each in self.scheduled if each.due <= until), key=lambda each: each.due)
        self.scheduled = [each for each in self.scheduled if each.due > until]
        return [each.work for each in due]

    @property
    def next_due(self) -> datetime | None:
        """When the next message shows; None where nothing is scheduled."""
        return min((each.due for each in self.scheduled), default=None)
