"""Resource Manager over HTTP: who asks, for what, and whether they may."""

from collections.abc import Iterable
from http import HTTPStatus

from aiohttp import web

from emulator.arm.routing import Call, Room
from emulator.errors import ArmError
from emulator.identity.assignments import Assignments
from emulator.identity.principal import ExpiredTokenError, Principal, principal_of


class ResourceManager:
    """The routes below `/subscriptions` and `/tenants`."""

    def __init__(self, rooms: Iterable[Room], assignments: Assignments) -> None:
        self._routes = [route for room in rooms for route in room.routes()]
        self._assignments = assignments

    def routes(self) -> list[web.RouteDef]:
        """Name the routes."""
        return [web.route("*", "/{path:(?i:subscriptions|tenants)(?:/.*)?}", self.answer)]

    async def answer(self, request: web.Request) -> web.Response:
        """Check what Resource Manager asks of every request, and pass it on."""
        principal = _sender(request)
        if not request.query.get("api-version"):
            message = "The api-version query parameter (?api-version=) is required for all requests."
            raise ArmError(HTTPStatus.BAD_REQUEST, "MissingApiVersionParameter", message)
        for route in self._routes:
            if route.method == request.method and (match := route.pattern.fullmatch(request.path)):
                call = Call(request, match.groupdict(), principal)
                if route.action:
                    self._assignments.require(principal, route.action, call.scope)
                return await route.answer(call)
        message = f"{request.method} {request.path} is not emulated."
        raise ArmError(HTTPStatus.NOT_FOUND, "InvalidResourceType", message)


def _sender(request: web.Request) -> Principal:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        message = "Authentication failed. The 'Authorization' header is missing."
        raise ArmError(HTTPStatus.UNAUTHORIZED, "AuthenticationFailed", message)
    try:
        return principal_of(token)
    except ExpiredTokenError:
        message = "The access token expiry UTC time is earlier than current UTC time."
        raise ArmError(HTTPStatus.UNAUTHORIZED, "ExpiredAuthenticationToken", message) from None
