"""Who is told of changes of phase."""

import asyncio

from promoter.domain.errors import UnavailableError
from promoter.domain.event import PhaseChanged


class FakePublisher:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[PhaseChanged] = []
        self.down = False

    async def publish(self, event: PhaseChanged) -> None:
        """Take an event."""
        await asyncio.sleep(0)
        if self.down:
            message = "the topic does not answer"
            raise UnavailableError(message)
        self.told.append(event)
