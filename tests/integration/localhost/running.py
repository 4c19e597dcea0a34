"""A Functions host that runs the sample app, as the tests see it from outside."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from localhost.parts import Part

APP = Path(__file__).with_name("app")
_PAUSE = 0.02
_PATIENCE = 30


async def until(condition: Callable[[], bool], told: Callable[[], str] = str) -> None:
    """Wait for what must happen; on the way to a failure, say what `told` knows."""
    for _ in range(round(_PATIENCE / _PAUSE)):
        if condition():
            return
        await asyncio.sleep(_PAUSE)
    raise AssertionError(told())


@dataclass
class RunningHost:
    """One host, its address, its queues, and what its functions have noted."""

    part: Part
    url: str
    notes: Path
    storage: str
    prefix: str

    def queue(self, name: str) -> QueueClient:
        """One of the app's queues: `in`, `slow` or `out`, or one with `-poison`."""
        return QueueClient.from_connection_string(self.storage, f"{self.prefix}-{name}")

    async def send(self, name: str, *bodies: str) -> None:
        """Put messages into a queue, as soon as the host has made it."""
        async with self.queue(name) as queue:
            for body in bodies:
                await self._send(queue, body)

    async def _send(self, queue: QueueClient, body: str) -> None:
        for _ in range(round(_PATIENCE / _PAUSE)):
            try:
                await queue.send_message(body)
            except ResourceNotFoundError:
                await asyncio.sleep(_PAUSE)
            else:
                return
        raise AssertionError(self.part.log_text())

    async def contents(self, name: str) -> list[str]:
        """The visible messages of a queue."""
        async with self.queue(name) as queue:
            return [message.content for message in await queue.peek_messages(32)]

    async def until_empty(self, name: str) -> None:
        """Wait until a queue holds nothing, not even hidden messages."""
        async with self.queue(name) as queue:
            for _ in range(round(_PATIENCE / _PAUSE)):
                if (await queue.get_queue_properties()).approximate_message_count == 0:
                    return
                await asyncio.sleep(_PAUSE)
        raise AssertionError(self.part.log_text())

    def noted(self, function: str, **wanted: object) -> list[dict[str, Any]]:
        """What a function has noted, as far as it has these facts."""
        path = self.notes / function
        lines = path.read_text().splitlines() if path.exists() else []
        facts: list[dict[str, Any]] = [json.loads(line) for line in lines]
        return [fact for fact in facts if wanted.items() <= fact.items()]

    async def until_noted(self, function: str, count: int = 1, **wanted: object) -> list[dict[str, Any]]:
        """Wait until a function has noted such facts so many times, and answer with these notes."""
        await until(lambda: len(self.noted(function, **wanted)) >= count, self.part.log_text)
        return self.noted(function, **wanted)

    async def until_logged(self, text: str, count: int = 1) -> None:
        """Wait until the host has logged that so many times."""
        await until(lambda: self.part.log_text().count(text) >= count, self.part.log_text)
