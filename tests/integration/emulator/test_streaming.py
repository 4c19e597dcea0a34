"""Blobs go in, out and over from elsewhere in pieces: none is ever held in memory."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest

from emulator.testing import Azure
from tests.integration.emulator.support import EMPTY, Oci, manifest, until
from tests.integration.emulator.test_restart import IMPORT, Program, arm, program

MIB = 1 << 20
PIECE, PIECES = os.urandom(MIB), 32
ALLOWED = 16  # MiB on top of what a process has that serves nothing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the highest memory use is read from /proc")


def most_memory(running: Program) -> int:
    """Read the most memory that a process ever had, in MiB."""
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) // 1024


async def content() -> AsyncIterator[bytes]:
    for _ in range(PIECES):
        yield PIECE


async def test_a_large_blob_needs_no_large_memory(tmp_path: Path) -> None:
    digest = f"sha256:{sha256(PIECE * PIECES).hexdigest()}"
    large = {"mediaType": "application/octet-stream", "digest": digest, "size": PIECES * MIB}
    async with (
        program(tmp_path / "source") as source,
        program(tmp_path / "target") as target,
        aiohttp.ClientSession() as session,
    ):
        before = max(most_memory(source), most_memory(target))
        dev = Oci(session, source.urls["dev"])
        location = (await dev.ask("POST", "blobs/uploads/")).headers["Location"]
        assert (await dev.ask("PATCH", location, data=content())).status == 202
        assert (await dev.ask("PUT", f"{location}?digest={digest}")).status == 201
        async with session.get(f"{dev.url}/v2/shop/web/blobs/{digest}") as pulled:
            hashed = sha256()
            async for chunk in pulled.content.iter_chunked(MIB):
                hashed.update(chunk)
        assert f"sha256:{hashed.hexdigest()}" == digest

        await dev.push_blob(EMPTY)
        await dev.push_manifest(manifest(layers=[large]), "v1")
        body = {"source": {"sourceImage": "shop/web:v1", "registryUri": dev.url}}
        status, operation, _ = await arm(session, target.urls["Resource"], "POST", IMPORT, json=body)
        while status == 202:
            await asyncio.sleep(0.02)
            status, _, _ = await arm(session, target.urls["Resource"], "GET", operation)
        prod = Oci(session, target.urls["prod"])
        head = await prod.ask("HEAD", f"blobs/{digest}")

        assert (status, head.headers["Content-Length"]) == (200, str(PIECES * MIB))
        assert max(most_memory(source), most_memory(target)) - before < ALLOWED


async def test_who_hangs_up_leaves_no_file_open(azure: Azure, dev: Oci) -> None:
    digest = await dev.push_blob(b"some content" * 10_000)
    host, _, port = dev.service.partition(":")
    request = f"GET /v2/shop/web/blobs/{digest} HTTP/1.1\r\nHost: {dev.service}\r\n\r\n".encode()
    before = open_files()

    for pause in range(40):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(request)
        await writer.drain()
        await asyncio.sleep(pause / 20_000)
        writer.transport.abort()
    await until(lambda: open_files() <= before)


def open_files() -> int:
    """Count the blobs that this process has open."""
    links = (str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink())
    return sum("/blobs/" in link for link in links)


async def test_who_reads_nothing_leaves_no_file_open_when_it_stops(tmp_path: Path) -> None:
    before = open_files()
    async with Azure(registries=("dev",), data=tmp_path) as azure:
        dev = Oci(azure.session, azure.registry("dev").url)
        digest = f"sha256:{sha256(PIECE * PIECES).hexdigest()}"
        assert (await dev.ask("POST", f"blobs/uploads/?digest={digest}", data=content())).status == 201
        host, _, port = dev.service.partition(":")
        _, writer = await asyncio.open_connection(host, int(port), limit=1)
        writer.write(f"GET /v2/shop/web/blobs/{digest} HTTP/1.1\r\nHost: {dev.service}\r\n\r\n".encode())
        await until(lambda: open_files() > before)
    await until(lambda: open_files() <= before)
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
    writer.transport.abort()
