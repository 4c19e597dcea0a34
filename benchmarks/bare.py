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
    gate = asyncio.Semaphore(order["atOnce"])

    async def event(number: int) -> None:
        async with gate:
            lane, name = f"bare-{number % order['lanes']}", f"{order['round']}:{number}"
            await _push_that_waits(evidence, promotions, lane, name)

    await event(0)
    await asyncio.gather(*(event(number) for number in range(1, order["atOnce"])))
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    await asyncio.gather(
        *(event(number) for number in range(order["atOnce"], order["count"] + order["atOnce"]))
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    await transport.close()
    return {"wall": wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


async def _push_that_waits(evidence: TableClient, promotions: TableClient, lane: str, name: str) -> None:
    """An image's first push, under a gate that has not reported: store that, look at the line, let it wait.

    The rows are as long as the app's.
    """
    image = f"{name}@sha256:{secrets.token_hex(32)}"
    await evidence.create_entity(
        {"PartitionKey": image, "RowKey": "image", "body": _TEXT * 250}, retry_total=0
    )
    found = promotions.query_entities(
        "PartitionKey eq @lane and RowKey ge @start and RowKey lt @beyond",
        parameters={"lane": lane, "start": f"line~{name}~", "beyond": f"line~{name}~~~"},
        results_per_page=100,
    )
    async for _ in found:
        pass
    rows = [
        {"PartitionKey": lane, "RowKey": f"{kind}~{name}~rule~v1", "body": _TEXT * size}
        for kind, size in _ROWS
    ]
    claim, candidate = rows
    operations = [("create", claim, {}), ("upsert", candidate, {"mode": UpdateMode.REPLACE})]
    await promotions.submit_transaction(operations, retry_total=0)


_ROWS = (("claim", 350), ("candidate", 900))

if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_main(json.load(sys.stdin)))))
