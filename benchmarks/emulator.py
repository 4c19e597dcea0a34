"""The emulator against Debian's docker-registry and skopeo, on the same work in one run.

`python -m benchmarks.emulator` prints a table; `--page docs/emulator.md` writes it there too. Each figure
is the median of several runs, each with images that no run before had; the spread is from the fastest to the
slowest.
"""

import argparse
import asyncio
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import override

import aiohttp

from emulator.sample_image import push_random_image
from localhost.pages import write_part
from localhost.ports import free_ports

_IMAGES, _CLIENTS, _REPEATS = 100, 8, 5
_LARGE = 50_000_000  # bytes
_SMALL = 1000
_PLATFORM = ("linux/amd64",)
_GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/promoter"
_REGISTRY = f"{_GROUP}/providers/Microsoft.ContainerRegistry/registries"
_fresh = count(1)

type Job = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Pair:
    """Two registries of one kind, to copy between."""

    source: str
    target: str
    arm: str = ""


@dataclass(frozen=True)
class Figure:
    """Seconds that something took, run by run."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        """The one in the middle."""
        return statistics.median(self.seconds)

    @override
    def __str__(self) -> str:
        fastest, slowest = min(self.seconds), max(self.seconds)
        return f"{_shown(self.median)} ({_shown(fastest)} to {_shown(slowest)})"


@asynccontextmanager
async def process(*command: str, answers: str) -> AsyncIterator[None]:
    """Run a program until the block ends; begin when it answers."""
    started = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(20):
            while True:
                try:
                    async with session.get(answers):
                        break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.02)
        yield
    finally:
        started.terminate()
        await started.wait()


@asynccontextmanager
async def emulator(folder: Path) -> AsyncIterator[Pair]:
    """Run the emulator with imports that take no time of their own."""
    arm, dev, prod = free_ports(3)
    options = ["--data", str(folder / "emulator"), "--arm-port", str(arm), "--import-seconds", "0"]
    options += ["--poll-seconds", "0.002", "--registry", f"dev={dev}", "--registry", f"prod={prod}"]
    url = f"http://127.0.0.1:{arm}"
    async with process(sys.executable, "-m", "emulator", "up", *options, answers=f"{url}/emulator/health"):
        yield Pair(f"127.0.0.1:{dev}", f"127.0.0.1:{prod}", url)


@asynccontextmanager
async def docker_registries(folder: Path) -> AsyncIterator[Pair]:
    """Run two docker-registries."""
    async with AsyncExitStack() as stack:
        hosts = []
        for port in free_ports(2):
            config = folder / f"docker-{port}.yml"
            config.write_text(
                f'{{"version": "0.1", "log": {{"level": "error", "accesslog": {{"disabled": true}}}}, '
                f'"storage": {{"filesystem": {{"rootdirectory": "{folder}/docker-{port}"}}}}, '
                f'"http": {{"addr": "127.0.0.1:{port}"}}}}'
            )
            serve = process("docker-registry", "serve", str(config), answers=f"http://127.0.0.1:{port}/v2/")
            await stack.enter_async_context(serve)
            hosts.append(f"127.0.0.1:{port}")
        yield Pair(*hosts)


class Work:
    """What is done to a pair of registries."""

    def __init__(self, session: aiohttp.ClientSession, pair: Pair) -> None:
        self._session, self._pair = session, pair

    async def push(self, layer_bytes: int = _SMALL) -> str:
        """Push a new image to the source, and name it `repository:tag`."""
        repository = f"bench/image{next(_fresh)}"
        await push_random_image(
            self._session, f"http://{self._pair.source}", repository, "v1", _PLATFORM, layer_bytes
        )
        return f"{repository}:v1"

    async def import_image(self, image: str, target: str = "prod", tag: str | None = None) -> None:
        """Import an image from dev with importImage, and poll until it is there."""
        body = {
            "source": {"sourceImage": image, "resourceId": f"{_REGISTRY}/dev"},
            "targetTags": [tag or image],
        }
        url = f"{self._pair.arm}{_REGISTRY}/{target}/importImage?api-version=2025-11-01"
        headers = {"Authorization": "Bearer benchmark"}
        async with self._session.post(url, json=body, headers=headers) as answer:
            status, location = answer.status, answer.headers.get("Location", "")
        while status == 202:  # noqa: PLR2004 - Accepted
            async with self._session.get(location, headers=headers) as answer:
                status, wait = answer.status, float(answer.headers.get("retry-after-ms", 0))
            if status == 202:  # noqa: PLR2004
                await asyncio.sleep(wait / 1000)
        assert status == 200, status  # noqa: S101, PLR2004 - a benchmark of what failed is none

    async def skopeo(self, image: str, *, to: str | None = None, tag: str | None = None) -> None:
        """Copy an image with skopeo."""
        source = f"docker://{self._pair.source}/{image}"
        target = f"docker://{to or self._pair.target}/{tag or image}"
        options = ["--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false"]
        copying = await asyncio.create_subprocess_exec(
            "skopeo", "copy", "--quiet", *options, source, target, stdout=asyncio.subprocess.DEVNULL
        )
        assert await copying.wait() == 0, image  # noqa: S101 - as above


async def timed(job: Job) -> float:
    """Do a job, and give the seconds that it took."""
    began = time.perf_counter()
    await job()
    return time.perf_counter() - began


async def at_once(jobs: Sequence[Job], most: int) -> float:
    """Do jobs, so many at a time, and give the seconds that all took."""
    gate = asyncio.Semaphore(most)

    async def one(job: Job) -> None:
        async with gate:
            await job()

    async def everything() -> None:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(one(job))

    return await timed(everything)


async def pushing(works: Sequence[Work]) -> list[Figure]:
    """Push small images with several clients, in turn to each kind."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(_REPEATS):
        for work, taken in zip(works, seconds, strict=True):
            taken.append(await at_once([_discard(work.push) for _ in range(_IMAGES)], _CLIENTS))
    return [Figure(each) for each in seconds]


def _discard(push: Callable[[], Awaitable[str]]) -> Job:
    async def job() -> None:
        await push()

    return job


async def importing(ours: Work, theirs: Work) -> list[Figure]:
    """Import images, all at once, against as many copies by skopeo, as many at a time as clients."""
    mine, other = [], []
    for _ in range(_REPEATS):
        images = [await ours.push() for _ in range(_IMAGES)]
        mine.append(await at_once([_import(ours, image) for image in images], _IMAGES))
        images = [await theirs.push() for _ in range(_IMAGES)]
        other.append(await at_once([_skopeo(theirs, image) for image in images], _CLIENTS))
    return [Figure(mine), Figure(other)]


async def one_large(work: Work) -> list[Figure]:
    """Import a large image between two registries of the emulator, against skopeo on the same two."""
    mine, other = [], []
    for _ in range(_REPEATS):
        mine.append(await timed(_import(work, await work.push(_LARGE))))
        other.append(await timed(_skopeo(work, await work.push(_LARGE))))
    return [Figure(mine), Figure(other)]


async def retagging(work: Work, pair: Pair) -> list[Figure]:
    """Give an image another tag within one registry of the emulator, against skopeo on the same one."""
    mine, other = [], []
    for _ in range(2 * _REPEATS):
        image = await work.push(_LARGE // 10)
        mine.append(await timed(_import(work, image, "dev", image.replace(":v1", ":v2"))))
        job = _skopeo(work, image, pair.source, image.replace(":v1", ":v3"))
        other.append(await timed(job))
    return [Figure(mine), Figure(other)]


def _import(work: Work, image: str, target: str = "prod", tag: str | None = None) -> Job:
    return lambda: work.import_image(image, target, tag)


def _skopeo(work: Work, image: str, to: str | None = None, tag: str | None = None) -> Job:
    return lambda: work.skopeo(image, to=to, tag=tag)


async def measure(folder: Path) -> str:
    """Measure everything, and give the table."""
    async with (
        emulator(folder) as ours,
        docker_registries(folder) as theirs,
        aiohttp.ClientSession() as session,
    ):
        mine, other = Work(session, ours), Work(session, theirs)
        rows = [
            (
                f"push {_IMAGES} small images, {_CLIENTS} clients; docker-registry",
                await pushing([mine, other]),
                "",
            ),
            (
                f"import {_IMAGES} at once; docker-registry: {_IMAGES} skopeo copies, {_CLIENTS} at a time",
                await importing(mine, other),
                "",
            ),
            ("import a 50 MB image; skopeo between the same registries", await one_large(mine), "0.25"),
            ("retag by import; skopeo in the same registry", await retagging(mine, ours), "0.1"),
        ]
    lines = ["| work; compared with | emulator | compared with | ratio | goal |", "|---|---|---|---|---|"]
    lines += [
        f"| {what} | {first} | {second} | {first.median / second.median:.2g} | {goal} |"
        for what, (first, second), goal in rows
    ]
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return "\n".join([*lines, "", f"Medians of {_REPEATS} runs (retag: {2 * _REPEATS}), on {machine}."])


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"  # noqa: PLR2004


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, help="the page that the table is written into")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        table = asyncio.run(measure(Path(folder)))
    print(table)
    if options.page:
        write_part(options.page, "benchmark", table)


if __name__ == "__main__":
    main()
