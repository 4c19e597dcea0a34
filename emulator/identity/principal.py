"""The principal that a token names.

Entra is not emulated, so signatures are not checked: a JSON Web Token names its `oid`, and any other text
is a principal of that name.
"""

import base64
import time
from dataclasses import dataclass
from typing import override

import msgspec

_PARTS_OF_A_JWT = 3


class ExpiredTokenError(Exception):
    """The token was good once."""


@dataclass(frozen=True)
class Principal:
    """Who asks: an object id, or any name. Compared without case."""

    name: str

    @property
    def key(self) -> str:
        """The name as it is compared."""
        return self.name.lower()

    @override
    def __str__(self) -> str:
        return self.name


class _Claims(msgspec.Struct):
    oid: str | None = None
    appid: str | None = None
    sub: str | None = None
    exp: float | None = None


def principal_of(token: str) -> Principal:
    """Read whom a token names.

    Raises:
        ExpiredTokenError: Its `exp` has passed.
    """
    claims = _claims(token)
    if claims.exp is not None and claims.exp <= time.time():
        raise ExpiredTokenError
    return Principal(claims.oid or claims.appid or claims.sub or token)


def unsigned_token(principal: Principal, audience: str, seconds: float) -> str:
    """Write a token the way Entra's look, without a signature.

    Args:
        principal: Whom it names.
        audience: Whom it is for.
        seconds: How long it is good.
    """
    now = int(time.time())
    claims = {
        "aud": audience,
        "iss": "https://sts.windows.net/adfs/",
        "iat": now,
        "nbf": now,
        "exp": now + int(seconds),
        "oid": principal.name,
        "appid": principal.name,
        "sub": principal.name,
        "tid": "adfs",
    }
    return f"{encode(b'{"alg":"none","typ":"JWT"}')}.{encode(msgspec.json.encode(claims))}."


def encode(content: bytes) -> str:
    """Write bytes as a part of a JSON Web Token (RFC 7515: base64url)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Read a part of a JSON Web Token.

    Raises:
        ValueError: It is none.
    """
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _claims(token: str) -> _Claims:
    parts = token.split(".")
    if len(parts) != _PARTS_OF_A_JWT:
        return _Claims()
    try:
        return msgspec.json.decode(decode(parts[1]), type=_Claims)
    except (ValueError, msgspec.MsgspecError):
        return _Claims()
