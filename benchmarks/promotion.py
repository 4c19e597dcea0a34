"""What one automatic promotion costs in CPU time, against one `az acr import`."""

import asyncio
import json
import os
import sys
from statistics import median
from typing import Any

from benchmarks.azure_cli import az_of
from benchmarks.figure import Figure
from benchmarks.processes import ROOT
from benchmarks.stack import AT_ONCE, Bench, pushed
from benchmarks.throughput import run_bare
from promoter.domain.promotion import Phase

_IMAGES, _AT_ONCE, _BARE, _AZ = 100, 8, 60, 5
SILENT = {"faults": [*AT_ONCE["faults"], {"operation": "event.delivery", "effect": "drop"}]}


async def promotion_cost(bench: Bench) -> list[Figure]:
    """The app in its worker, so that the host's share is not counted; the same emulator serves both."""
    await bench.switch(SILENT)
    images = await push_all(bench, [f"shop/cpu-{number}" for number in range(_IMAGES)])
    before = await run_bare(bench, "promotion", _BARE, 1, 0)
    cpu = await in_worker(bench, [{"event": event, "verdict": _verdict(event)} for event in images])
    after = await run_bare(bench, "promotion", _BARE, 1, 1)
    bare = (before["cpu"] + after["cpu"]) / 2 / _BARE
    records = await bench.records("staging", "shop/cpu-")
    if sum(record.phase is Phase.SUCCEEDED for record in records) != _IMAGES:
        message = f"of {_IMAGES} images {len(records)} were promoted"
        raise RuntimeError(message)
    title = "CPU of a whole automatic promotion"
    figures = [
        *await _against_az(bench, images[0]["data"]["target"], title, cpu),
        Figure(
            name="promotion-storage",
            title=title,
            against="its storage operations, bare",
            samples=tuple(each / bare for each in cpu),
        ),
        Figure(name="promotion-cpu-ms", title=title, unit="ms", samples=tuple(1000 * each for each in cpu)),
    ]
    await bench.switch(AT_ONCE)
    return figures


async def _against_az(bench: Bench, image: dict[str, Any], title: str, cpu: list[float]) -> list[Figure]:
    """The same image imported by az, several times under another tag each."""
    repository, digest = image["repository"], image["digest"]
    az = await az_of(bench, repository, digest)
    if az is None:
        return []
    used = [await az.import_image(repository, digest, f"v{number}") for number in range(_AZ)]
    az_cpu, az_wall = median(one.cpu for one in used), median(one.wall for one in used)
    return [
        Figure(
            name="promotion-cpu",
            title=title,
            against="CPU of one `az acr import`",
            samples=tuple(each / az_cpu for each in cpu),
            at_most=1 / 50,
            note=f"az acr import, signed in: {az_cpu:.2f} s of CPU, {az_wall:.2f} s in all",
        )
    ]


async def push_all(bench: Bench, repositories: list[str]) -> list[dict[str, Any]]:
    """Push an image into each repository; the events that tell of it."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def push(repository: str) -> dict[str, Any]:
        async with gate:
            return pushed(repository, digest=await bench.push(repository))

    return list(await asyncio.gather(*(push(repository) for repository in repositories)))


async def in_worker(bench: Bench, images: list[dict[str, Any]]) -> list[float]:
    """Promote images in a worker of its own; the CPU seconds of each, but for the first that warm it up."""
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
    samples: list[float] = json.loads(output.splitlines()[-1])
    return samples


def _verdict(event: dict[str, Any]) -> dict[str, str]:
    target = event["data"]["target"]
    named = {"repository": target["repository"], "digest": target["digest"], "environment": "dev"}
    return named | {"gate": "unit-tests", "verdict": "passed"}
