"""`python -m benchmarks.worker`: the app in Azure's worker library, without a host around it.

What Azure runs of the app is a worker that a host calls. This program calls it the same way, one image after
the other, and nothing else happens in its process: what it uses is what the app uses. It reads images as JSON
lines, `{"event": ..., "verdict": ...}`, and prints the CPU seconds that each took.
"""

import asyncio
import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from localhost.host.functions import Function
from localhost.host.wire import Datum, json_datum, text_datum
from localhost.host.worker import Call, call, index

_ROOT = Path(__file__).resolve().parent.parent


class Worker:
    """The app's functions, and the work that they put out."""

    def __init__(self, functions: list[Function]) -> None:
        self._functions = {function.name: function for function in functions}

    async def event(self, event: dict[str, Any]) -> list[str]:
        """An event comes; the messages that it leads to."""
        return await self._call("image_pushed", json_datum(event), {"data": json_datum(event["data"])})

    async def message(self, function: str, text: str) -> list[str]:
        """A message comes; the messages that it leads to."""
        now = json_datum("2026-01-01T00:00:00+00:00")
        metadata = {"Id": text_datum("1"), "PopReceipt": text_datum("1"), "DequeueCount": json_datum(1)}
        times = {"InsertionTime": now, "ExpirationTime": now, "NextVisibleTime": now}
        return await self._call(function, text_datum(text), metadata | times)

    async def _call(self, name: str, trigger: Datum, metadata: dict[str, Datum]) -> list[str]:
        result = await call(self._functions[name], Call(str(uuid.uuid4()), trigger, metadata, ""))
        return [text for _, value in result.outputs for text in _texts(value)]


def _texts(value: Datum) -> list[str]:
    content = json.loads(value.value) if value.type == "json" else value.value
    items = content if isinstance(content, list) else [content]
    return [item if isinstance(item, str) else json.dumps(item) for item in items]


async def promote(worker: Worker, image: dict[str, Any]) -> None:
    """A push, its verdict, and all that follows."""
    work = await worker.event(image["event"])
    if image.get("verdict"):
        work += await worker.message("quality_gate", json.dumps(image["verdict"]))
    while work:
        work = [more for text in work for more in await worker.message("advance", text)]


async def _main() -> None:
    images = [json.loads(line) for line in sys.stdin]
    warm, rest = images[: len(images) // 5], images[len(images) // 5 :]
    worker = Worker(await index(_ROOT))
    for image in warm:
        await promote(worker, image)
    samples = []
    for image in rest:
        start = time.process_time()
        await promote(worker, image)
        samples.append(time.process_time() - start)
    sys.stdout.write(json.dumps(samples) + "\n")


if __name__ == "__main__":
    asyncio.run(_main())
