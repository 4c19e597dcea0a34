"""`python -m benchmarks.bare`: the storage operations that an event needs, and nothing else.

Reads what to do as JSON, and prints what it took. It uses the SDK as the app does: one pool of connections,
no look-ups of proxies, no retries of writes.
"""

import asyncio
import json
import resource
import secrets
import sys
import time
from dataclasses import dataclass
from typing import Any

from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

_TEXT = "x"


async def _main(order: dict[str, Any]) -> dict[str, float]:
    transport = AioHttpTransport(use_env_settings=False)
    evidence, promotions = (
        TableClient.from_connection_string(order["storage"], table, transport=transport, retry_total=1)
        for table in ("Evidence", "Promotions")
    )
    gate, work = asyncio.Semaphore(order["atOnce"]), _WORK[order["work"]]

    async def event(number: int) -> None:
        async with gate:
            lane, name = f"bare-{number % order['lanes']}", f"{order['round']}:{number}"
            await work(_Image(evidence, promotions, lane, name))

    await event(0)
    await asyncio.gather(*(event(number) for number in range(1, order["atOnce"])))
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    await asyncio.gather(
        *(event(number) for number in range(order["atOnce"], order["count"] + order["atOnce"]))
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    await transport.close()
    return {"wall": wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


@dataclass
class _Image:
    """One image's rows, as long as the app's."""

    evidence: TableClient
    promotions: TableClient
    lane: str
    name: str

    def __post_init__(self) -> None:
        self.partition = f"{self.name}@sha256:{secrets.token_hex(32)}"

    async def promotion(self) -> None:
        """An automatic promotion, from the push to what follows its end, as docs/performance.md lists it."""
        await self.push()
        await self.verdict()
        await self.drive()

    async def push(self) -> None:
        """A first push, under a gate that has not reported: store that, look at the line, let it wait."""
        await self.evidence.create_entity(self.known(250), retry_total=0)
        await self.lines()
        await self.transact(("create", "claim", 350), ("upsert", "candidate", 900))

    async def verdict(self) -> None:
        """The gate passes: store that, look at the claim and the line, claim a promotion."""
        await self.learn(500)
        await self.promotions.get_entity(self.lane, self.row("claim", 0)["RowKey"])
        await self.lines()
        await self.transact(
            ("create", "line", 200),
            ("create", "record", 2500),
            ("create", "todo", 200),
            ("upsert", "claim", 400),
            ("delete", "candidate", 0),
        )

    async def drive(self) -> None:
        """Read it, judge it, start it, end it, and look whether the next rule waits."""
        await self.lines()
        await self.promotions.get_entity(self.lane, self.row("record", 0)["RowKey"])
        await self.evidence.get_entity(self.partition, "image")
        await self.transact(("upsert", "line", 200), ("upsert", "record", 2900))
        ended = [("upsert", kind, size) for kind, size in (("line", 500), ("record", 3100))]
        await self.transact(*ended, ("create", "log", 3200), ("upsert", "todo", 200))
        await self.evidence.upsert_entity(self.known(750), mode=UpdateMode.REPLACE, retry_total=0)
        await self.lines()
        await self.lines()
        await self.transact(("create", "next", 350), ("upsert", "waits", 900))
        await self.promotions.delete_entity(self.row("todo", 0), retry_total=0)

    async def learn(self, size: int) -> None:
        await self.evidence.get_entity(self.partition, "image")
        await self.evidence.upsert_entity(self.known(size), mode=UpdateMode.REPLACE, retry_total=0)

    async def lines(self) -> None:
        found = self.promotions.query_entities(
            "PartitionKey eq @lane and RowKey ge @start and RowKey lt @beyond",
            parameters={"lane": self.lane, "start": f"line~{self.name}~", "beyond": f"line~{self.name}~~~"},
            results_per_page=100,
        )
        async for _ in found:
            pass

    async def transact(self, *changes: tuple[str, str, int]) -> None:
        replace = {"mode": UpdateMode.REPLACE}
        operations = [
            (verb, self.row(kind, size), replace if verb == "upsert" else {}) for verb, kind, size in changes
        ]
        await self.promotions.submit_transaction(operations, retry_total=0)

    def known(self, size: int) -> dict[str, str]:
        return {"PartitionKey": self.partition, "RowKey": "image", "body": _TEXT * size}

    def row(self, kind: str, size: int) -> dict[str, str]:
        return {"PartitionKey": self.lane, "RowKey": f"{kind}~{self.name}~rule~v1", "body": _TEXT * size}


_WORK = {"push": _Image.push, "promotion": _Image.promotion}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_main(json.load(sys.stdin)))))
