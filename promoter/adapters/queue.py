"""Delayed messages, over Azure Queue Storage."""

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError

from promoter.adapters.faults import unavailable
from promoter.adapters.identity import Identity, transport
from promoter.adapters.settings import KeyedStorage, Storage
from promoter.application.ports import MAX_DELAY
from promoter.application.work import Work, to_message

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient

WORK_QUEUE = "promoter-work"
_FOREVER = -1
_ROLE = 'Promoter\'s identity needs the role "Storage Queue Data Contributor" on the storage account'


class QueueScheduler:
    """Wakes the app later; satisfies Scheduler."""

    def __init__(self, storage: Storage, identity: Identity, queue: str = WORK_QUEUE) -> None:
        self._queue = Queue(storage, identity, queue)

    async def wake(self, work: Work, after: timedelta) -> None:
        """Put a message on the work queue that shows after a while."""
        await self._queue.send(to_message(work), after)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._queue.aclose()


class Queue:
    """One queue of the storage account; it is made when it is first written to."""

    def __init__(self, storage: Storage, identity: Identity, queue: str) -> None:
        self._storage = storage
        self._identity = identity
        self._queue = queue
        self._transport = transport()
        self._client: QueueClient | None = None

    async def send(self, text: str, after: timedelta) -> None:
        """Put a message on the queue that shows after a while, rounded up to whole seconds.

        Raises:
            UnavailableError: The storage account does not answer, or does not let the app in.
        """
        delay = math.ceil(max(timedelta(0), min(after, MAX_DELAY)).total_seconds())
        try:
            try:
                await self._send(text, delay)
            except ResourceNotFoundError:
                await self._create()
                await self._send(text, delay)
        except AzureError as error:
            raise unavailable(error, f"writing to the queue {self._queue}", _ROLE) from error

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.close()

    async def _send(self, message: str, delay: int) -> None:
        await self._open().send_message(message, visibility_timeout=delay, time_to_live=_FOREVER)

    async def _create(self) -> None:
        try:
            await self._open().create_queue()
        except ResourceExistsError:
            return  # somebody else was faster

    def _open(self) -> "QueueClient":
        if self._client is None:
            self._client = self._make()
        return self._client

    def _make(self) -> "QueueClient":
        # 260 ms, and most invocations wake nobody later.
        from azure.storage.queue.aio import QueueClient  # noqa: PLC0415

        # Twice the same message does no harm, so a connection that has gone stale is tried once more.
        options: dict[str, Any] = {
            "transport": self._transport,
            "retry_total": 1,
            "initial_backoff": 0,
            "increment_base": 0,
            "random_jitter_range": 0,
        }
        if isinstance(self._storage, KeyedStorage):
            connection = self._storage.connection.reveal()
            return QueueClient.from_connection_string(connection, self._queue, **options)
        return QueueClient(
            self._storage.queue_url, self._queue, credential=self._identity.credential, **options
        )
