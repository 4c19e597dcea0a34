"""Dead letters: events that were given up, as files or as blobs.

Layout and properties: Microsoft Learn, Event Grid message delivery and retry; Set dead-letter location and
retry policy. Azure writes them five minutes after the last attempt; here they are written at once.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from emulator.clock import stamp
from emulator.errors import EmulatorError
from emulator.eventgrid.event import Schema
from emulator.eventgrid.outbox import Delivery

_PATIENCE: dict[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 10}


class LetterError(EmulatorError):
    """A dead letter was not written; the text says why."""


@dataclass(frozen=True)
class DeadLetters:
    """Where dead letters go.

    Attributes:
        folder: For subscriptions that name no container.
        storage: Connection string of the storage account that has the containers.
    """

    folder: Path
    storage: str

    async def write(self, name: str, container: str | None, schema: Schema, delivery: Delivery) -> str:
        """Write the dead letter of one event, and say where it is.

        Args:
            name: The subscription's name.
            container: Its blob container, if it has one.
            schema: How it is sent events.
            delivery: What was given up.

        Raises:
            LetterError: The folder or the container does not take it.
        """
        now = datetime.now(UTC)
        path = f"{name.upper()}/{now.year}/{now.month}/{now.day}/{now.hour}/{uuid4()}.json"
        content = msgspec.json.encode([_letter(schema, delivery)])
        if container:
            await _upload(self.storage, container, path, content)
            return f"{container}/{path}"
        file = self.folder / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        except OSError as error:
            raise LetterError(str(error)) from error
        return str(file)


def _letter(schema: Schema, delivery: Delivery) -> dict[str, object]:
    facts: dict[str, object] = {
        "deadLetterReason": delivery.reason,
        "deliveryAttempts": delivery.attempts,
        "publishTime": stamp(delivery.published),
    }
    if delivery.last:
        facts["lastDeliveryOutcome"] = delivery.last.name
    if delivery.last and delivery.last.status:
        facts["lastHttpStatusCode"] = delivery.last.status
    if delivery.attempted:
        facts["lastDeliveryAttemptTime"] = stamp(delivery.attempted)
    if schema is Schema.CLOUD_EVENTS:  # names of CloudEvents attributes are lower case
        facts = {key.lower(): value for key, value in facts.items()}
    return delivery.event.in_schema(schema) | facts


async def _upload(storage: str, container: str, path: str, content: bytes) -> None:
    try:
        from azure.core.exceptions import AzureError, ResourceNotFoundError  # noqa: PLC0415 - only who has
        from azure.storage.blob.aio import ContainerClient  # noqa: PLC0415 - a container needs it
    except ImportError as error:
        message = f"blobs need the package azure-storage-blob with its aio extra ({error})"
        raise LetterError(message) from error
    try:
        async with ContainerClient.from_connection_string(storage, container, **_PATIENCE) as client:
            try:
                await client.upload_blob(path, content)
            except ResourceNotFoundError:
                await client.create_container()
                await client.upload_blob(path, content)
    except (AzureError, ValueError) as error:
        raise LetterError(str(error).partition("\n")[0]) from error
