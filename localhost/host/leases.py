"""What hosts on one storage have in common: of each timer a lease, which one host holds, and a status.

Both stand in blobs, where the WebJobs SDK keeps them too (github.com/Azure/azure-webjobs-sdk,
BlobLeaseDistributedLockManager and StorageScheduleMonitor). A host that is killed holds its leases until they
run out.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, BlobLeaseClient, ContainerClient

from localhost.host.storage import OUTAGE, StorageAccount

_CONTAINER = "azure-webjobs-hosts"
_LEASE = 15
"""Seconds, the shortest that blobs have; also how long a killed host keeps others out."""
_LOST = {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED}
"""How storage answers whose lease is gone."""


def host_id(app: Path) -> str:
    """What hosts of one app have in common: the setting `AzureFunctionsWebHost__hostid`, else the folder."""
    given = os.environ.get("AzureFunctionsWebHost__hostid")  # noqa: SIM112 - Azure's name for it
    return given or f"local-{sha256(str(app).encode()).hexdigest()[:24]}"


class HostStorage:
    """What hosts of one app keep in common."""

    def __init__(
        self, account: StorageAccount, host: str, *, renewal: float = 5, patience: float = _LEASE
    ) -> None:
        """Keep it for the hosts with that id.

        Args:
            account: Where.
            host: The id.
            renewal: Seconds between renewals of a lease.
            patience: Seconds after which a lease that could not be renewed counts as lost.
        """
        self.account = account
        self._host, self._renewal, self._patience = host, renewal, patience

    async def status(self, timer: str) -> bytes | None:
        """Read the status of a timer; None where there is none."""
        try:
            download = await self._blob(self._status(timer)).download_blob()
            return await download.readall()
        except ResourceNotFoundError:
            return None

    async def set_status(self, timer: str, content: bytes) -> None:
        """Write the status of a timer, whose lease is held."""
        await self._blob(self._status(timer)).upload_blob(content, overwrite=True)

    def _status(self, timer: str) -> str:
        return f"timers/{self._host}/Host.Functions.{timer}/status"

    @asynccontextmanager
    async def leased(self, timer: str) -> AsyncIterator[asyncio.Event | None]:
        """Hold a timer's lease; inside, an event that is set when it is lost. None: another host has it."""
        blob = self._blob(f"locks/{self._host}/Host.Functions.{timer}.Listener")
        lease = await self._acquire(blob)
        if lease is None:
            yield None
            return
        lost = asyncio.Event()
        renewal = asyncio.create_task(self._renew(lease, lost))
        try:
            yield lost
        finally:
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)
            await self._release(lease)

    async def _acquire(self, blob: BlobClient) -> BlobLeaseClient | None:
        try:
            # With an id of its own, an answer that was lost is given again.
            return await blob.acquire_lease(_LEASE, str(uuid4()))
        except ResourceNotFoundError:
            await self._ensure_container()
            with suppress(ResourceExistsError):  # another host was faster
                await blob.upload_blob(b"", overwrite=False)
            return await self._acquire(blob)
        except HttpResponseError as error:
            if error.status_code == HTTPStatus.CONFLICT:
                return None
            raise

    async def _renew(self, lease: BlobLeaseClient, lost: asyncio.Event) -> None:
        end = time.monotonic() + self._patience
        while not lost.is_set():
            await asyncio.sleep(self._renewal)
            asked = time.monotonic()
            try:
                await lease.renew()
                end = asked + self._patience
            except OUTAGE as error:
                if isinstance(error, HttpResponseError) and error.status_code in _LOST:
                    lost.set()
                    return
                self.account.silent(error)
                if time.monotonic() + self._renewal > end:
                    lost.set()

    async def _release(self, lease: BlobLeaseClient) -> None:
        with suppress(*OUTAGE):  # then it runs out by itself
            await lease.release()

    async def _ensure_container(self) -> None:
        with suppress(ResourceExistsError):
            await self._container.create_container()

    @property
    def _container(self) -> ContainerClient:
        return self.account.container(_CONTAINER)

    def _blob(self, path: str) -> BlobClient:
        return self._container.get_blob_client(path)
