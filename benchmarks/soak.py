"""`python -m benchmarks.soak`: images at a steady rate for half an hour while registries misbehave.

Every few seconds it notes how long promotions took from their push, how many are under way, and what memory
the host has. At the end every image must have been promoted, once, and be served by its target; the curves
are drawn, and docs/performance.md says how it went.
"""

import argparse
import asyncio
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.figure import machine, quantile
from benchmarks.plot import Curve, Panel, picture
from benchmarks.processes import ROOT, mebibytes
from benchmarks.stack import OUTS, Bench, again, running
from localhost.pages import write_part
from localhost.terminal import run
from promoter.domain.promotion import Phase

STATE = ROOT / ".local" / "soak"
PICTURE, PAGE = ROOT / "docs" / "soak.svg", ROOT / "docs" / "performance.md"
FAULTS = {
    "seed": 7,
    "faults": [
        {
            "operation": "import.submit",
            "effect": "status",
            "status": 429,
            "retryAfter": 2,
            "probability": 0.01,
        },
        {"operation": "import.submit", "effect": "status", "status": 503, "probability": 0.02},
        {"operation": "import.submit", "effect": "lost-answer", "status": 500, "probability": 0.01},
        {"operation": "import.submit", "effect": "immediate", "probability": 0.3},
        {"operation": "import.poll", "effect": "status", "status": 500, "probability": 0.02},
        {"operation": "import.run", "effect": "delay", "seconds": 2, "probability": 0.1},
        {"operation": "import.run", "effect": "fail", "probability": 0.01},
        {"operation": "manifest.read", "effect": "status", "status": 503, "probability": 0.01},
        {"operation": "event.delivery", "effect": "duplicate", "probability": 0.1},
        {"operation": "event.attempt", "effect": "status", "status": 503, "probability": 0.02},
    ],
}
"""What goes wrong: about one promotion in six meets something."""
_EVERY = 5.0
_PATIENCE = 10 * 60
# What the host logs of a promotion that has succeeded: when, and of which repository.
SUCCEEDED = re.compile(r'^\[([^\]]+)\] promoter: .*"phase":"succeeded".*"repository":"([^"]+)"', re.MULTILINE)


@dataclass
class Soak:
    """A run: what was pushed when, and what has been seen.

    Attributes:
        pushed: The digest that each repository's image has, once it is pushed.
        begun: When its push began, as the host's log tells time.
        latencies: Seconds from then to `succeeded`, by when that was.
        waiting: How many images were not there yet, by when.
        memory: Of the host, in MiB, by when.
    """

    bench: Bench
    start: float = field(default_factory=time.monotonic)
    pushed: dict[str, str] = field(default_factory=dict)
    begun: dict[str, datetime] = field(default_factory=dict)
    latencies: list[tuple[float, float]] = field(default_factory=list)
    waiting: list[tuple[float, float]] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    read: int = 0

    async def push_for(self, seconds: float, rate: float) -> None:
        """Push images at a steady rate, each in a repository of its own; late ones are not made up for."""
        for number in range(round(seconds * rate)):
            await asyncio.sleep(max(0, self.start + number / rate - time.monotonic()))
            repository = f"out-{number % OUTS}/soak-{number}"
            self.begun[repository] = datetime.now(UTC)
            self.pushed[repository] = await self.bench.push(repository)

    async def watch(self) -> None:
        """Note how things stand, every few seconds."""
        async for _ in again(_EVERY):
            self.note()

    def note(self) -> None:
        """Note how things stand."""
        at = time.monotonic() - self.start
        self.latencies += [(at, latency) for latency in self._succeeded()]
        self.waiting.append((at, len(self.begun) - len(self.latencies)))
        self.memory.append((at, mebibytes(self.bench.host)))

    async def until_all_are_there(self) -> None:
        """Wait for what is still on its way.

        Raises:
            TimeoutError: It is not there after ten minutes.
        """
        async with asyncio.timeout(_PATIENCE):
            async for _ in again(_EVERY):
                if len(self.latencies) >= len(self.pushed):
                    return

    async def check(self) -> None:
        """See that nothing was lost or doubled.

        Raises:
            RuntimeError: Some image was not promoted, or twice, or its target does not serve it.
        """
        lost = {repository for repository in self.pushed if not await self._is_served(repository)}
        promoted: Counter[str] = Counter()
        for number in range(OUTS):
            records = await self.bench.records(f"out-{number}", f"out-{number}/soak-")
            promoted.update(each.repository for each in records if each.phase is Phase.SUCCEEDED)
        wrong = {repository for repository in self.pushed if promoted[repository] != 1}
        if lost or wrong:
            message = f"not served: {sorted(lost)}; not promoted once: {sorted(wrong)}"
            raise RuntimeError(message)

    async def _is_served(self, repository: str) -> bool:
        registry = f"{repository.partition('/')[0].replace('-', '')}acr"
        url = f"http://127.0.0.1:{self.bench.stack.ports.registries[registry]}/v2/{repository}/manifests/v1"
        async with self.bench.session.head(url) as answer:
            return answer.headers.get("Docker-Content-Digest") == self.pushed[repository]

    def drawn(self) -> str:
        """The curves."""
        windows = list(self._windows(30))
        return picture(
            f"{len(self.latencies)} promotions with faults, {datetime.now(UTC):%Y-%m-%d}",
            [
                Panel(
                    "push to succeeded, seconds, over 30 s each",
                    [
                        Curve("median", [(at, quantile(found, 0.5)) for at, found in windows]),
                        Curve("95 of 100", [(at, quantile(found, 0.95)) for at, found in windows]),
                    ],
                ),
                Panel("images under way", [Curve("images", self.waiting)]),
                Panel("memory of the host, MiB", [Curve("resident", self.memory)]),
            ],
        )

    def told(self, minutes: float) -> str:
        """How it went, in a few words."""
        took = [latency for _, latency in self.latencies]
        early = self.memory[len(self.memory) // 10][1]
        return (
            f"{len(self.pushed):,} images in {minutes:g} minutes, each promoted once and served by its "
            f"target.\nPush to `succeeded`: median {quantile(took, 0.5):.1f} s, 95 of 100 within "
            f"{quantile(took, 0.95):.1f} s, the slowest {max(took):.0f} s. Memory of the host: "
            f"{early:.0f} MiB after a tenth of the time, {self.memory[-1][1]:.0f} MiB at the end."
        )

    def _windows(self, seconds: float) -> Iterator[tuple[float, list[float]]]:
        for number in range(int(self.latencies[-1][0] // seconds) + 1 if self.latencies else 0):
            found = [each for at, each in self.latencies if at // seconds == number]
            if found:
                yield (number + 0.5) * seconds, found

    def _succeeded(self) -> Iterator[float]:
        """How long each took that has succeeded since it was last asked, by the host's log."""
        text = self.bench.stack.hosts[0].log_text()
        fresh, self.read = text[self.read : text.rfind("\n") + 1], text.rfind("\n") + 1
        for at, repository in SUCCEEDED.findall(fresh):
            yield (datetime.fromisoformat(at) - self.begun[repository]).total_seconds()


async def _soak(minutes: float, rate: float, out: Path) -> int:
    console = Console(highlight=False)
    await asyncio.to_thread(shutil.rmtree, STATE, ignore_errors=True)
    async with running(STATE, settings={"PROMOTER_RECONCILE_SCHEDULE": "0 */5 * * * *"}) as bench:
        await bench.switch(FAULTS)
        soak = Soak(bench)
        watching = asyncio.create_task(soak.watch())
        console.print(f"{rate:g} images a second for {minutes:g} minutes, with faults.")
        try:
            await soak.push_for(minutes * 60, rate)
            await soak.until_all_are_there()
        finally:  # also what was broken off, or has lost something, is worth seeing
            watching.cancel()
            soak.note()
            await asyncio.to_thread(out.write_text, soak.drawn())
        await bench.switch({"faults": []})
        await soak.check()
    went = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}: {soak.told(minutes)}"
    if out == PICTURE:
        await asyncio.to_thread(write_part, PAGE, "soak", went)
    console.print(went, soft_wrap=True)
    return 0


def main() -> int:
    """Run it, and answer with the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=2, help="images a second")
    parser.add_argument("--out", type=Path, default=PICTURE, help="where the curves go")
    given = parser.parse_args()
    return run(_soak(given.minutes, given.rate, given.out))


if __name__ == "__main__":
    sys.exit(main())
