"""Storage accounts: an app's connections, and what is made of an account that does not answer."""

import logging
from typing import Any

import aiohttp
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob.aio import BlobServiceClient, ContainerClient
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from localhost.host.errors import HostError
from localhost.host.settings import connection_string

OUTAGE = (AzureError, aiohttp.ClientError, OSError)
"""What a request raises where storage is away, hangs, or breaks off in an answer."""
OUTAGE_PAUSE = 0.5
"""Seconds until storage is tried again."""

_log = logging.getLogger("host")


class StorageAccount:
    """The storage behind one connection setting; that it fell silent, or is back, is logged once."""

    def __init__(self, setting: str, text: str, patience: float) -> None:
        """Connect with a connection string, and wait for each answer for `patience` seconds.

        Raises:
            ValueError: it is none.
        """
        self._setting = setting
        self._answers = True
        self._queues = QueueServiceClient.from_connection_string(text, **_options(patience))
        self._blobs = BlobServiceClient.from_connection_string(text, **_options(patience))

    def queue(self, name: str) -> QueueClient:
        """One of its queues."""
        return self._queues.get_queue_client(name)

    def container(self, name: str) -> ContainerClient:
        """One of its blob containers."""
        return self._blobs.get_container_client(name)

    def silent(self, error: Exception) -> None:
        """Note that it did not answer, or answered with an error."""
        if self._answers:
            reason = str(error).partition("\n")[0]
            _log.warning(
                "The storage '%s' does not answer; trying again until it does. %s", self._setting, reason
            )
        self._answers = False

    def answered(self) -> None:
        """Note that it answered."""
        if not self._answers:
            _log.info("The storage '%s' answers again.", self._setting)
        self._answers = True

    async def close(self) -> None:
        """Close its connections."""
        await self._queues.close()
        await self._blobs.close()


def _options(patience: float) -> dict[str, Any]:
    transport = AioHttpTransport(use_env_settings=False, connection_timeout=patience, read_timeout=patience)
    return {
        "transport": transport,
        "retry_total": 1,
        "initial_backoff": 0.1,
        "increment_base": 0,
        "random_jitter_range": 0,
    }


class StorageAccounts:
    """The accounts of an app, each connected to once."""

    def __init__(self, patience: float) -> None:
        """Wait for each answer of storage for `patience` seconds."""
        self._patience = patience
        self._accounts: dict[str, StorageAccount] = {}

    def account(self, function: str, setting: str) -> StorageAccount:
        """The storage behind a connection setting that a function names.

        Raises:
            HostError: the setting is not there, or is no connection string.
        """
        text = connection_string(setting, function)
        if text not in self._accounts:
            try:
                self._accounts[text] = StorageAccount(setting, text, self._patience)
            except ValueError as error:
                message = f"Function '{function}': the setting '{setting}' is no connection string: {error}"
                raise HostError(message) from error
        return self._accounts[text]

    async def close(self) -> None:
        """Close all connections."""
        for account in self._accounts.values():
            await account.close()
