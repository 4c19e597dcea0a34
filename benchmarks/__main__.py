"""`python -m benchmarks [NAME ...]`: measure, print a table, and write results.json."""

import argparse
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.burst import burst
from benchmarks.cold_start import cold_import
from benchmarks.evaluation import evaluation
from benchmarks.figure import Figure, Results, load, machine, now
from benchmarks.growth import growth
from benchmarks.latency import latency
from benchmarks.memory import memory
from benchmarks.operations import operations
from benchmarks.processes import ROOT
from benchmarks.promotion import promotion_cost
from benchmarks.report import print_comparison, print_results
from benchmarks.stack import Bench, running
from benchmarks.throughput import throughput
from localhost.terminal import run

STATE = ROOT / ".local" / "benchmarks"
RESULTS, BASELINE = ROOT / "benchmarks" / "results.json", ROOT / "benchmarks" / "baseline.json"

ALONE: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
    "cold-import": cold_import,
    "evaluate": evaluation,
    "growth": growth,
}
"""What needs no stack."""
ON_STACK: dict[str, Callable[[Bench], Awaitable[list[Figure]]]] = {
    "latency": latency,
    "promotion": promotion_cost,
    "throughput": throughput,
    "burst": burst,
    "memory": memory,
}
"""What shares one stack, in the order in which it disturbs least."""
COUNTED = "operations"


class Run:
    """One run: what was asked for, and what was found."""

    def __init__(self, wanted: list[str], console: Console) -> None:
        self._wanted, self._console = wanted, console
        self._figures: list[Figure] = []
        self._counts: dict[str, Any] = {}

    async def measure(self) -> Results:
        """Measure all that is wanted, one after the other."""
        shutil.rmtree(STATE, ignore_errors=True)
        for name, alone in ALONE.items():
            if self._wants(name):
                start = time.monotonic()
                self._tell(name, await alone(), start)
        if self._wants(COUNTED):
            start = time.monotonic()
            figures, self._counts = await operations(STATE / "counted")
            self._tell(COUNTED, figures, start)
        if any(self._wants(name) for name in ON_STACK):
            async with running(STATE / "stack") as bench:
                for name, on_stack in ON_STACK.items():
                    if self._wants(name):
                        start = time.monotonic()
                        self._tell(name, await on_stack(bench), start)
        return Results(at=now(), machine=machine(), figures=tuple(self._figures), counts=self._counts)

    def _wants(self, name: str) -> bool:
        return not self._wanted or name in self._wanted

    def _tell(self, name: str, figures: list[Figure], start: float) -> None:
        self._figures += figures
        self._console.print(f"[dim]{name}: {time.monotonic() - start:.0f} s[/]")


async def _bench(wanted: list[str], out: Path) -> int:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    results = await Run(wanted, console).measure()
    results.save(out)
    print_results(console, results)
    console.print(f"[dim]{out}[/]", soft_wrap=True)
    return 0


def main() -> int:
    """Run the command line, and answer with the exit code."""
    names = [*ALONE, COUNTED, *ON_STACK]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(names)}")
    parser.add_argument("--out", type=Path, help="where to; benchmarks/results.json for all of them")
    parser.add_argument(
        "--compare", action="store_true", help="show results.json beside baseline.json, and end"
    )
    given = parser.parse_args()
    if given.compare:
        print_comparison(Console(highlight=False), load(BASELINE), load(given.out or RESULTS))
        return 0
    if unknown := set(given.names) - set(names):
        parser.error(f"no such figures: {', '.join(sorted(unknown))}")
    out = given.out or (STATE / "some.json" if given.names else RESULTS)
    out.parent.mkdir(parents=True, exist_ok=True)
    return run(_bench(given.names, out))


if __name__ == "__main__":
    sys.exit(main())
