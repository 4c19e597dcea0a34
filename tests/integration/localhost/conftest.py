"""Functions hosts for these tests: real processes on free ports."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from localhost.ports import free_ports
from localhost.programs import functions_host
from tests.integration.localhost.running import APP, RunningHost

type StartHost = Callable[..., Awaitable[RunningHost]]


def host_of(
    folder: Path, storage: str, *options: str, app: Path = APP, hosts: str = "", **settings: str
) -> RunningHost:
    """A host that is not started yet, with queues of its own; `hosts` names those that share timers."""
    notes, prefix, [port] = folder / "notes", f"t{uuid4().hex[:12]}", free_ports(1)
    notes.mkdir(parents=True, exist_ok=True)
    defaults = {
        "TestStorage": storage,
        "AzureWebJobsStorage": storage,
        "AzureFunctionsWebHost__hostid": hosts or prefix,
        "SEEN": str(notes),
        "IN_QUEUE": f"{prefix}-in",
        "SLOW_QUEUE": f"{prefix}-slow",
        "OUT_QUEUE": f"{prefix}-out",
        "DAILY": "0 0 3 * * *",
    }
    part = functions_host(
        *(app, port),
        log=folder / f"host-{port}.log",
        settings={**defaults, **settings},
        options=options,
    )
    return RunningHost(part, f"http://127.0.0.1:{port}", notes, storage, prefix)


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory, storage: str) -> Iterator[RunningHost]:
    """A host that tests share which do not stop or starve it."""
    shared = host_of(tmp_path_factory.mktemp("host"), storage)
    shared.part.start()
    try:
        asyncio.run(shared.part.ready())
        yield shared
    finally:
        asyncio.run(shared.part.stop())


@pytest.fixture
async def start_host(tmp_path: Path, storage: str) -> AsyncIterator[StartHost]:
    """Start hosts for one test, with options and settings; they share their folder."""
    started: list[RunningHost] = []

    async def start(*options: str, app: Path = APP, **settings: str) -> RunningHost:
        running = host_of(tmp_path, storage, *options, app=app, **settings)
        started.append(running)
        running.part.start()
        await running.part.ready()
        return running

    yield start
    await asyncio.gather(*(running.part.stop() for running in started))


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """An HTTP client."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield session
