"""Registries outside the tenant: reading what a tag names there."""

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import urlsplit

from promoter.adapters.distribution import Challenge, Manifests, Web
from promoter.adapters.settings import Secret
from promoter.domain.errors import DeniedError
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.policy import ForeignRegistry

_HOSTS = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}
_LOOPBACK = {"127.0.0.1", "localhost"}


class ForeignRegistries:
    """Reads registries that are none of this tenant's."""

    def __init__(self, secrets: Mapping[str, str], web: Web) -> None:
        """Name what they need; nothing is connected yet.

        Args:
            secrets: The app settings, for the credentials that the policy names.
            web: Closed by whoever has made it.
        """
        self._secrets = secrets
        self._web = web
        self._manifests = Manifests(web)

    def credentials(self, registry: ForeignRegistry) -> tuple[str, Secret] | None:
        """A registry's user name, empty with a token alone, and password; None where it is public."""
        named = registry.credentials
        if named is None:
            return None
        user = self._secrets.get(named.username.name, "") if named.username else ""
        return user, Secret(self._secrets.get(named.password.name, ""))

    async def digest(
        self, registry: ForeignRegistry, repository: Repository, reference: Tag | Digest
    ) -> Digest | None:
        """The digest that a registry serves for a tag or digest now; None where it has no such image."""
        server = registry.login_server
        hint = "check the credentials that the policy names"
        door = TokenDoor(self._web, server, self._basic(registry), hint)
        doing = f"reading {repository} from {server}"
        return await self._manifests.digest(_base(server), repository, reference, door, doing)

    def _basic(self, registry: ForeignRegistry) -> str | None:
        known = self.credentials(registry)
        if known is None:
            return None
        user, password = known
        return "Basic " + b64encode(f"{user}:{password.reveal()}".encode()).decode()


class TokenDoor:
    """A registry that gives tokens to pull with, to anybody or for credentials; satisfies Door."""

    def __init__(self, web: Web, server: str, basic: str | None, hint: str) -> None:
        self.knock, self.hint = basic, hint
        self._web, self._server = web, server

    def may_send_to(self, url: str) -> bool:
        """Anywhere over TLS; only a registry on this machine may do without, and name others here."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            return False
        if host in _LOOPBACK:
            return parts.scheme in {"http", "https"} and _is_loopback(self._server)
        return parts.scheme == "https" and bool(host)

    async def opened(self, challenge: Challenge, doing: str) -> str:
        """Ask where the registry says for a token to pull with."""
        if not self.may_send_to(challenge.realm):
            message = f"{doing} failed: 401; {self.hint}"
            raise DeniedError(message)
        params = {"service": challenge.service, "scope": challenge.scope}
        wanted = {name: value for name, value in params.items() if value}
        answer = await self._web.ask(challenge.realm, doing, self.knock, wanted)
        token = answer.token("token", "access_token")
        if token is None:
            message = f"{doing} failed: no token to pull with ({answer.status}); {self.hint}"
            raise DeniedError(message)
        return f"Bearer {token}"


def _base(login_server: str) -> str:
    host = _HOSTS.get(login_server.lower(), login_server)
    return f"{'http' if _is_loopback(login_server) else 'https'}://{host}"


def _is_loopback(login_server: str) -> bool:
    return login_server.partition(":")[0] in _LOOPBACK
