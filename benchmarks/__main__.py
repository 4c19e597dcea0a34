"""`python -m benchmarks [NAME ...]`: measure, print a table, and write results.json."""

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.azure_cli import CLI
from benchmarks.bill import bill
from benchmarks.burst import burst
from benchmarks.cold_start import cold_import, modules
from benchmarks.command_line import command_line
from benchmarks.evaluation import evaluation
from benchmarks.figure import Figure, Results, decoded, load, machine, now
from benchmarks.growth import growth
from benchmarks.latency import latency
from benchmarks.memory import memory
from benchmarks.operations import operations
from benchmarks.page import written
from benchmarks.processes import ROOT, run
from benchmarks.promotion import promotion_cost
from benchmarks.registries import registries
from benchmarks.report import print_comparison, print_results
from benchmarks.stack import Bench, running
from benchmarks.throughput import throughput
from localhost import terminal

STATE = ROOT / ".local" / "benchmarks"
PAGE = ROOT / "docs" / "performance.md"
RESULTS, BEFORE = (ROOT / "benchmarks" / f"{name}.json" for name in ("results", "before"))

ALONE: dict[str, Callable[[Path], Awaitable[list[Figure]]]] = {
    "cold-import": cold_import,
    "modules": modules,
    "evaluate": evaluation,
    "growth": growth,
    "emulator": registries,
    "cost": bill,
}
"""What needs no stack; given a folder."""
ON_STACK: dict[str, Callable[[Bench], Awaitable[list[Figure]]]] = {
    "latency": latency,
    "promotion": promotion_cost,
    "command-line": command_line,
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
        await asyncio.to_thread(shutil.rmtree, STATE, ignore_errors=True)
        for name, alone in ALONE.items():
            if self._wants(name):
                folder = STATE / name
                await asyncio.to_thread(folder.mkdir, parents=True)
                await self._keep(name, alone(folder))
        if self._wants(COUNTED):
            await self._keep(COUNTED, self._count())
        if any(self._wants(name) for name in ON_STACK):
            async with running(STATE / "stack") as bench:
                for name, on_stack in ON_STACK.items():
                    if self._wants(name):
                        await self._keep(name, on_stack(bench))
        return Results(at=now(), machine=machine(), figures=tuple(self._figures), counts=self._counts)

    async def _count(self) -> list[Figure]:
        figures, self._counts = await operations(STATE / "counted")
        return figures

    def _wants(self, name: str) -> bool:
        return not self._wanted or name in self._wanted

    async def _keep(self, name: str, measured: Awaitable[list[Figure]]) -> None:
        start = time.monotonic()
        self._figures += await measured
        self._console.print(f"[dim]{name}: {time.monotonic() - start:.0f} s[/]")


async def _bench(wanted: list[str], out: Path) -> int:
    console = _console()
    for what in _missing():
        console.print(f"[yellow]{what}[/]", soft_wrap=True)
    results = await Run(wanted, console).measure()
    results.save(out)
    print_results(console, results)
    console.print(f"[dim]{out}[/]", soft_wrap=True)
    return 0


def _console() -> Console:
    """As wide as the tables are, where no terminal says how wide it is."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def _missing() -> Iterator[str]:
    """What is not installed, and which figures are left out for it."""
    if not CLI.exists():
        yield "Left out: all comparisons with `az acr import`. `make .venv-az/.ready` sets az up (700 MB)."
    if shutil.which("skopeo") is None:
        yield "Left out: the emulator's figures. They are compared with skopeo: sudo apt-get install skopeo"


def _compare(results: Path) -> int:
    """Show results beside those that stand in the repository."""
    if not results.exists():
        print(f"{results} is missing: make bench writes it", file=sys.stderr)
        return 1
    try:
        committed = run(["git", "show", f"HEAD:./{RESULTS.relative_to(ROOT)}"]).output
    except (OSError, RuntimeError) as error:
        print(f"No results are committed here to compare with: {error}", file=sys.stderr)
        return 1
    print_comparison(_console(), decoded(committed.encode()), load(results))
    return 0


def main() -> int:
    """Run the command line, and answer with the exit code."""
    names = [*ALONE, COUNTED, *ON_STACK]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(names)}")
    parser.add_argument("--out", type=Path, help="where to; benchmarks/results.json for all of them")
    parser.add_argument("--compare", action="store_true", help="only show results.json and the committed one")
    parser.add_argument(
        "--page", action="store_true", help="only write results.json into docs/performance.md"
    )
    given = parser.parse_args()
    if unknown := set(given.names) - set(names):
        parser.error(f"no such figures: {', '.join(sorted(unknown))}")
    if given.compare:
        return _compare(given.out or RESULTS)
    if given.page:
        PAGE.write_text(written(PAGE.read_text(), load(BEFORE), load(given.out or RESULTS)))
        return 0
    out = given.out or (STATE / "some.json" if given.names else RESULTS)
    out.parent.mkdir(parents=True, exist_ok=True)
    return terminal.run(_bench(given.names, out))


if __name__ == "__main__":
    sys.exit(main())
