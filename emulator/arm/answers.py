"""How Resource Manager answers: errors, faults, operations that go on."""

import asyncio
import logging
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from emulator.errors import STORAGE_TROUBLE, ArmError, unexpected
from emulator.faults import Effect, Fault
from emulator.retry import retry_headers

_log = logging.getLogger(__name__)

_CODES: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "InvalidParameters",
    HTTPStatus.FORBIDDEN: "AuthorizationFailed",
    HTTPStatus.NOT_FOUND: "NotFound",
    HTTPStatus.CONFLICT: "Conflict",
    HTTPStatus.TOO_MANY_REQUESTS: "TooManyRequests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "InternalServerError",
    HTTPStatus.SERVICE_UNAVAILABLE: "ServiceUnavailable",
}


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every error the shape that Resource Manager gives it."""
    try:
        return await handler(request)
    except ArmError as error:
        return error_response(error)
    except (web.RequestPayloadError, RecursionError) as error:
        return error_response(ArmError(HTTPStatus.BAD_REQUEST, "BadRequest", f"The body is broken: {error}"))
    except web.HTTPException as error:
        if error.content_type == "application/json":
            raise
        return error_response(ArmError(error.status, _CODES.get(error.status, "BadRequest"), error.reason))
    except ConnectionError:
        raise
    except STORAGE_TROUBLE as error:
        _log.error("%s %s: %s", request.method, request.path, error)
        return error_response(unexpected(error))


def error_response(error: ArmError, retry_after: float | None = None) -> web.Response:
    """Answer with an error (Azure REST API guidelines: error response)."""
    headers = {"x-ms-error-code": error.code} | retry_headers(retry_after)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer authorization_uri="https://login.microsoftonline.com/"'
    body = {"error": {"code": error.code, "message": error.message}}
    return web.json_response(body, status=error.status, headers=headers)


def failed_body(code: str, message: str) -> web.Response:
    """Answer 200, and only in the body that it failed."""
    return web.json_response({"status": "Failed", "error": {"code": code, "message": message}})


def running(request: web.Request, path: str, poll_seconds: float) -> web.Response:
    """Answer that an operation goes on, and where to ask for its end.

    Args:
        request: The request that is answered.
        path: Path and query of the operation.
        poll_seconds: How long the client is told to wait.
    """
    headers = {"Location": f"{request.scheme}://{request.host}{path}"} | retry_headers(poll_seconds)
    return web.json_response(None, status=HTTPStatus.ACCEPTED, headers=headers)


async def suffer(drawn: Mapping[Effect, Fault]) -> web.Response | None:
    """Let a delay and a status strike; None where the request is to be answered as always."""
    if fault := drawn.get(Effect.DELAY):
        await asyncio.sleep(fault.seconds)
    if fault := drawn.get(Effect.STATUS):
        return injected(fault)
    return None


def injected(fault: Fault) -> web.Response:
    """Answer with a fault's error."""
    code = fault.code or _CODES.get(fault.status, "InjectedFault")
    return error_response(ArmError(fault.status, code, fault.message), fault.retry_after)
