"""Azure Container Registry's own routes, driven by Azure's client for them (azure-containerregistry)."""

import asyncio
import io
import json
from collections.abc import AsyncIterator

import pytest
from azure.containerregistry import ArtifactManifestOrder
from azure.containerregistry import ContainerRegistryClient as SyncClient
from azure.containerregistry.aio import ContainerRegistryClient
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.testing import Azure
from tests.integration.emulator.support import OCI_INDEX, Oci, OverHttp, acr_client, manifest


@pytest.fixture
async def client(azure: Azure) -> AsyncIterator[ContainerRegistryClient]:
    async with acr_client(azure) as client:
        yield client


@pytest.fixture
async def digests(azure: Azure) -> list[str]:
    return [await azure.registry("dev").push(f"shop/web:v{number}") for number in range(1, 4)]


async def test_repositories(client: ContainerRegistryClient, azure: Azure, digests: list[str]) -> None:
    await azure.registry("dev").push("shop/api:v1")

    properties = await client.get_repository_properties("shop/web")

    assert [name async for name in client.list_repository_names(results_per_page=1)] == [
        "shop/api",
        "shop/web",
    ]
    assert (properties.name, properties.manifest_count, properties.tag_count) == ("shop/web", 9, 3)
    assert properties.created_on <= properties.last_updated_on


async def test_tags(client: ContainerRegistryClient, digests: list[str]) -> None:
    listed = [one async for one in client.list_tag_properties("shop/web", results_per_page=2)]
    one = await client.get_tag_properties("shop/web", "v2")

    assert [(tag.name, tag.digest) for tag in listed] == list(zip(("v1", "v2", "v3"), digests, strict=True))
    assert (one.digest, one.can_delete, one.can_write) == (digests[1], True, True)


async def test_manifests(client: ContainerRegistryClient, digests: list[str]) -> None:
    properties = await client.get_manifest_properties("shop/web", "v1")
    listed = [one.digest async for one in client.list_manifest_properties("shop/web", results_per_page=4)]

    assert (properties.digest, properties.tags) == (digests[0], ["v1"])
    assert len(listed) == len(set(listed)) == 9
    assert set(digests) <= set(listed)


@pytest.mark.parametrize(
    ("order", "step"),
    [
        (ArtifactManifestOrder.LAST_UPDATED_ON_ASCENDING, 1),
        (ArtifactManifestOrder.LAST_UPDATED_ON_DESCENDING, -1),
    ],
)
async def test_manifests_by_time(
    client: ContainerRegistryClient, digests: list[str], order: ArtifactManifestOrder, step: int
) -> None:
    pages = client.list_manifest_properties("shop/web", order_by=order, results_per_page=4)
    listed = [one.digest async for one in pages if one.tags]

    assert listed == digests[::step]


async def test_what_is_not_there(client: ContainerRegistryClient, digests: list[str]) -> None:
    for missing in (
        client.get_repository_properties("shop/none"),
        client.get_tag_properties("shop/web", "none"),
        client.get_manifest_properties("shop/web", f"sha256:{'0' * 64}"),
        client.get_manifest("shop/web", "none"),
    ):
        with pytest.raises(ResourceNotFoundError):
            await missing


async def test_a_blob_larger_than_a_chunk_goes_up_and_down(client: ContainerRegistryClient) -> None:
    content = bytes(range(256)) * 20_000  # 5 MB: two chunks

    digest, size = await client.upload_blob("shop/web", io.BytesIO(content))
    stream = await client.download_blob("shop/web", digest)

    assert size == len(content)
    assert b"".join([chunk async for chunk in stream]) == content


async def test_a_manifest_goes_up_and_down(client: ContainerRegistryClient, dev: Oci) -> None:
    await dev.push_blob(b"{}")

    digest = await client.set_manifest("shop/web", io.BytesIO(manifest()), tag="v1")
    got = await client.get_manifest("shop/web", "v1")

    assert got.digest == digest
    assert got.manifest == json.loads(manifest())


async def test_deletions(client: ContainerRegistryClient, azure: Azure, digests: list[str]) -> None:
    dev = azure.registry("dev")

    await client.delete_tag("shop/web", "v1")
    assert await dev.digest("shop/web:v1") is None
    assert await dev.digest(f"shop/web@{digests[0]}") == digests[0]

    await client.delete_manifest("shop/web", "v2")
    assert await dev.digest(f"shop/web@{digests[1]}") is None

    await client.delete_repository("shop/web")
    assert [name async for name in client.list_repository_names()] == []


class TestLocks:
    async def test_a_locked_tag_is_neither_moved_nor_deleted(
        self, client: ContainerRegistryClient, dev: Oci, digests: list[str]
    ) -> None:
        locked = await client.update_tag_properties("shop/web", "v1", can_write=False)
        assert not locked.can_write

        await dev.push_blob(b"{}")
        moved = await dev.push_manifest(manifest(), "v1")
        deleted = await dev.ask("DELETE", "manifests/v1")

        for answer in (moved, deleted):
            assert (answer.status, answer.code) == (405, "UNSUPPORTED")
        assert (await client.get_tag_properties("shop/web", "v1")).digest == digests[0]

    async def test_a_manifest_whose_tag_is_protected_stays(
        self, client: ContainerRegistryClient, digests: list[str]
    ) -> None:
        await client.update_tag_properties("shop/web", "v1", can_delete=False)

        with pytest.raises(HttpResponseError) as refused:
            await client.delete_manifest("shop/web", digests[0])
        assert refused.value.status_code == 405
        with pytest.raises(HttpResponseError):
            await client.delete_repository("shop/web")

        assert len([one async for one in client.list_manifest_properties("shop/web")]) == 9

    async def test_a_protected_manifest_stays_until_it_is_released(
        self, client: ContainerRegistryClient, dev: Oci, digests: list[str]
    ) -> None:
        await client.update_manifest_properties("shop/web", digests[0], can_delete=False)
        assert (await dev.ask("DELETE", f"manifests/{digests[0]}")).status == 405

        await client.update_manifest_properties("shop/web", digests[0], can_delete=True)
        assert (await dev.ask("DELETE", f"manifests/{digests[0]}")).status == 202

    async def test_a_locked_repository_takes_nothing(
        self, client: ContainerRegistryClient, dev: Oci, digests: list[str]
    ) -> None:
        # The client's types say that this is no coroutine.
        await client.update_repository_properties("shop/web", can_write=False)  # type: ignore[attr-defined]

        known = await dev.ask("GET", "manifests/v1")
        assert (await dev.ask("POST", "blobs/uploads/")).status == 405
        assert (await dev.push_manifest(known.body, "v9", OCI_INDEX)).status == 405
        assert (await dev.ask("DELETE", f"manifests/{digests[0]}")).status == 405

    async def test_what_may_not_be_read_is_not_served(
        self, client: ContainerRegistryClient, dev: Oci, digests: list[str]
    ) -> None:
        await client.update_manifest_properties("shop/web", digests[0], can_read=False)

        assert (await dev.ask("GET", "manifests/v1")).status == 405
        assert (await dev.ask("GET", "manifests/v2")).status == 200

    async def test_what_may_not_be_listed_is_left_out(
        self, client: ContainerRegistryClient, dev: Oci, digests: list[str]
    ) -> None:
        await client.update_tag_properties("shop/web", "v2", can_list=False)
        await client.update_manifest_properties("shop/web", digests[2], can_list=False)

        first = await dev.ask("GET", "tags/list?n=1")
        rest = await dev.ask("GET", first.headers["Link"].partition("<")[2].partition(">")[0])

        assert first.json["tags"] + rest.json["tags"] == ["v1", "v3"]
        assert digests[2] not in [one.digest async for one in client.list_manifest_properties("shop/web")]
        await client.update_repository_properties("shop/web", can_list=False)  # type: ignore[attr-defined]
        assert (await dev.ask("GET", "/v2/_catalog")).json["repositories"] == []

    async def test_a_tag_that_is_made_anew_is_not_locked(
        self, client: ContainerRegistryClient, azure: Azure, digests: list[str]
    ) -> None:
        await client.update_tag_properties("shop/web", "v1", can_list=False)
        await client.delete_tag("shop/web", "v1")
        await azure.registry("dev").push("shop/web:v1")

        assert (await client.get_tag_properties("shop/web", "v1")).can_list


async def test_the_client_that_is_not_asynchronous(azure: Azure, digests: list[str]) -> None:
    """It signs in, where that is asked for, by itself: as nobody, who may pull."""
    azure.switch("dev", RegistrySwitches(Auth.ANONYMOUS_PULL))

    def session() -> tuple[list[str], str, int]:
        with SyncClient(
            azure.registry("dev").url,
            None,
            audience="https://containerregistry.azure.net",
            per_call_policies=[OverHttp()],
        ) as client:
            names = [tag.name for tag in client.list_tag_properties("shop/web")]
            digest = client.get_tag_properties("shop/web", "v1").digest
            read = client.get_manifest("shop/web", "v1")
            with pytest.raises(ClientAuthenticationError):
                client.delete_tag("shop/web", "v1")
            return names, digest, len(read.manifest["manifests"])

    names, digest, children = await asyncio.to_thread(session)

    assert (names, digest, children) == (["v1", "v2", "v3"], digests[0], 2)
    azure.switch("dev", RegistrySwitches())
    assert await azure.registry("dev").digest("shop/web:v1") == digests[0]
