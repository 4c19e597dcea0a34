"""Events a second of one host, against the storage operations that these events need."""

import asyncio
import json
import sys

from benchmarks.figure import Figure
from benchmarks.processes import ROOT
from benchmarks.stack import LANES, Bench, cpu_of, waiting

_ROUNDS, _COUNT, _AT_ONCE = 7, 200, 32


async def throughput(bench: Bench) -> list[Figure]:
    """Pushes that wait, and the bare operations, in turn."""
    await bench.deliver_all(waiting(100, "warm"), _AT_ONCE)
    rates, costs, rate = [], [], []
    for number in range(_ROUNDS):
        bare = await run_bare(bench, "push", _COUNT, _AT_ONCE, number)
        events = waiting(_COUNT, f"round-{number}")
        seconds = 0.0

        async def deliver() -> None:
            nonlocal seconds
            seconds = await bench.deliver_all(events, _AT_ONCE)  # noqa: B023 - awaited before they change

        cpu = await cpu_of(bench.host, deliver())
        rates.append(bare["wall"] / seconds)
        costs.append(bare["cpu"] / cpu)
        rate.append(_COUNT / seconds)
    against = "the storage operations they need, bare"
    return [
        Figure(
            name="throughput",
            title="events a second, one host, 32 at a time",
            against=against,
            samples=tuple(rates),
            at_least=0.7,
        ),
        Figure(
            name="throughput-cpu",
            title="events for each second of CPU, host and worker in one process",
            against=against,
            samples=tuple(costs),
        ),
        Figure(name="throughput-rate", title="events a second", unit="/s", samples=tuple(rate)),
    ]


async def run_bare(bench: Bench, work: str, count: int, at_once: int, number: int) -> dict[str, float]:
    """The storage operations of some work and nothing else, so often, in a process of its own."""
    order = {"storage": bench.stack.storage, "work": work, "count": count, "atOnce": at_once}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.bare"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    lines = json.dumps(order | {"lanes": LANES, "round": f"{work}-{number}"})
    output, _ = await process.communicate(lines.encode())
    answer: dict[str, float] = json.loads(output)
    return answer
