"""Faults of a registry: what goes wrong with its requests on purpose."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from emulator.errors import OciError
from emulator.faults import Effect, Fault, Faults, Operation
from emulator.retry import retry_headers

DRAWN: web.RequestKey[Mapping[Effect, Fault]] = web.RequestKey("drawn", Mapping)
"""What was drawn for a request."""

_CODES: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "UNAUTHORIZED",
    HTTPStatus.FORBIDDEN: "DENIED",
    HTTPStatus.NOT_FOUND: "MANIFEST_UNKNOWN",
    HTTPStatus.TOO_MANY_REQUESTS: "TOOMANYREQUESTS",
}


def troubled_by(faults: Faults, registry: str) -> Middleware:
    """Build the middleware that lets the faults of a registry strike."""

    @web.middleware
    async def suffer(request: web.Request, handler: Handler) -> web.StreamResponse:
        drawn = request[DRAWN] = faults.draw(_operation(request), registry, _subject(request))
        if delay := drawn.get(Effect.DELAY):
            await asyncio.sleep(delay.seconds)
        if fault := drawn.get(Effect.STATUS):
            raise _injected(fault)
        answer = await handler(request)
        if fault := drawn.get(Effect.LOST_ANSWER):
            raise _injected(fault)
        return answer

    return suffer


def _operation(request: web.Request) -> Operation:
    path, match = request.path, request.match_info
    if path.startswith("/oauth2/"):
        return Operation.TOKEN
    if "session" in match or path.rstrip("/").endswith("/blobs/uploads"):
        return Operation.BLOB_WRITE
    if request.method == "DELETE":
        return Operation.DELETE
    if "reference" in match:
        return Operation.MANIFEST_WRITE if request.method == "PUT" else Operation.MANIFEST_READ
    return Operation.BLOB_READ if "digest" in match and "/blobs/" in path else Operation.METADATA


def _subject(request: web.Request) -> str:
    path = request.match_info
    repository = path.get("repository", "")
    reference = path.get("reference") or path.get("digest") or path.get("tag")
    if reference is None:
        return repository
    return f"{repository}{'@' if ':' in reference else ':'}{reference}"


def _injected(fault: Fault) -> OciError:
    code = fault.code or _CODES.get(fault.status, "UNKNOWN")
    return OciError(fault.status, code, fault.message, headers=retry_headers(fault.retry_after))
