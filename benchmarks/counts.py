"""Counting what a promotion needs, on the local stack: requests to storage pass a proxy that counts."""

import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from azure.data.tables.aio import TableServiceClient

from benchmarks.costs import Counts
from benchmarks.counting import Counter as Requests
from benchmarks.counting import counted
from localhost.client import Client
from localhost.local_stack import LocalStack, Ports
from localhost.ports import free_ports
from localhost.programs import storage_connection_string

EXECUTED = re.compile(r"Executed 'Functions\.(\w+)' \(Succeeded, .*Duration=(\d+)ms\)")
_RECONCILED = "Executed 'Functions.reconcile' (Succeeded"
_OWN_LINE = re.compile(r"\] (?:WARNING |ERROR )?promoter: (.*)")
_SUCCEEDED = '"phase":"succeeded"'
_WARM_UP = 3
_NEVER, _OFTEN = "0 0 0 1 1 *", "*/5 * * * * *"
_RUNS = 3
_PAUSE = 0.5
_PATIENCE = 120
_POLICY = """
environments:
  - {name: dev, registry: "${DEV_REGISTRY_ID}"}
  - {name: staging, registry: "${STAGING_REGISTRY_ID}"}
rules:
  - name: dev-to-staging
    from: dev
    to: staging
    repositories: ["shop/*"]
    tags: ["v*"]
    gates: [unit-tests]
    automatic: true
"""


def count(promotions: int) -> Counts:
    """Run so many promotions, one after the other, and answer with what each has needed.

    An image with two platforms is pushed, its one gate passes by the queue, and it is promoted once.
    """
    return asyncio.run(_count(promotions))


@dataclass
class _Bench:
    """A stack whose app reaches its storage through proxies that count."""

    stack: LocalStack
    requests: Requests

    @property
    def reads(self) -> int:
        """How many requests have read tables since they were last taken."""
        return sum(each.is_read for each in self.requests.operations)

    def log(self) -> str:
        """What the host has logged."""
        return (self.stack.state / "logs" / "host.log").read_text()

    async def until(self, times: int, what: str) -> None:
        """Wait until the host has logged something so many times."""
        for _ in range(round(_PATIENCE / _PAUSE)):
            if self.log().count(what) >= times:
                return
            await asyncio.sleep(_PAUSE)
        message = f"{what!r} was not logged {times} times within {_PATIENCE} s:\n{self.log()[-2000:]}"
        raise TimeoutError(message)

    async def stored(self) -> int:
        """The size of all rows, as Azure reckons it ("Understanding the Table service data model")."""
        total = 0
        async with TableServiceClient.from_connection_string(self.stack.storage) as service:
            async for each in service.list_tables():
                async for entity in service.get_table_client(each.name).list_entities():
                    keys = len(entity["PartitionKey"]) + len(entity["RowKey"])
                    rest = {
                        name: value
                        for name, value in entity.items()
                        if name not in {"PartitionKey", "RowKey"}
                    }
                    total += 4 + 2 * keys
                    total += sum(8 + 2 * len(name) + 4 + 2 * len(str(value)) for name, value in rest.items())
        return total


@asynccontextmanager
async def _bench(folder: Path, schedule: str) -> AsyncIterator[_Bench]:
    ports, (table, queue) = Ports.free(), free_ports(2)
    policy = folder / "policy.yaml"
    policy.write_text(_POLICY)
    settings = {
        "PromoterStorage": storage_connection_string(ports.blob, queue, table),
        "PROMOTER_RECONCILE_SCHEDULE": schedule,
    }
    requests = Requests()
    async with (
        counted({table: ports.table, queue: ports.queue}, requests),
        LocalStack(folder / "stack", ports=ports, policy=policy, settings=settings) as stack,
    ):
        yield _Bench(stack, requests)


async def _count(promotions: int) -> Counts:
    with tempfile.TemporaryDirectory() as name:
        async with _bench(Path(name), _NEVER) as bench:
            async with Client(bench.stack) as client:
                await _promote(bench, client, 0, _WARM_UP)
                before, start = await bench.stored(), len(bench.log())
                bench.requests.take()
                await _promote(bench, client, _WARM_UP, promotions)
                log, after = bench.log()[start:], await bench.stored()
            requests = bench.requests.take()
        async with _bench(Path(name), _OFTEN) as bench:
            await bench.until(bench.log().count(_RECONCILED) + 1, _RECONCILED)
            bench.requests.take()
            await bench.until(bench.log().count(_RECONCILED) + _RUNS, _RECONCILED)
            idle = bench.reads
    executed = EXECUTED.findall(log)
    lines = own_lines(log)
    per = {name: times / promotions for name, times in Counter(name for name, _ in executed).items()}
    return Counts(
        promotions=promotions,
        executions=per,
        milliseconds=sum(int(taken) for _, taken in executed) / promotions,
        table_reads=sum(each.is_read for each in requests) / promotions,
        table_writes=sum(each.is_write for each in requests) / promotions,
        messages=sum(each.name.startswith("put ") for each in requests) / promotions
        + 1,  # the verdict, which was not put in through the proxy
        log_lines=len(lines) / promotions,
        log_bytes=sum(len(line.encode()) for line in lines) / promotions,
        stored_bytes=(after - before) / promotions,
        idle_executions=1,
        idle_table_reads=idle / _RUNS,
    )


def own_lines(log: str) -> list[str]:
    """What Promoter itself has said, of all that the host has logged."""
    return [line for line in _OWN_LINE.findall(log) if '"event":' in line]


async def _promote(bench: _Bench, client: Client, first: int, promotions: int) -> None:
    """Promote images one after the other, and wait until nothing more follows."""
    for number in range(first, first + promotions):
        digest = await client.push("shop/web", f"v{number}")
        verdict = {"repository": "shop/web", "digest": digest, "environment": "dev", "gate": "unit-tests"}
        await client.send_verdict(verdict | {"verdict": "passed"})
        await bench.until(number + 1, _SUCCEEDED)
    await asyncio.sleep(4)  # the last events of the import
