"""The emulator's registries against skopeo: the work of benchmarks/emulator.py, as figures."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from benchmarks import emulator
from benchmarks.figure import Figure


async def registries(folder: Path) -> list[Figure]:
    """An import of a 50 MB image, and another tag for an image that is there."""
    if shutil.which("skopeo") is None:
        return []
    async with emulator.emulator(folder) as pair, aiohttp.ClientSession() as session:
        work = emulator.Work(session, pair)
        large = await emulator.one_large(work)
        tags = await emulator.retagging(work, pair)
    return [
        _figure("emulator-import", "the emulator imports a 50 MB image", large, 0.25),
        _figure("emulator-retag", "the emulator gives an image another tag", tags, 0.1),
    ]


def _figure(name: str, title: str, measured: Sequence[emulator.Figure], goal: float) -> Figure:
    ours, theirs = measured
    return Figure(
        name=name,
        title=title,
        against="skopeo on the same registries",
        samples=tuple(mine / other for mine, other in zip(ours.seconds, theirs.seconds, strict=True)),
        at_most=goal,
        note=f"{ours} against {theirs}",
    )
