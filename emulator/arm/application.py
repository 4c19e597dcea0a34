"""Resource Manager over HTTP: reading registries, importImage, and the operations that it starts."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from re import Pattern

from aiohttp import web
from aiohttp.typedefs import Handler

from emulator.arm.imports import Imports, find_registry
from emulator.arm.operations import ImportOperation, State
from emulator.arm.parameters import image_import, read_parameters
from emulator.distribution.registry import Registry, ResourceId
from emulator.errors import ArmError
from emulator.faults import Effect, Fault, Faults, Operation
from emulator.retry import retry_headers

type _Answer = Callable[[web.Request, Mapping[str, str]], Awaitable[web.Response]]

_CODES: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "InvalidParameters",
    HTTPStatus.FORBIDDEN: "AuthorizationFailed",
    HTTPStatus.NOT_FOUND: "NotFound",
    HTTPStatus.CONFLICT: "Conflict",
    HTTPStatus.TOO_MANY_REQUESTS: "TooManyRequests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "InternalServerError",
    HTTPStatus.SERVICE_UNAVAILABLE: "ServiceUnavailable",
}
_SUBSCRIPTION = r"/subscriptions/(?P<subscription>[^/]+)"
_PROVIDER = r"/providers/Microsoft\.ContainerRegistry"
_GROUP = rf"{_SUBSCRIPTION}/resourceGroups/(?P<group>[^/]+){_PROVIDER}"


class ResourceManager:
    """The routes below `/subscriptions`. Their paths are compared without case, as Azure does."""

    def __init__(
        self, registries: Mapping[str, Registry], imports: Imports, faults: Faults, poll_seconds: float
    ) -> None:
        """Take what is managed.

        Args:
            registries: The registries, by lower-case name.
            imports: Where imports run.
            faults: What goes wrong.
            poll_seconds: How long a client is told to wait between polls.
        """
        self._registries, self._imports, self._faults = registries, imports, faults
        self._poll_seconds = poll_seconds
        routes: list[tuple[str, str, _Answer]] = [
            ("GET", rf"{_GROUP}/registries/(?P<name>[^/]+)", self._get),
            ("GET", rf"{_GROUP}/registries", self._list),
            ("GET", rf"{_SUBSCRIPTION}{_PROVIDER}/registries", self._list),
            ("POST", rf"{_GROUP}/registries/(?P<name>[^/]+)/importImage", self._import),
            (
                "GET",
                rf"{_SUBSCRIPTION}{_PROVIDER}/locations/(?P<location>[^/]+)/operationResults/(?P<operation>[^/]+)",
                self._poll,
            ),
        ]
        self._routes: list[tuple[str, Pattern[str], _Answer]] = [
            (method, re.compile(path, re.IGNORECASE), answer) for method, path, answer in routes
        ]

    def routes(self) -> list[web.RouteDef]:
        """Name the routes."""
        return [web.route("*", "/{path:(?i:subscriptions)/.*}", self.answer)]

    async def answer(self, request: web.Request) -> web.Response:
        """Check what Resource Manager asks of every request, and pass it on."""
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            message = "Authentication failed. The 'Authorization' header is missing."
            raise ArmError(HTTPStatus.UNAUTHORIZED, "AuthenticationFailed", message)
        if not request.query.get("api-version"):
            message = "The api-version query parameter (?api-version=) is required for all requests."
            raise ArmError(HTTPStatus.BAD_REQUEST, "MissingApiVersionParameter", message)
        for method, path, answer in self._routes:
            if method == request.method and (match := path.fullmatch(request.path)):
                return await answer(request, match.groupdict())
        message = f"{request.method} {request.path} is not emulated."
        raise ArmError(HTTPStatus.NOT_FOUND, "InvalidResourceType", message)

    # Registries - Get
    async def _get(self, _request: web.Request, path: Mapping[str, str]) -> web.Response:
        return web.json_response(_view(self._registry(path)))

    # Registries - List, Registries - List By Resource Group
    async def _list(self, _request: web.Request, path: Mapping[str, str]) -> web.Response:
        group = path.get("group")
        there = [
            _view(registry)
            for registry in self._registries.values()
            if registry.resource_id.subscription.lower() == path["subscription"].lower()
            and (group is None or registry.resource_id.resource_group.lower() == group.lower())
        ]
        return web.json_response({"value": there})

    def _registry(self, path: Mapping[str, str]) -> Registry:
        resource_id = ResourceId(path["subscription"], path["group"], path["name"])
        return find_registry(self._registries, resource_id, f"{resource_id}")

    # Registries - Import Image
    async def _import(self, request: web.Request, path: Mapping[str, str]) -> web.Response:
        registry = self._registry(path)
        parameters = read_parameters(await request.read())
        subject = image_import(parameters).subject
        drawn = self._faults.draw(Operation.IMPORT_SUBMIT, registry.name, subject)
        await _delay(drawn)
        if fault := drawn.get(Effect.STATUS):
            return _injected(fault)
        operation = self._imports.submit(registry, parameters)
        if fault := drawn.get(Effect.LOST_ANSWER):
            return _injected(fault)
        if fault := drawn.get(Effect.HANG):
            await asyncio.sleep(fault.seconds)
        if Effect.IMMEDIATE in drawn:
            return self._result(request, await self._imports.finished(operation))
        if Effect.LOST_LOCATION in drawn:
            return web.json_response(None, status=HTTPStatus.ACCEPTED)
        location = (
            f"/subscriptions/{path['subscription']}/providers/Microsoft.ContainerRegistry"
            f"/locations/{registry.location}/operationResults/{operation.id}"
        )
        return self._running(request, f"{location}?api-version={request.query['api-version']}")

    # The Location of an import
    async def _poll(self, request: web.Request, path: Mapping[str, str]) -> web.Response:
        operation = self._imports.operations.find(path["operation"])
        if operation is None:
            message = f"The operation {path['operation']} was not found."
            raise ArmError(HTTPStatus.NOT_FOUND, "NotFound", message)
        subject = image_import(operation.parameters).subject
        drawn = self._faults.draw(Operation.IMPORT_POLL, operation.registry, subject)
        await _delay(drawn)
        if fault := drawn.get(Effect.STATUS):
            return _injected(fault)
        if fault := drawn.get(Effect.FAILED_BODY):
            return _failed_body(fault.code or "InjectedFault", fault.message)
        return self._result(request, operation)

    def _result(self, request: web.Request, operation: ImportOperation) -> web.Response:
        match operation.state:
            case State.RUNNING:
                return self._running(request, request.path_qs)
            case State.SUCCEEDED:
                return web.json_response({"status": "Succeeded"})
            case State.FAILED_QUIETLY:
                return _failed_body(operation.code, operation.message)
            case State.FAILED:
                message = f"Operation {operation.id} failed. {operation.message}"
                return error_response(ArmError(HTTPStatus.BAD_REQUEST, operation.code, message))

    def _running(self, request: web.Request, location: str) -> web.Response:
        headers = {"Location": f"{request.scheme}://{request.host}{location}"}
        headers |= retry_headers(self._poll_seconds)
        return web.json_response(None, status=HTTPStatus.ACCEPTED, headers=headers)


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every error the shape that Resource Manager gives it."""
    try:
        return await handler(request)
    except ArmError as error:
        return error_response(error)
    except web.HTTPException as error:
        if error.content_type == "application/json":
            raise
        return error_response(ArmError(error.status, _CODES.get(error.status, "BadRequest"), error.reason))


def error_response(error: ArmError, retry_after: float | None = None) -> web.Response:
    """Answer with an error (Azure REST API guidelines: error response)."""
    headers = {"x-ms-error-code": error.code} | retry_headers(retry_after)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer authorization_uri="https://login.microsoftonline.com/"'
    body = {"error": {"code": error.code, "message": error.message}}
    return web.json_response(body, status=error.status, headers=headers)


def _injected(fault: Fault) -> web.Response:
    code = fault.code or _CODES.get(fault.status, "InjectedFault")
    return error_response(ArmError(fault.status, code, fault.message), fault.retry_after)


def _failed_body(code: str, message: str) -> web.Response:
    return web.json_response({"status": "Failed", "error": {"code": code, "message": message}})


async def _delay(drawn: Mapping[Effect, Fault]) -> None:
    if fault := drawn.get(Effect.DELAY):
        await asyncio.sleep(fault.seconds)


def _view(registry: Registry) -> dict[str, object]:
    return {
        "id": str(registry.resource_id),
        "name": registry.name,
        "type": "Microsoft.ContainerRegistry/registries",
        "location": registry.location,
        "tags": {},
        "sku": {"name": "Premium", "tier": "Premium"},
        "properties": {
            "loginServer": registry.login_server,
            "creationDate": "2026-01-01T00:00:00Z",
            "provisioningState": "Succeeded",
            "adminUserEnabled": False,
            "publicNetworkAccess": "Enabled",
            "dataEndpointEnabled": False,
        },
    }
