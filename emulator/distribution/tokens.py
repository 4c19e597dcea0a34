"""The tokens that a registry gives out, with the claims that Azure Container Registry gives its own.

Shape and lifetimes: Azure/acr, docs/AAD-OAuth.md.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from uuid import uuid4

import msgspec

from emulator.identity.principal import Principal, decode, encode

_HEADER = encode(b'{"alg":"HS256","typ":"JWT"}')


class Kind(StrEnum):
    """What a token is good for (claim `grant_type`)."""

    REFRESH = "refresh_token"  # for access tokens
    ACCESS = "access_token"  # for what its `access` names


LIFETIMES = {Kind.REFRESH: 3 * 3600.0, Kind.ACCESS: 75 * 60.0}  # seconds


class Access(msgspec.Struct, frozen=True):
    """What an access token is good for."""

    type: str
    name: str
    actions: list[str]


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says."""

    jti: str
    sub: str
    nbf: int
    exp: float
    iat: int
    aud: str
    grant_type: Kind
    iss: str = "Azure Container Registry"
    version: str = "1.0"
    access: list[Access] = []


class Tokens:
    """Writes and reads the tokens of one registry."""

    def __init__(self, service: str, key: bytes, now: Callable[[], float] = time.time) -> None:
        """Take what makes tokens this registry's.

        Args:
            service: The registry's login server.
            key: Signs them.
            now: Tells the time, in seconds since the epoch.
        """
        self._service, self._key, self._now = service, key, now

    def issue(self, kind: Kind, principal: Principal, access: Iterable[Access] = ()) -> str:
        """Write a token."""
        now = self._now()
        claims = Claims(
            jti=str(uuid4()),
            sub=principal.name,
            nbf=int(now),
            iat=int(now),
            exp=now + LIFETIMES[kind],
            aud=self._service,
            grant_type=kind,
            access=list(access),
        )
        text = f"{_HEADER}.{encode(msgspec.json.encode(claims))}"
        return f"{text}.{self._sign(text)}"

    def read(self, token: str, kind: Kind) -> Claims | None:
        """Read a token; None unless this registry issued it, for this use, and it is still good."""
        text, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(text).encode()):
            return None
        claims = msgspec.json.decode(decode(text.partition(".")[2]), type=Claims)
        good = claims.grant_type is kind and claims.aud == self._service and claims.exp > self._now()
        return claims if good else None

    def _sign(self, text: str) -> str:
        return encode(hmac.digest(self._key, text.encode(), hashlib.sha256))
