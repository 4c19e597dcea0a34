"""`python -m promoter promote ...`, the whole process, against `az acr import`."""

import asyncio
import os
import sys

from benchmarks.azure_cli import az_of
from benchmarks.figure import Figure
from benchmarks.processes import Usage, run
from benchmarks.stack import Bench

_ROUNDS = 9


async def command_line(bench: Bench) -> list[Figure]:
    """Promote by hand, and import by az, in turn; az waits for the image's arrival, promoter if asked to."""
    asked, waited, az = [], [], []
    for number in range(_ROUNDS + 1):
        one, other = f"hand/ask-{number}", f"hand/wait-{number}"
        digest, _ = await bench.push(one), await bench.push(other)
        cli = await az_of(bench, one, digest)
        if cli is None:
            return []
        asked.append(await _promote(bench, one))
        waited.append(await _promote(bench, other, "--wait", "60"))
        az.append(await cli.import_image(one, digest, "v1"))
    return [
        _figure("command-line", "promoter promote", asked, az),
        _figure("command-line-wait", "promoter promote --wait", waited, az),
    ]


def _figure(name: str, title: str, own: list[Usage], az: list[Usage]) -> Figure:
    """The first round has filled caches."""
    return Figure(
        name=name,
        title=f"`{title}`, whole process, wall",
        against="`az acr import`",
        samples=tuple(one.wall / other.wall for one, other in zip(own[1:], az[1:], strict=True)),
        at_most=0.5,
        detail={
            who: {
                "cpu": [round(one.cpu, 3) for one in used[1:]],
                "wall": [round(one.wall, 3) for one in used[1:]],
            }
            for who, used in (("promoter", own), ("az", az))
        },
    )


async def _promote(bench: Bench, repository: str, *more: str) -> Usage:
    words = ["promote", f"{repository}:v1", "--to", "prod", "--yes", *more]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    url = f"http://127.0.0.1:{bench.stack.ports.hosts[0]}"
    command = [sys.executable, "-m", "promoter", *words, "--url", url]
    return await asyncio.to_thread(run, command, environment)
