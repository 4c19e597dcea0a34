"""Reading a registry that asks for tokens, as Azure's exchange gives them, in few requests."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, override

import pytest
from azure.core.exceptions import ClientAuthenticationError

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.faults import Effect, Fault, Operation
from emulator.testing import Azure
from promoter.adapters.acr import AzureDoor
from promoter.adapters.distribution import Answer, Manifests, Web
from promoter.adapters.identity import Identity
from promoter.domain.errors import DeniedError, UnavailableError
from promoter.domain.image import Digest, Repository, Tag
from tests.integration.emulator.support import AnyToken

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

WEB, API, V1 = Repository("shop/web"), Repository("shop/api"), Tag("v1")
READ, EXCHANGE, TOKEN = "manifests", "exchange", "token"


class SeenWeb(Web):
    """Keeps the last word of every address that was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.forms: list[Mapping[str, str]] = []

    @override
    async def ask(
        self,
        url: str,
        doing: str,
        authorization: str | None = None,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        self.seen.append(READ if f"/{READ}/" in url else url.rpartition("/")[2])
        self.forms += [form] if form else []
        return await super().ask(url, doing, authorization, params, form)


class Somebody(Identity):
    """An identity whose token names it, or that has none."""

    def __init__(self, *, known: bool = True) -> None:
        super().__init__(None, managed=True)
        self._known = known
        self.scopes: list[str] = []

    @override
    def _make(self) -> "AsyncTokenCredential":
        identity = self

        class Credential(AnyToken):
            @override
            async def get_token(self, *scopes: str, **more: object):  # type: ignore[no-untyped-def] # noqa: ANN202
                identity.scopes += scopes
                if not identity._known:
                    message = "no identity here"
                    raise ClientAuthenticationError(message)
                return await super().get_token(*scopes)

        return Credential()


@dataclass
class Reader:
    """Reads one registry through its door."""

    azure: Azure
    web: SeenWeb
    identity: Somebody = field(default_factory=Somebody)

    def __post_init__(self) -> None:
        self.url = self.azure.registry("dev").url
        self.manifests = Manifests(self.web)
        self.door = AzureDoor(self.web, self.url, self.identity, "give it the role AcrPull")

    async def read(self, repository: Repository = WEB, reference: Tag | Digest = V1) -> Digest | None:
        doing = f"reading {repository}"
        return await self.manifests.digest(self.url, repository, reference, self.door, doing)

    def asked(self) -> list[str]:
        seen, self.web.seen = self.web.seen, []
        return seen


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    async with Azure(registries=("dev",), data=tmp_path) as azure:
        for repository in (WEB, API):
            await azure.registry("dev").push(f"{repository}:v1")
        azure.switch("dev", RegistrySwitches(Auth.TOKEN))
        web = SeenWeb()
        yield Reader(azure, web)
        await web.aclose()


async def test_the_first_read_exchanges_tokens_and_the_next_is_one_request(reader: Reader) -> None:
    first = await reader.read()
    assert first is not None
    assert reader.asked() == [READ, EXCHANGE, TOKEN, READ]

    assert await reader.read(reference=first) == first
    assert await reader.read(reference=Tag("v2")) is None
    assert reader.asked() == [READ, READ]


async def test_another_repository_asks_for_its_own_token_only(reader: Reader) -> None:
    await reader.read()
    reader.asked()
    assert await reader.read(API) is not None
    assert reader.asked() == [READ, TOKEN, READ]


async def test_the_registry_is_shown_a_token_that_is_good_for_registries_alone(reader: Reader) -> None:
    await reader.read()
    assert reader.identity.scopes == ["https://containerregistry.azure.net/.default"]
    exchange, token = reader.web.forms
    assert {**exchange, "access_token": ""} == {
        "grant_type": "access_token",
        "service": reader.azure.registry("dev").login_server,
        "access_token": "",
    }
    assert (token["grant_type"], token["scope"]) == ("refresh_token", "repository:shop/web:pull")


async def test_a_token_that_is_good_no_more_is_replaced(reader: Reader) -> None:
    digest = await reader.read()
    reader.manifests._keys = dict.fromkeys(reader.manifests._keys, "Bearer of.old.days")
    reader.asked()
    assert await reader.read() == digest
    assert reader.asked() == [READ, TOKEN, READ]


async def test_a_refresh_token_that_is_good_no_more_is_exchanged_anew(reader: Reader) -> None:
    await reader.read()
    reader.door._refresh = "of.old.days"
    reader.asked()
    assert await reader.read(API) is not None
    assert reader.asked() == [READ, TOKEN, EXCHANGE, TOKEN, READ]


async def test_only_so_many_tokens_are_kept(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("promoter.adapters.distribution._KEPT", 1)
    for repository in (WEB, API, API, WEB):
        await reader.read(repository)
    assert reader.asked() == [READ, EXCHANGE, TOKEN, READ, READ, TOKEN, READ, READ, READ, TOKEN, READ]


async def test_who_has_no_token_is_told_so_and_asks_again_later(reader: Reader) -> None:
    reader.identity._known = False
    with pytest.raises(UnavailableError, match="reading shop/web failed: no identity here"):
        await reader.read()


async def test_who_may_not_read_is_told_which_role_is_missing(reader: Reader) -> None:
    reader.door._url = f"{reader.url}/nowhere"  # where no token is exchanged
    with pytest.raises(DeniedError, match="reading shop/web failed: 401; give it the role AcrPull"):
        await reader.read()


async def test_a_registry_that_is_throttled_while_tokens_are_read_is_left_alone(reader: Reader) -> None:
    await reader.read()
    fault = Fault(Operation.MANIFEST_READ, Effect.STATUS, times=1, status=429, retry_after=7)
    reader.azure.faults.add(fault)
    with pytest.raises(UnavailableError, match="429") as raised:
        await reader.read()
    assert raised.value.retry_after is not None
    assert raised.value.retry_after.total_seconds() == 7
