"""From a push to `succeeded` at the target, on a stack that has nothing else to do."""

import asyncio
from statistics import median

from benchmarks.arm_client import import_bare, importer
from benchmarks.figure import Figure, quantile
from benchmarks.stack import AT_ONCE, OUTS, POLLED, Bench
from promoter.domain.promotion import Promotion

_PUSHES, _POLLED = 100, 5
_PAUSE = 0.1


async def latency(bench: Bench) -> list[Figure]:
    """Each push on its own; the same imports by the bare client between them."""
    await _promote(bench, "warm", 10)
    took, bare = await _promote(bench, "idle", _PUSHES)
    await bench.switch(POLLED)
    polled, _ = await _promote(bench, "poll", _POLLED)
    await bench.switch(AT_ONCE)
    imports = median(bare)
    own = [1000 * (seconds - imports) for seconds in took]
    note = f"less the two imports themselves, {1000 * imports:.0f} ms; this host is told of messages at once"
    return [
        Figure(
            name="latency",
            title="push to succeeded, idle: median",
            unit="ms",
            samples=tuple(own),
            at_most=100,
            note=note,
        ),
        Figure(
            name="latency-p99",
            title="push to succeeded, idle: 99 of 100",
            unit="ms",
            samples=(quantile(own, 0.99),),
            at_most=300,
        ),
        Figure(
            name="latency-polled",
            title="push to succeeded, imports polled for",
            unit="ms",
            samples=tuple(1000 * seconds for seconds in polled),
            note="the registry answers 202, and asks to be polled after 0.1 s; queues delay by whole seconds",
        ),
    ]


async def _promote(bench: Bench, name: str, count: int) -> tuple[list[float], list[float]]:
    took, bare = [], []
    async with importer(bench) as registry:
        for number in range(count):
            environment = f"out-{number % OUTS}"
            repository = f"{environment}/{name}-{number}"
            digest = await bench.push(repository)
            record = await bench.succeeded(environment, repository)
            took.append(_seconds(record))
            bare.append(await import_bare(registry, repository, digest, "prodacr"))
            await asyncio.sleep(_PAUSE)
    return took, bare


def _seconds(record: Promotion) -> float:
    return ((record.completed_at or record.created_at) - record.pushed_at).total_seconds()
