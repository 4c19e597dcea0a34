"""The gate in front of a registry: who is let in, and with what."""

import base64
from enum import StrEnum
from http import HTTPStatus
from uuid import UUID

from aiohttp import web

from emulator.distribution.grants import ByRoles, ByToken, Everything, Grant, Scope
from emulator.distribution.registry import Registry
from emulator.distribution.tokens import Kind, Tokens
from emulator.errors import OciError
from emulator.identity.assignments import Assignments
from emulator.identity.principal import Principal

NOBODY = Principal("anonymous")
# The user name that stands for "the password is a token" in basic authentication.
_TOKEN_USER = str(UUID(int=0))


class Refusal(StrEnum):
    """Why a challenge is sent again (RFC 6750: error)."""

    INVALID_TOKEN = "invalid_token"  # noqa: S105 - an error's name
    INSUFFICIENT_SCOPE = "insufficient_scope"


class Gate:
    """Reads the credentials of requests."""

    def __init__(self, registry: Registry, tokens: Tokens, assignments: Assignments) -> None:
        self._registry, self._tokens, self._assignments = registry, tokens, assignments

    def admit(self, request: web.Request) -> Grant:
        """Let a request pass, and tell what its sender may besides.

        Raises:
            OciError: UNAUTHORIZED, with the challenge that leads a client to a token.
        """
        if self._registry.auth.open or request.path.startswith("/oauth2/"):
            return Everything(NOBODY)
        scope = Scope.of(request)
        header = request.headers.get("Authorization", "")
        grant = self._bearer(header) if header.startswith("Bearer ") else self.basic(header)
        if grant is None:
            raise self._challenge(request, scope, Refusal.INVALID_TOKEN if header else None)
        if scope and not grant.permits(scope):
            raise self._challenge(request, scope, Refusal.INSUFFICIENT_SCOPE)
        return grant

    def _bearer(self, header: str) -> Grant | None:
        claims = self._tokens.read(header.removeprefix("Bearer "), Kind.ACCESS)
        return ByToken(Principal(claims.sub), claims.access) if claims else None

    def basic(self, header: str) -> Grant | None:
        """Read basic authentication: the admin user's, or a token as the password."""
        scheme, _, encoded = header.partition(" ")
        if scheme != "Basic":
            return None
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return None
        if user == _TOKEN_USER:
            return self.refreshed(password) or self._bearer(password)
        return self.admin(user, password)

    def admin(self, user: str, password: str) -> Grant | None:
        """Read the admin user's name and password; None where they are wrong, or the user is not enabled."""
        registry = self._registry
        known = user.lower() == registry.name.lower() and registry.credentials.knows(password)
        return Everything(Principal(user)) if registry.auth.admin and known else None

    def refreshed(self, token: str) -> Grant | None:
        """Read a refresh token."""
        claims = self._tokens.read(token, Kind.REFRESH)
        if claims is None:
            return None
        return ByRoles(Principal(claims.sub), self._assignments, str(self._registry.resource_id))

    def _challenge(self, request: web.Request, scope: Scope | None, refusal: Refusal | None) -> OciError:
        parts = {
            "realm": f"{request.scheme}://{request.host}/oauth2/token",
            "service": self._registry.login_server_for(request.scheme),
            "scope": str(scope) if scope else None,
            "error": refusal,
        }
        bearer = ",".join(f'{name}="{value}"' for name, value in parts.items() if value)
        named = [{"Type": scope.type, "Name": scope.name, "Action": scope.action}] if scope else None
        return unauthorized(detail=named, headers={"WWW-Authenticate": f"Bearer {bearer}"})


def unauthorized(
    message: str = "authentication required", detail: object = None, headers: dict[str, str] | None = None
) -> OciError:
    """Describe a refusal."""
    return OciError(HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED", message, detail=detail, headers=headers)
