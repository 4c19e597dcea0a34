"""The token exchange of Azure Container Registry, and the check of what it gave out.

An Entra token is exchanged for a refresh token, and that for an access token (Azure/acr: docs/AAD-OAuth.md).
Entra itself is not emulated: any token is one. What a token was asked for (`scope`) is not checked.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Iterable
from http import HTTPStatus
from uuid import UUID

import msgspec
from aiohttp import web

from emulator.errors import OciError

_LIFETIME = 3 * 3600
# The user name that stands for "the password is a token" in basic authentication.
_TOKEN_USER = str(UUID(int=0))


class _Claims(msgspec.Struct, frozen=True):
    kind: str
    aud: str
    exp: int


class Tokens:
    """The routes below `/oauth2`, and the gate in front of the others where anonymous access is off."""

    def __init__(self, login_server: str, secret: bytes, *, anonymous: bool) -> None:
        self._service, self._secret, self._anonymous = login_server, secret, anonymous

    def routes(self) -> Iterable[web.RouteDef]:
        """Name the routes."""
        return [
            web.post("/oauth2/exchange", self.exchange),
            web.post("/oauth2/token", self.token),
            web.get("/oauth2/token", self.token),
        ]

    async def exchange(self, request: web.Request) -> web.Response:
        """Exchange an Entra token for a refresh token of this registry."""
        form = await request.post()
        if not form.get("access_token"):
            raise _unauthorized()
        return web.json_response({"refresh_token": self._issue("refresh")})

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a refresh token for an access token."""
        form = await request.post()
        refresh = str(form.get("refresh_token") or "") or _basic_password(request)
        if not self._anonymous and not self._issued(refresh, "refresh"):
            raise _unauthorized()
        token = self._issue("access")
        return web.json_response({"access_token": token, "token": token, "expires_in": _LIFETIME})

    def admit(self, request: web.Request) -> None:
        """Let a request pass.

        Raises:
            OciError: UNAUTHORIZED, with the challenge that leads a client to the token.
        """
        if self._anonymous or request.path.startswith("/oauth2/"):
            return
        header = request.headers.get("Authorization", "")
        if header.startswith("Bearer ") and self._issued(header.removeprefix("Bearer "), "access"):
            return
        password = _basic_password(request)
        if self._issued(password, "refresh") or self._issued(password, "access"):
            return
        raise _unauthorized(self._challenge(request))

    def _challenge(self, request: web.Request) -> str:
        repository = request.match_info.get("repository")
        action = "pull" if request.method in ("GET", "HEAD") else "pull,push"
        scope = f"repository:{repository}:{action}" if repository else "registry:catalog:*"
        realm = f"{request.scheme}://{request.host}/oauth2/token"
        return f'Bearer realm="{realm}",service="{self._service}",scope="{scope}"'

    def _issue(self, kind: str) -> str:
        head = _encode(b'{"alg":"HS256","typ":"JWT"}')
        claims = _Claims(kind, self._service, int(time.time()) + _LIFETIME)
        text = f"{head}.{_encode(msgspec.json.encode(claims))}"
        return f"{text}.{self._sign(text)}"

    def _issued(self, token: str, kind: str) -> bool:
        text, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature, self._sign(text)):
            return False
        claims = msgspec.json.decode(_decode(text.partition(".")[2]), type=_Claims)
        return claims.kind == kind and claims.aud == self._service and claims.exp > time.time()

    def _sign(self, text: str) -> str:
        return _encode(hmac.digest(self._secret, text.encode(), hashlib.sha256))


def _unauthorized(challenge: str | None = None) -> OciError:
    headers = {"WWW-Authenticate": challenge} if challenge else {}
    return OciError(HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED", "authentication required", headers=headers)


def _basic_password(request: web.Request) -> str:
    """Read the token that a client sends as a password; empty where there is none."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return ""
    return password if user == _TOKEN_USER else ""


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
