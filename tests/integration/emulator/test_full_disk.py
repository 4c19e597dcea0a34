"""A disk that is full: nothing wrong is kept, who asks is told, what waited goes on when there is room."""

import asyncio
import os
import resource
import sqlite3
import sys
from asyncio.subprocess import STDOUT
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from emulator.store.database import Database
from tests.integration.emulator.support import EMPTY, Oci, Webhook, digest_of, manifest
from tests.integration.emulator.test_restart import IMPORT, Program, arm, program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="another process is limited by prlimit")

LARGEST = 1_000_000
CONTENT = os.urandom(LARGEST + 500)


def allow(running: Program, largest: int) -> None:
    """Let no file of a process grow beyond this many bytes: what a full disk answers, this answers too."""
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))


@pytest.fixture
async def emulator(tmp_path: Path, webhook: Webhook) -> AsyncIterator[Program]:
    hook = ("--event-grid", f"promoter={webhook.url}", "--event-time-scale", "0.001")
    async with program(tmp_path, *hook, "--import-seconds", "0", log=STDOUT) as running:
        yield running


@pytest.fixture
async def dev(emulator: Program) -> AsyncIterator[Oci]:
    async with aiohttp.ClientSession() as session:
        yield Oci(session, emulator.urls["dev"])


async def test_a_blob_that_finds_no_room_is_not_kept(emulator: Program, dev: Oci) -> None:
    digest = digest_of(CONTENT)
    allow(emulator, LARGEST)
    refused = await dev.ask("POST", f"blobs/uploads/?digest={digest}", data=CONTENT)
    allow(emulator, resource.RLIM_INFINITY)

    assert (refused.status, refused.code) == (500, "UNKNOWN")
    assert "File too large" in refused.json["errors"][0]["message"]
    assert (await dev.ask("HEAD", f"blobs/{digest}")).status == 404
    await dev.push_blob(CONTENT)
    assert (await dev.ask("GET", f"blobs/{digest}")).body == CONTENT


async def test_an_upload_goes_on_from_what_found_room(emulator: Program, dev: Oci) -> None:
    location = (await dev.ask("POST", "blobs/uploads/")).headers["Location"]
    allow(emulator, LARGEST)
    assert (await dev.ask("PATCH", location, data=CONTENT)).status == 500
    allow(emulator, resource.RLIM_INFINITY)

    received = int((await dev.ask("GET", location)).headers["Range"].partition("-")[2]) + 1
    rest = CONTENT[received:] if received > 1 else CONTENT
    assert (await dev.ask("PATCH", location, data=rest)).status == 202

    digest = digest_of(CONTENT)
    assert (await dev.ask("PUT", f"{location}?digest={digest}")).status == 201
    assert (await dev.ask("GET", f"blobs/{digest}")).body == CONTENT


async def test_what_is_answered_afterwards_is_kept(emulator: Program, dev: Oci, tmp_path: Path) -> None:
    await dev.push_blob(EMPTY)
    allow(emulator, 0)
    assert (await dev.push_manifest(manifest(), "v1")).code == "UNKNOWN"
    allow(emulator, resource.RLIM_INFINITY)
    assert (await dev.push_manifest(manifest(), "v2")).status == 201

    emulator.process.kill()
    await emulator.process.wait()
    async with program(tmp_path) as again:
        tags = (await Oci(dev.session, again.urls["dev"]).ask("GET", "tags/list")).json["tags"]
        assert tags == ["v2"]


def test_what_sqlite_has_rolled_back_itself_is_told_as_it_was(tmp_path: Path) -> None:
    """As it does where it finds no room in the middle of a transaction."""
    database = Database(tmp_path / "emulator.db")
    try:
        database.execute("insert into topics values ('orders', 'eventgrid')")
        with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"), database.transaction():
            database.execute("insert or rollback into topics values ('orders', 'eventgrid')")
    finally:
        database.close()


async def test_events_are_delivered_again_and_further(emulator: Program, dev: Oci, webhook: Webhook) -> None:
    webhook.slow = asyncio.Event()
    await dev.push("v1")
    await emulator.until_said("is validated")
    allow(emulator, 0)
    webhook.slow.set()
    await emulator.until_said("what happened cannot be kept")
    allow(emulator, resource.RLIM_INFINITY)
    await dev.push("v2")

    await webhook.received(3)

    assert webhook.subjects.count("shop/web:v1") == 2
    assert webhook.subjects.count("shop/web:v2") == 1


async def test_an_import_comes_to_an_end(emulator: Program, dev: Oci) -> None:
    await dev.push("v1")
    source = {"sourceImage": "shop/web:v1", "registryUri": dev.url}
    url = emulator.urls["Resource"]
    fault = {"operation": "import.run", "effect": "delay", "seconds": 2}
    await dev.session.post(f"{url}/emulator/faults", json=fault)
    _, location, _ = await arm(dev.session, url, "POST", IMPORT, json={"source": source})
    allow(emulator, 0)
    await emulator.until_said("its failure cannot be kept")
    allow(emulator, resource.RLIM_INFINITY)

    status, answer = 202, {}
    while status == 202:
        await asyncio.sleep(0.05)
        status, _, answer = await arm(dev.session, url, "GET", location)
    assert (status, answer["error"]["code"]) == (400, "InternalServerError")
