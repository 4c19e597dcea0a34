"""importImage from a registry that is not this emulator's: another emulator, and Debian's docker-registry."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from azure.core.exceptions import HttpResponseError
from azure.mgmt.containerregistry.aio import ContainerRegistryManagementClient

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.faults import Effect, Fault, Operation
from emulator.sample_image import push_random_image
from emulator.testing import Azure
from tests.integration.emulator.docker_registry import PASSWORD, USER, docker_registry
from tests.integration.emulator.skopeo import copy
from tests.integration.emulator.support import EMPTY, Oci, digest_of, layer, serving_app

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


async def require_whole(azure: Azure, image: str, digest: str) -> None:
    """Check that an image is there with all that it names, byte for byte."""
    repository, _, _ = image.partition(":")
    assert await azure.registry("dev").digest(image) == digest
    dev = Oci(azure.session, azure.registry("dev").url, repository)
    for child in (await dev.ask("GET", f"manifests/{digest}")).json["manifests"]:
        platform = (await dev.ask("GET", f"manifests/{child['digest']}")).json
        for blob in (platform["config"], *platform["layers"]):
            assert digest_of((await dev.ask("GET", f"blobs/{blob['digest']}")).body) == blob["digest"]


@pytest.mark.parametrize("scheme", ["", "http://"])
@pytest.mark.parametrize("by", ["tag", "digest"])
async def test_the_whole_image_arrives(
    azure: Azure, arm: Arm, elsewhere: Azure, by: str, scheme: str
) -> None:
    upstream = elsewhere.registry("upstream")
    digest = await upstream.push("library/web:v1")
    image = "library/web:v1" if by == "tag" else f"library/web@{digest}"

    await import_from(arm, scheme + upstream.login_server, image)

    for tag in ("v1", "current"):
        await require_whole(azure, f"mirror/web:{tag}", digest)


class TestDockerRegistry:
    async def test_is_imported_from(self, azure: Azure, arm: Arm, docker: str) -> None:
        digest = await push_random_image(azure.session, f"http://{docker}", "library/one", "v1")

        await import_from(arm, docker, "library/one:v1")

        await require_whole(azure, "mirror/web:v1", digest)

    async def test_is_copied_to(self, azure: Azure, arm: Arm, docker: str) -> None:
        """And back: what the emulator serves, another registry takes, byte for byte."""
        dev = azure.registry("dev")
        digest = await dev.push("shop/web:v1")

        await copy(f"docker://{dev.login_server}/shop/web:v1", f"docker://{docker}/library/two:v1")
        await import_from(arm, docker, f"library/two@{digest}")

        assert await dev.digest("mirror/web:v1") == digest

    async def test_with_a_password(self, azure: Azure, arm: Arm, tmp_path: Path) -> None:
        with docker_registry(tmp_path / "docker", password=True) as guarded:
            await azure.registry("dev").push("shop/web:v1")
            await copy(
                f"docker://{azure.registry('dev').login_server}/shop/web:v1",
                f"docker://{guarded}/library/web:v1",
                *("--dest-creds", f"{USER}:{PASSWORD}"),
            )
            for wrong in ({}, {"username": USER, "password": "guessed"}):
                with pytest.raises(HttpResponseError, match="refused access") as refused:
                    await import_from(arm, guarded, "library/web:v1", **wrong)
                assert refused.value.status_code == 400
            await import_from(arm, guarded, "library/web:v1", username=USER, password=PASSWORD)

        digest = await azure.registry("dev").digest("shop/web:v1")
        assert digest
        await require_whole(azure, "mirror/web:v1", digest)


class TestBearer:
    """A source that asks for a bearer token, as Azure Container Registry and Docker Hub do."""

    @pytest.fixture
    async def digest(self, elsewhere: Azure) -> str:
        digest = await elsewhere.registry("upstream").push("library/web:v1")
        elsewhere.switch("upstream", RegistrySwitches(Auth.BASIC))
        return digest

    async def test_with_name_and_password(
        self, azure: Azure, arm: Arm, elsewhere: Azure, digest: str
    ) -> None:
        uri, password = elsewhere.registry("upstream").login_server, elsewhere.password("upstream")

        await import_from(arm, uri, "library/web:v1", username="upstream", password=password)

        await require_whole(azure, "mirror/web:v1", digest)

    @pytest.mark.parametrize("user", [{}, {"username": TOKEN_USER}])
    async def test_with_a_token_as_password(
        self, azure: Azure, arm: Arm, elsewhere: Azure, digest: str, user: dict[str, str]
    ) -> None:
        upstream = Oci(elsewhere.session, elsewhere.registry("upstream").url)
        elsewhere.assign("reader", upstream="AcrPull")
        token = await upstream.refresh_token("reader")

        await import_from(arm, upstream.service, "library/web:v1", password=token, **user)

        await require_whole(azure, "mirror/web:v1", digest)

    async def test_where_anybody_may_pull(
        self, azure: Azure, arm: Arm, elsewhere: Azure, digest: str
    ) -> None:
        elsewhere.switch("upstream", RegistrySwitches(Auth.ANONYMOUS_PULL))

        await import_from(arm, elsewhere.registry("upstream").login_server, "library/web:v1")

        await require_whole(azure, "mirror/web:v1", digest)

    @pytest.mark.parametrize(
        "credentials",
        [{}, {"username": "upstream", "password": "guessed"}, {"password": "made-up"}],
    )
    async def test_not_without(
        self, azure: Azure, arm: Arm, elsewhere: Azure, digest: str, credentials: dict[str, str]
    ) -> None:
        with pytest.raises(HttpResponseError, match="refused access") as refused:
            await import_from(
                arm, elsewhere.registry("upstream").login_server, "library/web:v1", **credentials
            )

        error = refused.value.error
        assert error
        assert (refused.value.status_code, error.code) == (400, "UnauthorizedForCredentialOperations")
        assert await azure.registry("dev").digest("mirror/web:v1") is None

    async def test_not_with_a_token_whose_principal_may_not_pull(
        self, arm: Arm, elsewhere: Azure, digest: str
    ) -> None:
        upstream = Oci(elsewhere.session, elsewhere.registry("upstream").url)
        elsewhere.assign("deleter", upstream="AcrDelete")
        token = await upstream.refresh_token("deleter")

        with pytest.raises(HttpResponseError, match="refused access"):
            await import_from(arm, upstream.service, "library/web:v1", password=token)

    async def test_this_emulators_own_registry_by_its_address_needs_credentials_too(
        self, azure: Azure, arm: Arm
    ) -> None:
        digest = await azure.registry("prod").push("library/web:v1")
        azure.switch("prod", RegistrySwitches(Auth.BASIC))
        uri = azure.registry("prod").login_server

        with pytest.raises(HttpResponseError, match="refused access"):
            await import_from(arm, uri, "library/web:v1")
        await import_from(arm, uri, "library/web:v1", username="prod", password=azure.password("prod"))

        await require_whole(azure, "mirror/web:v1", digest)


class TestOddSources:
    @pytest.fixture
    async def odd(self) -> AsyncIterator[tuple[str, dict[str, dict[str, Any]]]]:
        """A source that answers each path as it is told."""
        answers: dict[str, dict[str, Any]] = {}

        async def answer(request: web.Request) -> web.Response:
            found = answers.get(f"{request.path} {request.headers.get('Authorization')}")
            return web.Response(**found or answers.get(request.path_qs, {"status": 404}))

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        async with serving_app(app) as url:
            yield url, answers

    async def test_a_blob_larger_than_the_manifest_says_is_cut_off(
        self, azure: Azure, arm: Arm, odd: tuple[str, dict[str, dict[str, Any]]], tmp_path: Path
    ) -> None:
        uri, answers = odd
        manifest = {"schemaVersion": 2, "config": layer(EMPTY) | {"size": 1}, "layers": []}
        answers["/v2/library/web/manifests/v1"] = {"body": json.dumps(manifest).encode()}
        answers[f"/v2/library/web/blobs/{digest_of(EMPTY)}"] = {"body": EMPTY}

        with pytest.raises(HttpResponseError, match="larger than the manifest says"):
            await import_from(arm, uri, "library/web:v1")

        assert list((tmp_path / "uploads").iterdir()) == []

    async def test_a_manifest_larger_than_4_mib_is_not_taken(
        self, arm: Arm, odd: tuple[str, dict[str, dict[str, Any]]]
    ) -> None:
        uri, answers = odd
        answers["/v2/library/web/manifests/v1"] = {"body": b" " * (4 * 1024 * 1024 + 1)}

        with pytest.raises(HttpResponseError, match="larger than 4 MiB"):
            await import_from(arm, uri, "library/web:v1")

    async def test_a_challenge_without_a_scope(
        self, azure: Azure, arm: Arm, odd: tuple[str, dict[str, dict[str, Any]]]
    ) -> None:
        """As registry.redhat.io sends it (Azure/acr, issue 449)."""
        uri, answers = odd
        image = json.dumps({"schemaVersion": 2, "config": layer(EMPTY), "layers": []}).encode()
        paths = {f"/v2/library/web/blobs/{digest_of(EMPTY)}": EMPTY, "/v2/library/web/manifests/v1": image}
        for path, content in paths.items():
            challenge = {"WWW-Authenticate": f'Bearer realm="{uri}/token"'}
            answers[path] = {"status": 401, "headers": challenge}
            answers[f"{path} Bearer good"] = {"body": content}
        answers["/token?scope=repository:library/web:pull"] = {"body": b'{"token": "good"}'}

        await import_from(arm, uri, "library/web:v1")

        assert await azure.registry("dev").digest("mirror/web:v1") == digest_of(image)

    @pytest.mark.parametrize(
        "challenge",
        [
            "",
            "Negotiate",
            'Bearer realm="",service="x"',
            'Bearer realm="/not-an-address"',
            'Bearer realm="{url}/nowhere"',
            'Bearer realm="{url}/nonsense"',
            'Bearer realm="{url}/empty",service="x"',
        ],
    )
    async def test_a_challenge_that_nothing_answers(
        self, arm: Arm, odd: tuple[str, dict[str, dict[str, Any]]], challenge: str
    ) -> None:
        uri, answers = odd
        headers = {"WWW-Authenticate": challenge.format(url=uri)} if challenge else {}
        answers["/v2/library/web/manifests/v1"] = {"status": 401, "headers": headers}
        answers["/nonsense"] = {"body": b"no json"}
        answers["/empty"] = {"body": b'{"expires_in": 1}'}

        with pytest.raises(HttpResponseError, match=r"refused access|could not be read") as raised:
            await import_from(arm, uri, "library/web:v1", username="me", password="secret")

        assert raised.value.status_code == 400


async def test_what_is_not_there_fails(arm: Arm, elsewhere: Azure) -> None:
    with pytest.raises(HttpResponseError, match="was not found"):
        await import_from(arm, elsewhere.registry("upstream").login_server, "library/none:v1")


async def test_a_registry_that_is_down_fails(arm: Arm) -> None:
    with pytest.raises(HttpResponseError, match="could not be read") as raised:
        await import_from(arm, "127.0.0.1:9", "library/web:v1")

    assert raised.value.status_code == 400


async def test_a_source_that_throttles_fails(arm: Arm, elsewhere: Azure) -> None:
    await elsewhere.registry("upstream").push("library/web:v1")
    elsewhere.faults.add(Fault(Operation.MANIFEST_READ, Effect.STATUS, status=429, retry_after=1))

    with pytest.raises(HttpResponseError, match="429"):
        await import_from(arm, elsewhere.registry("upstream").login_server, "library/web:v1")


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
