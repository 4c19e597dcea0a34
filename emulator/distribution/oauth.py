"""The token exchange of Azure Container Registry over HTTP.

An Entra token is exchanged for a refresh token, and that for an access token (Azure/acr: docs/AAD-OAuth.md).
"""

from collections.abc import Iterable
from http import HTTPStatus

from aiohttp import web
from multidict import MultiMapping

from emulator.distribution.gate import NOBODY, Gate, unauthorized
from emulator.distribution.grants import Everything, Grant, Pulling, granted
from emulator.distribution.registry import Registry
from emulator.distribution.tokens import LIFETIMES, Kind, Tokens
from emulator.errors import OciError
from emulator.identity.principal import ExpiredTokenError, principal_of

_EXCHANGES = {"access_token", "access_token_refresh_token"}


class OAuth:
    """The routes below `/oauth2`."""

    def __init__(self, registry: Registry, tokens: Tokens, gate: Gate) -> None:
        self._registry, self._tokens, self._gate = registry, tokens, gate

    def routes(self) -> Iterable[web.RouteDef]:
        """Name the routes."""
        return [
            web.post("/oauth2/exchange", self.exchange),
            web.post("/oauth2/token", self.token),
            web.get("/oauth2/token", self.token),
        ]

    async def exchange(self, request: web.Request) -> web.Response:
        """Exchange an Entra token for a refresh token of this registry."""
        form = _texts(await _form(request))
        self._require_service(form)
        if form.get("grant_type") not in _EXCHANGES:
            reason = f"grant_type must be one of {', '.join(sorted(_EXCHANGES))}"
            raise _unsupported(reason)
        if not form.get("access_token"):
            reason = "access_token is missing"
            raise unauthorized(reason)
        try:
            principal = principal_of(form["access_token"])
        except ExpiredTokenError:
            reason = "the access token has expired"
            raise unauthorized(reason) from None
        return web.json_response({"refresh_token": self._tokens.issue(Kind.REFRESH, principal)})

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a refresh token, or a user name and password, for an access token."""
        values: MultiMapping[object] = request.query if request.method == "GET" else await _form(request)
        form = _texts(values)
        self._require_service(form)
        grant = self._grant(request, form)
        if grant is None:
            raise unauthorized()
        scopes = [scope for text in values.getall("scope", []) for scope in str(text).split()]
        access = [one for scope in scopes if (one := granted(grant, scope))]
        token = self._tokens.issue(Kind.ACCESS, grant.principal, access)
        seconds = int(LIFETIMES[Kind.ACCESS])
        return web.json_response({"access_token": token, "token": token, "expires_in": seconds})

    def _grant(self, request: web.Request, form: dict[str, str]) -> Grant | None:
        if self._registry.auth.open:
            return Everything(NOBODY)
        credentials = ("refresh_token", "username", "password")
        if "Authorization" in request.headers or any(form.get(name) for name in credentials):
            return self._credentials(request, form)
        return Pulling(NOBODY) if self._registry.auth.anonymous_pull else None

    def _credentials(self, request: web.Request, form: dict[str, str]) -> Grant | None:
        if request.method == "GET":
            return self._gate.basic(request.headers.get("Authorization", ""))
        match form.get("grant_type"):
            case "refresh_token":
                return self._gate.refreshed(form.get("refresh_token", ""))
            case "password":
                return self._gate.admin(form.get("username", ""), form.get("password", ""))
            case _:
                reason = "grant_type must be refresh_token or password"
                raise _unsupported(reason)

    def _require_service(self, form: dict[str, str]) -> None:
        if form.get("service", "").lower() not in self._registry.login_servers:
            message = f"service must be {self._registry.login_server}, not {form.get('service')!r}"
            raise unauthorized(message)


async def _form(request: web.Request) -> MultiMapping[object]:
    try:
        return await request.post()
    except (ValueError, LookupError) as error:
        reason = f"the form cannot be read: {error}"
        raise _unsupported(reason) from None


def _texts(values: MultiMapping[object]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _unsupported(message: str) -> OciError:
    return OciError(HTTPStatus.BAD_REQUEST, "UNSUPPORTED", message)
