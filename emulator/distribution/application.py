"""A registry as a web application: its rooms, and one shape for every error."""

import logging
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from emulator.distribution.acr import AcrProperties
from emulator.distribution.blobs import Blobs
from emulator.distribution.discovery import Discovery
from emulator.distribution.gate import Gate
from emulator.distribution.manifests import Manifests
from emulator.distribution.oauth import OAuth
from emulator.distribution.registry import Registry
from emulator.distribution.requests import GRANT
from emulator.distribution.tokens import Tokens
from emulator.distribution.troubles import troubled_by
from emulator.errors import STORAGE_TROUBLE, OciError, unexpected
from emulator.faults import Faults
from emulator.identity.assignments import Assignments
from emulator.store.manifest import LARGEST_MANIFEST

_log = logging.getLogger(__name__)

_CODES: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "NAME_UNKNOWN",
    HTTPStatus.METHOD_NOT_ALLOWED: "UNSUPPORTED",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "SIZE_INVALID",
}


def registry_application(registry: Registry, faults: Faults, assignments: Assignments) -> web.Application:
    """Build the application that serves one registry."""
    tokens = Tokens(registry.login_server, registry.credentials.signing_key)
    gate = Gate(registry, tokens, assignments)

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[GRANT] = gate.admit(request)
        return await handler(request)

    suffer = troubled_by(faults, registry.name)
    app = web.Application(middlewares=[_answer_errors, admit, suffer], client_max_size=LARGEST_MANIFEST)

    async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
        for warning in registry.switches.warning_headers:
            response.headers.add("Warning", warning)

    app.on_response_prepare.append(add_headers)
    for room in (
        Discovery(registry),
        Blobs(registry),
        Manifests(registry),
        AcrProperties(registry),
        OAuth(registry, tokens, gate),
    ):
        app.add_routes(room.routes())
    return app


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except OciError as error:
        return _error_response(error)
    except (web.RequestPayloadError, RecursionError) as error:
        reason = f"the body is broken: {error}"
        return _error_response(OciError(HTTPStatus.BAD_REQUEST, "UNSUPPORTED", reason))
    except web.HTTPException as error:
        code = _CODES.get(error.status, "UNSUPPORTED")
        return _error_response(OciError(error.status, code, error.reason))
    except ConnectionError:
        raise
    except STORAGE_TROUBLE as error:
        _log.error("%s %s: %s", request.method, request.path, error)
        return _error_response(OciError(HTTPStatus.INTERNAL_SERVER_ERROR, "UNKNOWN", str(unexpected(error))))


# distribution-spec: Error Codes
def _error_response(error: OciError) -> web.Response:
    body = {"errors": [{"code": error.code, "message": error.message, "detail": error.detail}]}
    return web.json_response(body, status=error.status, headers=error.headers)
