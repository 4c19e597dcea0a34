"""importImage, driven by Azure's client for it (azure-mgmt-containerregistry)."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.mgmt.containerregistry.aio import ContainerRegistryManagementClient
from azure.mgmt.containerregistry.models import ImportImageParameters, ImportMode, ImportSource

from emulator.faults import Effect, Fault, Operation, SameDigest
from emulator.testing import Azure
from tests.integration.emulator.support import (
    EMPTY,
    OCI_INDEX,
    Answer,
    Oci,
    answered,
    digest_of,
    index,
    manifest,
    until,
)


async def failing(work: Coroutine[object, object, None]) -> HttpResponseError:
    with pytest.raises(HttpResponseError) as raised:
        await work
    return raised.value


NOWHERE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/none"


class Importer:
    """Imports from dev into prod, as the promoter would."""

    def __init__(self, azure: Azure, arm: ContainerRegistryManagementClient) -> None:
        self._azure, self._arm = azure, arm

    async def __call__(
        self,
        image: str,
        *tags: str,
        untagged: tuple[str, ...] = (),
        mode: ImportMode = ImportMode.NO_FORCE,
        source: str = "dev",
        target: str = "prod",
        **other_source: Any,  # noqa: ANN401 - wire names and values
    ) -> None:
        place = other_source or {"resourceId": self._azure.registry(source).resource_id}
        parameters = ImportImageParameters(
            source=ImportSource({"sourceImage": image} | place),
            target_tags=list(tags),
            untagged_target_repositories=list(untagged),
            mode=mode,
        )
        poller = await self._arm.registries.begin_import_image(
            self._azure.resource_group, target, parameters, polling_interval=0
        )
        await poller.result()


@pytest.fixture
def importing(azure: Azure, arm: ContainerRegistryManagementClient) -> Importer:
    return Importer(azure, arm)


class TestWhatIsCopied:
    async def test_an_index_by_digest_with_all_its_platforms(self, azure: Azure, importing: Importer) -> None:
        digest = await azure.registry("dev").push(
            "shop/web:v1", platforms=("linux/amd64", "linux/arm64", "linux/s390x")
        )

        await importing(f"shop/web@{digest}", "shop/web:v1")

        assert await azure.registry("prod").digest("shop/web:v1") == digest
        prod = Oci(azure.session, azure.registry("prod").url)
        children = (await prod.ask("GET", f"manifests/{digest}")).json["manifests"]
        assert len(children) == 3
        for child in children:
            platform = (await prod.ask("GET", f"manifests/{child['digest']}")).json
            for blob in (platform["config"], *platform["layers"]):
                got = await prod.ask("GET", f"blobs/{blob['digest']}")
                assert digest_of(got.body) == blob["digest"]

    async def test_a_tag(self, azure: Azure, importing: Importer) -> None:
        digest = await azure.registry("dev").push("shop/web:v1")

        await importing("shop/web:v1", "released/web:1.0")

        assert await azure.registry("prod").digest("released/web:1.0") == digest

    async def test_to_several_tags_and_repositories(self, azure: Azure, importing: Importer) -> None:
        digest = await azure.registry("dev").push("shop/web:v1")

        await importing("shop/web:v1", "shop/web:v1", "shop/web:current", "other/web:v1")

        for image in ("shop/web:v1", "shop/web:current", "other/web:v1"):
            assert await azure.registry("prod").digest(image) == digest

    async def test_without_a_tag(self, azure: Azure, importing: Importer) -> None:
        digest = await azure.registry("dev").push("shop/web:v1")

        await importing("shop/web:v1", untagged=("shop/web", "mirror/web"))

        for repository in ("shop/web", "mirror/web"):
            assert await azure.registry("prod").digest(f"{repository}@{digest}") == digest
            assert await azure.registry("prod").digest(f"{repository}:v1") is None

    async def test_under_the_sources_name_where_none_is_given(
        self, azure: Azure, importing: Importer
    ) -> None:
        digest = await azure.registry("dev").push("shop/web:v1")

        await importing("shop/web:v1")

        assert await azure.registry("prod").digest("shop/web:v1") == digest

    async def test_within_one_registry_it_is_a_retag(self, azure: Azure, importing: Importer) -> None:
        digest = await azure.registry("prod").push("shop/web:v1")

        await importing(f"shop/web@{digest}", "shop/web:current", source="prod")

        assert await azure.registry("prod").digest("shop/web:current") == digest

    async def test_from_a_login_server_of_this_emulator(self, azure: Azure, importing: Importer) -> None:
        digest = await azure.registry("dev").push("shop/web:v1")

        await importing("shop/web:v1", "shop/web:v1", registryUri=azure.registry("dev").login_server)

        assert await azure.registry("prod").digest("shop/web:v1") == digest

    async def test_fifty_manifests_and_no_more(self, azure: Azure, dev: Oci, importing: Importer) -> None:
        await dev.push_blob(EMPTY)
        children = [manifest(annotations={"n": str(number)}) for number in range(50)]
        for child in children:
            await dev.push_manifest(child)
        await dev.push_manifest(index(children[:49]), "fits", OCI_INDEX)
        await dev.push_manifest(index(children), "too-many", OCI_INDEX)

        await importing("shop/web:fits", "shop/web:fits")
        with pytest.raises(HttpResponseError, match="more than 50 manifests"):
            await importing("shop/web:too-many", "shop/web:too-many")

        assert await azure.registry("prod").digest("shop/web:fits") is not None
        assert await azure.registry("prod").digest("shop/web:too-many") is None

    async def test_referrers_stay_behind(self, azure: Azure, dev: Oci, importing: Importer) -> None:
        image = await dev.push("v1")
        await dev.push_manifest(manifest(subject={"digest": image, "size": 1, "mediaType": "x"}))

        await importing("shop/web:v1", "shop/web:v1")

        prod = Oci(azure.session, azure.registry("prod").url)
        assert (await prod.ask("GET", f"referrers/{image}")).json["manifests"] == []


class TestModes:
    async def test_no_force_does_not_move_a_tag(self, azure: Azure, importing: Importer) -> None:
        there = await azure.registry("prod").push("shop/web:v1")
        await azure.registry("dev").push("shop/web:v1")

        with pytest.raises(ResourceExistsError) as raised:
            await importing("shop/web:v1", "shop/web:new", "shop/web:v1")

        assert raised.value.status_code == 409
        assert await azure.registry("prod").digest("shop/web:v1") == there
        assert await azure.registry("prod").digest("shop/web:new") is None

    async def test_force_moves_it(self, azure: Azure, importing: Importer) -> None:
        await azure.registry("prod").push("shop/web:v1")
        digest = await azure.registry("dev").push("shop/web:v1")

        await importing("shop/web:v1", "shop/web:v1", mode=ImportMode.FORCE)

        assert await azure.registry("prod").digest("shop/web:v1") == digest

    @pytest.mark.parametrize("image", ["shop/web:v1", "shop/web@{digest}"])
    async def test_no_force_onto_the_same_digest_is_a_switch(
        self, azure: Azure, importing: Importer, image: str
    ) -> None:
        digest = await azure.registry("dev").push("shop/web:v1")
        await importing("shop/web:v1", "shop/web:v1")

        with pytest.raises(ResourceExistsError):
            await importing(image.format(digest=digest), "shop/web:v1")
        azure.faults.no_force_same_digest = SameDigest.SUCCESS
        await importing(image.format(digest=digest), "shop/web:v1")

        await azure.registry("dev").push("shop/web:v1")
        with pytest.raises(ResourceExistsError):
            await importing("shop/web:v1", "shop/web:v1")

    async def test_a_tag_that_comes_while_the_import_runs_is_not_moved(
        self, azure: Azure, importing: Importer
    ) -> None:
        await azure.registry("dev").push("shop/web:v1")
        late = Fault(Operation.IMPORT_RUN, Effect.DELAY, seconds=0.5)
        azure.faults.add(late)

        async with asyncio.TaskGroup() as group:
            running = group.create_task(failing(importing("shop/web:v1", "shop/web:v1")))
            await until(lambda: azure.busy)
            there = await azure.registry("prod").push("shop/web:v1")

        assert "already exists" in str(running.result())
        assert await azure.registry("prod").digest("shop/web:v1") == there

    async def test_a_locked_tag_is_not_moved_by_force_either(
        self, azure: Azure, prod: Oci, importing: Importer
    ) -> None:
        there = await azure.registry("prod").push("shop/web:v1")
        await azure.registry("dev").push("shop/web:v1")
        await prod.ask("PATCH", "/acr/v1/shop/web/_tags/v1", json={"writeEnabled": False})

        with pytest.raises(HttpResponseError):
            await importing("shop/web:v1", "shop/web:v1", mode=ImportMode.FORCE)

        assert await azure.registry("prod").digest("shop/web:v1") == there


class TestWhatFails:
    @pytest.mark.parametrize("image", ["shop/web:none", f"shop/web@sha256:{'0' * 64}", "shop/none:v1"])
    async def test_a_missing_image_shows_as_400_on_the_poll(self, importing: Importer, image: str) -> None:
        error = await failing(importing(image, "shop/web:v1"))

        assert (error.status_code, error.error and error.error.code) == (400, "InvalidParameters")
        assert answered(error).request.method == "GET"

    async def test_an_image_whose_layer_was_deleted_is_missing_too(
        self, azure: Azure, dev: Oci, importing: Importer
    ) -> None:
        await dev.push("v1")
        await dev.ask("DELETE", f"blobs/{digest_of(EMPTY)}")

        error = await failing(importing("shop/web:v1", "shop/web:v1"))

        assert error.status_code == 400
        assert await azure.registry("prod").digest("shop/web:v1") is None

    async def test_a_missing_source_registry_is_404(self, importing: Importer) -> None:
        error = await failing(importing("shop/web:v1", "shop/web:v1", resourceId=NOWHERE))

        assert (error.status_code, error.error and error.error.code) == (404, "ResourceNotFound")

    async def test_a_missing_target_registry_is_404(self, importing: Importer) -> None:
        error = await failing(importing("shop/web:v1", "shop/web:v1", target="none"))

        assert (error.status_code, error.error and error.error.code) == (404, "ResourceNotFound")

    @pytest.mark.parametrize(
        ("image", "target"),
        [
            ("Shop/Web:v1", "shop/web:v1"),
            ("shop/web:v 1", "shop/web:v1"),
            ("shop/web@sha256:short", "shop/web:v1"),
            ("shop/web:v1", "shop/web@sha256:short"),
            ("shop/web:v1", "shop/web:-"),
        ],
    )
    async def test_names_that_are_none_are_400_at_once(
        self, importing: Importer, image: str, target: str
    ) -> None:
        error = await failing(importing(image, target))

        assert (error.status_code, error.error and error.error.code) == (400, "InvalidParameters")
        assert answered(error).request.method == "POST"

    async def test_one_source_is_needed_and_no_more(self, azure: Azure, importing: Importer) -> None:
        both: dict[str, Any] = {"resourceId": azure.registry("dev").resource_id, "registryUri": "127.0.0.1:1"}

        error = await failing(importing("shop/web:v1", "shop/web:v1", **both))

        assert (error.status_code, answered(error).request.method) == (400, "POST")


NO_OPERATION = "/subscriptions/s/providers/Microsoft.ContainerRegistry/locations/l/operationResults/none"


async def test_an_import_that_ends_unexpectedly_does_not_go_on_for_ever(
    azure: Azure, importing: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        message = "a bug"
        raise RuntimeError(message)

    monkeypatch.setattr("emulator.arm.imports.read_image", broken)

    error = await failing(importing("shop/web:v1", "shop/web:v1"))

    assert (error.status_code, error.error and error.error.code) == (400, "InternalServerError")


class TestTheWire:
    IMPORT = (
        "/subscriptions/{0.subscription_id}/resourceGroups/promoter/providers"
        "/Microsoft.ContainerRegistry/registries/prod/importImage"
    )

    async def ask(
        self, azure: Azure, method: str, address: str, *, token: bool = True, **more: object
    ) -> Answer:
        headers = {"Authorization": "Bearer x"} if token else {}
        return await Oci(azure.session, azure.arm_url).ask(method, address, headers=headers, **more)

    async def test_202_then_200(self, azure: Azure) -> None:
        digest = await azure.registry("dev").push("shop/web:v1")
        source = {"sourceImage": f"shop/web@{digest}", "resourceId": azure.registry("dev").resource_id}
        body = {"source": source, "targetTags": ["shop/web:v1"], "mode": "NoForce"}

        accepted = await self.ask(azure, "POST", self.IMPORT.format(azure) + "?api-version=1", json=body)
        location = accepted.headers["Location"].removeprefix(azure.arm_url)
        await azure.settled()
        done = await self.ask(azure, "GET", location)

        assert (accepted.status, accepted.body) == (202, b"null")
        assert "/locations/local/operationResults/registries-" in location
        assert accepted.headers["retry-after-ms"] == "10"
        assert "Retry-After" not in accepted.headers
        assert (done.status, done.json) == (200, {"status": "Succeeded"})

    async def test_a_token_and_an_api_version_are_needed(self, azure: Azure) -> None:
        address = f"/subscriptions/{azure.subscription_id}/providers/Microsoft.ContainerRegistry/registries"

        nobody = await self.ask(azure, "GET", f"{address}?api-version=1", token=False)
        no_version = await self.ask(azure, "GET", address)

        assert (nobody.status, nobody.json["error"]["code"]) == (401, "AuthenticationFailed")
        assert (no_version.status, no_version.json["error"]["code"]) == (400, "MissingApiVersionParameter")

    async def test_paths_are_compared_without_case(self, azure: Azure) -> None:
        address = self.IMPORT.format(azure).removesuffix("/importImage") + "?api-version=1"

        for spelled in (address.lower(), address.replace("subscriptions", "SUBSCRIPTIONS")):
            assert (await self.ask(azure, "GET", spelled)).json["name"] == "prod"

    @pytest.mark.parametrize("version", ["2019-05-01", "2025-11-01", "2099-01-01-preview"])
    async def test_any_api_version_will_do(self, azure: Azure, version: str) -> None:
        address = f"/subscriptions/{azure.subscription_id}/providers/Microsoft.ContainerRegistry/registries"

        assert (await self.ask(azure, "GET", f"{address}?api-version={version}")).status == 200

    @pytest.mark.parametrize(
        ("method", "address", "status"),
        [
            ("GET", "/subscriptions/s/providers/Microsoft.Storage/storageAccounts?api-version=1", 404),
            ("GET", "/nothing", 404),
            ("GET", f"{NO_OPERATION}?api-version=1", 404),
            ("POST", "/emulator/health", 405),
            ("PUT", "/emulator/faults", 400),
        ],
    )
    async def test_every_error_has_one_shape(
        self, azure: Azure, method: str, address: str, status: int
    ) -> None:
        answer = await self.ask(azure, method, address)

        assert answer.status == status
        assert set(answer.json["error"]) == {"code", "message"}

    @pytest.mark.parametrize(
        "body", [b"", b"{}", b"[]", b'{"source": {}}', b'{"source": {"sourceImage": 1}}']
    )
    async def test_a_body_that_is_none_is_400(self, azure: Azure, body: bytes) -> None:
        answer = await self.ask(azure, "POST", self.IMPORT.format(azure) + "?api-version=1", data=body)

        assert (answer.status, answer.json["error"]["code"]) == (400, "InvalidParameters")
