"""Storage queues: what a message looks like on the wire, and the output binding."""

import base64
import json
import re
from collections.abc import Callable
from typing import Literal

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue.aio import QueueClient

from localhost.host.errors import HostError, Problems
from localhost.host.functions import Binding, Function
from localhost.host.settings import resolve_settings
from localhost.host.storage import StorageAccount, StorageAccounts
from localhost.host.wire import Datum

type Encoding = Literal["base64", "none"]

_QUEUE_NAME = re.compile(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_NO_EXPIRY = -1


def encode(body: str | bytes, encoding: Encoding) -> str:
    """What stands in the queue for a message with that body."""
    if encoding == "base64":
        return base64.b64encode(body.encode() if isinstance(body, str) else body).decode()
    return body if isinstance(body, str) else body.decode()


def decode(content: str, encoding: Encoding) -> str | bytes:
    """A message's body; bytes where it is no text.

    Raises:
        ValueError: it is not encoded as host.json says.
    """
    if encoding == "none":
        return content
    body = base64.b64decode(content, validate=True)
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


async def put(queue: QueueClient, content: str) -> None:
    """Put a message that never expires into a queue, which is made if it is missing."""
    try:
        await queue.send_message(content, time_to_live=_NO_EXPIRY)
    except ResourceNotFoundError:
        await ensure(queue)
        await queue.send_message(content, time_to_live=_NO_EXPIRY)


async def ensure(queue: QueueClient) -> None:
    """Make a queue, unless it is there."""
    try:
        await queue.create_queue()
    except ResourceExistsError:
        return


class QueueStorage:
    """All queues of an app, and what its queue output bindings put into them."""

    def __init__(self, encoding: Encoding, accounts: StorageAccounts) -> None:
        """Write messages in that encoding."""
        self._encoding = encoding
        self._accounts = accounts
        self._listeners: dict[str, Callable[[], None]] = {}

    def queue(self, function: Function, binding: Binding) -> QueueClient:
        """The queue that a binding names.

        Raises:
            HostError: its name or its connection setting is wrong, or both.
        """
        problems = Problems()
        name = problems.attempt(lambda: queue_name(function, binding))
        account = problems.attempt(lambda: self.account(function, binding))
        if name is None or account is None:
            raise HostError(*problems.found)
        return account.queue(name)

    def account(self, function: Function, binding: Binding) -> StorageAccount:
        """The storage account of the queue that a binding names.

        Raises:
            HostError: its connection setting is wrong.
        """
        return self._accounts.account(function.name, str(binding.properties.get("connection") or ""))

    def tell(self, queue: QueueClient, listener: Callable[[], None]) -> None:
        """Call `listener` when this host puts a message into that queue, for it need not be polled then."""
        self._listeners[queue.url] = listener

    async def send(self, function: Function, binding: Binding, value: Datum) -> None:
        """Write the value of a queue output binding: one message, or one for each item of a list."""
        queue = self.queue(function, binding)
        for body in _bodies(value):
            await put(queue, encode(body, self._encoding))
        if queue.url in self._listeners:
            self._listeners[queue.url]()


def queue_name(function: Function, binding: Binding) -> str:
    """The queue that a binding names, its settings resolved.

    Raises:
        HostError: a setting is missing, or Azure would not take the name.
    """
    name = resolve_settings(str(binding.properties.get("queueName") or ""), function.name)
    if not _QUEUE_NAME.fullmatch(name):
        message = (
            f"Function '{function.name}': '{name}' is no queue name. "
            "It takes 3 to 63 lower-case letters, digits and single hyphens, with none at either end."
        )
        raise HostError(message)
    return name


def _bodies(value: Datum) -> list[str | bytes]:
    """The messages in what the worker library makes of a `func.Out`: one, or a list of them."""
    content = json.loads(value.value) if value.type == "json" else value.value
    items = content if isinstance(content, list) else [content]
    return [item["body"] if isinstance(item, dict) else item for item in items]
