"""What drives the application over ports in memory: its queue, and time."""

from datetime import datetime, timedelta

from promoter.application.advance import advance
from promoter.application.app import App
from promoter.application.consider import consider
from promoter.application.work import Advance, Consider, Work, from_message, to_message
from promoter.domain.image import Image
from promoter.simulation.queue import MemoryScheduler, StoppedClock

_MAX_ROUNDS = 10_000


class Machine:
    """An application, and the queue and clock that it was given.

    Attributes:
        app: The application; another takes its place as another process, or with another policy.
    """

    def __init__(self, app: App, scheduler: MemoryScheduler, clock: StoppedClock) -> None:
        self.app = app
        self.scheduler = scheduler
        self.clock = clock

    async def wake(self, work: list[Work]) -> None:
        """Put work on the queue, to be taken now."""
        for each in work:
            await self.scheduler.wake(from_message(to_message(each)), timedelta(0))

    async def work(self, work: Work) -> None:
        """Take one message off the queue."""
        app = self.instance()
        match work:
            case Advance():
                await self.wake(await advance(app, work.line_key, leftovers=work.leftovers))
            case Consider():
                await self.wake(await consider(app, Image(work.repository, work.digest)))

    def instance(self) -> App:
        """The process that takes the next message."""
        return self.app

    async def drain(self) -> None:
        """Take all that is due now, and all that it leads to at once."""
        for _ in range(_MAX_ROUNDS):
            due = self.scheduler.take_due()
            if not due:
                return
            for each in due:
                await self.work(each)
        message = "the queue never empties"
        raise RuntimeError(message)

    async def run_until(self, until: datetime) -> None:
        """Let time pass, and everything happen that is due in it."""
        await self.drain()
        while (due := self.scheduler.next_due) is not None and due <= until:
            self.clock.set(max(due, self.clock.now()))
            await self.drain()
        self.clock.set(until)
