"""Many images at once: how long until all are promoted, against the bare imports by the same client."""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from benchmarks.arm_client import import_all, importer
from benchmarks.figure import Figure
from benchmarks.promotion import SILENT, push_all
from benchmarks.stack import AT_ONCE, OUTS, POLLED, Bench, cpu_of
from promoter.domain.promotion import Phase

_AT_ONCE = 24  # as many messages as the host has in work: a batch, and half of the next


class _Burst(NamedTuple):
    name: str
    images: int
    imports: Mapping[str, Any]
    words: str
    goal: float | None = None


_BURSTS = (
    _Burst("burst", 1000, POLLED, "each 0.2 s long, as on the local stack", 2.0),
    _Burst("instant", 300, AT_ONCE, "over when they are answered"),
)


async def burst(bench: Bench) -> list[Figure]:
    """With imports that take a moment, where Azure's take seconds; and with such as take no time at all."""
    figures = [await _figure(bench, each) for each in _BURSTS]
    await bench.switch(AT_ONCE)
    return figures


async def _figure(bench: Bench, wanted: _Burst) -> Figure:
    """The images are there before; what is timed starts with their events, all at once."""
    await bench.switch(SILENT)
    repositories = [f"out-{number % OUTS}/{wanted.name}-{number}" for number in range(wanted.images)]
    events = await push_all(bench, repositories)
    images = [(event["data"]["target"]["repository"], event["data"]["target"]["digest"]) for event in events]
    half = wanted.images // 2
    await bench.switch(wanted.imports)
    async with importer(bench) as registry:
        bare = await import_all(registry, images[:half], "prodacr", _AT_ONCE)
        seconds, cpu = await _promote(bench, events, wanted.name)
        bare += await import_all(registry, images[half:], "prodacr", _AT_ONCE)
    return Figure(
        name=wanted.name,
        title=f"{wanted.images:,} images pushed at once: time to all promoted",
        against=f"the bare imports, {_AT_ONCE} at a time, {wanted.words}",
        samples=(seconds / bare,),
        at_most=wanted.goal,
        detail={"seconds": round(seconds, 2), "bare": round(bare, 2), "hostCpu": round(cpu, 2)},
        note=f"{seconds:.1f} s against {bare:.1f} s; the host used {cpu:.1f} s of CPU",
    )


async def _promote(bench: Bench, events: list[dict[str, Any]], name: str) -> tuple[float, float]:
    """Deliver the events, and wait until all is promoted; the seconds that it took, and the host's CPU."""
    environments = [f"out-{number}" for number in range(OUTS)]

    async def promote() -> None:
        await bench.deliver_all(events)
        await bench.until_ended(environments, pause=0.25, patience=900)

    start = time.monotonic()
    cpu = await cpu_of(bench.host, promote())
    seconds = time.monotonic() - start
    found = [record for target in environments for record in await bench.records(target, f"{target}/{name}-")]
    phases = Counter(record.phase for record in found)
    if phases != {Phase.SUCCEEDED: len(events)}:
        message = f"of {len(events)} images at once: {dict(phases)}"
        raise RuntimeError(message)
    return seconds, cpu
