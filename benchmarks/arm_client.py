"""The imports of a promotion and nothing else, by the app's own ARM client."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from benchmarks.stack import DEV, Bench, registry_id
from promoter.adapters.acr import AzureRegistry
from promoter.adapters.identity import Identity
from promoter.application.ports import Import, Progress
from promoter.domain.image import Digest, Repository, Tag


@asynccontextmanager
async def importer(bench: Bench) -> AsyncIterator[AzureRegistry]:
    """The app's client of the emulator."""
    registry = AzureRegistry(bench.stack.arm, Identity(None, managed=False))
    try:
        yield registry
    finally:
        await registry.aclose()


async def import_bare(registry: AzureRegistry, repository: str, digest: str, target: str) -> float:
    """Import an image under its tag, and then under the pointer; the seconds that it took."""
    start = time.perf_counter()
    to = registry_id(target)
    for source, tag, force in ((DEV, "v1", False), (to, "current", True)):
        request = Import(source, Repository(repository), Digest(digest), to, Tag(tag), force)
        status = await registry.submit(request)
        while status.progress is Progress.RUNNING and status.operation:
            await asyncio.sleep(status.retry_after.total_seconds())
            status = await registry.poll(status.operation)
        if status.progress is not Progress.ENDED:
            raise RuntimeError(status.message)
    return time.perf_counter() - start


async def import_all(
    registry: AzureRegistry, images: Sequence[tuple[str, str]], target: str, at_once: int
) -> float:
    """Import many, so many at a time; the seconds that it took."""
    gate = asyncio.Semaphore(at_once)

    async def one(repository: str, digest: str) -> None:
        async with gate:
            await import_bare(registry, repository, digest, target)

    start = time.perf_counter()
    await asyncio.gather(*(one(repository, digest) for repository, digest in images))
    return time.perf_counter() - start
