"""Reading what a registry serves, and what can be wrong with its answer."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256, sha512

import pytest

from promoter.adapters.acr import AzureRegistry
from promoter.adapters.identity import Identity
from promoter.domain.errors import InvalidReferenceError, UnavailableError
from promoter.domain.image import Digest, Repository, Tag
from tests.unit.adapters.scripted import Answer, ScriptedServer

DEV = "/subscriptions/s1/resourceGroups/g1/providers/Microsoft.ContainerRegistry/registries/devacr"
WEB, V1 = Repository("shop/web"), Tag("v1")
MANIFEST = {"schemaVersion": 2, "config": {}, "layers": []}
IMAGE = Digest(f"sha256:{sha256(json.dumps(MANIFEST).encode()).hexdigest()}")
MANIFEST_PATH = "/v2/shop/web/manifests/v1"


def manifest(digest: str = IMAGE) -> Answer:
    return Answer(200, MANIFEST, {"Docker-Content-Digest": digest})


@pytest.fixture
async def azure() -> AsyncIterator[ScriptedServer]:
    """Resource Manager and the registry, both."""
    async with ScriptedServer() as server:
        server.answers = [Answer(200, {"properties": {"loginServer": server.host}})]
        yield server


@pytest.fixture
async def registry(azure: ScriptedServer) -> AsyncIterator[AzureRegistry]:
    registry = AzureRegistry(azure.url, Identity(None, managed=False))
    yield registry
    await registry.aclose()


async def test_the_digest_is_that_of_the_manifest_itself(
    azure: ScriptedServer, registry: AzureRegistry
) -> None:
    azure.answers.append(manifest())

    assert await registry.digest(DEV, WEB, V1) == IMAGE
    assert [asked.path for asked in azure.asked] == [DEV, MANIFEST_PATH]


async def test_where_a_registry_is_is_asked_once(azure: ScriptedServer, registry: AzureRegistry) -> None:
    azure.answers += [manifest(), manifest()]

    await registry.digest(DEV, WEB, V1)
    await registry.digest(DEV.upper(), WEB, V1)

    assert [asked.path for asked in azure.asked] == [DEV, MANIFEST_PATH, MANIFEST_PATH]


async def test_a_registry_without_tls_is_sent_no_token(
    azure: ScriptedServer, registry: AzureRegistry
) -> None:
    azure.answers.append(manifest())

    await registry.digest(DEV, WEB, V1)

    assert azure.asked[1].authorization == ""


async def test_a_registry_that_wants_a_token_gives_one_to_anybody_who_may_pull(
    azure: ScriptedServer, registry: AzureRegistry
) -> None:
    challenge = f'Bearer realm="{azure.url}/oauth2/token",service="s",scope="repository:shop/web:pull"'
    azure.answers += [
        Answer(401, headers={"WWW-Authenticate": challenge}),
        Answer(200, {"access_token": "for-pulling"}),
        manifest(),
    ]

    assert await registry.digest(DEV, WEB, V1) == IMAGE
    assert azure.asked[-1].authorization == "Bearer for-pulling"


@pytest.mark.parametrize(
    "plain",
    [Answer(200, MANIFEST), Answer(200, MANIFEST, sized=False)],
    ids=["no digest in the header", "no length"],
)
async def test_what_the_manifest_itself_proves_needs_no_header(
    azure: ScriptedServer, registry: AzureRegistry, plain: Answer
) -> None:
    azure.answers.append(plain)

    assert await registry.digest(DEV, WEB, V1) == IMAGE


async def test_a_digest_of_another_kind_is_computed_as_it_is_told(
    azure: ScriptedServer, registry: AzureRegistry
) -> None:
    told = Digest(f"sha512:{sha512(json.dumps(MANIFEST).encode()).hexdigest()}")
    azure.answers += [manifest(told), manifest()]

    assert await registry.digest(DEV, WEB, V1) == told
    with pytest.raises(UnavailableError, match="no valid manifest"):
        await registry.digest(DEV, WEB, Digest(f"sha512:{1:0128x}"))


@pytest.mark.parametrize("wrong", [f"sha256:{1:064x}", "md5:1"], ids=["another digest", "no digest"])
async def test_an_answer_that_proves_nothing_is_not_believed(
    azure: ScriptedServer, registry: AzureRegistry, wrong: str
) -> None:
    azure.answers.append(manifest(wrong))

    with pytest.raises(UnavailableError, match="no valid manifest"):
        await registry.digest(DEV, WEB, V1)


async def test_another_manifest_than_the_one_asked_for_is_not_believed(
    azure: ScriptedServer, registry: AzureRegistry
) -> None:
    azure.answers.append(manifest())

    with pytest.raises(UnavailableError, match="no valid manifest"):
        await registry.digest(DEV, WEB, Digest(f"sha256:{2:064x}"))


async def test_what_is_not_there_has_no_digest(azure: ScriptedServer, registry: AzureRegistry) -> None:
    azure.answers.append(Answer(404, {"errors": [{"code": "MANIFEST_UNKNOWN"}]}))

    assert await registry.digest(DEV, WEB, V1) is None


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_registry_is_asked_once_and_left_alone_as_long_as_it_says(
    azure: ScriptedServer, registry: AzureRegistry, status: int
) -> None:
    azure.answers.append(Answer(status, headers={"Retry-After": "4"}))

    with pytest.raises(UnavailableError, match=f"failed: {status}") as raised:
        await registry.digest(DEV, WEB, V1)

    assert raised.value.retry_after == timedelta(seconds=4)
    assert "role" not in str(raised.value)
    assert len(azure.asked) == 2


@pytest.mark.parametrize("status", [401, 403])
async def test_a_registry_that_may_not_be_read_names_the_missing_role(
    azure: ScriptedServer, registry: AzureRegistry, status: int
) -> None:
    azure.answers.append(Answer(status, {"errors": [{"code": "DENIED"}]}))

    with pytest.raises(UnavailableError, match=f"{status}.*Data Importer and Data Reader.*{DEV}"):
        await registry.digest(DEV, WEB, V1)


async def test_a_registry_that_may_not_be_found_names_the_missing_role(
    azure: ScriptedServer, registry: AzureRegistry
) -> None:
    azure.answers = [Answer(403, {"error": {"code": "AuthorizationFailed"}})]

    with pytest.raises(UnavailableError, match=r"the registry devacr.*403.*Data Importer and Data Reader"):
        await registry.digest(DEV, WEB, V1)


async def test_a_registry_that_does_not_exist_is_told_as_such(
    azure: ScriptedServer, registry: AzureRegistry
) -> None:
    azure.answers = [Answer(404, {"error": {"code": "ResourceNotFound", "message": "..."}})]

    with pytest.raises(UnavailableError, match=r"the registry devacr.*404"):
        await registry.digest(DEV, WEB, V1)


async def test_a_registry_that_is_being_made_is_asked_again_later(
    azure: ScriptedServer, registry: AzureRegistry
) -> None:
    azure.answers = [Answer(200, {"properties": {}}), *azure.answers, manifest()]

    with pytest.raises(UnavailableError, match="no login server yet"):
        await registry.digest(DEV, WEB, V1)

    assert await registry.digest(DEV, WEB, V1) == IMAGE


async def test_what_is_no_registry_is_refused(registry: AzureRegistry) -> None:
    with pytest.raises(InvalidReferenceError, match="resource id"):
        await registry.digest("devacr", WEB, V1)
