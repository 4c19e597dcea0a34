"""importImage from a registry that is not this emulator's: here, another emulator."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.containerregistry.aio import ContainerRegistryManagementClient

from emulator.testing import Azure
from tests.integration.emulator.support import Oci, digest_of

Arm = ContainerRegistryManagementClient
TOKEN_USER = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def elsewhere(tmp_path: Path) -> AsyncIterator[Azure]:
    async with Azure(registries=("upstream",), data=tmp_path / "elsewhere") as other:
        yield other


async def import_from(arm: Arm, uri: str, image: str, **credentials: str) -> None:
    source: dict[str, object] = {"sourceImage": image, "registryUri": uri}
    if credentials:
        source["credentials"] = credentials
    parameters: Any = {"source": source, "targetTags": ["mirror/web:v1", "mirror/web:current"]}
    await (
        await arm.registries.begin_import_image("promoter", "dev", parameters, polling_interval=0)
    ).result()


@pytest.mark.parametrize("scheme", ["", "http://"])
@pytest.mark.parametrize("by", ["tag", "digest"])
async def test_the_whole_image_arrives(
    azure: Azure, arm: Arm, elsewhere: Azure, by: str, scheme: str
) -> None:
    upstream = elsewhere.registry("upstream")
    digest = await upstream.push("library/web:v1")
    image = "library/web:v1" if by == "tag" else f"library/web@{digest}"

    await import_from(arm, scheme + upstream.login_server, image)

    dev = Oci(azure.session, azure.registry("dev").url, "mirror/web")
    for tag in ("v1", "current"):
        assert await azure.registry("dev").digest(f"mirror/web:{tag}") == digest
    for child in (await dev.ask("GET", "manifests/v1")).json["manifests"]:
        for layer in (await dev.ask("GET", f"manifests/{child['digest']}")).json["layers"]:
            assert digest_of((await dev.ask("GET", f"blobs/{layer['digest']}")).body) == layer["digest"]


async def test_with_credentials(azure: Azure, arm: Arm, tmp_path: Path) -> None:
    async with Azure(registries=("upstream",), data=tmp_path / "guarded") as open_to_all:
        digest = await open_to_all.registry("upstream").push("library/web:v1")
    async with Azure(registries=("upstream",), data=tmp_path / "guarded", anonymous=False) as guarded:
        upstream = guarded.registry("upstream")
        oci = Oci(guarded.session, upstream.url)
        exchanged = await oci.ask("POST", "/oauth2/exchange", data={"access_token": "entra"})
        password = exchanged.json["refresh_token"]

        with pytest.raises(HttpResponseError) as refused:
            await import_from(
                arm, upstream.login_server, "library/web:v1", username="someone", password="wrong"
            )
        await import_from(
            arm, upstream.login_server, "library/web:v1", username=TOKEN_USER, password=password
        )

    assert refused.value.status_code == 400
    assert await azure.registry("dev").digest("mirror/web:v1") == digest


async def test_what_is_not_there_fails(arm: Arm, elsewhere: Azure) -> None:
    with pytest.raises(HttpResponseError, match="was not found"):
        await import_from(arm, elsewhere.registry("upstream").login_server, "library/none:v1")


async def test_a_registry_that_is_down_fails(arm: Arm) -> None:
    with pytest.raises(HttpResponseError, match="could not be read") as raised:
        await import_from(arm, "127.0.0.1:9", "library/web:v1")

    assert raised.value.status_code == 400


async def test_a_blob_that_is_other_content_than_its_digest_says_is_not_taken(
    azure: Azure, arm: Arm, elsewhere: Azure, tmp_path: Path
) -> None:
    await elsewhere.registry("upstream").push("library/web:v1")
    for path in (tmp_path / "elsewhere" / "blobs").rglob("*"):
        if path.is_file():
            path.write_bytes(bytes(path.stat().st_size))

    with pytest.raises(HttpResponseError, match="did not match"):
        await import_from(arm, elsewhere.registry("upstream").login_server, "library/web:v1")

    assert await azure.registry("dev").digest("mirror/web:v1") is None
    assert list((tmp_path / "uploads").iterdir()) == []
