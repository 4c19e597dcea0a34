"""The registries, driven by skopeo."""

from pathlib import Path

import pytest

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.testing import Azure
from tests.integration.emulator.skopeo import copy, skopeo
from tests.integration.emulator.support import Oci


async def test_copies_between_registries_and_keeps_digests(azure: Azure) -> None:
    dev, prod = azure.registry("dev"), azure.registry("prod")
    digest = await dev.push("shop/web:v1")

    await copy(f"docker://{dev.login_server}/shop/web:v1", f"docker://{prod.login_server}/shop/web:v1")

    assert await prod.digest("shop/web:v1") == digest


async def test_takes_an_image_out_and_brings_it_back(azure: Azure, tmp_path: Path) -> None:
    dev, prod = azure.registry("dev"), azure.registry("prod")
    digest = await dev.push("shop/web:v1")
    folder = f"oci:{tmp_path}/out:v1"

    await copy(f"docker://{dev.login_server}/shop/web:v1", folder)
    await copy(folder, f"docker://{prod.login_server}/shop/web:v1")

    assert await prod.digest("shop/web:v1") == digest


async def test_inspects_lists_and_deletes(azure: Azure) -> None:
    dev = azure.registry("dev")
    digest = await dev.push("shop/web:v1")
    image = f"docker://{dev.login_server}/shop/web"

    inspected = await skopeo("inspect", "--tls-verify=false", "--raw", f"{image}:v1")
    listed = await skopeo("list-tags", "--tls-verify=false", image)
    await skopeo("delete", "--tls-verify=false", f"{image}:v1")

    assert '"manifests"' in inspected
    assert '"v1"' in listed
    assert await dev.digest(f"shop/web@{digest}") is None


@pytest.mark.parametrize("auth", [Auth.BASIC, Auth.TOKEN])
async def test_signs_in(azure: Azure, dev: Oci, auth: Auth) -> None:
    """As the admin user, and with a refresh token, as `az acr login --expose-token` gives it."""
    running = azure.registry("dev")
    digest = await running.push("shop/web:v1")
    azure.switch("dev", RegistrySwitches(auth))
    secret = azure.password("dev") if auth is Auth.BASIC else await dev.refresh_token("me")
    user = "dev" if auth is Auth.BASIC else "00000000-0000-0000-0000-000000000000"
    image = f"docker://{running.login_server}/shop/web"

    await copy(
        f"{image}:v1", f"{image}:v2", "--src-creds", f"{user}:{secret}", "--dest-creds", f"{user}:{secret}"
    )
    options = ("--tls-verify=false", "--creds", f"{user}:{secret}")
    assert '"v2"' in await skopeo("list-tags", *options, image)
    assert digest in await skopeo("inspect", *options, "--format", "{{.Digest}}", f"{image}:v2")
    await skopeo("delete", *options, f"{image}:v2")

    with pytest.raises(AssertionError, match=r"unauthorized|authentication required"):
        await skopeo("inspect", "--tls-verify=false", "--creds", f"{user}:wrong", f"{image}:v1")
