"""Signing in to a registry that is not this emulator's, as its challenge asks: basic, or for a bearer token.

Source: CNCF Distribution, Token Authentication; RFC 7617, RFC 6750.
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from uuid import UUID

import aiohttp
import msgspec

from emulator.arm.parameters import Credentials

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
# The user whose password is a token, at Azure Container Registry.
_TOKEN_USER = str(UUID(int=0))


class _Token(msgspec.Struct):
    token: str | None = None
    access_token: str | None = None


class SignedIn:
    """Requests to one repository of one registry."""

    def __init__(self, session: aiohttp.ClientSession, credentials: Credentials | None, pull: str) -> None:
        """Take who asks, and for what.

        Args:
            session: Sends the requests.
            credentials: Whom the registry may know; None is nobody. Without a user name, a token.
            pull: The scope to ask for where the challenge names none, such as `repository:library/web:pull`.
        """
        self._session, self._pull = session, pull
        self._basic = credentials and aiohttp.encode_basic_auth(
            credentials.username or _TOKEN_USER, credentials.password
        )
        self._authorization: dict[str, str] = {}

    @asynccontextmanager
    async def get(self, url: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask, and once more where the registry first wants to know who asks."""
        used = dict(self._authorization)
        async with self._ask(url, headers) as answer:
            if answer.status != HTTPStatus.UNAUTHORIZED:
                yield answer
                return
            challenges = answer.headers.getall("WWW-Authenticate", [])
        if used == self._authorization:  # else another request has signed in meanwhile
            self._authorization = await self._answer(challenges)
        async with self._ask(url, headers) as answer:
            yield answer

    def _ask(self, url: str, headers: Mapping[str, str]) -> "aiohttp.client._RequestContextManager":
        return self._session.get(url, headers={**headers, **self._authorization}, timeout=_TIMEOUT)

    async def _answer(self, challenges: Iterable[str]) -> dict[str, str]:
        """Give the header that answers a challenge; none where nothing here can."""
        by_scheme = {challenge.partition(" ")[0].lower(): challenge for challenge in challenges}
        if bearer := by_scheme.get("bearer"):
            token = await self._token(dict(_PARAMETER.findall(bearer)))
            return {"Authorization": f"Bearer {token}"} if token else {}
        return {"Authorization": self._basic} if "basic" in by_scheme and self._basic else {}

    async def _token(self, challenge: Mapping[str, str]) -> str | None:
        wanted = {"scope": challenge.get("scope", self._pull)}
        if "service" in challenge:
            wanted["service"] = challenge["service"]
        headers = {"Authorization": self._basic} if self._basic else {}
        url = challenge.get("realm", "")
        async with self._session.get(url, params=wanted, headers=headers, timeout=_TIMEOUT) as answer:
            if answer.status != HTTPStatus.OK:
                return None
            try:
                token = msgspec.json.decode(await answer.read(), type=_Token)
            except msgspec.MsgspecError:
                return None
            return token.token or token.access_token
