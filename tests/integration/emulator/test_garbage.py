"""Garbage collection: what nothing names goes, and nothing else, whoever pushes meanwhile."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from emulator.faults import Effect, Fault, Operation
from emulator.store.collector import Collected, Spare
from emulator.testing import Azure
from tests.integration.emulator.support import EMPTY, Oci, arm_client, digest_of, layer, manifest

NOTHING = Spare(blobs=0, uploads=0)


@pytest.fixture
async def azure(tmp_path: Path) -> AsyncIterator[Azure]:
    async with Azure(registries=("dev", "prod"), data=tmp_path, spare=Spare(3600, 3600)) as azure:
        yield azure


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "blobs").rglob("*") if path.is_file())


def hex_of(*contents: bytes) -> list[str]:
    return sorted(digest_of(content).partition(":")[2] for content in contents)


class TestBlobs:
    async def test_that_no_manifest_names_are_removed(self, azure: Azure, dev: Oci, tmp_path: Path) -> None:
        for content in (EMPTY, b"used", b"unused", b""):
            await dev.push_blob(content)
        await dev.push_manifest(manifest(layers=[layer(b"used")]), "v1")

        collected = await azure.collect(NOTHING)

        assert collected == Collected(blobs=2, files=2, bytes=len(b"unused"), uploads=0)
        assert (await dev.ask("HEAD", f"blobs/{digest_of(b'unused')}")).status == 404
        assert (await dev.ask("GET", f"blobs/{digest_of(b'used')}")).body == b"used"
        assert files(tmp_path) == hex_of(EMPTY, b"used")

    async def test_are_spared_for_a_while(self, azure: Azure, dev: Oci) -> None:
        digest = await dev.push_blob(b"soon to be named")

        assert await azure.collect() == Collected(0, 0, 0, 0)

        assert (await dev.ask("HEAD", f"blobs/{digest}")).status == 200

    async def test_that_a_client_was_told_of_are_spared_anew(self, azure: Azure, dev: Oci) -> None:
        for content in (b"told of", b"mounted", b"forgotten"):
            await dev.push_blob(content)
        pushed = time.time()
        await asyncio.sleep(0.2)
        await dev.ask("HEAD", f"blobs/{digest_of(b'told of')}")
        await dev.ask("POST", f"blobs/uploads/?mount={digest_of(b'mounted')}")

        assert (await azure.collect(Spare(blobs=time.time() - pushed, uploads=0))).blobs == 1

        for content, status in ((b"told of", 200), (b"mounted", 200), (b"forgotten", 404)):
            assert (await dev.ask("HEAD", f"blobs/{digest_of(content)}")).status == status

    async def test_of_deleted_manifests_are_removed(self, azure: Azure, dev: Oci, tmp_path: Path) -> None:
        await dev.push_blob(b"shared")
        await dev.push_blob(b"own")
        stays = await dev.push("v1", layers=[layer(b"shared")])
        goes = await dev.push("v2", layers=[layer(b"shared"), layer(b"own")])
        await dev.ask("DELETE", f"manifests/{goes}")

        await azure.collect(NOTHING)

        assert files(tmp_path) == hex_of(EMPTY, b"shared")
        assert (await dev.ask("HEAD", f"manifests/{stays}")).status == 200

    async def test_stay_while_another_repository_or_registry_has_them(
        self, azure: Azure, dev: Oci, prod: Oci
    ) -> None:
        for oci in (dev, prod, Oci(dev.session, dev.url, "shop/api")):
            await oci.push_blob(b"layer")
            await oci.push("v1", layers=[layer(b"layer")])
        for path in ("/acr/v1/shop/web", "/acr/v1/shop/api"):
            assert (await dev.ask("DELETE", path)).status == 202
            await azure.collect(NOTHING)

            assert (await dev.ask("HEAD", f"blobs/{digest_of(b'layer')}")).status == 404
            assert (await prod.ask("GET", f"blobs/{digest_of(b'layer')}")).body == b"layer"

    async def test_of_an_index_and_its_children_stay(self, azure: Azure, dev: Oci, prod: Oci) -> None:
        digest = await azure.registry("dev").push("shop/web:v1")
        source: Any = {
            "source": {"sourceImage": f"shop/web@{digest}", "resourceId": azure.registry("dev").resource_id},
            "targetTags": ["shop/web:v1"],
        }
        async with arm_client(azure) as client:
            await (await client.registries.begin_import_image("promoter", "prod", source)).result()
        await dev.ask("DELETE", "/acr/v1/shop/web")

        await azure.collect(NOTHING)

        for child in (await prod.ask("GET", "manifests/v1")).json["manifests"]:
            for one in (await prod.ask("GET", f"manifests/{child['digest']}")).json["layers"]:
                assert (await prod.ask("HEAD", f"blobs/{one['digest']}")).status == 200

    async def test_left_by_a_killed_process_are_removed_at_the_next_start(self, tmp_path: Path) -> None:
        orphan = tmp_path / "blobs" / "sha256" / "00" / ("0" * 64)
        orphan.parent.mkdir(parents=True)
        orphan.write_bytes(b"a file that no repository has")

        async with Azure(registries=("dev",), data=tmp_path):
            async with asyncio.timeout(10):
                while orphan.exists():  # noqa: ASYNC110 - removed beside the requests
                    await asyncio.sleep(0.005)


class TestBesideOthers:
    async def test_a_manifest_that_was_taken_has_its_blobs(self, azure: Azure, tmp_path: Path) -> None:
        """Clients push and delete the same blobs while all that has no manifest yet is collected at once."""
        spare, done = Spare(blobs=0, uploads=60), asyncio.Event()

        async def collect() -> int:
            rounds = 0
            while not done.is_set():
                await azure.collect(spare)
                rounds += 1
                await asyncio.sleep(0.01)  # else no push comes to its end
            return rounds

        async def push(number: int) -> None:
            oci = Oci(azure.session, azure.registry("dev").url, f"shop/web{number}")
            for turn in range(8):
                content = b"layer %d" % (turn % 2)
                image = manifest(layers=[layer(content)])
                status = 404
                while status == 404:  # collected before it was named
                    await oci.push_blob(EMPTY)
                    await oci.push_blob(content)
                    status = (await oci.push_manifest(image, "v1")).status
                assert status == 201
                assert (await oci.ask("GET", f"blobs/{digest_of(content)}")).body == content
                if turn < 7:
                    await oci.ask("DELETE", f"manifests/{digest_of(image)}")

        async with asyncio.TaskGroup() as group:
            collecting = group.create_task(collect())
            async with asyncio.TaskGroup() as pushing:
                for number in range(4):
                    pushing.create_task(push(number))
            done.set()

        assert collecting.result() > 2
        await azure.collect(NOTHING)
        assert files(tmp_path) == hex_of(EMPTY, b"layer 1")

    async def test_an_import_from_elsewhere_keeps_what_it_fetched(self, azure: Azure, tmp_path: Path) -> None:
        async with Azure(registries=("upstream",), data=tmp_path / "elsewhere") as elsewhere:
            upstream = Oci(elsewhere.session, elsewhere.registry("upstream").url)
            for content in (b"first", b"slow"):
                await upstream.push_blob(content)
            digest = await upstream.push("v1", layers=[layer(b"first"), layer(b"slow")])
            slow = f"shop/web@{digest_of(b'slow')}"
            elsewhere.faults.add(Fault(Operation.BLOB_READ, Effect.DELAY, subject=slow, seconds=0.3))
            source: Any = {"source": {"sourceImage": "shop/web:v1", "registryUri": upstream.url}}
            async with arm_client(azure) as client, asyncio.TaskGroup() as group:
                poller = await client.registries.begin_import_image("promoter", "dev", source)
                group.create_task(poller.result())
                while azure.busy:
                    await azure.collect(NOTHING)
                    await asyncio.sleep(0.01)

        assert await azure.registry("dev").digest("shop/web:v1") == digest
        assert files(tmp_path) == hex_of(EMPTY, b"first", b"slow")

    async def test_what_a_failed_import_fetched_is_removed(self, azure: Azure, tmp_path: Path) -> None:
        async with Azure(registries=("upstream",), data=tmp_path / "elsewhere") as elsewhere:
            upstream = Oci(elsewhere.session, elsewhere.registry("upstream").url)
            for content in (b"first", b"cut in half"):
                await upstream.push_blob(content)
            await upstream.push("v1", layers=[layer(b"first"), layer(b"cut in half")])
            cut = f"shop/web@{digest_of(b'cut in half')}"
            elsewhere.faults.add(Fault(Operation.BLOB_READ, Effect.CUT, subject=cut))
            source: Any = {"source": {"sourceImage": "shop/web:v1", "registryUri": upstream.url}}
            async with arm_client(azure) as client:
                poller = await client.registries.begin_import_image("promoter", "dev", source)
                with pytest.raises(Exception, match="could not be read"):
                    await poller.result()

        await azure.collect(NOTHING)

        assert files(tmp_path) == []
        assert list((tmp_path / "uploads").iterdir()) == []


class TestUploads:
    async def test_that_receive_nothing_expire(self, azure: Azure, dev: Oci, tmp_path: Path) -> None:
        locations = [(await dev.ask("POST", "blobs/uploads/")).headers["Location"] for _ in range(2)]
        idle, active = locations
        for location in locations:
            await dev.ask("PATCH", location, data=b"content")
        long_ago = time.time() - 7200
        os.utime(tmp_path / "uploads" / idle.rpartition("/")[2], (long_ago, long_ago))

        assert (await azure.collect()).uploads == 1

        gone = await dev.ask("PATCH", idle, data=b"more")
        assert (gone.status, gone.code) == (404, "BLOB_UPLOAD_UNKNOWN")
        put = await dev.ask("PUT", f"{active}?digest={digest_of(b'content')}")
        assert put.status == 201
        assert list((tmp_path / "uploads").iterdir()) == []

    async def test_of_an_earlier_process_expire_too(self, tmp_path: Path) -> None:
        async with Azure(registries=("dev",), data=tmp_path / "twice") as azure:
            dev = Oci(azure.session, azure.registry("dev").url)
            location = (await dev.ask("POST", "blobs/uploads/")).headers["Location"]
        async with Azure(registries=("dev",), data=tmp_path / "twice") as azure:
            assert (await azure.collect(NOTHING)).uploads == 1
            dev = Oci(azure.session, azure.registry("dev").url)
            assert (await dev.ask("GET", location)).status == 404

    async def test_that_are_receiving_go_on(self, azure: Azure, dev: Oci) -> None:
        location = (await dev.ask("POST", "blobs/uploads/")).headers["Location"]
        half = asyncio.Event()

        async def content() -> AsyncIterator[bytes]:
            yield b"first half, "
            await half.wait()
            yield b"second half"

        async with asyncio.TaskGroup() as group:
            sending = group.create_task(dev.ask("PATCH", location, data=content()))
            await asyncio.sleep(0.05)
            assert (await azure.collect(NOTHING)).uploads == 0
            half.set()

        assert sending.result().status == 202
        whole = digest_of(b"first half, second half")
        assert (await dev.ask("PUT", f"{location}?digest={whole}")).status == 201


async def test_by_http_now(azure: Azure, dev: Oci) -> None:
    await dev.push_blob(b"unused")
    control = Oci(azure.session, azure.arm_url)

    spared = await control.ask("POST", "/emulator/collect")
    collected = await control.ask("POST", "/emulator/collect", json={"blobs": 0})
    nonsense = await control.ask("POST", "/emulator/collect", json={"blobs": "all"})

    assert spared.json == {"blobs": 0, "files": 0, "bytes": 0, "uploads": 0}
    assert collected.json == {"blobs": 1, "files": 1, "bytes": 6, "uploads": 0}
    assert nonsense.status == 400
