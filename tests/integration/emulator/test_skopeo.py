"""skopeo, a client that we did not write. Without it, these tests fail: `apt-get install skopeo`."""

import asyncio
from pathlib import Path

from emulator.testing import Azure

INSECURE = ("--src-tls-verify=false", "--dest-tls-verify=false")


async def skopeo(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "skopeo", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    return output.decode()


async def test_copies_between_registries_and_keeps_digests(azure: Azure) -> None:
    dev, prod = azure.registry("dev"), azure.registry("prod")
    digest = await dev.push("shop/web:v1")

    await skopeo(
        "copy", "--all", "--preserve-digests", *INSECURE,
        f"docker://{dev.login_server}/shop/web:v1", f"docker://{prod.login_server}/shop/web:v1",
    )  # fmt: skip

    assert await prod.digest("shop/web:v1") == digest


async def test_takes_an_image_out_and_brings_it_back(azure: Azure, tmp_path: Path) -> None:
    dev, prod = azure.registry("dev"), azure.registry("prod")
    digest = await dev.push("shop/web:v1")
    folder = f"oci:{tmp_path}/out:v1"

    await skopeo(
        "copy", "--all", "--preserve-digests", *INSECURE, f"docker://{dev.login_server}/shop/web:v1", folder
    )
    await skopeo(
        "copy", "--all", "--preserve-digests", *INSECURE, folder, f"docker://{prod.login_server}/shop/web:v1"
    )

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
