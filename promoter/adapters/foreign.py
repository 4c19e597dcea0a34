"""Registries outside the tenant: reading what a tag names there.

Any registry that keeps to the OCI distribution specification ("Pulling manifests", "Checking if content
exists") and to the token authentication that registries share (WWW-Authenticate: Bearer, with a realm).
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

from promoter.adapters.faults import retry_after
from promoter.adapters.settings import Secret
from promoter.domain.errors import DeniedError, UnavailableError
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.policy import ForeignRegistry

_KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"', re.IGNORECASE)
_MAX_MANIFEST = 4 * 1024 * 1024  # the specification's recommendation
_HOSTS = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}
_LOOPBACK = {"127.0.0.1", "localhost"}
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5, sock_read=15)
_MAX_REDIRECTS = 3
_REDIRECTS = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}
_TOKEN = re.compile(r"[\x21-\x7e]+")  # what may stand in a header


class Answer(NamedTuple):
    """What a registry answered, read to its end."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class ForeignRegistries:
    """Reads registries that are none of this tenant's."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """Name what they need; nothing is connected yet.

        Args:
            secrets: The app settings, for the credentials that the policy names.
        """
        self._secrets = secrets
        self._session: aiohttp.ClientSession | None = None

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

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
        """The digest that a registry serves for a tag or digest now; None where it has no such image.

        The manifest itself is read, and its digest computed: not every registry tells it, none is believed.
        """
        url = f"{_base(registry.login_server)}/v2/{repository}/manifests/{reference}"
        doing = f"reading {repository} from {registry.login_server}"
        answer = await self._get(url, self._basic(registry), doing)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            token = await self._token(registry, answer.headers.get("WWW-Authenticate", ""), doing)
            answer = await self._get(url, f"Bearer {token}", doing)
        for _ in range(_MAX_REDIRECTS):
            url = _location(answer, url)
            if not _may_be_asked(url, registry):
                break
            answer = await self._get(url, None, doing)  # whoever it is, the credentials are not his
        match answer.status:
            case HTTPStatus.OK:
                return _digest_of(answer.content, reference)
            case HTTPStatus.NOT_FOUND:
                return None
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                message = f"{doing} failed: {answer.status}; check the credentials that the policy names"
                raise DeniedError(message)
            case _:
                message = f"{doing} failed: it answered {answer.status}"
                raise UnavailableError(message, retry_after(answer.headers))

    async def _token(self, registry: ForeignRegistry, challenge: str, doing: str) -> str:
        """Ask where the registry says for a token to pull with."""
        asked = dict(_PARAMETER.findall(challenge))
        realm = asked.pop("realm", "")
        if not challenge.lower().startswith("bearer ") or not _may_be_asked(realm, registry):
            message = f"{doing} failed: 401; check the credentials that the policy names"
            raise DeniedError(message)
        params = {key: asked[key] for key in ("service", "scope") if key in asked}
        answer = await self._get(realm, self._basic(registry), doing, params)
        body: Any = {}
        if answer.status == HTTPStatus.OK:
            try:
                body = msgspec.json.decode(answer.content)
            except msgspec.DecodeError:
                body = {}
        found = (body.get("token") or body.get("access_token")) if isinstance(body, dict) else None
        if not isinstance(found, str) or not _TOKEN.fullmatch(found):
            message = f"{doing} failed: no token to pull with ({answer.status}); check the credentials"
            raise DeniedError(message)
        return found

    async def _get(
        self, url: str, authorization: str | None, doing: str, params: Mapping[str, str] | None = None
    ) -> Answer:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        headers = {"Accept": ", ".join(_KINDS)} | ({"Authorization": authorization} if authorization else {})
        asked = self._session.get(url, headers=headers, params=params, allow_redirects=False)
        try:
            async with asked as answer:
                content = b"".join([chunk async for chunk in _limited(answer.content, doing)])
                return Answer(answer.status, answer.headers, content)
        except (aiohttp.ClientError, TimeoutError) as error:
            message = f"{doing} failed: {type(error).__name__}"  # its text may have the token's address
            raise UnavailableError(message) from error

    def _basic(self, registry: ForeignRegistry) -> str | None:
        known = self.credentials(registry)
        if known is None:
            return None
        user, password = known
        return "Basic " + b64encode(f"{user}:{password.reveal()}".encode()).decode()


async def _limited(content: aiohttp.StreamReader, doing: str) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in content.iter_any():
        size += len(chunk)
        if size > _MAX_MANIFEST:
            message = f"{doing} failed: it answered with more than {_MAX_MANIFEST} bytes"
            raise UnavailableError(message)
        yield chunk


def _base(login_server: str) -> str:
    host = _HOSTS.get(login_server.lower(), login_server)
    return f"{'http' if _is_loopback(login_server) else 'https'}://{host}"


def _is_loopback(login_server: str) -> bool:
    """Whether this is a registry on this machine: only that may do without TLS, and name others here."""
    return login_server.partition(":")[0] in _LOOPBACK


def _location(answer: Answer, url: str) -> str:
    """Where an answer sends to; nothing where it does not."""
    if answer.status not in _REDIRECTS or "Location" not in answer.headers:
        return ""
    try:
        return urljoin(url, answer.headers["Location"])
    except ValueError:
        return ""


def _may_be_asked(url: str, registry: ForeignRegistry) -> bool:
    """Whether a registry may send Promoter there."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if host in _LOOPBACK:
        return parts.scheme in {"http", "https"} and _is_loopback(registry.login_server)
    return parts.scheme == "https" and bool(host)


def _digest_of(content: bytes, reference: Tag | Digest) -> Digest:
    algorithm = reference.partition(":")[0] if isinstance(reference, Digest) else "sha256"
    return Digest(f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}")
