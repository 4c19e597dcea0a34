"""Whether a host grows with what it has handled."""

from benchmarks.figure import Figure
from benchmarks.processes import mebibytes
from benchmarks.stack import Bench, pushed, waiting

_FIRST, _ALL = 1000, 10_000
_STRANGE = 20  # of a thousand: events of registries that the policy does not name


async def memory(bench: Bench) -> list[Figure]:
    """A host that has just started; pushes that wait, the same again, and events that lead nowhere."""
    [host] = bench.stack.hosts
    await host.stop()
    host.start()
    await host.ready()
    seen = []
    for thousand in range(_ALL // _FIRST):
        events = waiting(_FIRST // 2, f"memory-{thousand}")
        strange = [
            pushed(f"strange/{n}", registry=f"/subscriptions/s/{thousand}-{n}") for n in range(_STRANGE)
        ]
        await bench.deliver_all([*events, *events[: _FIRST // 2 - _STRANGE], *strange])
        seen.append(mebibytes(bench.host))
    return [
        Figure(
            name="memory",
            title="memory of a host after 10,000 events",
            against="after 1,000",
            samples=(seen[-1] / seen[0],),
            at_most=1.1,
            detail={"mebibytes": [round(each, 1) for each in seen]},
            note=f"{seen[-1]:.0f} MiB against {seen[0]:.0f} MiB, host and worker in one process",
        )
    ]
