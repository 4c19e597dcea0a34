"""What these tests speak with: a plain OCI client, a webhook that remembers, Azure's clients."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import Any, Self, override

import aiohttp
from aiohttp import web
from azure.containerregistry.aio import ContainerRegistryClient
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import AzureKeyCredentialPolicy, SansIOHTTPPolicy
from azure.mgmt.containerregistry.aio import ContainerRegistryManagementClient

from emulator.testing import Azure

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = b"{}"


async def until(condition: Callable[[], object]) -> None:
    """Wait for what nothing signals."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def answered(error: HttpResponseError) -> Any:  # noqa: ANN401 - azure-core does not say what it is
    """Give the HTTP response that made an Azure client raise."""
    assert error.response is not None
    return error.response


def digest_of(content: bytes) -> str:
    return f"sha256:{sha256(content).hexdigest()}"


def descriptor(content: bytes, media_type: str = OCI_CONFIG) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def manifest(**more: object) -> bytes:
    """Write the smallest manifest, with more keys or other values."""
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(EMPTY), "layers": []}
    return json.dumps(document | more).encode()


def layer(content: bytes) -> dict[str, object]:
    return descriptor(content, "application/octet-stream")


def index(children: Iterable[bytes]) -> bytes:
    manifests = [descriptor(child, OCI_MANIFEST) for child in children]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}).encode()


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - tests look into whatever was answered
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["errors"][0]["code"])


@dataclass
class Oci:
    """One repository of one registry, request by request."""

    session: aiohttp.ClientSession
    url: str
    repository: str = "shop/web"

    async def ask(self, method: str, path: str, **more: Any) -> Answer:  # noqa: ANN401 - passed on
        address = path if path.startswith("/") else f"/v2/{self.repository}/{path}"
        async with self.session.request(method, self.url + address, **more) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    @property
    def service(self) -> str:
        return self.url.removeprefix("http://")

    async def refresh_token(self, principal: str) -> str:
        """Exchange an Entra token for a refresh token."""
        form = {"grant_type": "access_token", "service": self.service, "access_token": principal}
        return str((await self.ask("POST", "/oauth2/exchange", data=form)).json["refresh_token"])

    async def sign_in(self, principal: str, *scopes: str) -> dict[str, str]:
        """Exchange an Entra token for an access token, and give the header that carries it."""
        refresh = await self.refresh_token(principal)
        form = [("grant_type", "refresh_token"), ("service", self.service), ("refresh_token", refresh)]
        form += [("scope", scope) for scope in scopes]
        answer = await self.ask("POST", "/oauth2/token", data=form)
        return {"Authorization": f"Bearer {answer.json['access_token']}"}

    async def push_blob(self, content: bytes) -> str:
        digest = digest_of(content)
        answer = await self.ask("POST", f"blobs/uploads/?digest={digest}", data=content)
        assert answer.status == 201, answer.body
        return digest

    async def push_manifest(
        self, content: bytes, reference: str = "", media_type: str = OCI_MANIFEST
    ) -> Answer:
        headers = {"Content-Type": media_type}
        path = f"manifests/{reference or digest_of(content)}"
        return await self.ask("PUT", path, data=BytesIO(content), headers=headers)

    async def push(self, tag: str, **more: object) -> str:
        """Push the smallest image there is."""
        await self.push_blob(EMPTY)
        content = manifest(**more)
        answer = await self.push_manifest(content, tag)
        assert answer.status == 201, answer.body
        return digest_of(content)


@dataclass
class Webhook:
    """An endpoint that remembers what it got, and answers as it is told."""

    url: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)  # statuses of the next answers; then 200
    handshakes: int = 0
    refuse_handshakes: int = 0
    misunderstands: bool = False  # answers handshakes, with something else
    validation_urls: list[str] = field(default_factory=list)
    slow: asyncio.Event | None = None  # while it is not set, answers wait
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def subjects(self) -> list[str]:
        return [event["subject"] for event in self.events]

    async def received(self, number: int) -> list[dict[str, Any]]:
        async with self._arrived, asyncio.timeout(20):
            await self._arrived.wait_for(lambda: len(self.events) >= number)
        return self.events

    async def take(self, request: web.Request) -> web.Response:
        if request.method == "OPTIONS":
            return self._handshake(web.Response(headers={"WebHook-Allowed-Origin": "eventgrid.azure.net"}))
        body = await request.json()
        if request.headers["aeg-event-type"] == "SubscriptionValidation":
            code = body[0]["data"]["validationCode"]
            self.validation_urls.append(body[0]["data"]["validationUrl"])
            return self._handshake(web.json_response({"validationResponse": code}))
        if self.slow:
            await self.slow.wait()
        async with self._arrived:
            self.events += body if isinstance(body, list) else [body]
            self.headers.append(dict(request.headers))
            self._arrived.notify_all()
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, headers={"Location": "/sign-in"} if status == 302 else None)

    async def sign_in(self, request: web.Request) -> web.Response:
        return web.Response()

    def _handshake(self, accepted: web.Response) -> web.Response:
        self.handshakes += 1
        if self.handshakes <= self.refuse_handshakes:
            return web.Response(status=404)
        if self.misunderstands:
            headers = {"WebHook-Allowed-Origin": "elsewhere.example"}
            return web.json_response({"validationResponse": "another code"}, headers=headers)
        return accepted


@asynccontextmanager
async def serving_app(app: web.Application, port: int = 0) -> AsyncIterator[str]:
    """Serve an application, and give its address."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serving(webhook: Webhook, port: int = 0) -> AsyncIterator[Webhook]:
    app = web.Application()
    app.router.add_route("*", "/api/events", webhook.take)
    app.router.add_get("/sign-in", webhook.sign_in)
    async with serving_app(app, port) as url:
        webhook.url = f"{url}/api/events"
        yield webhook


class OverHttp(SansIOHTTPPolicy[Any, Any]):
    """Lets azure-core's authentication policies work over http."""

    @override
    def on_request(self, request: Any) -> None:
        if "/oauth2/" not in request.http_request.url:  # there, nobody takes the option away again
            request.context.options["enforce_https"] = False


@dataclass
class AnyToken:
    """A credential whose token is as good as any: here, it names its principal."""

    token: str = "somebody"

    async def get_token(self, *scopes: str, **more: object) -> AccessToken:
        return AccessToken(self.token, 2**40)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        """Nothing to close."""


def acr_client(azure: Azure, credential: Any = None) -> ContainerRegistryClient:  # noqa: ANN401 - passed on
    return ContainerRegistryClient(
        azure.registry("dev").url,
        credential,
        audience="https://containerregistry.azure.net",
        per_call_policies=[OverHttp()],
    )


def arm_client(
    azure: Azure,
    principal: str = "somebody",
    **more: Any,  # noqa: ANN401 - passed on
) -> ContainerRegistryManagementClient:
    policy = AzureKeyCredentialPolicy(AzureKeyCredential(principal), "Authorization", prefix="Bearer")
    return ContainerRegistryManagementClient(
        AnyToken(),
        azure.subscription_id,
        base_url=azure.arm_url,
        authentication_policy=policy,
        **more,
    )
