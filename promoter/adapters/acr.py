"""Azure Container Registry: what a registry serves, and imports between registries."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, override

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy

from promoter.adapters.arm import ROLE, ResourceManager
from promoter.adapters.faults import unavailable
from promoter.adapters.foreign import ForeignRegistries
from promoter.adapters.identity import Identity, transport
from promoter.application.ports import Import, ImportStatus
from promoter.domain.errors import UnavailableError
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.policy import Location

if TYPE_CHECKING:
    from azure.containerregistry.aio import ContainerRegistryClient

_READ_TIMEOUT = 30


class AzureRegistry:
    """Every Azure Container Registry that Promoter's identity may use, and others; satisfies Registry."""

    def __init__(self, arm_url: str, identity: Identity, secrets: Mapping[str, str] | None = None) -> None:
        """Name them; nothing is connected yet.

        Args:
            arm_url: Azure Resource Manager; over http an emulator on this machine.
            identity: Who asks.
            secrets: The app settings, for the credentials of registries outside the tenant.
        """
        self._identity = identity
        self._transport = transport(_READ_TIMEOUT)
        self._foreign = ForeignRegistries(secrets or {})
        self._arm = ResourceManager(arm_url, identity, self._transport, self._foreign)
        self._clients: dict[str, ContainerRegistryClient] = {}

    async def digest(
        self, registry: Location, repository: Repository, reference: Tag | Digest
    ) -> Digest | None:
        """The digest that a registry serves now: the manifest itself is read, and its digest computed."""
        if not isinstance(registry, str):
            return await self._foreign.digest(registry, repository, reference)
        server = await self._arm.login_server(registry)
        doing = f"reading {repository} from {server}"
        try:
            manifest = await self._client(server).get_manifest(repository, reference)
        except ResourceNotFoundError:
            return None
        except AzureError as error:
            hint = f'Promoter\'s identity needs the role "{ROLE}" on {registry}'
            raise unavailable(error, doing, hint) from error
        except ValueError as error:
            message = f"{doing} failed: it answered {reference} with what is no valid manifest: {error}"
            raise UnavailableError(message) from error
        return Digest(str(manifest.digest))

    async def submit(self, request: Import) -> ImportStatus:
        """Ask for an import, once."""
        return await self._arm.submit(request)

    async def poll(self, operation: str) -> ImportStatus:
        """Ask how an import goes."""
        return await self._arm.poll(operation)

    async def aclose(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            # Not close(), which forgets the connections of the token exchange.
            await client.__aexit__(None, None, None)  # type: ignore[no-untyped-call]
        await self._foreign.aclose()
        await self._transport.close()

    def _client(self, server: str) -> "ContainerRegistryClient":
        if server not in self._clients:
            self._clients[server] = self._make(server)
        return self._clients[server]

    def _make(self, server: str) -> "ContainerRegistryClient":
        from azure.containerregistry.aio import ContainerRegistryClient  # noqa: PLC0415 - only who reads pays

        # Whoever asked asks again, later: here only a connection that has gone stale is tried once more.
        options: dict[str, Any] = {
            "transport": self._transport,
            "permit_redirects": False,
            "retry_total": 1,
            "retry_status": 0,
        }
        if self._arm.is_local:
            options["per_call_policies"] = [_PlainHttp()]
            return ContainerRegistryClient(f"http://{server}", None, **options)
        return ContainerRegistryClient(f"https://{server}", self._identity.credential, **options)


class _PlainHttp(SansIOHTTPPolicy[Any, Any]):
    """Lets the emulator be read without TLS. No token is ever sent to it."""

    @override
    def on_request(self, request: PipelineRequest[Any]) -> None:
        """Say so on the request; said to the client, it would not reach every one of them."""
        request.context["enforce_https"] = False
