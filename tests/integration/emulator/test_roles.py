"""Role checks: who is put under check may do what roles permit; all others may do anything."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.identity.assignments import Assignment
from emulator.identity.roles import IMPORT, PULL, PUSH, READ, find_role
from emulator.testing import Azure
from tests.integration.emulator.support import Answer, Oci, arm_client

IMPORTER = "Container Registry Data Importer and Data Reader"


@pytest.fixture
async def digest(azure: Azure) -> str:
    return await azure.registry("dev").push("shop/web:v1")


async def import_as(azure: Azure, principal: str, **more: Any) -> None:  # noqa: ANN401 - a source
    source = more or {"resourceId": azure.registry("dev").resource_id}
    parameters: Any = {"source": {"sourceImage": "shop/web:v1"} | source, "targetTags": ["shop/web:v1"]}
    async with arm_client(azure, principal, retry_total=0) as client:
        begin = client.registries.begin_import_image
        await (await begin("promoter", "prod", parameters, polling_interval=0)).result()


async def refused(azure: Azure, principal: str) -> tuple[int, str, str]:
    with pytest.raises(HttpResponseError) as raised:
        await import_as(azure, principal)
    error = raised.value.error
    assert error is not None
    assert await azure.registry("prod").digest("shop/web:v1") is None
    return raised.value.status_code or 0, str(error.code), str(error.message)


async def get(azure: Azure, principal: str, path: str) -> Answer:
    headers = {"Authorization": f"Bearer {principal}"}
    return await Oci(azure.session, azure.arm_url).ask("GET", f"{path}?api-version=1", headers=headers)


class TestImporting:
    async def test_with_the_importers_role_on_source_and_target(self, azure: Azure, digest: str) -> None:
        azure.assign("promoter", dev=IMPORTER, prod=IMPORTER)

        await import_as(azure, "promoter")

        assert await azure.registry("prod").digest("shop/web:v1") == digest

    async def test_without_it_on_the_target(self, azure: Azure, digest: str) -> None:
        azure.assign("promoter", dev=IMPORTER)

        status, code, message = await refused(azure, "promoter")

        assert (status, code) == (403, "AuthorizationFailed")
        assert "client 'promoter'" in message
        assert f"action '{IMPORT}'" in message
        assert f"scope '{azure.registry('prod').resource_id}'" in message

    async def test_without_it_on_the_source(self, azure: Azure, digest: str) -> None:
        azure.assign("promoter", dev="AcrPull", prod=IMPORTER)

        status, code, message = await refused(azure, "promoter")

        assert (status, code) == (403, "LinkedAuthorizationFailed")
        assert f"action(s) '{IMPORT}' on the linked scope(s) '{azure.registry('dev').resource_id}'" in message

    async def test_of_one_principal_is_nothing_to_others(self, azure: Azure, digest: str) -> None:
        azure.assign("somebody-else")

        await import_as(azure, "promoter")

        assert await azure.registry("prod").digest("shop/web:v1") == digest

    async def test_from_an_address_needs_nothing_on_the_source(self, azure: Azure, digest: str) -> None:
        azure.assign("promoter", prod=IMPORTER)

        await import_as(azure, "promoter", registryUri=azure.registry("dev").login_server)

        assert await azure.registry("prod").digest("shop/web:v1") == digest


class TestReading:
    async def test_a_registry_needs_the_right_to(self, azure: Azure) -> None:
        azure.assign("promoter", dev="Reader", prod="AcrPull")

        assert (await get(azure, "promoter", azure.registry("dev").resource_id)).status == 200
        answer = await get(azure, "promoter", azure.registry("prod").resource_id)
        assert (answer.status, answer.json["error"]["code"]) == (403, "AuthorizationFailed")
        assert f"'{READ}'" in answer.json["error"]["message"]

    async def test_a_list_leaves_out_what_may_not_be_read(self, azure: Azure) -> None:
        azure.assign("promoter", dev="Reader")
        path = f"/subscriptions/{azure.subscription_id}/providers/Microsoft.ContainerRegistry/registries"

        assert [one["name"] for one in (await get(azure, "promoter", path)).json["value"]] == ["dev"]
        assert len((await get(azure, "other", path)).json["value"]) == 2

    async def test_a_group_or_subscription_as_scope_means_all_below(self, azure: Azure) -> None:
        control = Oci(azure.session, azure.arm_url)
        group = azure.registry("dev").resource_id.partition("/providers/")[0]

        for scope, status in ((group, 200), (group.upper(), 200), (group[:-1], 403)):
            assignment = {"role": "Reader", "scope": scope}
            await control.ask("PUT", "/emulator/principals/promoter", json={"assignments": [assignment]})
            assert (await get(azure, "promoter", azure.registry("dev").resource_id)).status == status


class TestTheRegistryItself:
    @pytest.mark.parametrize(
        ("role", "status"),
        [
            ("AcrPull", {"pull": 200, "push": 401, "delete": 401, "list": 200}),
            ("AcrPush", {"pull": 200, "push": 202, "delete": 401, "list": 200}),
            ("AcrDelete", {"pull": 401, "push": 401, "delete": 202, "list": 401}),
            (IMPORTER, {"pull": 200, "push": 401, "delete": 401, "list": 200}),
            ("Website Contributor", {"pull": 401, "push": 401, "delete": 401, "list": 401}),
            ("Owner", {"pull": 200, "push": 202, "delete": 202, "list": 200}),
        ],
    )
    async def test_gives_tokens_for_what_roles_permit(
        self, azure: Azure, dev: Oci, digest: str, role: str, status: dict[str, int]
    ) -> None:
        azure.switch("dev", RegistrySwitches(Auth.TOKEN))
        azure.assign("me", dev=role)
        headers = await dev.sign_in("me", "repository:shop/web:*", "registry:catalog:*")

        got = {
            "pull": (await dev.ask("HEAD", "manifests/v1", headers=headers)).status,
            "push": (await dev.ask("POST", "blobs/uploads/", headers=headers)).status,
            "list": (await dev.ask("GET", "/v2/_catalog", headers=headers)).status,
            "delete": (await dev.ask("DELETE", "manifests/v1", headers=headers)).status,
        }

        assert got == status


class TestSwitching:
    async def test_by_http_with_a_registrys_name_as_scope(self, azure: Azure) -> None:
        control = Oci(azure.session, azure.arm_url)
        role = "577a9874-89fd-4f24-9dbd-b5034d0ad23a"

        put = await control.ask(
            "PUT", "/emulator/principals/Me", json={"assignments": [{"role": role, "scope": "dev"}]}
        )
        got = await control.ask("GET", "/emulator/principals")
        deleted = await control.ask("DELETE", "/emulator/principals/me")
        again = await control.ask("DELETE", "/emulator/principals/me")

        scope = azure.registry("dev").resource_id
        assert (
            put.json
            == got.json
            == {"value": [{"principal": "Me", "assignments": [{"role": role, "scope": scope}]}]}
        )
        assert (deleted.status, again.status) == (204, 404)
        assert (await control.ask("GET", "/emulator/principals")).json == {"value": []}

    @pytest.mark.parametrize(
        ("assignment", "says"),
        [
            ({"role": "King", "scope": "dev"}, "'King' is no role that is emulated; these are: Owner"),
            ({"role": "Reader", "scope": "none"}, "there is no registry 'none'; these are: dev, prod"),
            ({"role": "Reader"}, "missing required field `scope`"),
        ],
    )
    async def test_what_makes_no_sense_is_400(
        self, azure: Azure, assignment: dict[str, str], says: str
    ) -> None:
        control = Oci(azure.session, azure.arm_url)

        answer = await control.ask("PUT", "/emulator/principals/me", json={"assignments": [assignment]})

        assert answer.status == 400
        assert says in answer.json["error"]["message"]

    async def test_outlives_the_process(self, tmp_path: Any) -> None:  # noqa: ANN401
        async with Azure(registries=("dev",), data=tmp_path / "twice") as azure:
            azure.assign("promoter", dev="AcrPull")
        async with Azure(registries=("dev",), data=tmp_path / "twice") as azure:
            assert (await get(azure, "promoter", azure.registry("dev").resource_id)).status == 403
            assert (await get(azure, "other", azure.registry("dev").resource_id)).status == 200


def test_the_importers_role_is_azures() -> None:
    role = find_role(
        "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/" + find_role(IMPORTER).id
    )

    assert role.name == IMPORTER
    assert [role.permits(action) for action in (IMPORT, READ, PULL, PUSH)] == [True, True, True, False]
    assert not Assignment(IMPORTER, "/subscriptions/s").covers("/subscriptions/other")
