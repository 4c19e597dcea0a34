"""Azure Resource Manager: where a registry is, and imports into it.

The wire, as AZURE.md has it: POST importImage answers 200, or 202 with a Location to be asked; that answers
202 while the import runs, then 200, 204 or an error. What is stored between two polls is the Location itself.
"""

import re
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urljoin, urlsplit

import msgspec
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError, DeserializationError
from azure.core.pipeline import PipelineResponse
from azure.core.pipeline.policies import AzureKeyCredentialPolicy
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest

from promoter.adapters.faults import retry_after, unavailable
from promoter.adapters.foreign import ForeignRegistries
from promoter.adapters.identity import Identity
from promoter.application.ports import Import, ImportStatus, Progress
from promoter.domain.errors import InvalidReferenceError, UnavailableError
from promoter.domain.policy import Location

if TYPE_CHECKING:
    from azure.mgmt.containerregistry.aio import ContainerRegistryManagementClient

ROLE = "Container Registry Data Importer and Data Reader"
_MAX_MESSAGE = 1000
_RESOURCE_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)"
    r"/providers/Microsoft\.ContainerRegistry/registries/(?P<name>[^/]+)",
    re.IGNORECASE,
)
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/?]+)", re.IGNORECASE)
_TOO_MANY = re.compile(
    r"(?:maximum|more than|too many|limit)[^.]*\bmanifests\b|too\W?many\W?manifests", re.IGNORECASE
)


class RegistryId(msgspec.Struct, frozen=True):
    """The parts of a registry's ARM resource id."""

    subscription: str
    group: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take a resource id apart.

        Raises:
            InvalidReferenceError: It is none of a registry.
        """
        match = _RESOURCE_ID.fullmatch(text)
        if match is None:
            message = f"{text[:200]!r} is not the resource id of a container registry"
            raise InvalidReferenceError(message, "registry")
        return cls(match["subscription"], match["group"], match["name"])


class ResourceManager:
    """What Promoter asks of Azure Resource Manager."""

    def __init__(
        self, url: str, identity: Identity, transport: AioHttpTransport, foreign: ForeignRegistries
    ) -> None:
        """Name it; nothing is connected yet.

        Args:
            url: Its address. Over http, which is for an emulator on this machine, no token is sent.
            identity: Who asks.
            transport: Closed by whoever has made it.
            foreign: Knows the credentials of registries outside the tenant.
        """
        self._foreign = foreign
        self._url = url.rstrip("/")
        parts = urlsplit(self._url)
        self._origin = f"{parts.scheme}://{parts.netloc}".lower()
        self._identity = identity
        self._transport = transport
        self._clients: dict[str, ContainerRegistryManagementClient] = {}
        self._login_servers: dict[str, str] = {}

    @property
    def is_local(self) -> bool:
        """Whether this is an emulator on this machine."""
        return self._origin.startswith("http:")

    async def login_server(self, registry: str) -> str:
        """The host that serves a registry's images. It does not change, so it is asked for once."""
        key = registry.lower()
        if key not in self._login_servers:
            self._login_servers[key] = await self._ask_login_server(RegistryId.parse(registry))
        return self._login_servers[key]

    async def submit(self, request: Import) -> ImportStatus:
        """Ask for an import, once."""
        target = RegistryId.parse(request.target_registry)
        client = self._client(target.subscription)
        answers: list[AsyncHttpResponse] = []

        def keep(response: PipelineResponse[HttpRequest, AsyncHttpResponse]) -> None:
            answers.append(response.http_response)

        doing = f"importing {request.repository}:{request.tag} into {target.name}"
        try:
            await client.registries.begin_import_image(
                target.group,
                target.name,
                self._parameters(request),
                polling=False,
                raw_response_hook=keep,
                retry_total=0,
            )
        except (AzureError, DeserializationError) as error:
            # Whatever the SDK makes of an answer: what counts is its status.
            if not answers:
                raise _unanswered(error, doing) from error
        source = request.source_registry
        needed = f'"{ROLE}" on {request.target_registry}'
        needed += f" and on {source}" if isinstance(source, str) else ""
        _check_transient(answers[-1], doing)
        return self._submitted(answers[-1], needed)

    async def poll(self, operation: str) -> ImportStatus:
        """Ask how an import goes. No other host than Resource Manager's own is ever asked."""
        if not operation.lower().startswith(f"{self._origin}/"):
            message = f"the import's operation is not at {self._origin}, so it was not asked"
            return ImportStatus(Progress.UNKNOWN, operation, message)
        found = _SUBSCRIPTION.search(operation)
        client = self._client(found[1] if found else "-")
        doing = "asking how an import goes"
        try:
            answer = await client.send_request(HttpRequest("GET", operation), retry_total=0)
        except AzureError as error:
            raise _unanswered(error, doing) from error
        _check_transient(answer, doing)
        return _polled(answer, operation)

    def _parameters(self, request: Import) -> dict[str, Any]:
        return {
            "source": self._source(request.source_registry)
            | {"sourceImage": f"{request.repository}@{request.digest}"},
            "targetTags": [f"{request.repository}:{request.tag}"],
            "mode": "Force" if request.force else "NoForce",
        }

    def _source(self, registry: Location) -> dict[str, Any]:
        if isinstance(registry, str):
            return {"resourceId": registry}
        known = self._foreign.credentials(registry)
        if known is None:
            return {"registryUri": registry.login_server}
        user, password = known
        credentials = {"password": password.reveal()} | ({"username": user} if user else {})
        return {"registryUri": registry.login_server, "credentials": credentials}

    def _submitted(self, answer: AsyncHttpResponse, needed: str) -> ImportStatus:
        match answer.status_code:
            case HTTPStatus.OK:
                return _ended(answer)
            case HTTPStatus.ACCEPTED:
                location = answer.headers.get("Location")
                operation = urljoin(f"{self._url}/", location) if location else None
                return _running(answer, operation)
            case HTTPStatus.CONFLICT:
                return ImportStatus(Progress.TAG_EXISTS, message=_message(answer))
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                message = f"{_message(answer).rstrip('.')}; Promoter's identity needs the role {needed}"
                return ImportStatus(Progress.FORBIDDEN, message=message)
            case _:
                return _failed(answer)

    async def _ask_login_server(self, registry: RegistryId) -> str:
        client = self._client(registry.subscription)
        doing = f"reading the registry {registry.name} from Azure Resource Manager"
        try:
            found = await client.registries.get(registry.group, registry.name, retry_total=0)
        except AzureError as error:
            hint = f'Promoter\'s identity needs the role "{ROLE}" on the registry'
            raise unavailable(error, doing, hint) from error
        server = found.properties.login_server if found.properties else None
        if not server:
            message = f"{doing} failed: it has no login server yet"
            raise UnavailableError(message)
        return server

    def _client(self, subscription: str) -> "ContainerRegistryManagementClient":
        if subscription not in self._clients:
            self._clients[subscription] = self._make(subscription)
        return self._clients[subscription]

    def _make(self, subscription: str) -> "ContainerRegistryManagementClient":
        # 100 ms, and most invocations import nothing.
        from azure.mgmt.containerregistry.aio import ContainerRegistryManagementClient  # noqa: PLC0415

        options: dict[str, Any] = {
            "base_url": self._url,
            "transport": self._transport,
            "permit_redirects": False,
        }
        if self.is_local:
            key = AzureKeyCredential("local")
            options["authentication_policy"] = AzureKeyCredentialPolicy(key, "Authorization", prefix="Bearer")
            return ContainerRegistryManagementClient(key, subscription, **options)  # type: ignore[arg-type]
        scopes = [f"{self._origin}/.default"]
        credential = self._identity.credential
        return ContainerRegistryManagementClient(
            credential, subscription, credential_scopes=scopes, **options
        )


def _polled(answer: AsyncHttpResponse, operation: str) -> ImportStatus:
    match answer.status_code:
        case HTTPStatus.OK | HTTPStatus.NO_CONTENT:
            return _ended(answer)
        case HTTPStatus.ACCEPTED:
            return _running(answer, operation)
        case HTTPStatus.BAD_REQUEST:
            return _failed(answer)
        case HTTPStatus.CONFLICT:
            return ImportStatus(Progress.TAG_EXISTS, message=_message(answer))
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return ImportStatus(Progress.FORBIDDEN, operation, _message(answer))
        case _:
            return ImportStatus(Progress.UNKNOWN, operation, _message(answer))


def _running(answer: AsyncHttpResponse, operation: str | None) -> ImportStatus:
    wait = retry_after(answer.headers) or timedelta(0)
    return ImportStatus(Progress.RUNNING, operation, retry_after=wait)


def _ended(answer: AsyncHttpResponse) -> ImportStatus:
    """A 200 may still say in its body that the import failed."""
    status = str(_body(answer).get("status", "")).lower()
    return _failed(answer) if status in {"failed", "canceled"} else ImportStatus(Progress.ENDED)


def _failed(answer: AsyncHttpResponse) -> ImportStatus:
    message = _message(answer)
    progress = Progress.TOO_MANY_MANIFESTS if _TOO_MANY.search(message) else Progress.FAILED
    return ImportStatus(progress, message=message)


def _check_transient(answer: AsyncHttpResponse, doing: str) -> None:
    status = answer.status_code
    again = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
    if status in again or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        message = f"{doing} failed: {_message(answer)}"
        raise UnavailableError(message, retry_after(answer.headers))


def _unanswered(error: Exception, doing: str) -> UnavailableError:
    return unavailable(error if isinstance(error, AzureError) else AzureError(str(error)), doing)


def _message(answer: AsyncHttpResponse) -> str:
    """The status, and ARM's code and words: `{"error": {"code", "message"}}`, or without the outer one."""
    body = _body(answer)
    error = body.get("error")
    said = error if isinstance(error, dict) else body
    words = [str(said[key]) for key in ("code", "message") if said.get(key)]
    text = ": ".join(words) or str(answer.reason or "")
    return f"{answer.status_code} {text}"[:_MAX_MESSAGE]


def _body(answer: AsyncHttpResponse) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, AzureError):
        return {}
    return body if isinstance(body, dict) else {}
