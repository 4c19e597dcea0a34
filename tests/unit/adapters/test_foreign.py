"""Registries outside the tenant: what they answer, the tokens they ask for, and what they are not told."""

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import web

from promoter.adapters.acr import AzureRegistry
from promoter.adapters.distribution import Web
from promoter.adapters.foreign import ForeignRegistries, TokenDoor
from promoter.adapters.identity import Identity
from promoter.application.ports import Import, Progress
from promoter.domain.errors import DeniedError, UnavailableError
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.policy import Credentials, ForeignRegistry, SettingReference
from tests.unit.adapters.scripted import Answer, ScriptedServer
from tests.unit.domain.strategies import digest, registry_id

NGINX = Repository("library/nginx")
MANIFEST = {"schemaVersion": 2}
SERVED = Digest("sha256:" + hashlib.sha256(web.json_response(MANIFEST).body or b"").hexdigest())  # type: ignore[arg-type]
CREDENTIALS = Credentials(SettingReference("${TOKEN}"), SettingReference("${USER}"))
SECRETS = {"TOKEN": "s3cret", "USER": "robot"}
BASIC = "Basic " + base64.b64encode(b"robot:s3cret").decode()
SCOPE = "repository:library/nginx:pull"
CHALLENGE = {"WWW-Authenticate": f'Bearer realm="{{url}}/token",service="hub",scope="{SCOPE}"'}
NO_ADDRESS = {"WWW-Authenticate": 'Bearer realm="https://[::1/token"'}
ELSEWHERE = {"WWW-Authenticate": 'Bearer realm="http://elsewhere.example/token"'}
V1 = Tag("1.27")


@asynccontextmanager
async def reading(secrets: dict[str, str] | None = None) -> AsyncIterator[ForeignRegistries]:
    web = Web()
    try:
        yield ForeignRegistries(SECRETS if secrets is None else secrets, web)
    finally:
        await web.aclose()


async def read(
    server: ScriptedServer, reference: Tag | Digest = V1, credentials: Credentials | None = None
) -> Digest | None:
    async with reading() as registries:
        return await registries.digest(ForeignRegistry(server.host, credentials), NGINX, reference)


async def test_a_public_registry_is_asked_without_a_word_about_who_asks() -> None:
    async with ScriptedServer(Answer(json=MANIFEST)) as server:
        assert await read(server) == SERVED
    [asked] = server.asked
    assert (asked.method, asked.path, asked.authorization) == ("GET", "/v2/library/nginx/manifests/1.27", "")


async def test_what_is_not_there_is_none() -> None:
    async with ScriptedServer(Answer(404, {"errors": []})) as server:
        assert await read(server) is None


async def test_by_digest_the_content_itself_is_believed_and_nothing_else() -> None:
    async with ScriptedServer(Answer(json=MANIFEST), Answer(json=MANIFEST)) as server:
        assert await read(server, SERVED) == SERVED
        with pytest.raises(UnavailableError, match="no valid manifest"):
            await read(server, digest(1))


async def test_where_a_token_is_asked_for_it_is_fetched_and_shown() -> None:
    answers = (Answer(401, {}, CHALLENGE), Answer(json={"token": "t0ken"}), Answer(json=MANIFEST))
    async with ScriptedServer(*answers) as server:
        assert await read(server) == SERVED
    _, token, again = server.asked
    assert (token.path, token.authorization) == ("/token", "")
    assert token.query == {"service": "hub", "scope": SCOPE}
    assert again.authorization == "Bearer t0ken"


async def test_credentials_are_shown_to_the_registry_and_to_where_it_gives_its_tokens() -> None:
    answers = (Answer(401, {}, CHALLENGE), Answer(json={"access_token": "t0ken"}), Answer(json=MANIFEST))
    async with ScriptedServer(*answers) as server:
        assert await read(server, credentials=CREDENTIALS) == SERVED
    assert [asked.authorization for asked in server.asked] == [BASIC, BASIC, "Bearer t0ken"]


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ((Answer(401, {}, {"WWW-Authenticate": 'Basic realm="x"'}),), DeniedError),
        (
            (Answer(401, {}, ELSEWHERE),),
            DeniedError,
        ),
        ((Answer(401, {}),), DeniedError),
        ((Answer(401, {}, CHALLENGE), Answer(401, {})), DeniedError),
        ((Answer(401, {}, CHALLENGE), Answer(json={"token": 7})), DeniedError),
        ((Answer(401, {}, CHALLENGE), Answer(json=["token"])), DeniedError),
        ((Answer(401, {}, CHALLENGE), Answer(json={"token": "t0ken\r\nHost: elsewhere"})), DeniedError),
        ((Answer(401, {}, CHALLENGE), Answer(json={"token": "t0ken\ud800"})), DeniedError),
        ((Answer(401, {}, NO_ADDRESS),), DeniedError),
        ((Answer(401, {}, CHALLENGE), Answer(json={"token": "t"}), Answer(401, {}, CHALLENGE)), DeniedError),
        ((Answer(403, {}),), DeniedError),
        ((Answer(429, {}, {"Retry-After": "7"}),), UnavailableError),
        ((Answer(500, {}),), UnavailableError),
        ((Answer(302, {}, {"Location": "http://elsewhere.example/"}),), UnavailableError),
        ((Answer(302, {}, {"Location": "https://[::1/"}),), UnavailableError),
        ((Answer(304, {}),), UnavailableError),
        ((Answer(307, {}, {"Location": "/again"}),) * 5, UnavailableError),
        ((Answer(hang_up=True), Answer(hang_up=True)), UnavailableError),
        ((Answer(json="x" * 5_000_000),), UnavailableError),
    ],
)
async def test_on_bad_days_the_same_is_to_be_tried_later_and_nothing_secret_is_said(
    answers: tuple[Answer, ...], kind: type[UnavailableError]
) -> None:
    async with ScriptedServer(*answers) as server:
        with pytest.raises(kind) as raised:
            await read(server, credentials=CREDENTIALS)
    assert type(raised.value) is kind
    assert f"reading library/nginx from {server.host} failed" in str(raised.value)
    assert not any(word in str(raised.value) for word in ("s3cret", BASIC, "t0ken"))


async def test_who_a_registry_sends_promoter_to_is_asked_without_its_credentials() -> None:
    moved = Answer(307, {}, {"Location": "{url}/v2/elsewhere/nginx/manifests/1.27"})
    async with ScriptedServer(moved, Answer(json=MANIFEST)) as server:
        assert await read(server, credentials=CREDENTIALS) == SERVED
    assert [(asked.path, asked.authorization) for asked in server.asked] == [
        ("/v2/library/nginx/manifests/1.27", BASIC),
        ("/v2/elsewhere/nginx/manifests/1.27", ""),
    ]


@pytest.mark.parametrize(
    ("server", "url", "asked"),
    [
        ("docker.io", "https://auth.docker.io/token", True),
        ("docker.io", "http://auth.docker.io/token", False),
        ("docker.io", "http://127.0.0.1:41741/msi/token", False),
        ("docker.io", "https://localhost/token", False),
        ("docker.io", "file:///etc/passwd", False),
        ("docker.io", "https://", False),
        ("docker.io", "https://elsewhere.example:port/", False),
        ("127.0.0.1:5000", "http://127.0.0.1:5001/token", True),
        ("localhost:5000", "http://elsewhere.example/token", False),
    ],
)
def test_a_registry_sends_promoter_nowhere_without_tls_nor_to_this_machine(
    server: str,
    url: str,
    asked: bool,  # noqa: FBT001 - a table
) -> None:
    assert TokenDoor(Web(), server, None, "").may_send_to(url) is asked


async def test_a_throttled_registry_is_left_alone_as_long_as_it_asks() -> None:
    async with ScriptedServer(Answer(429, {}, {"Retry-After": "7"})) as server:
        with pytest.raises(UnavailableError) as raised:
            await read(server)
    assert raised.value.retry_after is not None
    assert raised.value.retry_after.total_seconds() == 7


@pytest.mark.parametrize(
    ("credentials", "sent"),
    [
        (None, None),
        (Credentials(SettingReference("${TOKEN}")), {"password": "s3cret"}),
        (CREDENTIALS, {"username": "robot", "password": "s3cret"}),
    ],
)
async def test_an_import_names_the_registry_and_what_lets_azure_in(
    credentials: Credentials | None, sent: dict[str, str] | None
) -> None:
    async with ScriptedServer(Answer(202, None, {"Location": "{url}/operation"})) as server:
        registry = AzureRegistry(server.url, Identity(None, managed=False), SECRETS)
        source = ForeignRegistry("docker.io", credentials)
        try:
            status = await registry.submit(
                Import(source, NGINX, SERVED, registry_id("prod"), Tag("1.27"), force=False)
            )
        finally:
            await registry.aclose()
    assert status.progress is Progress.RUNNING
    body: Any = msgspec.json.decode(server.asked[0].body)
    expected: dict[str, object] = {"registryUri": "docker.io", "sourceImage": f"{NGINX}@{SERVED}"}
    assert body["source"] == expected | ({"credentials": sent} if sent else {})
