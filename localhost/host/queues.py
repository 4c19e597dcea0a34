"""Queue triggers: fetch, lease, call, then delete, release or put aside.

As the extension in Azure does it: up to `batchSize` messages are fetched at once, and the next as soon as no
more than `newBatchThreshold` of them still run. A message is fetched with a lease, its visibility time-out,
that is renewed while its function runs. Success deletes it; failure releases it after `visibilityTimeout`;
after `maxDequeueCount` failures, or at once where it cannot be decoded, it goes to the queue
`{name}-poison`. A poison queue has none of its own: a message that fails there stays leased, and is not tried
more than `maxDequeueCount` times.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueMessage

from localhost.host.functions import Function
from localhost.host.host_json import QueueOptions
from localhost.host.invocations import Invocations
from localhost.host.queue_storage import QueueStorage, decode, ensure, put
from localhost.host.storage import OUTAGE, OUTAGE_PAUSE
from localhost.host.wire import Datum, bytes_datum, json_datum, text_datum
from localhost.host.worker import FunctionFailed

POISON = "-poison"
_SHORTEST_PAUSE = 0.1

_log = logging.getLogger("host")


class QueueListener:
    """Feeds one function from its queue, several messages at a time, until it is told to stop."""

    def __init__(
        self,
        function: Function,
        storage: QueueStorage,
        options: QueueOptions,
        invocations: Invocations,
        lease: int,
    ) -> None:
        """Listen with leases of `lease` seconds.

        Raises:
            HostError: the queue's name or connection is wrong, or both.
        """
        self._function = function
        self._options = options
        self._invocations = invocations
        self._lease = lease
        self._queue = storage.queue(function, function.trigger)
        self._name = self._queue.queue_name
        self._account = storage.account(function, function.trigger)
        self._poison = None if self._name.endswith(POISON) else self._account.queue(self._name + POISON)
        self._stopping = asyncio.Event()
        self._attention = asyncio.Event()
        storage.tell(self._queue, self._attention.set)

    def stop(self) -> None:
        """Fetch no more; `listen` returns when what is running has ended."""
        self._stopping.set()
        self._attention.set()

    async def listen(self) -> None:
        """Fetch and call, whatever becomes of the storage, until told to stop."""
        pause = _SHORTEST_PAUSE
        running: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as group:
            while not self._stopping.is_set():
                messages = await self._fetch()
                if messages and self._stopping.is_set():
                    await self._give_back(messages)
                    return
                for message in messages or ():
                    task = group.create_task(self._take(message))
                    running.add(task)
                    task.add_done_callback(running.discard)
                if messages:
                    pause = _SHORTEST_PAUSE
                else:
                    answered = messages is not None
                    longest = self._options.max_polling_interval if answered else OUTAGE_PAUSE
                    pause = await self._rest(min(pause, longest))
                while len(running) > self._options.threshold:
                    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)

    async def _rest(self, pause: float) -> float:
        """Wait for a while, or until something happens; answer with how long to wait next."""
        try:
            async with asyncio.timeout(pause):
                await self._attention.wait()
        except TimeoutError:
            return pause * 2
        self._attention.clear()
        return _SHORTEST_PAUSE

    async def _fetch(self) -> list[QueueMessage] | None:
        """The next messages, at most a batch; None where the storage does not answer."""
        size = self._options.batch_size
        try:
            pages = self._queue.receive_messages(
                messages_per_page=size, max_messages=size, visibility_timeout=self._lease
            )
            try:
                messages = [message async for message in pages]
            except ResourceNotFoundError:
                await ensure(self._queue)
                messages = []
        except OUTAGE as error:
            self._account.silent(error)
            return None
        self._account.answered()
        return messages

    async def _give_back(self, messages: Sequence[QueueMessage]) -> None:
        """Show messages again, whose functions have not started or have not ended."""
        outcomes = await asyncio.gather(
            *(self._queue.update_message(message, visibility_timeout=0) for message in messages),
            return_exceptions=True,
        )
        for message, outcome in zip(messages, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                lease = f"when its lease of {self._lease} s runs out"
                _log.warning("Message %s in queue '%s' comes again %s.", message.id, self._name, lease)
            else:
                _log.info("Message %s goes back to queue '%s'.", message.id, self._name)

    async def _take(self, message: QueueMessage) -> None:
        """See one message through; if the storage fails meanwhile, its lease runs out and it comes again."""
        try:
            await self._process(message)
        except asyncio.CancelledError:
            await self._give_back([message])
            raise
        except OUTAGE as error:
            reason = str(error).partition("\n")[0]
            _log.warning("Message %s in queue '%s' will come again: %s", message.id, self._name, reason)

    async def _process(self, message: QueueMessage) -> None:
        failures_allowed = self._options.max_dequeue_count
        dequeued = message.dequeue_count or 0
        try:
            body = decode(message.content, self._options.message_encoding)
        except ValueError:
            encoding = self._options.message_encoding
            await self._put_aside(message, f"it is not encoded as {encoding}, which host.json says")
            return
        if dequeued > failures_allowed:
            await self._put_aside(message, f"it was fetched {dequeued} times")
            return
        async with self._leased(message):
            succeeded = await self._call(message, body)
        if succeeded:
            await self._queue.delete_message(message)
        elif dequeued >= failures_allowed:
            await self._put_aside(message, f"it failed {dequeued} times")
        elif self._poison is not None:
            await self._queue.update_message(
                message, visibility_timeout=int(self._options.visibility_timeout)
            )

    async def _call(self, message: QueueMessage, body: str | bytes) -> bool:
        datum = text_datum(body) if isinstance(body, str) else bytes_datum(body)
        try:
            reason = f"New queue message detected on '{self._name}'."
            await self._invocations.run(self._function, datum, _metadata(message, datum), reason=reason)
        except FunctionFailed:
            return False
        return True

    async def _put_aside(self, message: QueueMessage, reason: str) -> None:
        if self._poison is None:
            _log.warning("Message %s stays in queue '%s', untried: %s.", message.id, self._name, reason)
            return
        _log.warning("Message %s goes to queue '%s%s': %s.", message.id, self._name, POISON, reason)
        await put(self._poison, message.content)
        await self._queue.delete_message(message)

    @asynccontextmanager
    async def _leased(self, message: QueueMessage) -> AsyncIterator[None]:
        """Keep a message hidden; at the end its receipt is the latest, and no renewal is under way."""
        done = asyncio.Event()
        renewal = asyncio.create_task(self._renew(message, done))
        try:
            yield
        finally:
            done.set()
            await renewal

    async def _renew(self, message: QueueMessage, done: asyncio.Event) -> None:
        while True:
            try:
                async with asyncio.timeout(self._lease / 2):
                    await done.wait()
            except TimeoutError:
                pass
            else:
                return
            try:
                renewed = await self._queue.update_message(message, visibility_timeout=self._lease)
                message.pop_receipt = renewed.pop_receipt
            except ResourceNotFoundError:
                _log.warning("The lease of message %s in queue '%s' is lost.", message.id, self._name)
                return
            except OUTAGE as error:
                self._account.silent(error)


def _metadata(message: QueueMessage, body: Datum) -> dict[str, Datum]:
    def time(moment: datetime | None) -> Datum:
        return json_datum((moment or datetime.max.replace(tzinfo=UTC)).isoformat())

    return {
        "QueueTrigger": body,
        "Id": text_datum(message.id),
        "PopReceipt": text_datum(message.pop_receipt or ""),
        "DequeueCount": json_datum(message.dequeue_count),
        "InsertionTime": time(message.inserted_on),
        "ExpirationTime": time(message.expires_on),
        "NextVisibleTime": time(message.next_visible_on),
    }
