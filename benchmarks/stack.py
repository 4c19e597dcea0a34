"""The local stack as the benchmarks need it: a policy of many environments, and events at any rate."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from azure.data.tables.aio import TableServiceClient

from benchmarks.counting import Counter, counted
from benchmarks.processes import cpu_seconds
from emulator.sample_image import push_random_image
from localhost.local_stack import REGISTRIES, RESOURCE_GROUP, SUBSCRIPTION, LocalStack, Ports
from localhost.ports import free_ports
from localhost.programs import storage_connection_string
from promoter.domain.codec import decode
from promoter.domain.promotion import Phase, Promotion

LANES = 40
"""Environments that images only wait for: many, since Azurite slows with the rows of a partition."""
OUTS = 20
"""Environments that images are promoted to by themselves, each with a registry of its own."""
AT_ONCE = {"faults": [{"operation": "import.submit", "effect": "immediate"}]}
"""Imports are over when they are answered, as of small images: what is measured is not the import."""
POLLED = {"faults": [{"operation": "import.run", "effect": "delay", "seconds": 0.2}]}
"""Imports run on when they are answered, and are polled for."""
_EMULATOR = ["--import-seconds", "0", "--tls"]
_NEVER = "0 0 3 1 1 *"
_TELL_NOBODY = {"PROMOTER_EVENTS_TOPIC": "", "PROMOTER_EVENTS_KEY": ""}
_ID = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"
    "/providers/Microsoft.ContainerRegistry/registries/"
)
_TODO = "PartitionKey eq @partition and RowKey ge 'todo~' and RowKey lt 'todo~~'"
_ONE = "PartitionKey eq @partition and RowKey ge @start and RowKey lt @beyond"
DEV = f"{_ID}devacr"


def registry_id(name: str) -> str:
    """The ARM resource id of a registry of the stack."""
    return f"{_ID}{name}"


def policy() -> dict[str, Any]:
    """Shop: by a gate to staging. Hand: by hand. Lanes: gates that never pass. Outs: automatic, no gates."""
    environments = [{"name": name, "registry": registry_id(acr)} for name, acr in REGISTRIES.items()]
    rules = [_rule("dev-to-staging", "staging", "shop", ["unit-tests"])]
    rules.append(_rule("staging-to-prod", "prod", "shop", ["integration-tests"]) | {"from": "staging"})
    by_hand = _rule("by-hand", "prod", "hand", []) | {"automatic": False}
    rules.append(by_hand)
    for number in range(LANES):
        environments.append({"name": f"lane-{number}", "registry": registry_id(f"lane{number}acr")})
        rules.append(_rule(f"to-lane-{number}", f"lane-{number}", f"lane-{number}", ["unit-tests"]))
    for number in range(OUTS):
        environments.append({"name": f"out-{number}", "registry": registry_id(f"out{number}acr")})
        rules.append(_rule(f"to-out-{number}", f"out-{number}", f"out-{number}", []))
    return {"environments": environments, "rules": rules}


def _rule(name: str, target: str, prefix: str, gates: list[str]) -> dict[str, Any]:
    rule = {"name": name, "from": "dev", "to": target, "repositories": [f"{prefix}/*"], "tags": ["v*"]}
    return rule | {"gates": gates, "automatic": True}


@dataclass(slots=True)
class Bench:
    """A running stack, and what is done to it.

    Attributes:
        counter: The storage operations of the app and its host; counts only where the stack was so made.
    """

    stack: LocalStack
    session: aiohttp.ClientSession
    tables: TableServiceClient
    counter: Counter = field(default_factory=Counter)

    @property
    def host(self) -> int:
        """The process id of the host."""
        pid = self.stack.hosts[0].pid
        assert pid is not None  # noqa: S101 - it runs as long as the stack
        return pid

    async def push(self, repository: str, tag: str = "v1") -> str:
        """Push a small image of one platform to dev."""
        url = f"http://{self.stack.registry('dev')}"
        platforms = ("linux/amd64",)
        return await push_random_image(self.session, url, repository, tag, platforms, layer_bytes=1024)

    async def deliver(self, event: Mapping[str, Any]) -> None:
        """Deliver an event to the app, as Event Grid does."""
        url = f"http://127.0.0.1:{self.stack.ports.hosts[0]}/runtime/webhooks/eventgrid?functionName=image_pushed"
        headers = {"aeg-event-type": "Notification"}
        async with self.session.post(url, json=[event], headers=headers, raise_for_status=True):
            pass

    async def deliver_all(self, events: Sequence[Mapping[str, Any]], at_once: int = 32) -> float:
        """Deliver events, so many at a time, and answer with the seconds that it took."""
        gate = asyncio.Semaphore(at_once)

        async def one(event: Mapping[str, Any]) -> None:
            async with gate:
                await self.deliver(event)

        start = time.perf_counter()
        await asyncio.gather(*(one(event) for event in events))
        return time.perf_counter() - start

    async def report(self, repository: str, digest: str) -> None:
        """The unit tests have passed: by HTTP, for its answer says that the verdict was taken."""
        report = {"repository": repository, "digest": digest, "environment": "dev"}
        body = report | {"gate": "unit-tests", "verdict": "passed"}
        async with self.session.post(f"{self.stack.api}/gates", json=body, raise_for_status=True):
            pass

    async def switch(self, faults: Mapping[str, Any]) -> None:
        """Set the emulator's switchboard."""
        url = f"{self.stack.arm}/emulator/faults"
        async with self.session.put(url, json=faults, raise_for_status=True):
            pass

    async def until_ended(
        self, environments: Sequence[str], pause: float = 0.1, patience: float = 120
    ) -> None:
        """Wait until nothing is left to do in these environments.

        Raises:
            TimeoutError: Something is, for that many seconds.
        """
        async with asyncio.timeout(patience):
            for environment in environments:
                async for _ in again(pause):
                    if not await self._has_todos(environment):
                        break

    async def succeeded(self, environment: str, repository: str) -> Promotion:
        """Wait until an image of a repository has been promoted; its record.

        Raises:
            TimeoutError: It was not, for a minute.
        """
        async with asyncio.timeout(60):
            async for _ in again(0.1):
                found = await self.records(environment, repository)
                if ended := [record for record in found if record.phase is Phase.SUCCEEDED]:
                    return ended[0]
        raise AssertionError

    async def records(self, environment: str, repository: str = "") -> list[Promotion]:
        """The promotion records of an environment, as they are stored."""
        start = f"record~{repository.replace('/', ':')}"
        parameters = {"partition": environment, "start": start, "beyond": f"{start}~~"}
        table = self.tables.get_table_client("Promotions")
        found = table.query_entities(_ONE, parameters=parameters)
        return [decode(entity["body"], Promotion) async for entity in found]

    async def quiet(self, seconds: float = 1.0) -> None:
        """Wait until the app has done nothing for a while: no storage operation but idle polls."""
        seen = -1
        async for _ in again(seconds):
            if seen == (seen := sum(not each.idle for each in self.counter.operations)):
                return

    async def _has_todos(self, environment: str) -> bool:
        table = self.tables.get_table_client("Promotions")
        found = table.query_entities(_TODO, parameters={"partition": environment}, results_per_page=1)
        async for _ in found:  # one is enough: to read on would keep Azurite from what is measured
            return True
        return False


async def again(pause: float) -> AsyncIterator[None]:
    """At once, and then after every pause."""
    while True:
        yield
        await asyncio.sleep(pause)


@asynccontextmanager
async def running(
    folder: Path, *, count: bool = False, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Bench]:
    """A stack whose imports take no time; with `count`, the app reaches Azurite through counting proxies."""
    ports = Ports.free()
    extra = {f"out{number}acr": port for number, port in enumerate(free_ports(OUTS))}
    ports = replace(ports, registries={**ports.registries, **extra})
    file = policy_file(folder)
    counter = Counter()
    async with AsyncExitStack() as stack:
        chosen = {"PROMOTER_RECONCILE_SCHEDULE": _NEVER, **_TELL_NOBODY, **(settings or {})}
        if count:
            queue, table = free_ports(2)
            proxies = {queue: ports.queue, table: ports.table}
            await stack.enter_async_context(counted(proxies, counter))
            chosen["PromoterStorage"] = storage_connection_string(ports.blob, queue, table)
        local = LocalStack(folder, ports=ports, policy=file, settings=chosen, emulator_options=_EMULATOR)
        await stack.enter_async_context(local)
        timeout = aiohttp.ClientTimeout(total=300)
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout, connector=connector))
        tables = await stack.enter_async_context(TableServiceClient.from_connection_string(local.storage))
        bench = Bench(local, session, tables, counter)
        for name in ("Evidence", "Promotions"):
            await tables.create_table_if_not_exists(name)
        await bench.switch(AT_ONCE)
        yield bench


def policy_file(folder: Path) -> Path:
    """Write the policy into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "policy.yaml"
    file.write_text(json.dumps(policy()))
    return file


def pushed(
    repository: str, tag: str = "v1", digest: str | None = None, registry: str = DEV
) -> dict[str, Any]:
    """An event of a push, of an image that nobody has pushed unless its digest is given."""
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    target = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "size": 1024,
        "length": 1024,
        "digest": digest or f"sha256:{secrets.token_hex(32)}",
        "repository": repository,
        "tag": tag,
    }
    data = {"id": secrets.token_hex(16), "timestamp": now, "action": "push", "target": target}
    data["request"] = {
        "id": secrets.token_hex(16),
        "host": "dev.example",
        "method": "PUT",
        "useragent": "bench",
    }
    return {
        "id": secrets.token_hex(16),
        "topic": registry,
        "subject": f"{repository}:{tag}",
        "eventType": "Microsoft.ContainerRegistry.ImagePushed",
        "eventTime": now,
        "dataVersion": "2.0",
        "metadataVersion": "1",
        "data": data,
    }


def waiting(count: int, prefix: str) -> list[dict[str, Any]]:
    """Events of as many images, each of a repository of its own, that wait for their gate, over all lanes."""
    return [pushed(f"lane-{number % LANES}/{prefix}-{number}") for number in range(count)]


async def cpu_of(pid: int, work: Any, idle_seconds: float = 0.0) -> float:  # noqa: ANN401 - a coroutine
    """CPU seconds that a process uses while something is awaited, less what it uses when nothing happens."""
    idle = 0.0
    if idle_seconds:
        before = cpu_seconds(pid)
        await asyncio.sleep(idle_seconds)
        idle = (cpu_seconds(pid) - before) / idle_seconds
    before, start = cpu_seconds(pid), time.monotonic()
    await work
    return cpu_seconds(pid) - before - idle * (time.monotonic() - start)
