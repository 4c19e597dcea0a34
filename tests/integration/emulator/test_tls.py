"""TLS, and what a cloud tells `az` before it asks for anything in it. az itself: tests/az."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.identity.principal import Principal, principal_of
from emulator.sample_image import push_random_image
from emulator.testing import Azure
from emulator.tls import certificates
from tests.integration.emulator.skopeo import skopeo
from tests.integration.emulator.support import Oci, arm_client


@pytest.fixture
async def azure(tmp_path: Path) -> AsyncIterator[Azure]:
    async with Azure(registries=("dev",), data=tmp_path / "data", tls=True) as azure:
        yield azure


@pytest.fixture
async def trusting(azure: Azure) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that trusts the emulator's authority, as strictly as Python 3.13 does."""
    context = ssl.create_default_context(cafile=azure.authority)
    assert context.verify_flags & ssl.VERIFY_X509_STRICT
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        yield session


async def login_server(azure: Azure, session: aiohttp.ClientSession) -> str:
    path = f"{azure.registry('dev').resource_id}?api-version=1"
    headers = {"Authorization": "Bearer me"}
    answer = await Oci(session, azure.arm_tls_url).ask("GET", path, headers=headers)
    return str(answer.json["properties"]["loginServer"])


async def test_a_registry_serves_both_ways_under_the_name_for_each(
    azure: Azure, trusting: aiohttp.ClientSession
) -> None:
    over_tls = await login_server(azure, trusting)
    digest = await push_random_image(trusting, f"https://{over_tls}", "shop/web", "v1")

    assert over_tls != azure.registry("dev").login_server
    assert await azure.registry("dev").digest("shop/web:v1") == digest


async def test_the_challenge_leads_over_tls_to_a_token(azure: Azure, trusting: aiohttp.ClientSession) -> None:
    azure.switch("dev", RegistrySwitches(Auth.TOKEN))
    over_tls = await login_server(azure, trusting)
    dev = Oci(trusting, f"https://{over_tls}")

    challenge = (await dev.ask("GET", "tags/list")).headers["WWW-Authenticate"]

    assert f'realm="https://{over_tls}/oauth2/token",service="{over_tls}"' in challenge
    form = {"grant_type": "access_token", "service": over_tls, "access_token": "me"}
    assert (await dev.ask("POST", "/oauth2/exchange", data=form)).status == 200


async def test_skopeo_trusts_the_authority(
    azure: Azure, trusting: aiohttp.ClientSession, tmp_path: Path
) -> None:
    digest = await azure.registry("dev").push("shop/web:v1")
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "ca.crt").write_bytes(azure.authority.read_bytes())
    image = f"docker://{await login_server(azure, trusting)}/shop/web:v1"

    inspected = await skopeo(
        "inspect", "--cert-dir", str(tmp_path / "certs"), "--format", "{{.Digest}}", image
    )

    assert inspected.strip() == digest


async def test_who_does_not_know_the_authority_does_not_trust_it(azure: Azure) -> None:
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await azure.session.get(f"{azure.arm_tls_url}/emulator/health")


async def test_an_import_from_the_name_over_tls_needs_no_trust(
    azure: Azure, trusting: aiohttp.ClientSession
) -> None:
    digest = await azure.registry("dev").push("shop/web:v1")
    source = {"sourceImage": "shop/web:v1", "registryUri": await login_server(azure, trusting)}
    parameters: Any = {"source": source, "targetTags": ["copy/web:v1"]}

    async with arm_client(azure) as client:
        await (await client.registries.begin_import_image("promoter", "dev", parameters)).result()

    assert await azure.registry("dev").digest("copy/web:v1") == digest


async def test_a_cloud_tells_where_things_are_and_gives_tokens(
    azure: Azure, trusting: aiohttp.ClientSession
) -> None:
    cloud = Oci(trusting, azure.arm_tls_url)

    endpoints = (await cloud.ask("GET", "/metadata/endpoints?api-version=2022-09-01")).json
    openid = (await cloud.ask("GET", "/adfs/.well-known/openid-configuration")).json
    form = {"client_id": "promoter", "client_secret": "anything", "grant_type": "client_credentials"}
    path = openid["token_endpoint"].removeprefix(azure.arm_tls_url)
    token = (await cloud.ask("POST", path, data=form)).json["access_token"]

    assert endpoints["resourceManager"] == azure.arm_tls_url
    assert endpoints["authentication"]["loginEndpoint"] == openid["issuer"] == f"{azure.arm_tls_url}/adfs"
    assert principal_of(token) == Principal("promoter")
    assert (await cloud.ask("POST", path, data={})).status == 400
    bearer = {"Authorization": f"Bearer {token}"}
    for list_of in ("/subscriptions", "/tenants", f"/subscriptions/{azure.subscription_id}/resourceGroups"):
        assert len((await cloud.ask("GET", f"{list_of}?api-version=1", headers=bearer)).json["value"]) == 1


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("", ["dev"]),
        ("resourceType eq 'microsoft.containerregistry/registries'", ["dev"]),
        ("resourceType eq 'Microsoft.ContainerRegistry/registries' and name eq 'Dev'", ["dev"]),
        ("name eq 'prod'", []),
        ("resourceType eq 'Microsoft.Storage/storageAccounts'", []),
    ],
)
async def test_resources_are_filtered(azure: Azure, condition: str, names: list[str]) -> None:
    query = {"api-version": "2024-11-01", "$filter": condition}
    path = f"/subscriptions/{azure.subscription_id}/resources"

    answer = await Oci(azure.session, azure.arm_url).ask(
        "GET", path, params=query, headers={"Authorization": "Bearer me"}
    )

    assert [one["name"] for one in answer.json["value"]] == names


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/subscriptions/none", "SubscriptionNotFound"),
        ("/subscriptions/none/resources", "SubscriptionNotFound"),
        ("/subscriptions/none/resourceGroups", "SubscriptionNotFound"),
        ("/subscriptions/{}/resourceGroups/none", "ResourceGroupNotFound"),
    ],
)
async def test_what_is_above_the_resources_is_one_of_each(azure: Azure, path: str, code: str) -> None:
    arm = Oci(azure.session, azure.arm_url)
    headers = {"Authorization": "Bearer me"}

    answer = await arm.ask("GET", f"{path.format(azure.subscription_id)}?api-version=1", headers=headers)

    assert (answer.status, answer.json["error"]["code"]) == (404, code)
    for there in (azure.subscription_id, f"{azure.subscription_id}/resourceGroups/Promoter"):
        shown = await arm.ask("GET", f"/subscriptions/{there}?api-version=1", headers=headers)
        assert shown.status == 200


def test_certificates_are_kept_until_they_are_about_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = certificates(tmp_path).authority.read_bytes()
    assert certificates(tmp_path).authority.read_bytes() == first
    assert (tmp_path / "server.pem").stat().st_mode & 0o077 == 0

    monkeypatch.setattr("emulator.tls._DAYS", 5)
    (tmp_path / "server.pem").unlink()
    short = certificates(tmp_path).authority.read_bytes()
    assert short != first
    assert certificates(tmp_path).authority.read_bytes() != short

    usage = x509.load_pem_x509_certificate(first).extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
