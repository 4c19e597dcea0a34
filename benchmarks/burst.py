"""Many images at once: how long until all are promoted, against the bare imports by the same client."""

import asyncio
from collections import Counter

from benchmarks.arm_client import import_all, importer
from benchmarks.figure import Figure
from benchmarks.promotion import SILENT, push_all
from benchmarks.stack import AT_ONCE, OUTS, Bench, cpu_of
from promoter.domain.promotion import Phase

_IMAGES = 1000
_AT_ONCE = 24  # as many messages as the host has in work: a batch, and half of the next


async def burst(bench: Bench) -> list[Figure]:
    """The images are there before; what is timed starts with their events, all at once."""
    await bench.switch(SILENT)
    events = await push_all(bench, [f"out-{number % OUTS}/burst-{number}" for number in range(_IMAGES)])
    await bench.switch(AT_ONCE)
    images = [(event["data"]["target"]["repository"], event["data"]["target"]["digest"]) for event in events]
    async with importer(bench) as registry:
        half = _IMAGES // 2
        bare = await import_all(registry, images[:half], "prodacr", _AT_ONCE)
        loop = asyncio.get_running_loop()
        start = loop.time()

        async def promote() -> None:
            await bench.deliver_all(events)
            await bench.until_ended([f"out-{number}" for number in range(OUTS)], pause=0.05, patience=300)

        cpu = await cpu_of(bench.host, promote())
        seconds = loop.time() - start
        bare += await import_all(registry, images[half:], "prodacr", _AT_ONCE)
    records = [
        each
        for number in range(OUTS)
        for each in await bench.records(f"out-{number}", f"out-{number}/burst-")
    ]
    phases = Counter(record.phase for record in records)
    if phases != {Phase.SUCCEEDED: _IMAGES}:
        message = f"of {_IMAGES} images at once: {dict(phases)}"
        raise RuntimeError(message)
    return [
        Figure(
            name="burst",
            title="1,000 images pushed at once: time to all promoted",
            against="the bare imports, half of them before and half after",
            samples=(seconds / bare,),
            at_most=2.0,
            detail={"seconds": round(seconds, 2), "bare": round(bare, 2), "hostCpu": round(cpu, 2)},
            note=f"{seconds:.1f} s against {bare:.1f} s; the host used {cpu:.1f} s of CPU",
        )
    ]
