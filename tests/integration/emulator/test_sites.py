"""App Service, as far as deploying an image to a slot needs it. With the real az: tests/az."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.faults import Effect, Fault, Operation
from emulator.testing import Azure
from tests.integration.emulator.support import Answer, Oci, until

WARM_UP, SWAP, POLL = Operation.SITE_WARM_UP, Operation.SITE_SWAP, Operation.SITE_POLL


@pytest.fixture
async def azure(tmp_path: Path) -> AsyncIterator[Azure]:
    async with Azure(registries=("dev", "prod"), data=tmp_path, sites=("web/staging",)) as azure:
        yield azure


@dataclass
class Site:
    """The site `web`, call by call, as a deployment makes them."""

    azure: Azure
    principal: str = "me"

    async def ask(self, method: str, path: str = "", body: object = None) -> Answer:
        group = self.azure.registry("dev").resource_id.partition("/providers/")[0]
        address = (
            path if path.startswith("/") else f"{group}/providers/Microsoft.Web/sites/web/{path}".rstrip("/")
        )
        headers = {"Authorization": f"Bearer {self.principal}"}
        arm = Oci(self.azure.session, self.azure.arm_url)
        return await arm.ask(method, f"{address}?api-version=2024-04-01", json=body, headers=headers)

    async def deploy(self, image: str, slot: str = "slots/staging/", **config: object) -> Answer:
        """Tell a slot what to run, and wait until that has come to an end."""
        properties = {"linuxFxVersion": f"DOCKER|{image}", **config}
        answer = await self.ask("PATCH", f"{slot}config/web", {"properties": properties})
        await self.azure.settled()
        return answer

    async def running(self, slot: str = "") -> dict[str, Any]:
        answer = await Oci(self.azure.session, self.azure.arm_url).ask("GET", f"/emulator/sites/web{slot}")
        assert answer.status == (200 if answer.json["phase"] == "ready" else 503)
        return dict(answer.json)

    async def swap(self, source: str = "slots/staging/", target: str = "production") -> Answer:
        """Swap, and give how that ended."""
        accepted = await self.ask("POST", f"{source}slotsswap", {"targetSlot": target, "preserveVnet": True})
        if accepted.status != 202:
            return accepted
        await self.azure.settled()
        location = accepted.headers["Location"].removeprefix(self.azure.arm_url).partition("?")[0]
        return await self.ask("GET", location)


@pytest.fixture
def site(azure: Azure) -> Site:
    return Site(azure)


@pytest.fixture
async def image(azure: Azure) -> str:
    """An image, as linuxFxVersion names it."""
    await azure.registry("prod").push("shop/web:v1")
    return f"{azure.registry('prod').login_server}/shop/web:v1"


class TestReading:
    async def test_a_site_and_its_slots(self, site: Site) -> None:
        shown = (await site.ask("GET")).json
        slots = (await site.ask("GET", "slots")).json["value"]
        slot = (await site.ask("GET", "slots/Staging")).json

        assert (shown["name"], shown["type"]) == ("web", "Microsoft.Web/sites")
        assert shown["properties"]["state"] == "Running"
        assert slots == [slot]
        assert (slot["name"], slot["type"]) == ("web/staging", "Microsoft.Web/sites/slots")
        assert slot["id"] == f"{shown['id']}/slots/staging"

    async def test_what_is_not_there_is_404(self, site: Site) -> None:
        for path in ("slots/none", "slots/none/config/web", "operationresults/none"):
            assert (await site.ask("GET", path)).status == 404

    async def test_all_of_them(self, azure: Azure, site: Site) -> None:
        subscription = f"/subscriptions/{azure.subscription_id}"

        listed = (await site.ask("GET", f"{subscription}/providers/Microsoft.Web/sites")).json["value"]
        resources = (await site.ask("GET", f"{subscription}/resources")).json["value"]

        assert [one["name"] for one in listed] == ["web"]
        assert [one["name"] for one in resources] == ["dev", "prod", "web", "web/staging"]

    async def test_slots_come_and_go(self, azure: Azure, site: Site, image: str) -> None:
        config = {"linuxFxVersion": f"DOCKER|{image}", "appSettings": [{"name": "A", "value": "1"}]}

        created = await site.ask(
            "PUT", "slots/blue", {"location": "local", "properties": {"siteConfig": config}}
        )
        await azure.settled()
        running = await site.running("/blue")
        settings = (await site.ask("POST", "slots/blue/config/appsettings/list")).json["properties"]

        assert created.json["properties"]["siteConfig"]["linuxFxVersion"] == f"DOCKER|{image}"
        assert (running["phase"], settings) == ("ready", {"A": "1"})
        assert (await site.ask("PATCH", "slots/none", {"properties": {}})).status == 404
        assert (await site.ask("DELETE", "slots/blue")).status == 200
        assert (await site.ask("DELETE", "slots/blue")).status == 204
        assert (await site.ask("GET", "slots/blue")).status == 404

    async def test_one_that_goes_while_it_starts_starts_no_more(
        self, azure: Azure, site: Site, image: str
    ) -> None:
        azure.faults.add(Fault(WARM_UP, Effect.STUCK))
        config = {"properties": {"linuxFxVersion": f"DOCKER|{image}"}}
        for path in ("config/web", "slots/staging/config/web"):
            await site.ask("PATCH", path, config)

        assert (await site.ask("DELETE")).status == 200

        assert not azure.busy
        assert (await site.ask("GET", "slots/staging")).status == 404


class TestDeploying:
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    async def test_an_image_is_pulled_and_runs(
        self, azure: Azure, site: Site, image: str, method: str
    ) -> None:
        config = {"properties": {"linuxFxVersion": f"DOCKER|{image}", "alwaysOn": False}}

        answer = await site.ask(method, "config/web", config)
        await azure.settled()

        assert answer.json["properties"]["linuxFxVersion"] == f"DOCKER|{image}"
        assert (await site.ask("GET", "config/web")).json["properties"]["alwaysOn"] is False
        running = await site.running()
        assert running["digest"] == await azure.registry("prod").digest("shop/web:v1")
        assert (await site.ask("GET", "instances")).json["value"][0]["properties"]["state"] == "READY"

    async def test_by_digest(self, azure: Azure, site: Site, image: str) -> None:
        digest = await azure.registry("prod").digest("shop/web:v1")

        await site.deploy(f"{image.rpartition(':')[0]}@{digest}")

        assert (await site.running("/staging"))["digest"] == digest

    @pytest.mark.parametrize(
        ("image", "trouble"),
        [
            ("{registry}/shop/none:v1", "was not found"),
            ("127.0.0.1:9/shop/web:v1", "could not be read"),
            ("nginx:latest", "names no registry"),
            ("library/nginx", "names no registry"),
            ("{registry}/Shop/Web:v1", "invalid repository name"),
            ("{registry}/shop/arm:v1", "no matching manifest for linux/amd64"),
        ],
    )
    async def test_an_image_that_cannot_be_pulled_does_not_run(
        self, azure: Azure, site: Site, image: str, trouble: str
    ) -> None:
        registry = azure.registry("prod")
        await registry.push("shop/arm:v1", platforms=("linux/arm64",))

        answer = await site.deploy(image.format(registry=registry.login_server))

        running = await site.running("/staging")
        assert answer.status == 200
        assert (running["phase"], running["digest"]) == ("failed", None)
        assert trouble in running["trouble"]
        state = (await site.ask("GET", "slots/staging/instances")).json["value"][0]["properties"]["state"]
        assert state == "STOPPED"

    async def test_a_restart_pulls_again(self, azure: Azure, site: Site, image: str) -> None:
        await site.deploy(image, slot="")
        newer = await azure.registry("prod").push("shop/web:v1")
        assert (await site.running())["digest"] != newer

        assert (await site.ask("POST", "restart")).status == 200
        await azure.settled()

        assert (await site.running())["digest"] == newer

    async def test_what_is_written_while_a_slot_starts_counts(
        self, azure: Azure, site: Site, image: str
    ) -> None:
        azure.faults.add(Fault(WARM_UP, Effect.DELAY, seconds=0.1, times=1))
        await site.ask("PATCH", "config/web", {"properties": {"linuxFxVersion": "DOCKER|127.0.0.1:9/a/b:c"}})
        assert (await site.running())["phase"] == "starting"

        await site.deploy(image, slot="")
        await asyncio.sleep(0.15)

        assert (await site.running())["phase"] == "ready"

    async def test_what_was_starting_when_the_process_ended_starts_again(
        self, tmp_path: Path, image: str, azure: Azure
    ) -> None:
        async with Azure(registries=("dev",), data=tmp_path / "twice", sites=("web",)) as first:
            first.faults.add(Fault(WARM_UP, Effect.STUCK))
            await Site(first).ask(
                "PATCH", "config/web", {"properties": {"linuxFxVersion": f"DOCKER|{image}"}}
            )
        async with Azure(registries=("dev",), data=tmp_path / "twice") as second:
            await second.settled()
            assert (await Site(second).running())["phase"] == "ready"


class TestCredentials:
    @pytest.fixture(autouse=True)
    async def guarded(self, azure: Azure, image: str) -> None:
        azure.switch("prod", RegistrySwitches(Auth.BASIC))

    async def test_none(self, site: Site, image: str) -> None:
        await site.deploy(image)

        assert "refused access" in (await site.running("/staging"))["trouble"]

    async def test_of_the_admin_user_in_the_settings(self, azure: Azure, site: Site, image: str) -> None:
        settings = {
            "DOCKER_REGISTRY_SERVER_URL": f"http://{azure.registry('prod').login_server}",
            "DOCKER_REGISTRY_SERVER_USERNAME": "prod",
            "DOCKER_REGISTRY_SERVER_PASSWORD": azure.password("prod"),
        }
        await site.ask("PUT", "slots/staging/config/appsettings", {"properties": settings})

        await site.deploy(image)

        assert (await site.running("/staging"))["phase"] == "ready"

    async def test_of_the_sites_identity_which_needs_a_role(
        self, azure: Azure, site: Site, image: str
    ) -> None:
        identity = (await site.ask("GET", "slots/staging")).json["identity"]["principalId"]
        azure.assign(identity, dev="AcrPull")
        await site.deploy(image, acrUseManagedIdentityCreds=True)
        assert "refused access" in (await site.running("/staging"))["trouble"]

        azure.assign(identity, prod="AcrPull")
        await site.ask("POST", "slots/staging/restart")
        await azure.settled()

        assert (await site.running("/staging"))["phase"] == "ready"


class TestSwapping:
    @pytest.mark.parametrize(("source", "target"), [("slots/staging/", "production"), ("", "Staging")])
    async def test_exchanges_what_runs(
        self, azure: Azure, site: Site, image: str, source: str, target: str
    ) -> None:
        await site.deploy(image, slot="")
        old = (await site.running())["digest"]
        new = await azure.registry("prod").push("shop/web:v2")
        await site.deploy(image.replace(":v1", ":v2"))

        ended = await site.swap(source, target)

        assert ended.status == 200
        assert ended.json["type"].startswith("Microsoft.Web/sites")
        assert (await site.running())["digest"] == new
        assert (await site.running("/staging"))["digest"] == old

    async def test_warms_up_first_so_what_the_tag_holds_now_goes_to_production(
        self, azure: Azure, site: Site, image: str
    ) -> None:
        await site.deploy(image)
        newer = await azure.registry("prod").push("shop/web:v1")

        await site.swap()

        assert (await site.running())["digest"] == newer

    async def test_does_not_happen_where_the_image_is_gone(
        self, azure: Azure, site: Site, image: str
    ) -> None:
        await site.deploy(image)
        digest = (await site.running("/staging"))["digest"]
        await azure.registry("prod").delete(f"shop/web@{digest}")

        ended = await site.swap()

        assert (ended.status, ended.json["error"]["code"]) == (409, "Conflict")
        assert "Cannot swap site slots for site 'web'" in ended.json["error"]["message"]
        assert "'staging' slot did not respond to http ping" in ended.json["error"]["message"]
        assert (await site.running())["phase"] == "empty"

    async def test_sticky_settings_stay_and_count_for_the_warm_up(
        self, azure: Azure, site: Site, image: str
    ) -> None:
        azure.switch("prod", RegistrySwitches(Auth.BASIC))
        password = "DOCKER_REGISTRY_SERVER_PASSWORD"
        right = {
            "DOCKER_REGISTRY_SERVER_USERNAME": "prod",
            password: azure.password("prod"),
            "WHO": "staging",
            "ONLY": "here",
        }
        wrong = {"DOCKER_REGISTRY_SERVER_USERNAME": "prod", password: "old", "WHO": "production"}
        await site.ask("PUT", "slots/staging/config/appsettings", {"properties": right})
        await site.ask("PUT", "config/appsettings", {"properties": wrong})
        names = {"properties": {"appSettingNames": [password, "WHO", "ONLY"]}}
        assert (await site.ask("PUT", "config/slotConfigNames", names)).json["properties"] == names[
            "properties"
        ]
        await site.deploy(image)
        assert (await site.running("/staging"))["phase"] == "ready"

        refused = await site.swap()
        await site.ask("PUT", "config/appsettings", {"properties": wrong | {password: right[password]}})
        swapped = await site.swap()

        assert (refused.status, swapped.status) == (409, 200)
        settings = (await site.ask("POST", "config/appsettings/list")).json["properties"]
        assert (settings["WHO"], "ONLY" in settings) == ("production", False)
        assert (await site.running())["phase"] == "ready"

    async def test_one_at_a_time(self, azure: Azure, site: Site, image: str) -> None:
        await site.deploy(image)
        azure.faults.add(Fault(WARM_UP, Effect.STUCK))
        body = {"targetSlot": "production"}

        first = await site.ask("POST", "slots/staging/slotsswap", body)
        second = await site.ask("POST", "slots/staging/slotsswap", body)
        location = first.headers["Location"].removeprefix(azure.arm_url).partition("?")[0]

        assert (first.status, second.status) == (202, 409)
        assert (await site.ask("GET", location)).status == 202

    @pytest.mark.parametrize(("target", "status"), [("none", 404), ("staging", 400)])
    async def test_with_what_makes_no_sense(self, site: Site, target: str, status: int) -> None:
        assert (await site.swap(target=target)).status == status
        assert (await site.ask("POST", "slotsswap", {})).status == 400

    async def test_goes_on_after_a_restart(self, tmp_path: Path) -> None:
        async with Azure(registries=("dev",), data=tmp_path / "twice", sites=("web/staging",)) as first:
            first.faults.add(Fault(WARM_UP, Effect.STUCK))
            accepted = await Site(first).ask("POST", "slots/staging/slotsswap", {"targetSlot": "production"})
            location = accepted.headers["Location"].removeprefix(first.arm_url).partition("?")[0]
        async with Azure(registries=("dev",), data=tmp_path / "twice") as second:
            await second.settled()
            assert (await Site(second).ask("GET", location)).status == 200


class TestFaults:
    async def test_a_warm_up_that_is_told_to_fail(self, azure: Azure, site: Site, image: str) -> None:
        await site.deploy(image)
        crash = Fault(
            WARM_UP, Effect.FAIL, registry="web", subject="web/staging", message="It crashed.", times=1
        )
        azure.faults.add(crash)

        ended = await site.swap()

        assert ended.status == 409
        assert "It crashed." in ended.json["error"]["message"]
        assert (await site.swap()).status == 200

    async def test_late(self, azure: Azure, site: Site, image: str) -> None:
        azure.faults.add(Fault(WARM_UP, Effect.DELAY, seconds=0.05))

        await site.ask("PATCH", "config/web", {"properties": {"linuxFxVersion": f"DOCKER|{image}"}})

        assert (await site.running())["phase"] == "starting"
        await azure.settled()
        assert (await site.running())["phase"] == "ready"

    @pytest.mark.parametrize(
        ("operation", "method", "path"),
        [
            (Operation.SITE_READ, "GET", ""),
            (Operation.SITE_READ, "GET", "slots/staging/config/web"),
            (Operation.SITE_WRITE, "PATCH", "config/web"),
            (Operation.SITE_WRITE, "PUT", "config/appsettings"),
            (Operation.SITE_WRITE, "PUT", "slots/staging"),
            (Operation.SITE_WRITE, "POST", "restart"),
            (SWAP, "POST", "slots/staging/slotsswap"),
        ],
    )
    async def test_a_call_that_is_throttled(
        self, azure: Azure, site: Site, operation: Operation, method: str, path: str
    ) -> None:
        azure.faults.add(Fault(operation, Effect.STATUS, status=429, retry_after=1, times=1))
        body = {"properties": {}, "targetSlot": "production"}

        throttled = await site.ask(method, path, body)

        assert (throttled.status, throttled.headers["Retry-After"]) == (429, "1")
        assert (await site.ask(method, path, body)).status in (200, 202)

    async def test_a_swap_whose_poll_fails_and_one_without_location(
        self, azure: Azure, site: Site, image: str
    ) -> None:
        await site.deploy(image)
        azure.faults.add(Fault(POLL, Effect.STATUS, status=500, times=1))
        assert (await site.swap()).status == 500
        await until(lambda: not azure.busy)
        assert (await site.running())["phase"] == "ready"

        azure.faults.add(Fault(SWAP, Effect.LOST_LOCATION))
        accepted = await site.ask("POST", "slots/staging/slotsswap", {"targetSlot": "production"})
        assert (accepted.status, "Location" in accepted.headers) == (202, False)


async def test_deploying_needs_the_right_to(azure: Azure, image: str) -> None:
    site = Site(azure, "deployer")
    azure.assign("deployer", dev="Owner")
    assert (await site.deploy(image)).status == 403

    group = azure.registry("dev").resource_id.partition("/providers/")[0]
    body = {"assignments": [{"role": "Website Contributor", "scope": group}]}
    await Oci(azure.session, azure.arm_url).ask("PUT", "/emulator/principals/deployer", json=body)
    assert (await site.deploy(image)).status == 200
    assert (await site.swap()).status == 200
