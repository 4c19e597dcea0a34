"""Azure Container Registry: what a registry serves, and imports between registries."""

from collections.abc import Mapping
from http import HTTPStatus

from azure.core.exceptions import AzureError

from promoter.adapters.arm import ROLE, ResourceManager
from promoter.adapters.distribution import Answer, Challenge, Door, Manifests, Web
from promoter.adapters.faults import retry_after, unavailable
from promoter.adapters.foreign import ForeignRegistries, TokenDoor
from promoter.adapters.identity import Identity, transport
from promoter.application.ports import Import, ImportStatus
from promoter.domain.errors import DeniedError, UnavailableError
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.policy import Location

_READ_TIMEOUT = 30
_AUDIENCE = "https://containerregistry.azure.net/.default"


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
        self._web = Web()
        self._manifests = Manifests(self._web)
        self._foreign = ForeignRegistries(secrets or {}, self._web)
        self._arm = ResourceManager(arm_url, identity, self._transport, self._foreign)
        self._doors: dict[str, Door] = {}

    async def digest(
        self, registry: Location, repository: Repository, reference: Tag | Digest
    ) -> Digest | None:
        """The digest that a registry serves now: the manifest itself is read, and its digest computed."""
        if not isinstance(registry, str):
            return await self._foreign.digest(registry, repository, reference)
        server = await self._arm.login_server(registry)
        if registry not in self._doors:
            self._doors[registry] = self._door(server, registry)
        url = f"{'http' if self._arm.is_local else 'https'}://{server}"
        doing = f"reading {repository} from {server}"
        return await self._manifests.digest(url, repository, reference, self._doors[registry], doing)

    async def submit(self, request: Import) -> ImportStatus:
        """Ask for an import, once."""
        return await self._arm.submit(request)

    async def poll(self, operation: str) -> ImportStatus:
        """Ask how an import goes."""
        return await self._arm.poll(operation)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._web.aclose()
        await self._transport.close()

    def _door(self, server: str, registry: str) -> Door:
        """An emulator without TLS gives tokens to anybody, and is sent none of Promoter's own."""
        hint = f'Promoter\'s identity needs the role "{ROLE}" on {registry}'
        if self._arm.is_local:
            return TokenDoor(self._web, server, None, hint)
        return AzureDoor(self._web, f"https://{server}", self._identity, hint)


class AzureDoor:
    """Azure's own exchange: a token of Entra's for one of the registry's, and that for one to pull with.

    Satisfies Door. Whatever a registry says of where tokens are, they are asked of the registry itself.
    """

    def __init__(self, web: Web, url: str, identity: Identity, hint: str) -> None:
        self.knock: str | None = None
        self.hint = hint
        self._web, self._url, self._identity = web, url, identity
        self._refresh: str | None = None

    def may_send_to(self, url: str) -> bool:  # noqa: ARG002 - wherever it is
        """Nowhere: Azure serves its manifests itself."""
        return False

    async def opened(self, challenge: Challenge, doing: str) -> str:
        """Exchange what is known for a token to pull with; from the start, where that is accepted no more."""
        known = self._refresh
        token = await self._access(known, challenge, doing) if known else None
        if token is None:
            self._refresh = await self._exchange(challenge, doing)
            token = await self._access(self._refresh, challenge, doing)
        if token is None:
            message = f"{doing} failed: 401; {self.hint}"
            raise DeniedError(message)
        return f"Bearer {token}"

    async def _exchange(self, challenge: Challenge, doing: str) -> str:
        try:
            entra = await self._identity.credential.get_token(_AUDIENCE)
        except AzureError as error:
            raise unavailable(error, doing, self.hint) from error
        form = {"grant_type": "access_token", "service": challenge.service, "access_token": entra.token}
        answer = await self._web.ask(f"{self._url}/oauth2/exchange", doing, form=form)
        found = answer.token("refresh_token")
        if found is None:
            _check_transient(answer, doing)
            message = f"{doing} failed: {answer.status}; {self.hint}"
            raise DeniedError(message)
        return found

    async def _access(self, refresh: str, challenge: Challenge, doing: str) -> str | None:
        form = {"grant_type": "refresh_token", "service": challenge.service, "scope": challenge.scope}
        form["refresh_token"] = refresh
        answer = await self._web.ask(f"{self._url}/oauth2/token", doing, form=form)
        _check_transient(answer, doing)
        return answer.token("access_token")


def _check_transient(answer: Answer, doing: str) -> None:
    """Tell a registry that is throttled or down from one that does not let Promoter in."""
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        message = f"{doing} failed: {answer.status}"
        raise UnavailableError(message, retry_after(answer.headers))
