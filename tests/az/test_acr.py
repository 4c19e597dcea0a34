"""`az acr`, the program that people use, against registries that ask for tokens."""

import pytest

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.testing import Azure
from tests.az.conftest import Az, AzFailedError

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

IMPORTER = "Container Registry Data Importer and Data Reader"


@pytest.fixture
async def digest(azure: Azure) -> str:
    """shop/web:v1 in devacr; both registries ask for tokens."""
    digest = await azure.registry("devacr").push("shop/web:v1")
    for name in ("devacr", "prodacr"):
        azure.switch(name, RegistrySwitches(Auth.TOKEN))
    return digest


async def test_signs_in_and_reads_what_is_there(azure: Azure, az: Az) -> None:
    account = await az("account show")
    listed = await az("acr list")
    shown = await az("acr show -n prodacr")

    assert (account["id"], account["user"]["name"]) == (azure.subscription_id, "promoter")
    assert [one["name"] for one in listed] == ["devacr", "prodacr"]
    assert shown["id"] == azure.registry("prodacr").resource_id
    assert (await az("acr check-name -n devacr"))["reason"] == "AlreadyExists"
    assert (await az("acr check-name -n stagingacr"))["nameAvailable"]
    assert [one["name"] for one in await az("group list")] == ["promoter"]


async def test_imports(azure: Azure, az: Az, digest: str) -> None:
    prod = azure.registry("prodacr")
    login_server = (await az("acr show -n devacr"))["loginServer"]

    await az("acr import -n prodacr -r devacr --source shop/web:v1 -t shop/web:v1")
    await az(
        f"acr import -n prodacr -r {azure.registry('devacr').resource_id} --source shop/web@{digest} -t a:b"
    )
    await az(f"acr import -n prodacr --source {login_server}/shop/web:v1 -t c:d")
    await az(f"acr import -n prodacr -r devacr --source shop/web@{digest} --repository e")
    await az("acr import -n prodacr -r devacr --source shop/web:v1 -t shop/web:v1 --force")

    azure.switch("prodacr", RegistrySwitches())
    for image in ("shop/web:v1", "a:b", "c:d", f"e@{digest}"):
        assert await prod.digest(image) == digest


async def test_sees_imports_fail(azure: Azure, az: Az, digest: str) -> None:
    importing = "acr import -n prodacr -r devacr"
    await az(f"{importing} --source shop/web:v1 -t shop/web:v1")

    with pytest.raises(AzFailedError, match=r"\(Conflict\) Tag shop/web:v1 already exists"):
        await az(f"{importing} --source shop/web:v1 -t shop/web:v1")
    with pytest.raises(AzFailedError, match="shop/none has no v1"):
        await az(f"{importing} --source shop/none:v1 -t shop/none:v1")


async def test_sees_a_missing_role(azure: Azure, az: Az, digest: str) -> None:
    importing = "acr import -n prodacr -r devacr --source shop/web:v1 -t shop/web:v1"

    azure.assign("promoter", devacr="Reader", prodacr=IMPORTER)
    with pytest.raises(
        AzFailedError, match=r"\(LinkedAuthorizationFailed\).*linked scope.*registries/devacr"
    ):
        await az(importing)
    azure.assign("promoter", devacr=IMPORTER, prodacr="Reader")
    with pytest.raises(AzFailedError, match=r"\(AuthorizationFailed\).*registries/prodacr"):
        await az(importing)
    azure.assign("promoter", devacr=IMPORTER)
    with pytest.raises(AzFailedError, match="could not be found"):
        await az(importing)
    azure.assign("promoter", devacr=IMPORTER, prodacr=IMPORTER)
    await az(importing)

    assert await az("acr repository show-tags -n prodacr --repository shop/web") == ["v1"]


async def test_reads_locks_and_deletes_repositories(azure: Azure, az: Az, digest: str) -> None:
    on = "acr repository {} -n devacr"

    assert await az(on.format("list")) == ["shop/web"]
    assert await az(on.format("show-tags"), "--repository", "shop/web") == ["v1"]
    assert (await az(on.format("show"), "--repository", "shop/web"))["manifestCount"] == 3
    assert (await az(on.format("show"), "--image", "shop/web:v1"))["digest"] == digest
    await az(on.format("update"), "--image", "shop/web:v1", "--write-enabled", "false")
    with pytest.raises(AzFailedError, match="disallowed"):
        await az(on.format("delete"), "--yes", "--image", "shop/web:v1")
    await az(on.format("update"), "--image", "shop/web:v1", "--write-enabled", "true")
    await az(on.format("untag"), "--image", "shop/web:v1")
    assert await az(on.format("show-tags"), "--repository", "shop/web") == []
    await az(on.format("delete"), "--yes", "--repository", "shop/web")
    assert await az(on.format("list")) == []


async def test_reads_and_deletes_manifests(azure: Azure, az: Az, digest: str) -> None:
    image = f"shop/web@{digest}"

    metadata = await az("acr manifest list-metadata -r devacr -n shop/web")
    shown = await az("acr manifest show -r devacr -n shop/web:v1")

    assert len(metadata) == 3
    assert digest in [one["digest"] for one in metadata]
    assert len(shown["manifests"]) == 2
    assert (await az("acr manifest show-metadata -r devacr -n", image))["tags"] == ["v1"]
    assert (await az("acr manifest list-referrers -r devacr -n", image)) == {"manifests": []}
    await az("acr manifest delete --yes -r devacr -n", image)
    assert len(await az("acr manifest list-metadata -r devacr -n shop/web")) == 2


async def test_has_the_admin_users_password(azure: Azure, az: Az, digest: str) -> None:
    with pytest.raises(AzFailedError, match="az acr update"):
        await az("acr credential show -n devacr")

    await az("acr update -n devacr --admin-enabled true")
    shown = await az("acr credential show -n devacr")
    password = shown["passwords"][0]["value"]
    login_server = (await az("acr show -n devacr"))["loginServer"]

    await az(
        "acr import -n prodacr -t shop/web:v1 -u devacr -p",
        password,
        "--source",
        f"{login_server}/shop/web:v1",
    )
    assert await az("acr repository list -n devacr -u devacr -p", password) == ["shop/web"]
    renewed = await az("acr credential renew -n devacr --password-name password")
    assert renewed["passwords"][0]["value"] != password
    assert (await az("acr login -n devacr --expose-token"))["accessToken"]
