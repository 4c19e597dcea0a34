"""Timer triggers."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import override
from uuid import uuid4

import aiohttp
import pytest
from azure.storage.blob.aio import BlobClient, BlobLeaseClient

from localhost.host.functions import Function
from localhost.host.invocations import Invocations
from localhost.host.leases import HostStorage
from localhost.host.queue_storage import QueueStorage
from localhost.host.storage import StorageAccount, StorageAccounts
from localhost.host.timers import TimerListener, schedule_of
from tests.integration.localhost.conftest import StartHost
from tests.integration.localhost.gate import gate_before
from tests.integration.localhost.running import RunningHost


def status_of(storage: str, hosts: str, timer: str) -> BlobClient:
    """The blob of a timer's status, where Azure keeps it."""
    path = f"timers/{hosts}/Host.Functions.{timer}/status"
    return BlobClient.from_connection_string(storage, "azure-webjobs-hosts", path)


def lease_of(storage: str, hosts: str, timer: str) -> BlobClient:
    """The blob of a timer's lease, where Azure keeps it."""
    path = f"locks/{hosts}/Host.Functions.{timer}.Listener"
    return BlobClient.from_connection_string(storage, "azure-webjobs-hosts", path)


@pytest.fixture
def hosts() -> str:
    """What the hosts of a test have in common."""
    return f"h{uuid4().hex[:12]}"


async def test_a_timer_fires_by_its_schedule(host: RunningHost) -> None:
    notes = await host.until_noted("each_second", 3)
    assert not any(note["past_due"] for note in notes)
    assert not host.noted("daily")


async def test_run_on_startup_runs_at_the_start(host: RunningHost) -> None:
    assert await host.until_noted("at_start") == [{"past_due": False, "status": {}}]


async def test_a_timer_is_called_by_hand(host: RunningHost, http: aiohttp.ClientSession) -> None:
    url = f"{host.url}/admin/functions/by_hand"
    async with http.post(url, json={}) as response:
        assert response.status == 202
    assert await host.until_noted("by_hand") == [{"past_due": False}]


async def test_a_run_missed_while_no_host_was_up_is_made_up_for(
    start_host: StartHost, storage: str, hosts: str
) -> None:
    last = datetime.now(UTC) - timedelta(days=2)
    status = {"Last": last.isoformat(), "Next": last.isoformat(), "LastUpdated": last.isoformat()}
    first = await start_host(hosts=hosts)  # makes the container
    await first.until_noted("at_start")
    await first.part.stop()
    async with status_of(storage, hosts, "daily") as blob:
        await blob.upload_blob(json.dumps(status), overwrite=True)
        second = await start_host(hosts=hosts)
        [note] = await second.until_noted("daily")
        assert note["past_due"]
        assert datetime.fromisoformat(note["last"]) == last
        kept: dict[str, str] = {}
        for _ in range(100):
            kept = json.loads(await (await blob.download_blob()).readall())
            if datetime.fromisoformat(kept["Last"]) > last:
                break
            await asyncio.sleep(0.05)
        assert datetime.fromisoformat(kept["Next"]) > datetime.now(UTC)


async def test_a_first_start_and_a_start_in_time_owe_nothing(
    start_host: StartHost, storage: str, hosts: str
) -> None:
    first = await start_host(hosts=hosts)
    async with status_of(storage, hosts, "daily") as blob:
        while not await blob.exists():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)
    await first.part.stop()
    second = await start_host(hosts=hosts)
    await second.until_noted("at_start", 2)
    await second.until_noted("each_second", pid=second.part.pid)
    assert not second.noted("daily")


async def test_several_hosts_run_a_timer_once_and_one_takes_over(
    start_host: StartHost, storage: str, hosts: str
) -> None:
    running = [await start_host(hosts=hosts), await start_host(hosts=hosts)]
    before = len(running[0].noted("each_second"))
    notes = await running[0].until_noted("each_second", before + 2)
    [pid] = {note["pid"] for note in notes}
    runner, other = running if running[0].part.pid == pid else running[::-1]
    await runner.part.stop()
    await other.until_noted("each_second", pid=other.part.pid)

    third = await start_host(hosts=hosts)
    other.part.kill()
    async with lease_of(storage, hosts, "each_second") as blob:
        assert (await blob.get_blob_properties()).lease.state == "leased"
        assert not third.noted("each_second", pid=third.part.pid)
        await break_lease(blob)  # as if it had run out, which takes a quarter of a minute
    await third.until_noted("each_second", pid=third.part.pid)


async def break_lease(blob: BlobClient) -> None:
    await BlobLeaseClient(blob).break_lease(0)


class TestLeases:
    @pytest.fixture
    async def account(self, storage: str) -> AsyncIterator[StorageAccount]:
        account = StorageAccount("Test", storage, 1)
        yield account
        await account.close()

    async def test_one_at_a_time_holds_a_lease(self, account: StorageAccount, hosts: str) -> None:
        one, other = HostStorage(account, hosts), HostStorage(account, hosts)
        async with one.leased("t") as mine:
            assert mine is not None
            async with other.leased("t") as theirs, other.leased("another") as free:
                assert theirs is None
                assert free is not None
        async with other.leased("t") as theirs:
            assert theirs is not None

    async def test_a_lease_that_another_took_is_lost(
        self, account: StorageAccount, storage: str, hosts: str
    ) -> None:
        async with HostStorage(account, hosts, renewal=0.05).leased("t") as lost:
            assert lost is not None
            async with lease_of(storage, hosts, "t") as blob:
                await break_lease(blob)
                await blob.acquire_lease()
            async with asyncio.timeout(10):
                await lost.wait()

    async def test_a_lease_is_kept_by_renewing_it(
        self, account: StorageAccount, storage: str, hosts: str
    ) -> None:
        renewing = HostStorage(account, hosts, renewal=0.02, patience=0.5)
        async with renewing.leased("t") as lost, lease_of(storage, hosts, "t") as blob:
            await asyncio.sleep(0.6)
            assert lost is not None
            assert not lost.is_set()
            assert (await blob.get_blob_properties()).lease.state == "leased"

    async def test_a_lease_that_cannot_be_renewed_is_lost_before_it_runs_out(
        self, storage: str, hosts: str
    ) -> None:
        port = int(re.findall(r"BlobEndpoint=http://127.0.0.1:(\d+)", storage)[0])
        async with gate_before(port) as gate:
            account = StorageAccount("Test", storage.replace(f":{port}/", f":{gate.port}/"), 0.1)
            async with HostStorage(account, hosts, renewal=0.05, patience=0.5).leased("t") as lost:
                assert lost is not None
                gate.close()
                async with asyncio.timeout(10):
                    await lost.wait()
            await account.close()


class ForgetfulStorage(HostStorage):
    """Storage that was told of a run two days ago, and takes no status the first time."""

    def __init__(self, account: StorageAccount) -> None:
        super().__init__(account, "hosts")
        self.told: list[bytes] = []

    @override
    async def status(self, timer: str) -> bytes:
        last = (datetime.now(UTC) - timedelta(days=2)).isoformat()
        return json.dumps({"Last": last, "Next": last, "LastUpdated": last}).encode()

    @override
    async def set_status(self, timer: str, content: bytes) -> None:
        self.told.append(content)
        if len(self.told) == 1:
            raise ConnectionError

    @override
    @asynccontextmanager
    async def leased(self, timer: str) -> AsyncIterator[asyncio.Event]:
        yield asyncio.Event()


class CountingInvocations(Invocations):
    """Runs nothing, and counts."""

    count = 0

    @override
    async def run(self, *arguments: object, **named: object) -> None:
        self.count += 1


async def test_a_run_that_storage_could_not_be_told_of_is_not_made_up_for_again(storage: str) -> None:
    account = StorageAccount("Test", storage, 1)
    forgetful = ForgetfulStorage(account)
    invocations = CountingInvocations(QueueStorage("none", StorageAccounts(1)), 1)
    binding = json.dumps({"name": "t", "type": "timerTrigger", "schedule": "0 0 3 * * *"})
    function = Function.of("daily", "id", [binding])
    listener = TimerListener(function, schedule_of(function), invocations, forgetful)
    listening = asyncio.create_task(listener.listen())
    await asyncio.sleep(0.8)  # an outage's pause, and then some
    listener.stop()
    await listening
    await account.close()
    assert len(forgetful.told) == 1
    assert invocations.count == 1
