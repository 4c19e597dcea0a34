"""`az webapp`, as far as it deploys an image to a slot and swaps it into production."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.faults import Effect, Fault, Operation
from emulator.testing import Azure
from tests.az.conftest import Az, AzFailedError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STAGING = "-g promoter -n web --slot staging"


@pytest.fixture
async def azure(tmp_path: Path) -> AsyncIterator[Azure]:
    async with Azure(
        registries=("prodacr",), data=tmp_path / "data", tls=True, sites=("web/staging",)
    ) as azure:
        yield azure


async def test_deploys_to_a_slot_and_swaps_it(azure: Azure, az: Az) -> None:
    await azure.registry("prodacr").push("shop/web:v1")
    azure.switch("prodacr", RegistrySwitches(Auth.TOKEN))
    azure.assign("web-staging", prodacr="AcrPull")
    image = f"{(await az('acr show -n prodacr'))['loginServer']}/shop/web:v1"

    await az(f"webapp config container set {STAGING} --container-image-name", image)
    await az(f"webapp config set {STAGING} --generic-configurations", '{"acrUseManagedIdentityCreds": true}')
    await azure.settled()
    await az("webapp deployment slot swap -g promoter -n web --slot staging --target-slot production")

    production = await az("webapp show -g promoter -n web")
    slots = await az("webapp deployment slot list -g promoter -n web")
    assert production["siteConfig"]["linuxFxVersion"] == f"DOCKER|{image}"
    assert [one["name"] for one in slots] == ["staging"]
    assert [one["state"] for one in await az("webapp list-instances -g promoter -n web")] == ["READY"]
    await az("webapp restart -g promoter -n web")


async def test_sees_a_swap_fail(azure: Azure, az: Az) -> None:
    azure.faults.add(Fault(Operation.SITE_WARM_UP, Effect.FAIL, message="It crashed."))

    with pytest.raises(AzFailedError, match=r"\(Conflict\) Cannot swap site slots.*It crashed"):
        await az("webapp deployment slot swap -g promoter -n web --slot staging --target-slot production")
