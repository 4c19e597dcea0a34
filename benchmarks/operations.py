"""Storage operations and executions, counted where they arrive: exact, and the same on any machine."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.storage.queue.aio import QueueClient

from benchmarks.counting import Operation
from benchmarks.figure import Figure
from benchmarks.stack import POLLED, Bench, running

_QUIET = 1.5
_ENDED = "log"  # a promotion's end is the transaction that writes its log row


@dataclass(frozen=True, slots=True)
class Steps:
    """The operations of one promotion, by step.

    Attributes:
        push: A push that waits for its gate.
        verdict: The verdict that qualifies the image, up to the message that wakes its line.
        drive: From that message to `succeeded`.
        after: What follows: the arrival, the next rule, and the message's end.
    """

    push: list[Operation]
    verdict: list[Operation]
    drive: list[Operation]
    after: list[Operation]

    @property
    def whole(self) -> list[Operation]:
        """From the push to `succeeded`."""
        return [*self.push, *self.verdict, *self.drive]

    def document(self) -> dict[str, Any]:
        """As JSON has it: each operation by its name, and who makes it."""
        steps = {"push": self.push, "verdict": self.verdict, "drive": self.drive, "after": self.after}
        return {
            step: {
                "operations": [operation.name for operation in operations if not operation.is_host],
                "trigger": [operation.name for operation in operations if operation.is_host],
            }
            for step, operations in steps.items()
        }


async def operations(folder: Path) -> tuple[list[Figure], dict[str, Any]]:
    """The steps of an automatic promotion, after one that has made tables, queues and connections."""
    async with running(folder, count=True) as bench:
        await _promote(bench, "shop/warm", by_queue=True)
        by_queue = await _promote(bench, "shop/one", by_queue=True)
        by_http = await _promote(bench, "shop/two", by_queue=False)
        await bench.switch(POLLED)
        polled = await _promote(bench, "shop/three", by_queue=True)
    counts = {
        "automatic, verdict by queue": by_queue.document(),
        "automatic, verdict by HTTP": by_http.document(),
        "automatic, import polled for": polled.document(),
    }
    return [
        _figure("push", "a push that waits", by_queue.push, 3),
        _figure("verdict", "a verdict that qualifies", by_queue.verdict, 6),
        _figure("promotion", "a whole automatic promotion to `succeeded`", by_queue.whole, 14),
        _figure("http", "the same, its verdict by HTTP", by_http.whole, None),
        _figure("polled", "the same, its imports polled for", polled.whole, None),
    ], counts


def _figure(name: str, what: str, counted: list[Operation], goal: int | None) -> Figure:
    own = [operation for operation in counted if not operation.is_host]
    return Figure(
        name=f"operations-{name}",
        title=f"storage operations: {what}",
        unit="operations",
        samples=(len(own),),
        at_most=goal,
        note=""
        if goal is None
        else f"and {len(counted) - len(own)} of the triggers, to receive and remove messages",
    )


async def _promote(bench: Bench, repository: str, *, by_queue: bool) -> Steps:
    await bench.quiet(_QUIET)
    bench.counter.take()
    digest = await bench.push(repository)
    await bench.quiet(_QUIET)
    push = bench.counter.take()
    if by_queue:
        await _send(bench, repository, digest)
    else:
        await bench.report(repository, digest)
    await bench.succeeded("staging", repository)
    await bench.quiet(_QUIET)
    rest = bench.counter.take()
    gates = [operation for operation in rest if "quality-gates" in operation.name]
    own = [operation for operation in rest if operation not in gates]
    # The last of several puts wakes the line: by HTTP a guard goes before it.
    first_end = next(index for index, each in enumerate(own) if each.name == "receive promoter-work")
    end = next(index for index, each in enumerate(own) if f"create {_ENDED}" in each.name)
    return Steps(push, [*gates, *own[:first_end]], own[first_end : end + 1], own[end + 1 :])


async def _send(bench: Bench, repository: str, digest: str) -> None:
    report = {"repository": repository, "digest": digest, "environment": "dev"}
    text = json.dumps(report | {"gate": "unit-tests", "verdict": "passed"})
    async with QueueClient.from_connection_string(bench.stack.storage, "quality-gates") as queue:
        await queue.send_message(text)
