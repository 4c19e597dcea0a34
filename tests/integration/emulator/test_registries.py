"""Registries as resources, driven by Azure's client for them: sync and aio."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.policies import AzureKeyCredentialPolicy
from azure.mgmt.containerregistry import ContainerRegistryManagementClient as SyncClient
from azure.mgmt.containerregistry.aio import ContainerRegistryManagementClient as Client
from azure.mgmt.containerregistry.models import RegistryNameCheckRequest

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.eventgrid.subscription import Subscription
from emulator.faults import Effect, Fault, Operation
from emulator.testing import Azure
from tests.integration.emulator.support import Oci, Webhook, arm_client

REGISTRIES = "Microsoft.ContainerRegistry/registries"


class TestReading:
    async def test_one(self, azure: Azure, arm: Client) -> None:
        registry = await arm.registries.get("PROMOTER", "Dev")

        assert registry.id == azure.registry("dev").resource_id
        assert registry.login_server == azure.registry("dev").login_server
        assert (registry.admin_user_enabled, registry.anonymous_pull_enabled) == (False, False)

    async def test_how_it_is_switched_shows(self, azure: Azure, arm: Client) -> None:
        azure.switch("dev", RegistrySwitches(Auth.BASIC))
        azure.switch("prod", RegistrySwitches(Auth.ANONYMOUS_PULL))

        assert (await arm.registries.get("promoter", "dev")).admin_user_enabled
        assert (await arm.registries.get("promoter", "prod")).anonymous_pull_enabled

    async def test_all(self, arm: Client) -> None:
        everything = [one.name async for one in arm.registries.list()]
        group = [one.name async for one in arm.registries.list_by_resource_group("promoter")]
        other = [one.name async for one in arm.registries.list_by_resource_group("other")]

        assert (everything, group, other) == (["dev", "prod"], ["dev", "prod"], [])

    async def test_one_that_is_not_there(self, arm: Client) -> None:
        with pytest.raises(ResourceNotFoundError) as raised:
            await arm.registries.get("promoter", "none")

        assert raised.value.error is not None
        assert raised.value.error.code == "ResourceNotFound"

    async def test_can_go_wrong(self, azure: Azure, arm: Client) -> None:
        azure.faults.add(Fault(Operation.REGISTRY_READ, Effect.STATUS, registry="dev", status=503))

        with pytest.raises(HttpResponseError) as raised:
            await arm.registries.get("promoter", "dev")

        assert raised.value.status_code == 503
        assert (await arm.registries.get("promoter", "prod")).name == "prod"


class TestNames:
    @pytest.mark.parametrize(
        ("name", "available", "reason"),
        [
            ("dev01", True, None),
            ("Stage", False, "AlreadyExists"),
            ("ab", False, "Invalid"),
            ("a-b-c", False, "Invalid"),
        ],
    )
    async def test_are_free_taken_or_none(
        self, tmp_path: Path, name: str, *, available: bool, reason: str | None
    ) -> None:
        async with Azure(registries=("stage",), data=tmp_path) as azure, arm_client(azure) as client:
            wanted = RegistryNameCheckRequest(name=name, type=REGISTRIES)
            answer = await client.registries.check_name_availability(wanted)

        assert (answer.name_available, answer.reason) == (available, reason)
        assert available or answer.message


class TestCredentials:
    async def test_of_the_admin_user(self, azure: Azure, arm: Client, dev: Oci) -> None:
        azure.switch("dev", RegistrySwitches(Auth.BASIC))

        before = await arm.registries.list_credentials("promoter", "dev")
        wanted: Any = {"name": "password"}
        after = await arm.registries.regenerate_credential("promoter", "dev", wanted)

        assert before.username == "dev"
        assert before.passwords
        assert after.passwords
        assert before.passwords[0].value != after.passwords[0].value == azure.password("dev")
        assert before.passwords[1].value == after.passwords[1].value

    async def test_of_nobody_where_it_is_disabled(self, arm: Client) -> None:
        with pytest.raises(HttpResponseError, match="admin user is disabled"):
            await arm.registries.list_credentials("promoter", "dev")

    async def test_as_the_admin_user_is_enabled_and_disabled(
        self, azure: Azure, arm: Client, dev: Oci
    ) -> None:
        async def update(**properties: bool) -> Any:  # noqa: ANN401 - what the client gives
            wanted: Any = {"properties": properties}
            registry = await (await arm.registries.begin_update("promoter", "dev", wanted)).result()
            return registry.admin_user_enabled

        assert await update(adminUserEnabled=True)
        assert (await arm.registries.list_credentials("promoter", "dev")).username == "dev"
        assert (await dev.ask("GET", "/v2/")).status == 401
        assert await update()
        assert not await update(adminUserEnabled=False)
        assert not await update(anonymousPullEnabled=True)
        assert (await dev.ask("GET", f"/oauth2/token?service={dev.service}")).status == 200

    async def test_with_a_name_that_is_none(self, azure: Azure, arm: Client) -> None:
        azure.switch("dev", RegistrySwitches(Auth.BASIC))
        wanted: Any = {"name": "password3"}

        with pytest.raises(HttpResponseError) as raised:
            await arm.registries.regenerate_credential("promoter", "dev", wanted)

        assert raised.value.status_code == 400


class TestEventSubscriptions:
    async def get(self, azure: Azure, path: str, registry: str = "dev") -> Any:  # noqa: ANN401
        scope = azure.registry(registry).resource_id
        address = f"{scope}/providers/Microsoft.EventGrid/eventSubscriptions{path}?api-version=2025-02-15"
        headers = {"Authorization": "Bearer me"}
        return await Oci(azure.session, azure.arm_url).ask("GET", address, headers=headers)

    async def test_of_a_registry_are_listed_without_the_endpoints_secret(
        self, azure: Azure, webhook: Webhook
    ) -> None:
        wanted = Subscription(
            f"{webhook.url}?code=secret",
            registries=["Dev"],
            subject_begins_with="shop/",
            max_delivery_attempts=5,
        )
        await azure.add_subscription("promoter", wanted)

        listed = (await self.get(azure, "")).json["value"]

        (one,) = listed
        assert one["name"] == "promoter"
        assert one["id"].startswith(azure.registry("dev").resource_id)
        properties = one["properties"]
        assert properties["provisioningState"] == "Succeeded"
        assert properties["destination"]["properties"]["endpointBaseUrl"] == webhook.url
        assert properties["filter"]["subjectBeginsWith"] == "shop/"
        assert properties["retryPolicy"] == {"maxDeliveryAttempts": 5, "eventTimeToLiveInMinutes": 1440}
        assert properties["eventDeliverySchema"] == "EventGridSchema"
        assert (await self.get(azure, "", "prod")).json == {"value": []}
        assert (await self.get(azure, "/Promoter")).json == one
        assert (await self.get(azure, "/none")).status == 404

    async def test_need_the_right_to_read_them(self, azure: Azure) -> None:
        azure.assign("me", dev="AcrPull")
        assert (await self.get(azure, "")).status == 403

        azure.assign("me", dev="Reader")
        assert (await self.get(azure, "")).status == 200


class TestSync:
    @pytest.fixture
    def client(self, azure: Azure) -> Iterator[SyncClient]:
        key: Any = AzureKeyCredentialPolicy(AzureKeyCredential("me"), "Authorization", prefix="Bearer")
        nobody: Any = object()  # the policy speaks for it
        with SyncClient(
            nobody, azure.subscription_id, base_url=azure.arm_url, authentication_policy=key
        ) as client:
            yield client

    async def test_reads_and_imports(self, azure: Azure, client: SyncClient) -> None:
        digest = await azure.registry("dev").push("shop/web:v1")
        source = {"sourceImage": f"shop/web@{digest}", "resourceId": azure.registry("dev").resource_id}
        parameters: Any = {"source": source, "targetTags": ["shop/web:v1"]}

        def session() -> list[str | None]:
            client.registries.begin_import_image("promoter", "prod", parameters).result()
            return [registry.name for registry in client.registries.list()]

        assert await asyncio.to_thread(session) == ["dev", "prod"]
        assert await azure.registry("prod").digest("shop/web:v1") == digest

    async def test_sees_an_import_fail(self, azure: Azure, client: SyncClient) -> None:
        parameters: Any = {
            "source": {"sourceImage": "shop/none:v1", "resourceId": azure.registry("dev").resource_id}
        }

        def session() -> None:
            client.registries.begin_import_image("promoter", "prod", parameters).result()

        with pytest.raises(HttpResponseError, match="has no v1"):
            await asyncio.to_thread(session)
