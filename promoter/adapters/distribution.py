"""Reading what any registry serves: the OCI distribution specification, "Pulling manifests".

Every registry of today's asks for a token the same way: it answers 401 and says where tokens are
(WWW-Authenticate: Bearer, with a realm). What it has given is shown again until it is refused, so that a read
is one request and not three or four.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol
from urllib.parse import urljoin

import aiohttp
import msgspec

from promoter.adapters.faults import retry_after
from promoter.domain.errors import DeniedError, UnavailableError
from promoter.domain.image import Digest, Repository, Tag

_KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ACCEPT = {"Accept": ", ".join(_KINDS)}
_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"', re.IGNORECASE)
_TOKEN = re.compile(r"[\x21-\x7e]+")  # what may stand in a header
_MAX_MANIFEST = 4 * 1024 * 1024  # the specification's recommendation
_MAX_REDIRECTS = 3
_REDIRECTS = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=5, sock_read=30)
_KEPT = 500


class Answer(NamedTuple):
    """What a registry answered, read to its end."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def token(self, *names: str) -> str | None:
        """The first token by one of these names in a JSON document; None where there is none."""
        try:
            body: Any = msgspec.json.decode(self.content) if self.status == HTTPStatus.OK else None
        except msgspec.DecodeError:
            return None
        found = (body.get(name) for name in names) if isinstance(body, dict) else ()
        return next((text for text in found if isinstance(text, str) and _TOKEN.fullmatch(text)), None)

    def location(self, url: str) -> str:
        """Where it sends whoever has asked for that address; nothing where it does not."""
        if self.status not in _REDIRECTS or "Location" not in self.headers:
            return ""
        try:
            return urljoin(url, self.headers["Location"])
        except ValueError:
            return ""


class Challenge(NamedTuple):
    """What a registry asks for with its 401.

    Attributes:
        realm: Where tokens are, as the registry says; empty where it speaks of none.
    """

    realm: str
    service: str
    scope: str

    @classmethod
    def parse(cls, text: str) -> "Challenge":
        """Read the header WWW-Authenticate."""
        asked = dict(_PARAMETER.findall(text)) if text.lower().startswith("bearer ") else {}
        return cls(asked.get("realm", ""), asked.get("service", ""), asked.get("scope", ""))


class Door(Protocol):
    """How one registry lets Promoter in.

    Attributes:
        knock: The authorization to begin with; None where nothing is said before it is asked for.
        hint: What an operator does where access is denied.
    """

    knock: str | None
    hint: str

    def may_send_to(self, url: str) -> bool:
        """Whether Promoter asks at an address that the registry has named: for a token, or for a manifest."""
        ...

    async def opened(self, challenge: Challenge, doing: str) -> str:
        """The authorization that a challenge asks for.

        Raises:
            UnavailableError: There is none to be had, or not now.
        """
        ...


class Web:
    """One pool of connections to all registries."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self,
        url: str,
        doing: str,
        authorization: str | None = None,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET an address, or POST a form to it; who is sent on is told where to.

        Raises:
            UnavailableError: Nothing was answered, or more than any manifest has.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        headers = _ACCEPT | ({"Authorization": authorization} if authorization else {})
        method = "GET" if form is None else "POST"
        asked = self._session.request(
            method, url, headers=headers, params=params, data=form, allow_redirects=False
        )
        try:
            async with asked as answer:
                content = b"".join([chunk async for chunk in _limited(answer.content, doing)])
                return Answer(answer.status, answer.headers, content)
        except (aiohttp.ClientError, TimeoutError) as error:
            message = f"{doing} failed: {type(error).__name__}"  # its text may have a token's address
            raise UnavailableError(message) from error

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()


class Manifests:
    """Reads manifests, and keeps what lets it in."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._keys: dict[tuple[str, Repository], str] = {}

    async def digest(
        self, url: str, repository: Repository, reference: Tag | Digest, door: Door, doing: str
    ) -> Digest | None:
        """The digest that a registry serves for a tag or digest now; None where it has no such image.

        The manifest itself is read, and its digest computed: not every registry tells it, none is believed.

        Args:
            url: The registry's address, without a slash at its end.
            repository: The image's repository.
            reference: Its tag or digest.
            door: How the registry lets one in.
            doing: What is being done, for errors.
        """
        address = f"{url}/v2/{repository}/manifests/{reference}"
        answer = await self._get(address, (url, repository), door, doing)
        answer = await self._followed(answer, address, door, doing)
        match answer.status:
            case HTTPStatus.OK:
                return _digest_of(answer, reference, doing)
            case HTTPStatus.NOT_FOUND:
                return None
            case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
                message = f"{doing} failed: {answer.status}; {door.hint}"
                raise DeniedError(message)
            case _:
                message = f"{doing} failed: {answer.status}"
                raise UnavailableError(message, retry_after(answer.headers))

    async def _get(self, address: str, of: tuple[str, Repository], door: Door, doing: str) -> Answer:
        answer = await self._web.ask(address, doing, self._keys.get(of, door.knock))
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        key = await door.opened(Challenge.parse(answer.headers.get("WWW-Authenticate", "")), doing)
        self._keep(of, key)
        return await self._web.ask(address, doing, key)

    async def _followed(self, answer: Answer, url: str, door: Door, doing: str) -> Answer:
        """Where the answer sends to, as far as that is followed: whoever it is, no authorization is his."""
        for _ in range(_MAX_REDIRECTS):
            url = answer.location(url)
            if not url or not door.may_send_to(url):
                break
            answer = await self._web.ask(url, doing)
        return answer

    def _keep(self, of: tuple[str, Repository], key: str) -> None:
        self._keys.pop(of, None)
        self._keys[of] = key
        if len(self._keys) > _KEPT:
            del self._keys[next(iter(self._keys))]


async def _limited(content: aiohttp.StreamReader, doing: str) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in content.iter_any():
        size += len(chunk)
        if size > _MAX_MANIFEST:
            message = f"{doing} failed: it answered with more than {_MAX_MANIFEST} bytes"
            raise UnavailableError(message)
        yield chunk


def _digest_of(answer: Answer, reference: Tag | Digest, doing: str) -> Digest:
    """The content's digest. Who was asked for a digest, or tells one, must serve just that."""
    told = answer.headers.get("Docker-Content-Digest", "")
    wanted = reference if isinstance(reference, Digest) else told
    algorithm = wanted.partition(":")[0] if wanted.startswith(("sha256:", "sha512:")) else "sha256"
    found = Digest(f"{algorithm}:{hashlib.new(algorithm, answer.content).hexdigest()}")
    if wanted and found != wanted:
        message = f"{doing} failed: what it answered for {reference} is no valid manifest: it is {found}"
        raise UnavailableError(message)
    return found
