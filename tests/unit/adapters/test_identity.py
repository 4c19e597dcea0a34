"""Whom Promoter's own tokens go to."""

from typing import TYPE_CHECKING, Self, override

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from promoter.adapters.acr import AzureRegistry
from promoter.adapters.identity import Identity
from promoter.adapters.queue import QueueScheduler
from promoter.adapters.settings import IdentityStorage
from promoter.adapters.tables import Tables
from promoter.application.ports import Import
from promoter.application.work import Consider
from promoter.domain.errors import UnavailableError
from promoter.domain.image import Digest, Image, Repository, Tag
from tests.fakes.time import START

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

STORAGE = IdentityStorage("https://acct.table.core.windows.net", "https://acct.queue.core.windows.net")
IMAGE = Image(Repository("shop/web"), Digest(f"sha256:{1:064x}"))
DEV = "/subscriptions/s1/resourceGroups/g1/providers/Microsoft.ContainerRegistry/registries/devacr"


class NoToken:
    """A credential that has none to give, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.scopes: list[str] = []
        self.closed = False

    async def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.scopes += scopes
        message = "no identity here"
        raise ClientAuthenticationError(message)

    async def close(self) -> None:
        self.closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


class FakeIdentity(Identity):
    def __init__(self) -> None:
        super().__init__(None, managed=True)
        self.made: list[NoToken] = []

    @override
    def _make(self) -> "AsyncTokenCredential":
        self.made.append(NoToken())
        return self.made[-1]


@pytest.fixture
def identity() -> FakeIdentity:
    return FakeIdentity()


async def test_tables_are_asked_with_a_token_for_storage(identity: FakeIdentity) -> None:
    tables = Tables(STORAGE, identity)

    with pytest.raises(UnavailableError, match="reading the table Evidence failed: no identity here"):
        await tables.evidence.load(IMAGE)

    assert identity.made[0].scopes == ["https://storage.azure.com/.default"]
    await tables.aclose()


async def test_the_queue_is_asked_with_a_token_for_storage(identity: FakeIdentity) -> None:
    queue = QueueScheduler(STORAGE, identity)

    with pytest.raises(UnavailableError, match="no identity here"):
        await queue.wake(Consider(IMAGE.repository, IMAGE.digest), START - START)

    assert set(identity.made[0].scopes) == {"https://storage.azure.com/.default"}
    await queue.aclose()


@pytest.mark.parametrize("url", ["https://management.azure.com", "https://management.usgovcloudapi.net"])
async def test_resource_manager_is_asked_with_a_token_for_itself(identity: FakeIdentity, url: str) -> None:
    registry = AzureRegistry(url, identity)

    with pytest.raises(UnavailableError, match="no identity here"):
        await registry.submit(Import(DEV, IMAGE.repository, IMAGE.digest, DEV, Tag("v1"), force=True))
    with pytest.raises(UnavailableError, match="no identity here"):
        await registry.poll(f"{url}/subscriptions/s1/x")

    assert set(identity.made[0].scopes) == {f"{url}/.default"}
    await registry.aclose()


async def test_there_is_one_credential_for_all_and_it_is_closed(identity: FakeIdentity) -> None:
    assert identity.credential is identity.credential
    assert len(identity.made) == 1

    await identity.aclose()

    assert identity.made[0].closed


async def test_an_identity_that_was_never_needed_has_nothing_to_close(identity: FakeIdentity) -> None:
    await identity.aclose()

    assert identity.made == []


@pytest.mark.parametrize(
    ("managed", "kind"), [(True, "ManagedIdentityCredential"), (False, "DefaultAzureCredential")]
)
async def test_in_azure_the_managed_identity_is_used(managed: bool, kind: str) -> None:  # noqa: FBT001
    identity = Identity("00000000-0000-0000-0000-00000000000a", managed=managed)

    assert type(identity.credential).__name__ == kind

    await identity.aclose()
