"""What one automatic promotion costs in CPU time, against one `az acr import`."""

import asyncio
import json
import os
import sys
from typing import Any

from benchmarks.azure_cli import az_import
from benchmarks.figure import Figure
from benchmarks.processes import ROOT
from benchmarks.stack import AT_ONCE, Bench, pushed
from promoter.domain.promotion import Phase

_IMAGES, _AT_ONCE = 100, 8
SILENT = {"faults": [*AT_ONCE["faults"], {"operation": "event.delivery", "effect": "drop"}]}


async def promotion_cost(bench: Bench) -> list[Figure]:
    """The app in its worker, so that the host's share is not counted; the same emulator serves both."""
    await bench.switch(SILENT)
    images = await push_all(bench, [f"shop/cpu-{number}" for number in range(_IMAGES)])
    done = await in_worker(bench, [{"event": event, "verdict": _verdict(event)} for event in images])
    records = await bench.records("staging", "shop/cpu-")
    if sum(record.phase is Phase.SUCCEEDED for record in records) != _IMAGES:
        message = f"of {_IMAGES} images {len(records)} were promoted"
        raise RuntimeError(message)
    target = images[0]["data"]["target"]
    az = await az_import(bench, (target["repository"], target["digest"]))
    await bench.switch(AT_ONCE)
    return [
        Figure(
            name="promotion-cpu",
            title="CPU of a whole automatic promotion",
            against=f"CPU of one az acr import{az.marks}",
            samples=tuple(cpu / az.cpu for cpu, _ in done["samples"]),
            at_most=1 / 50,
            note=az.note,
            detail={"executions": done["executions"]},
        ),
        Figure(
            name="promotion-cpu-ms",
            title="CPU of a whole automatic promotion",
            unit="ms",
            samples=tuple(1000 * cpu for cpu, _ in done["samples"]),
        ),
    ]


async def push_all(bench: Bench, repositories: list[str]) -> list[dict[str, Any]]:
    """Push an image into each repository; the events that tell of it."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def push(repository: str) -> dict[str, Any]:
        async with gate:
            return pushed(repository, digest=await bench.push(repository))

    return list(await asyncio.gather(*(push(repository) for repository in repositories)))


async def in_worker(bench: Bench, images: list[dict[str, Any]]) -> dict[str, Any]:
    """Promote images in a worker of its own."""
    lines = "\n".join(json.dumps(image) for image in images)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.worker"),
        cwd=ROOT,
        env=os.environ | bench.stack.settings,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(lines.encode())
    if process.returncode:
        raise RuntimeError(errors.decode())
    answer: dict[str, Any] = json.loads(output.splitlines()[-1])
    return answer


def _verdict(event: dict[str, Any]) -> dict[str, str]:
    target = event["data"]["target"]
    named = {"repository": target["repository"], "digest": target["digest"], "environment": "dev"}
    return named | {"gate": "unit-tests", "verdict": "passed"}
